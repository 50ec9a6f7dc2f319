"""A long run: screens on all transports, triggers at a steady rate, faults, and one line a minute of how it goes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import machine
from tests.bench.accepts import settled
from tests.bench.floor import Floor, Seen, connected
from tests.bench.load import Times, post
from tests.bench.record import percentile
from tests.bench.report import SHARES
from tests.bench.servers import Server, housed
from tests.soak.books import Books
from tests.soak.faults import Disk, Faults

TRANSPORTS = {"websocket": 0.8, "socketio": 0.1, "events": 0.1}
"""Shares of the screens."""
MINUTE_SECONDS = 60.0
WARM_MINUTES = 1
"""At the start of a life, not compared."""


@dataclass
class Minute:
    """Times in ms, sizes in kB. `owed`: accepted, and not ended when the minute was over."""

    number: int
    accepted: int
    refused: int
    owed: int
    p50: float
    p95: float
    p99: float
    resident: int
    unique: int
    descriptors: int
    wal: int
    cpu: float
    back: int
    faults: list[str]


@dataclass
class Outcome:
    minutes: list[Minute]
    books: Books
    last_life: int
    complaints: int

    def drift(self, name: str) -> float:
        """The last minutes of the last life to its first ones, after it has warmed up."""
        values = [getattr(each, name) for each in self.minutes if each.number >= self.last_life + WARM_MINUTES]
        third = max(1, len(values) // 3)
        if len(values) < 2:
            return 1.0
        return float(sum(values[-third:]) / max(1, sum(values[:third])))


async def run(place: Path, *, screens: int, rate: float, minutes: int) -> Outcome:
    """Prints a line a minute."""
    disk = Disk(place)
    environment = {"VOOSTER_TOKENS_ACCESS_SECONDS": "86400", **disk.environment}
    async with housed(place, screens, **environment) as (house, server), contextlib.AsyncExitStack() as stack:
        floors = [
            await stack.enter_async_context(connected(part, place, transport=transport, again=True))
            for transport, part in _parts(server)
        ]
        faults = Faults(house, server, floors, disk, minutes)
        books = Books(house.data)
        found = []
        print(_HEAD, flush=True)
        for number in range(minutes):
            found.append(await _minute(number, server, floors, faults, books, place, rate))
            print(_line(found[-1]), flush=True)
        await settled(server)
        await asyncio.to_thread(books.reckon)
    complaints = sum([(await floor.seen).errors for floor in floors])
    return Outcome(found, books, faults.last_life, complaints)


def _parts(server: Server) -> list[tuple[str, Server]]:
    pairings, parts, first = server.pairings.splitlines(), [], 0
    for transport, share in TRANSPORTS.items():
        last = first + max(1, round(share * len(pairings)))
        parts.append((transport, replace(server, pairings="\n".join(pairings[first:last]))))
        first = last
    return parts


async def _minute(
    number: int, server: Server, floors: list[Floor], faults: Faults, books: Books, place: Path, rate: float
) -> Minute:
    cpu, pid = machine.cpu_seconds(server.pid), server.pid
    times, done = await asyncio.gather(
        post(server, place, rate, MINUTE_SECONDS, warm_up=0), faults.minute(number, MINUTE_SECONDS)
    )
    books.enter([entry[0] for entry in times.accepted])
    await asyncio.to_thread(books.reckon)
    seen = [await floor.take() for floor in floors]
    return _entered(
        number, server, times, seen, books, done, machine.cpu_seconds(server.pid) - cpu * (pid == server.pid)
    )


def _entered(
    number: int, server: Server, times: Times, seen: list[Seen], books: Books, done: list[str], cpu: float
) -> Minute:
    p50, p95, p99 = _shares(times.navigate(Seen([pair for each in seen for pair in each.navigated], [], set(), [])))
    assert server.data is not None
    wal = server.data / "vooster.db-wal"
    resident, _, unique = machine.memory_kb(server.pid)
    return Minute(
        number,
        len(times.accepted),
        times.posted.refused + times.posted.unanswered,
        books.owed,
        p50,
        p95,
        p99,
        resident=resident,
        unique=unique,
        descriptors=machine.descriptors(server.pid),
        wal=wal.stat().st_size // 1024 if wal.exists() else 0,
        cpu=cpu / MINUTE_SECONDS,
        back=sum(len(each.back) for each in seen),
        faults=done,
    )


def _shares(values: list[float]) -> tuple[float, float, float]:
    p50, p95, p99 = (percentile(values, share) if values else 0.0 for share in SHARES)
    return p50, p95, p99


_HEAD = (
    "minute  accepted  refused   owed    p50 ms   p95 ms   p99 ms  resident MB  unique MB  descriptors   WAL kB  cores"
    "  came back  faults"
)


def _line(each: Minute) -> str:
    return (
        f"{each.number:6} {each.accepted:9,} {each.refused:8,} {each.owed:6,} {each.p50:9.2f} {each.p95:8.1f} "
        f"{each.p99:8.1f} {each.resident / 1024:12.1f} {each.unique / 1024:10.1f} {each.descriptors:12,} {each.wal:8,} "
        f"{each.cpu:6.2f} {each.back:10,}  {', '.join(each.faults)}"
    )
