"""A thousand screens and 500 triggers a second: how long each takes to its screen, and what a connection weighs.

A trigger's way is measured from just before its HTTP request is written to the moment its navigate has arrived at the
screen.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench import machine, report
from tests.bench.floor import connected
from tests.bench.processes import HOST, output
from tests.bench.producer import Plan, Posted
from tests.bench.record import load, percentile
from tests.bench.report import Histogram, beside
from tests.bench.servers import ORDERS, Server, appliance, control

SETTLE_SECONDS = 3.0
GOAL_MS, GOAL_KB = 10.0, 25.0


@dataclass
class Load:
    screens: int
    rate: float
    seconds: float


@dataclass
class Found:
    """One server under the load. Times in ms, memory in kB a connection, `cpu` in cores."""

    navigate: list[float]
    receipt: list[float]
    posted: int
    lost: int
    refused: int
    memory: tuple[float, ...]
    memory_loaded: int
    cpu: float
    commits: float
    inside: Histogram


async def run(place: Path, load_: Load) -> None:
    async with appliance(place, load_.screens) as server:
        mine = await _measure(server, place, load_)
    async with control(place, load_.screens) as server:
        other = await _measure(server, place, load_)
    _show(mine, other, load_)


async def _measure(server: Server, place: Path, load_: Load) -> Found:
    """Connects the screens to a server that is up, weighs it, and puts the load on it."""
    screens_file, posted_file = place / f"{server.name}.screens", place / f"{server.name}.posted"
    screens_file.write_text("\n".join(server.screen_ids))
    await asyncio.sleep(SETTLE_SECONDS)
    empty = machine.memory_kb(server.pid)
    async with connected(server, place) as floor:
        await asyncio.sleep(SETTLE_SECONDS)
        full = machine.memory_kb(server.pid)
        before, cpu = server.figures(), machine.cpu_seconds(server.pid)
        plan = Plan(
            *(HOST, server.port, server.key, load_.rate, load_.seconds, str(screens_file), ORDERS, str(posted_file))
        )
        said = Posted(**json.loads(await output("tests.bench.producer", json.dumps(asdict(plan)))))
        cpu = machine.cpu_seconds(server.pid) - cpu
        await asyncio.sleep(1)
        after, loaded = server.figures(), machine.memory_kb(server.pid)[0]
    arrived = dict((await floor.seen).navigated)
    posted = load(posted_file)
    return Found(
        sorted((arrived[trigger] - sent) / 1e6 for trigger, sent, _ in posted if trigger in arrived),
        sorted((answered - sent) / 1e6 for _, sent, answered in posted),
        posted=len(posted),
        lost=sum(trigger not in arrived for trigger, _, _ in posted),
        refused=said.refused + said.unanswered,
        memory=tuple((b - a) / load_.screens for a, b in zip(empty, full, strict=True)),
        memory_loaded=loaded,
        cpu=cpu / (load_.seconds + Plan.warm_up),
        commits=after.get("vooster_storage_commits_total", 0) - before.get("vooster_storage_commits_total", 0),
        inside=report.navigated(before, after),
    )


def _show(mine: Found, other: Found, load_: Load) -> None:
    rows = []
    for share in report.SHARES:
        values = percentile(mine.navigate, share), percentile(other.navigate, share)
        goal = f"under {GOAL_MS:g} ms" if share == 0.95 else ""
        rows.append(beside(f"trigger to navigate p{share * 100:g}", *values, "ms", goal))
    rows.append(beside("trigger to navigate, longest", mine.navigate[-1], other.navigate[-1], "ms"))
    for share in report.SHARES:
        values = percentile(mine.receipt, share), percentile(other.receipt, share)
        rows.append(beside(f"receipt (202) p{share * 100:g}", *values, "ms"))
    for share in report.SHARES:
        values = report.of_histogram(mine.inside, share), report.of_histogram(other.inside, share)
        rows.append(beside(f"commit to navigate written p{share * 100:g}", *values, "ms"))
    for name, each, beside_it in zip(("resident", "proportional", "unique"), mine.memory, other.memory, strict=True):
        goal = f"at most {GOAL_KB:g} kB" if name == "unique" else ""
        rows.append(beside(f"memory a connection, {name}", each, beside_it, "kB", goal))
    rows.append(beside("memory under load, resident", mine.memory_loaded / 1024, other.memory_loaded / 1024, "MB"))
    rows.append(beside("processor use", mine.cpu, other.cpu, "cores"))
    seconds = load_.seconds + Plan.warm_up
    report.table(
        f"Steady load: {load_.screens} screens, {load_.rate:g} triggers a second at random moments, "
        f"{load_.seconds:g} s",
        ("", "appliance", "control", "ratio", "goal"),
        rows,
        [
            "Commit to navigate is the server's own histogram, interpolated within its buckets, the finest of which is",
            "0.25 ms; the control's counts from the trigger's receipt.",
            f"Synced commits: {mine.commits:.0f}, {mine.commits / seconds:.0f} a second.",
            *(
                f"{name}: accepted {each.posted}, navigated {len(each.navigate)}, lost {each.lost}, "
                f"refused or unanswered {each.refused}"
                for name, each in (("Appliance", mine), ("Control", other))
            ),
        ],
    )
