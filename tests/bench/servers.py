"""The servers of the bench: the appliance, and its controls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.bench import machine
from tests.bench.processes import HOST, free_port, listening, output, process

ORDERS = 200
PAIRED_AT_ONCE = 500
"""Screens paired by one call."""
EMPTY_SECONDS = 1.0
STOP_SECONDS = 60.0
CLI = "appliance.cli.main"

Figures = dict[str, float]


@dataclass
class Server:
    """One that is up. `pairings` is a JSON line a screen; `data` is None where nothing is kept.

    `transport` is what its screens and producers speak, as `tests.bench.screens` takes it; `helpers` are processes that
    work for it.
    """

    name: str
    pid: int
    port: int
    key: str
    pairings: str
    data: Path | None = None
    transport: str = "websocket"
    helpers: tuple[int, ...] = ()

    @property
    def screen_ids(self) -> list[str]:
        return [json.loads(each)["screenId"] for each in self.pairings.splitlines()]

    def cpu_seconds(self) -> float:
        return sum(map(machine.cpu_seconds, (self.pid, *self.helpers)))

    def figures(self) -> Figures:
        """Its own counters, by their name in Prometheus' text; none where it keeps none."""
        if self.transport == "socketio":
            return {}
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        rows = (row.rpartition(" ") for row in text.splitlines() if row[0] != "#")
        return {name: float(value) for name, _, value in rows}


def names(screens: int) -> list[str]:
    return [f"SCREEN-{number:05d}" for number in range(screens)]


def serve(data: Path, port: int, documents: Path) -> tuple[str, ...]:
    """The arguments that start the appliance."""
    where = ("--data-dir", str(data), "--documents", str(documents))
    return (CLI, "serve", *where, "--host", HOST, "--port", str(port), "--no-mdns")


async def provision(data: Path, screens: int) -> str:
    """Registers and pairs screens where no appliance is running; a JSON line each."""
    ids = names(screens)
    batches = [ids[first : first + PAIRED_AT_ONCE] for first in range(0, len(ids), PAIRED_AT_ONCE)]
    return "".join([await output(CLI, "screens", "provision", *each, "--data-dir", str(data)) for each in batches])


async def introduce(data: Path, screens: int) -> tuple[str, str]:
    """Pairs screens and makes a producer's key over the appliance's control socket."""
    connector = aiohttp.UnixConnector(str(data / "control.sock"))
    async with aiohttp.ClientSession("http://localhost", connector=connector, raise_for_status=True) as http:
        found, ids = [], names(screens)
        for first in range(0, screens, PAIRED_AT_ONCE):
            body = {"screenIds": ids[first : first + PAIRED_AT_ONCE]}
            async with http.post("/api/pairing/provision", json=body) as answer:
                found += (await answer.json())["items"]
        async with http.post("/api/keys", json={"name": "bench", "role": "operator"}) as answer:
            key: str = (await answer.json())["key"]
    return "\n".join(map(json.dumps, found)), key


def write_orders(documents: Path) -> None:
    documents.mkdir(parents=True)
    for number in range(ORDERS):
        documents.joinpath(f"ORD-{number:04d}.html").write_text(f"<!doctype html><title>{number}</title>")


class Appliance:
    """An appliance that can be stopped and started again, on one data directory and one port."""

    def __init__(self, place: Path, **environment: str) -> None:
        self.data, self.documents, self.log, self.port = place / "data", place / "orders", place / "log", free_port()
        self._environment = environment
        self._life = contextlib.AsyncExitStack()
        self.running: asyncio.subprocess.Process | None = None
        self.empty = (0, 0, 0)
        """What it weighs while it knows no screen, as `machine.memory_kb` has it."""

    async def start(self, *, careless: bool = False) -> int:
        """Returns the process's id once it takes connections. `careless`: without syncing, for what is only made ready
        for a bench."""
        command = serve(self.data, self.port, self.documents)
        if careless:
            command = ("tests.bench.careless", *command[1:])
        running = await self._life.enter_async_context(process(*command, log=self.log, environment=self._environment))
        self.running = running
        await listening(self.port, running, self.log)
        return running.pid

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        assert self.running is not None
        self.running.send_signal(by)
        await asyncio.wait_for(self.running.wait(), STOP_SECONDS)

    async def close(self) -> None:
        await self._life.aclose()


@contextlib.asynccontextmanager
async def housed(place: Path, screens: int, **environment: str) -> AsyncIterator[tuple[Appliance, Server]]:
    """The appliance with paired screens, an order folder and a producer's key; started afresh after the pairing."""
    house = Appliance(place, **environment)
    write_orders(house.documents)
    try:
        pid = await house.start(careless=True)
        await asyncio.sleep(EMPTY_SECONDS)
        house.empty = machine.memory_kb(pid)
        pairings, key = await introduce(house.data, screens)
        await house.stop()
        yield house, Server("appliance", await house.start(), house.port, key, pairings, house.data)
    finally:
        await house.close()


@contextlib.asynccontextmanager
async def appliance(place: Path, screens: int) -> AsyncIterator[Server]:
    """The appliance, for a load that leaves it running."""
    async with housed(place, screens) as (_, server):
        yield server


@contextlib.asynccontextmanager
async def control(_place: Path, screens: int) -> AsyncIterator[Server]:
    """The relay that keeps nothing, of the appliance's own parts."""
    port = free_port()
    async with process("tests.bench.control", str(port)) as running:
        await listening(port, running)
        yield Server("control", running.pid, port, "none", unpaired(screens))


def unpaired(screens: int) -> str:
    """Screens as `Server.pairings` lists them, for servers that know no credentials."""
    return "\n".join(json.dumps({"screenId": each, "accessToken": "none"}) for each in names(screens))
