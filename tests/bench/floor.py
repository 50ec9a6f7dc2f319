"""The floor: all screens of a server, in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.processes import HOST, line, process
from tests.bench.record import load
from tests.bench.screens import Plan
from tests.bench.servers import Server

CONNECT_SECONDS = 120.0
END_SECONDS = 30.0


@dataclass
class Seen:
    """What the screens noted, as (trigger id, `time.monotonic_ns`)."""

    navigated: list[tuple[bytes, int]]
    ended: list[tuple[bytes, int]]
    """Each end that a screen was told of."""
    shown: set[bytes]
    """Of these, those that got there."""
    back: list[tuple[bytes, int, int]]
    """Screen, and when it was welcomed again and had lost its connection before."""
    errors: int = 0
    """Messages that a screen should not have got."""


class Floor:
    """`seconds`: from the first connection until the last screen was welcomed. `seen` is known after the block."""

    def __init__(self, running: asyncio.subprocess.Process, seconds: float, noted: list[str]) -> None:
        self._running = running
        self._noted = noted
        self.pid = running.pid
        self.seconds = seconds
        self.seen: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()

    async def say(self, order: str) -> str:
        """Orders the screens about, as `tests.bench.screens` takes it; returns their answer."""
        assert self._running.stdin is not None
        self._running.stdin.write(f"{order}\n".encode())
        return await line(self._running, END_SECONDS)

    async def take(self) -> Seen:
        """What the screens have noted since it was taken before."""
        await self.say("save")
        navigated, ended, back = (load(Path(file)) for file in self._noted)
        return Seen(
            [entry[:2] for entry in navigated],
            [entry[:2] for entry in ended],
            {entry[0] for entry in ended if entry[2]},
            [(entry[0].rstrip(b"\0"), *entry[1:]) for entry in back],
        )


@contextlib.asynccontextmanager
async def connected(
    server: Server, place: Path, *, transport: str = "", shown: bool = True, again: bool = False
) -> AsyncIterator[Floor]:
    """All screens of a server, connected and answering what they are sent."""
    transport = transport or server.transport
    files = [place / f"{server.name}.{transport}.{each}" for each in ("pairings", "navigated", "ended", "back")]
    files[0].write_text(server.pairings)
    noted = list(map(str, files[1:]))
    plan = Plan(HOST, server.port, transport, str(files[0]), noted, shown, again)
    async with process("tests.bench.screens", json.dumps(asdict(plan))) as running:
        floor = Floor(running, float((await line(running, CONNECT_SECONDS)).split()[1]), noted)
        yield floor
        seen = await floor.take()
        seen.errors = int((await floor.say("end")).split()[1])
    floor.seen.set_result(seen)
