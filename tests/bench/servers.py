"""The processes of the bench: the appliance and the control as servers, the screens, and how they are started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.record import load

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
ORDERS = 200
PAIRED_AT_ONCE = 250
"""Screens paired by one command."""
CLI = "appliance.cli.main"

Figures = dict[str, float]


@dataclass
class Server:
    """One that is up. `pairings` is a JSON line a screen; `data` is None where nothing is kept."""

    name: str
    pid: int
    port: int
    key: str
    pairings: str
    data: Path | None = None

    @property
    def screen_ids(self) -> list[str]:
        return [json.loads(each)["screenId"] for each in self.pairings.splitlines()]

    def figures(self) -> Figures:
        """Its own counters, by their name in Prometheus' text."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        rows = (row.rpartition(" ") for row in text.splitlines() if row[0] != "#")
        return {name: float(value) for name, _, value in rows}


@dataclass
class Seen:
    """What the screens noted, as (trigger id, `time.monotonic_ns`): each navigate, and each end they were told of."""

    navigated: list[tuple[bytes, int]]
    ended: list[tuple[bytes, int]]


@contextlib.asynccontextmanager
async def process(
    *arguments: str, quiet: bool = False, log: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m ARGUMENTS`, ended with the block. What it logs goes into `log`, if there is one."""
    complaints = log.open("ab") if log is not None else asyncio.subprocess.PIPE if quiet else None
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=complaints,
        env={**os.environ, "VOOSTER_LOG_LEVEL": "error"},
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
            try:
                await asyncio.wait_for(running.wait(), 10)
            except TimeoutError:
                running.kill()
                await running.wait()


async def output(*arguments: str, seconds: float = 60) -> str:
    """What `python -m ARGUMENTS` prints; its failure ends the bench."""
    async with process(*arguments, quiet=True) as running:
        said, wrong = await asyncio.wait_for(running.communicate(), seconds)
    if running.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} failed:\n{wrong.decode()[-2000:]}")
    return said.decode()


async def line(running: asyncio.subprocess.Process, seconds: float) -> str:
    """The next line a process prints."""
    assert running.stdout is not None
    said = (await asyncio.wait_for(running.stdout.readline(), seconds)).decode().strip()
    if not said:
        raise SystemExit("a process of the bench ended early")
    return said


def names(screens: int) -> list[str]:
    return [f"SCREEN-{number:04d}" for number in range(screens)]


def serve(data: Path, port: int, documents: Path) -> tuple[str, ...]:
    """The arguments that start the appliance."""
    where = ("--data-dir", str(data), "--documents", str(documents))
    return (CLI, "serve", *where, "--host", HOST, "--port", str(port), "--no-mdns")


async def provision(data: Path, screens: int) -> str:
    """Registers and pairs screens; a JSON line each."""
    ids = names(screens)
    batches = [ids[first : first + PAIRED_AT_ONCE] for first in range(0, len(ids), PAIRED_AT_ONCE)]
    return "".join([await output(CLI, "screens", "provision", *each, "--data-dir", str(data)) for each in batches])


@contextlib.asynccontextmanager
async def appliance(place: Path, screens: int) -> AsyncIterator[Server]:
    """The appliance with paired screens, an order folder and a producer's key."""
    data, documents, port = place / "data", place / "orders", free_port()
    documents.mkdir(parents=True)
    for number in range(ORDERS):
        documents.joinpath(f"ORD-{number:04d}.html").write_text(f"<!doctype html><title>{number}</title>")
    async with process(*serve(data, port, documents), log=place / "log") as server:
        await listening(port)
        pairings = await provision(data, screens)
        key = (await output(CLI, "keys", "add", "--name", "bench", "--data-dir", str(data))).strip()
        yield Server("appliance", server.pid, port, key, pairings, data)


@contextlib.asynccontextmanager
async def control(_place: Path, screens: int) -> AsyncIterator[Server]:
    """The relay that keeps nothing."""
    port = free_port()
    async with process("tests.bench.control", str(port)) as server:
        await listening(port)
        pairings = "\n".join(json.dumps({"screenId": each, "accessToken": "none"}) for each in names(screens))
        yield Server("control", server.pid, port, "none", pairings)


@contextlib.asynccontextmanager
async def connected(server: Server, place: Path) -> AsyncIterator[asyncio.Future[Seen]]:
    """All screens of a server, connected and showing what they are sent; what they saw is known after the block."""
    pairings, seen, ended = (place / f"{server.name}.{each}" for each in ("pairings", "seen", "ended"))
    pairings.write_text(server.pairings)
    noted: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
    async with process("tests.bench.screens", HOST, str(server.port), *map(str, (pairings, seen, ended))) as screens:
        await line(screens, 60)
        yield noted
        assert screens.stdin is not None
        screens.stdin.write(b"\n")
        await line(screens, 30)
    noted.set_result(Seen(*([(entry[0], entry[1]) for entry in load(file)] for file in (seen, ended))))


async def listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the server didn't start within 20 s")


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port
