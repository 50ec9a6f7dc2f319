"""From a cut connection to the next welcome: the appliance's own client beside Socket.IO's official one.

All go through a proxy of the bench's own, which cuts every connection at once and takes new ones at once. Each cut is
the first that its clients see: one that is cut again and again rightly looks for another way.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from pathlib import Path

from tests.bench import nodes, report
from tests.bench.processes import HOST, ROOT, line, program
from tests.bench.record import percentile
from tests.bench.report import ratio
from tests.bench.servers import Server, appliance

BACK_SECONDS = 15.0
PAUSE_SECONDS = 10.5
"""From a welcome to the next cut. A link that breaks again within ten seconds is come back to more slowly."""
BUILD_SECONDS = 60
GOAL_MS = 250.0
WEB = ROOT / "web"
CLIENT = ROOT / "build" / "web-client" / "client.mjs"
CLIENTS = {
    "own": "own client, WebSocket",
    "rival": "socket.io-client on the appliance",
    "socketio": "socket.io-client on Node",
}


class Proxy:
    """Takes connections and passes on what they say to `port`, until they are cut."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._take, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Resets every connection, both ways."""
        for writer in self._open:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(HOST, self._upstream)
        ends = {writer, their_writer}
        self._open |= ends
        await asyncio.gather(_pass(reader, their_writer), _pass(their_reader, writer))
        self._open -= ends


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.transport.abort()


async def run(place: Path, clients: int, cuts: int) -> None:
    await asyncio.to_thread(_bundle)
    found: dict[str, list[float]] = {}
    async with appliance(place, clients) as server:
        found["own"] = await _measure(server, place, "own", clients, cuts)
        found["rival"] = await _measure(server, place, "socketio", clients, cuts)
    async with nodes.plain(place, clients) as server:
        found["socketio"] = await _measure(server, place, "socketio", clients, cuts)
    rows = []
    for name, words in CLIENTS.items():
        cells = [words]
        for share in (0.5, 0.95):
            cells += [f"{percentile(found[name], share):,.0f} ms"]
            cells += [ratio(percentile(found[name], share), percentile(found["socketio"], share))]
        goal = f"p95 under {GOAL_MS:g} ms" if name == "own" else ""
        rows.append([*cells, f"{found[name][-1]:,.0f} ms", goal])
    report.table(
        f"From a cut connection to the next welcome: {clients} clients, {cuts} times",
        ("", "p50", "to Node's", "p95", "to Node's", "longest", "goal"),
        rows,
        ["Each with the settings it comes with; socket.io-client over WebSocket alone, which is its quickest."],
    )


async def _measure(server: Server, place: Path, kind: str, clients: int, cuts: int) -> list[float]:
    """ms from each cut to each client's welcome, in order."""
    pairings = place / f"{server.name}.{kind}.pairings"
    pairings.write_text(server.pairings)
    took: list[float] = []
    async with Proxy(server.port) as proxy:
        command = nodes.script("reconnect.js", kind, f"http://{HOST}:{proxy.port}", str(pairings), str(CLIENT))
        for _ in range(cuts):
            async with program(*command) as running:
                await _welcomes(running, clients)
                await asyncio.sleep(PAUSE_SECONDS)
                cut = time.monotonic_ns()
                proxy.cut()
                took += [(at - cut) / 1e6 for at in await _welcomes(running, clients)]
            proxy.cut()
    return sorted(took)


async def _welcomes(running: asyncio.subprocess.Process, clients: int) -> list[int]:
    return [int(await line(running, BACK_SECONDS)) for _ in range(clients)]


def _bundle() -> None:
    """Makes the own client into one file for Node, with what `make pages` has installed."""
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    if not vite.exists():
        raise SystemExit("The modules of the pages are not installed; run `make pages`.")
    subprocess.run(
        [nodes.node(), str(vite), "build", "--config", "vite.client.config.ts", "--logLevel", "warn"],
        cwd=WEB,
        check=True,
        timeout=BUILD_SECONDS,
    )
