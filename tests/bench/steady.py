"""A thousand screens and 500 triggers a second: how long each takes to its screen, and what a connection weighs.

A trigger's way is measured from the moment it is due to that when its navigate has arrived at the screen. Beside it,
with the same clients: Socket.IO on Node with nothing durable.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine, nodes, report
from tests.bench.floor import Seen, connected
from tests.bench.load import Times, measured
from tests.bench.producer import Plan
from tests.bench.record import percentile
from tests.bench.report import Histogram, beside
from tests.bench.servers import Server, appliance

SETTLE_SECONDS = 2.0
GOALS_MS, GOAL_KB = {0.95: 5.0, 0.99: 20.0}, 18.0


@dataclass
class Load:
    screens: int
    rate: float
    seconds: float


@dataclass
class Found:
    """One server under the load; memory in kB a connection, `seconds` until all screens were welcomed."""

    times: Times
    seconds: float
    memory: tuple[float, ...]
    memory_loaded: int
    commits: float
    inside: Histogram
    seen: Seen


async def run(place: Path, load_: Load) -> None:
    sync = await asyncio.to_thread(machine.sync_ms, place)
    async with appliance(place, load_.screens) as server:
        mine = await measure(server, place, load_)
    async with nodes.plain(place, load_.screens) as server:
        other = await measure(server, place, load_)
    show(mine, other, load_, sync)


async def measure(server: Server, place: Path, load_: Load, transport: str = "") -> Found:
    """Connects the screens to a server that is up, weighs it, and puts the load on it."""
    await asyncio.sleep(SETTLE_SECONDS)
    empty = machine.memory_kb(server.pid)
    async with connected(server, place, transport=transport) as floor:
        await asyncio.sleep(SETTLE_SECONDS)
        full = machine.memory_kb(server.pid)
        before = server.figures()
        times = await measured(server, floor, place, load_.rate, load_.seconds)
        await asyncio.sleep(1)
        after, loaded = server.figures(), machine.memory_kb(server.pid)[0]
    return Found(
        times,
        floor.seconds,
        memory=tuple((b - a) / load_.screens for a, b in zip(empty, full, strict=True)),
        memory_loaded=loaded,
        commits=after.get("vooster_storage_commits_total", 0) - before.get("vooster_storage_commits_total", 0),
        inside=report.navigated(before, after),
        seen=await floor.seen,
    )


def show(mine: Found, other: Found, load_: Load, sync: tuple[float, float]) -> None:
    rows = []
    navigate = mine.times.navigate(mine.seen), other.times.navigate(other.seen)
    receipt = mine.times.receipt(), other.times.receipt()
    for words, (ours, theirs), goals in (("trigger to navigate", navigate, GOALS_MS), ("receipt (202)", receipt, {})):
        for share in report.SHARES:
            goal = f"at most {goals[share]:g} ms" if share in goals else ""
            values = percentile(ours, share), percentile(theirs, share)
            rows.append(beside(f"{words} p{share * 100:g}", *values, "ms", goal))
        rows.append(beside(f"{words}, longest", ours[-1], theirs[-1], "ms"))
    for name, each, beside_it in zip(("resident", "proportional", "unique"), mine.memory, other.memory, strict=True):
        goal = f"at most {GOAL_KB:g} kB" if name == "unique" else ""
        rows.append(beside(f"memory a connection, {name}", each, beside_it, "kB", goal))
    rows.append(beside("memory under load, resident", mine.memory_loaded / 1024, other.memory_loaded / 1024, "MB"))
    rows.append(beside("processor seconds a thousand triggers", mine.times.server_cpu, other.times.server_cpu, "s"))
    rows.append(beside("the same of load and screens", mine.times.client_cpu, other.times.client_cpu, "s"))
    seconds = load_.seconds + Plan.warm_up
    report.table(
        f"Steady load: {load_.screens} screens, {load_.rate:g} triggers a second at random moments, "
        f"{load_.seconds:g} s",
        ("", "appliance", "Node", "ratio", "goal"),
        rows,
        [
            f"One synced write on this disk, just before: p50 {sync[0]:.2f} ms, p95 {sync[1]:.2f} ms.",
            f"Synced commits: {mine.commits:.0f}, {mine.commits / seconds:.0f} a second.",
            f"Commit to navigate written, p50 / p95 / p99 in ms: {report.shares(mine.inside)}.",
            *(
                f"{name}: accepted {len(each.times.accepted)}, lost {each.times.lost(each.seen)}, refused or "
                f"unanswered {each.times.posted.refused + each.times.posted.unanswered}"
                for name, each in (("Appliance", mine), ("Node", other))
            ),
        ],
    )
