"""Triggers a second from their sender to a screen's ack, by each way in, every accept synced.

Beside it, with the same clients: Socket.IO on Node with nothing durable, and with a Redis stream synced at each write.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import commits, machine, nodes, report
from tests.bench.flood import WARM_UP_SECONDS, Plan
from tests.bench.floor import Floor, Seen, connected
from tests.bench.processes import HOST, output
from tests.bench.report import Histogram, ratio
from tests.bench.servers import ORDERS, Server, appliance

SETTLE_SECONDS = 30.0
LONE_SECONDS = 2.0


@dataclass(frozen=True)
class Way:
    """How triggers come in; `way` and `depth` are as `tests.bench.flood` takes them.

    `shown`: the screens also show what they have received, and say so."""

    name: str
    way: str
    connections: int
    depth: int
    shown: bool = False
    goal: str = ""


HEADS = {"appliance": "appliance", "node": "Node", "streams": "Node, Redis"}
WAYS = {
    "http": Way("HTTP, one each, 64 connections", "http", 64, 1, goal="1 x, 2.5 x"),
    "batch-100": Way("HTTP, batches of 100, 4 connections", "batch", 4, 100, goal="2 x Node's HTTP"),
    "batch-500": Way("HTTP, batches of 500, 2 connections", "batch", 2, 500, goal="2 x Node's HTTP"),
    "producer": Way("WebSocket, one producer, 256 outstanding", "producer", 1, 256),
    "http-shown": Way("HTTP, one each, received and shown", "http", 64, 1, shown=True),
}


@dataclass
class Found:
    """`times` are the answers' p50, p95 and p99 in ms; `reached` counts navigates at the screens within the time.

    Processor seconds are those of a thousand triggers: of the server, and of the load and the screens."""

    a_second: float
    times: list[float]
    refused: int
    server_cpu: float
    client_cpu: float
    commits: float
    began: int
    ended: int
    all: int
    inside: Histogram
    superseded: float
    reached: float = 0
    errors: int = 0

    def look_up(self, seen: Seen) -> None:
        """Takes over what the screens saw of it."""
        there = sum(self.began <= at < self.ended for _, at in seen.navigated)
        self.reached = there / (self.ended - self.began) * 1e9
        self.errors = seen.errors


@dataclass
class Run:
    """One server, all ways."""

    found: dict[str, Found] = field(default_factory=dict)
    bytes_each: float = 0
    deliveries: float = 0


async def run(place: Path, screens: int, seconds: float, ways: list[str]) -> None:
    lone = {group: await asyncio.to_thread(commits.a_second, place, group, LONE_SECONDS) for group in (1, 100)}
    runs: dict[str, Run] = {}
    serving: dict[str, nodes.Serving] = {"appliance": appliance, "node": nodes.plain, "streams": nodes.streams}
    if not nodes.has_redis():
        del serving["streams"]
        print("\nThere is no redis-server: the control with Redis Streams is left out.", flush=True)
    for name, serve in serving.items():
        async with serve(place, screens) as server:
            runs[name] = await _all(server, place, seconds, [WAYS[way] for way in ways])
            if server.data is not None:
                file = server.data / "vooster.db"
                runs[name].deliveries = server.figures()["vooster_triggers_accepted_total"]
                runs[name].bytes_each = file.stat().st_size / runs[name].deliveries
    _show(runs, lone, f"{screens} screens connected, {seconds:g} s each", [WAYS[way] for way in ways])


async def _all(server: Server, place: Path, seconds: float, ways: list[Way]) -> Run:
    made = Run()
    screens = place / f"{server.name}.flooded"
    screens.write_text("\n".join(server.screen_ids))
    for shown in (False, True):
        chosen = [way for way in ways if way.shown is shown]
        if not chosen:
            continue
        async with connected(server, place, shown=shown) as floor:
            for way in chosen:
                made.found[way.name] = await measure(server, floor, way, screens, seconds)
        seen = await floor.seen
        for way in chosen:
            made.found[way.name].look_up(seen)
    return made


async def measure(server: Server, floor: Floor, way: Way, screens: Path, seconds: float) -> Found:
    """Puts one way's load on a server whose screens are connected, and waits until nothing is open."""
    how = server.transport if way.way == "producer" else way.way
    plan = Plan(how, HOST, server.port, server.key, seconds, way.connections, way.depth, str(screens), ORDERS)
    before, cpu, theirs = server.figures(), server.cpu_seconds(), machine.cpu_seconds(floor.pid)
    said: dict[str, Any] = json.loads(await output("tests.bench.flood", json.dumps(asdict(plan)), seconds=seconds + 60))
    after = await settled(server)
    cpu, theirs = server.cpu_seconds() - cpu, machine.cpu_seconds(floor.pid) - theirs + said["cpu"]

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    made = grown("vooster_storage_commits_total")
    return Found(
        said["accepted"] / (said["ended"] - said["began"]) * 1e9,
        said["times"],
        said["refused"],
        server_cpu=cpu / said["all"] * 1000,
        client_cpu=theirs / said["all"] * 1000,
        commits=said["all"] / made if made else 0,
        began=said["began"],
        ended=said["ended"],
        all=said["all"],
        inside=report.navigated(before, after),
        superseded=grown('vooster_deliveries_ended_total{state="superseded"}'),
    )


