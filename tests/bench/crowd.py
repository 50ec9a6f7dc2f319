"""Ten thousand screens on one process: until all are welcomed, what each weighs, and what a restart does to them.

Beside the first two, with the same clients: Socket.IO on Node with nothing durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import kept, machine, nodes, report
from tests.bench.accepts import WAYS, Found, measure, settled
from tests.bench.floor import Floor, Seen, connected
from tests.bench.load import Times, post
from tests.bench.record import percentile
from tests.bench.report import beside
from tests.bench.servers import Appliance, Server, housed

SETTLE_SECONDS = 3.0
BEFORE_SECONDS = AFTER_SECONDS = 1.0
BACK_SECONDS = 60.0
POLL_SECONDS = 0.1
GOAL_KB, GOAL_SECONDS = 18.0, 10.0


@dataclass
class Held:
    """Seconds until all were welcomed and the processor's share of it, memory in kB, a load by HTTP."""

    seconds: float
    cpu: float
    client_cpu: float
    before: tuple[int, ...]
    after: tuple[int, ...]
    flood: Found


@dataclass
class Restart:
    """`time.monotonic_ns` of the order to stop and of the first new connection; what was accepted meanwhile and how
    it ended; processor seconds of the new process until all were back."""

    told: int
    up: int
    times: Times
    ends: Counter[str]
    cpu: float


async def run(place: Path, screens: int, seconds: float, rate: float) -> None:
    async with housed(place, screens) as (house, server), _held(server, place, seconds, again=True) as (floor, mine):
        restart = await _restart(house, server, floor, place, rate)
    seen = await floor.seen
    mine.flood.look_up(seen)
    async with (
        nodes.plain(place, screens) as server,
        _held(server, place, seconds, again=False) as (floor, other),
    ):
        pass
    other.flood.look_up(await floor.seen)
    _show_held(mine, other, house.empty, screens)
    _show_restart(restart, seen, screens, rate)


@contextlib.asynccontextmanager
async def _held(server: Server, place: Path, seconds: float, *, again: bool) -> AsyncIterator[tuple[Floor, Held]]:
    """All screens of a server, weighed; they stay for the block."""
    flooded = place / f"{server.name}.flooded"
    flooded.write_text("\n".join(server.screen_ids))
    await asyncio.sleep(SETTLE_SECONDS)
    empty, cpu = machine.memory_kb(server.pid), server.cpu_seconds()
    async with connected(server, place, shown=False, again=again) as floor:
        cpu, theirs = server.cpu_seconds() - cpu, machine.cpu_seconds(floor.pid)
        await asyncio.sleep(SETTLE_SECONDS)
        full = machine.memory_kb(server.pid)
        flood = await measure(server, floor, WAYS["http"], flooded, seconds)
        yield floor, Held(floor.seconds, cpu, theirs, empty, full, flood)


async def _restart(house: Appliance, server: Server, floor: Floor, place: Path, rate: float) -> Restart:
    """Stops and starts the appliance while triggers go on, each to a screen of its own."""
    over = asyncio.Event()
    posting = asyncio.create_task(post(server, place, rate, BACK_SECONDS, mode="queue", warm_up=0, until=over))
    await asyncio.sleep(BEFORE_SECONDS)
    told = time.monotonic_ns()
    await house.stop()
    server.pid = await house.start()
    up = time.monotonic_ns()
    given_up = time.monotonic() + BACK_SECONDS
    while int(await floor.say("count")) < len(server.screen_ids) and time.monotonic() < given_up:  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)
    cpu = server.cpu_seconds()
    await asyncio.sleep(AFTER_SECONDS)
    over.set()
    times = await posting
    await settled(server)
    ends = await asyncio.to_thread(kept.ends, house.data, [entry[0] for entry in times.accepted])
    return Restart(told, up, times, ends, cpu)


def _show_held(mine: Held, other: Held, empty: tuple[int, ...], screens: int) -> None:
    rows = [
        beside("until all are welcomed", mine.seconds, other.seconds, "s"),
        beside("processor seconds of it", mine.cpu, other.cpu, "s"),
        beside("the same of the screens", mine.client_cpu, other.client_cpu, "s"),
    ]
    for words, base, goal in (
        ("memory a connection", mine.before, ""),
        ("the same, to knowing no screen", empty, f"at most {GOAL_KB:g} kB"),
    ):
        for index, kind in ((1, "proportional"), (2, "unique")):
            ours, theirs = mine.after[index] - base[index], other.after[index] - other.before[index]
            rows.append(beside(f"{words}, {kind}", ours / screens, theirs / screens, "kB", goal if index == 2 else ""))
    rows.append(beside("triggers a second by HTTP", mine.flood.reached, other.flood.reached, "", "1 x"))
    rows.append(beside("processor seconds a thousand", mine.flood.server_cpu, other.flood.server_cpu, "s"))
    rows.append(beside("the same of load and screens", mine.flood.client_cpu, other.flood.client_cpu, "s"))
    report.table(
        f"{screens:,} screens on one process, the screens in one of their own",
        ("", "appliance", "Node", "ratio", "goal"),
        rows,
        [
            "Node: Socket.IO over WebSocket with nothing durable.",
            "Memory: what the process took more with all of them connected. To knowing no screen: more than an",
            "appliance that has just started and has no screens, so that what it keeps of each in memory counts, too.",
        ],
    )


def _show_restart(restart: Restart, seen: Seen, screens: int, rate: float) -> None:
    back: dict[bytes, tuple[int, int]] = {}
    for screen, at, lost in seen.back:
        back.setdefault(screen, (at, lost))
    after_stop = sorted((at - restart.told) / 1e9 for at, _ in back.values())
    after_loss = sorted((at - lost) / 1e9 for at, lost in back.values())
    rows = [["order to stop until it takes connections again", f"{(restart.up - restart.told) / 1e9:.2f} s", ""]]
    if back:
        rows += [
            ["order to stop until all are welcomed again", f"{after_stop[-1]:.2f} s", f"{GOAL_SECONDS:g} s"],
            [
                "taking connections until all are welcomed",
                f"{after_stop[-1] - (restart.up - restart.told) / 1e9:.2f} s",
                "",
            ],
        ]
        for share in (0.5, 0.95):
            rows.append(
                [f"a screen's loss until its welcome, p{share * 100:g}", f"{percentile(after_loss, share):.2f} s", ""]
            )
    rows.append(["processor seconds of the new process until then", f"{restart.cpu:.2f} s", ""])
    posted = restart.times.posted
    report.table(
        f"Restart with {screens:,} screens and {rate:g} triggers a second going on",
        ("", "", "goal"),
        rows,
        [
            f"Screens back: {len(back):,} of {screens:,}, some of them more than once: {len(seen.back) - len(back):,}.",
            f"Accepted {len(restart.times.accepted):,} (posted again while it was away: {posted.repeated:,}; "
            f"refused {posted.refused}, unanswered {posted.unanswered}): "
            + ", ".join(f"{count:,} {state}" for state, count in sorted(restart.ends.items()))
            + f"; never at a screen {restart.times.lost(seen)}.",
        ],
    )