async def settled(server: Server) -> dict[str, float]:
    """The server's figures once nothing is open any more."""
    for _ in range(int(SETTLE_SECONDS / 0.25)):
        await asyncio.sleep(0.25)
        figures = await asyncio.to_thread(server.figures)
        if not figures.get("vooster_deliveries_open"):
            return figures
    raise SystemExit(f"{server.name}: deliveries are still open {SETTLE_SECONDS:g} s after the load")


def _show(runs: dict[str, Run], lone: dict[int, float], words: str, ways: list[Way]) -> None:
    head, rows = ["", "appliance"], []
    for name in runs:
        if name != "appliance":
            head += [HEADS[name], "ratio", "to its HTTP"]
    head += ["goal", "accepted", "a commit"]
    for way in ways:
        mine = runs["appliance"].found[way.name]
        row = [way.name, f"{mine.reached:,.0f}"]
        for name, run_ in runs.items():
            if name != "appliance":
                other, http = run_.found[way.name].reached, run_.found.get(WAYS["http"].name)
                row += [f"{other:,.0f}", ratio(mine.reached, other), ratio(mine.reached, http.reached) if http else ""]
        rows.append([*row, way.goal, f"{mine.a_second:,.0f}", f"{mine.commits:.1f}"])
    report.table(
        f"Triggers a second that reached their screen: {words}, after {WARM_UP_SECONDS:g} s of warm-up",
        head,
        rows,
        [
            "Node: Socket.IO over WebSocket with nothing durable. Node, Redis: with the Redis Streams adapter and",
            "`appendfsync always`, answered when the stream has it. Their batches are loops: Socket.IO knows none. A",
            "producer is a client of its server's own kind, each trigger asking for an answer.",
            "Accepted: answers a second, each after its commit. A commit: accepts to one.",
            f"SQLite alone, synced: {lone[1]:,.0f} rows a second in commits of 1, {lone[100]:,.0f} in commits of 100.",
        ],
    )
    rows = []
    for way in ways:
        cells = [way.name]
        for name in runs:
            found = runs[name].found[way.name]
            cells += [f"{found.server_cpu:.3f}", f"{found.client_cpu:.3f}", " / ".join(f"{t:.1f}" for t in found.times)]
        rows.append(cells)
    head = [""]
    for name in runs:
        head += [HEADS[name], "its clients", "answer, ms"]
    total = runs["appliance"].found.values()
    wrong = {name: sum(each.refused + each.errors for each in runs[name].found.values()) for name in runs}
    superseded = sum(each.superseded for each in total)
    everything = sum(each.all for each in total)
    report.table(
        "Under that load: processor seconds a thousand triggers, and answers' p50 / p95 / p99",
        head,
        rows,
        [
            f"Accepted {everything:,}; superseded by a newer one {superseded:,.0f}.",
            "Refused or complained of: " + ", ".join(f"{HEADS[name]} {count}" for name, count in wrong.items()),
            f"The data file afterwards: {runs['appliance'].bytes_each:,.0f} bytes a delivery, without its log.",
        ],
    )
