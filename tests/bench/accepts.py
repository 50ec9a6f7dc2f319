"""Durable accepts a second by each way in, with all screens connected and showing what they are sent.

Beside each: the same client load on the relay that keeps nothing, and SQLite alone on the same disk.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import commits, machine, report
from tests.bench.flood import WARM_UP_SECONDS
from tests.bench.report import Histogram, ratio
from tests.bench.servers import HOST, ORDERS, Server, appliance, connected, control, output

SETTLE_SECONDS = 30.0
LONE_SECONDS = 2.0


@dataclass(frozen=True)
class Way:
    """How triggers come in; `depth` is as `tests.bench.flood` takes it."""

    name: str
    way: str
    connections: int
    depth: int


WAYS = [
    Way("HTTP, one each, 64 connections", "http", 64, 1),
    Way("HTTP, batches of 100, 8 connections", "batch", 8, 100),
    Way("HTTP, batches of 500, 4 connections", "batch", 4, 500),
    Way("WebSocket, 64 producers, 8 outstanding", "ws", 64, 8),
    Way("WebSocket, 8 producers, 64 outstanding", "ws", 8, 64),
]


@dataclass
class Found:
    """`times` are the answers' p50, p95 and p99 in ms; `cores` the server's processor use, `commits` accepts each."""

    a_second: float
    times: list[float]
    refused: int
    cores: float
    commits: float
    shown: float
    superseded: float
    unaccounted: float
    inside: Histogram


async def run(place: Path, screens: int, seconds: float) -> None:
    lone = {group: await asyncio.to_thread(commits.a_second, place, group, LONE_SECONDS) for group in (1, 100)}
    async with appliance(place, screens) as server:
        mine = await _all(server, place, seconds)
        assert server.data is not None
        file, deliveries = server.data / "vooster.db", server.figures()["vooster_triggers_accepted_total"]
    size = file.stat().st_size / deliveries
    async with control(place, screens) as server:
        other = await _all(server, place, seconds)
    _show(mine, other, lone, f"{screens} screens connected, {seconds:g} s each", size, deliveries)


async def _all(server: Server, place: Path, seconds: float) -> list[Found]:
    screens = place / f"{server.name}.flooded"
    screens.write_text("\n".join(server.screen_ids))
    async with connected(server, place):
        return [await _one(server, way, screens, seconds) for way in WAYS]


async def _one(server: Server, way: Way, screens: Path, seconds: float) -> Found:
    before, cpu = server.figures(), machine.cpu_seconds(server.pid)
    said: dict[str, Any] = json.loads(
        await output(
            *("tests.bench.flood", way.way, HOST, str(server.port), server.key, str(seconds)),
            *(str(way.connections), str(way.depth), str(screens), str(ORDERS)),
            seconds=seconds + 60,
        )
    )
    cpu = machine.cpu_seconds(server.pid) - cpu
    after = await _settled(server)

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    ended = {each: grown(f'vooster_deliveries_ended_total{{state="{each}"}}') for each in ("shown", "superseded")}
    made = grown("vooster_storage_commits_total")
    return Found(
        said["accepted"] / said["seconds"],
        said["times"],
        said["refused"],
        cores=cpu / (said["seconds"] + WARM_UP_SECONDS),
        commits=said["all"] / made if made else 0,
        **ended,
        unaccounted=said["all"] - sum(ended.values()) if made else 0,
        inside=report.navigated(before, after),
    )


async def _settled(server: Server) -> dict[str, float]:
    """The server's figures once nothing is open any more."""
    for _ in range(int(SETTLE_SECONDS / 0.25)):
        await asyncio.sleep(0.25)
        figures = await asyncio.to_thread(server.figures)
        if not figures.get("vooster_deliveries_open"):
            return figures
    raise SystemExit(f"{server.name}: deliveries are still open {SETTLE_SECONDS:g} s after the load")


def _show(
    mine: list[Found], other: list[Found], lone: dict[int, float], words: str, size: float, deliveries: float
) -> None:
    rows = [
        [
            way.name,
            f"{each.a_second:,.0f}",
            f"{beside.a_second:,.0f}",
            ratio(each.a_second, beside.a_second),
            ratio(each.a_second, lone[1]),
            ratio(each.a_second, lone[100]),
            f"{each.commits:.1f}",
            f"{each.cores:.2f}",
            f"{beside.cores:.2f}",
        ]
        for way, each, beside in zip(WAYS, mine, other, strict=True)
    ]
    head = ("", "appliance", "control", "ratio", "to SQLite 1", "to SQLite 100", "a commit", "cores", "control's")
    report.table(
        f"Durable accepts a second: {words}, after {WARM_UP_SECONDS:g} s of warm-up",
        head,
        rows,
        [
            f"SQLite alone, synced: {lone[1]:,.0f} rows a second in commits of 1, {lone[100]:,.0f} in commits of 100.",
            "The appliance writes a trigger and a delivery for each, and what becomes of it; the commits hold all.",
            "A commit: accepts to one. Cores: what the server used of the processor.",
        ],
    )
    rows = []
    for way, each, beside in zip(WAYS, mine, other, strict=True):
        times = [" / ".join(f"{value:.1f}" for value in found.times) for found in (each, beside)]
        rows.append([way.name, *times, report.shares(each.inside), report.shares(beside.inside)])
    ends = ", ".join(
        f"{words} {sum(getattr(each, name) for each in mine):,.0f}"
        for words, name in (
            ("shown", "shown"),
            ("superseded by a newer one", "superseded"),
            ("unaccounted for", "unaccounted"),
            ("refused", "refused"),
        )
    )
    report.table(
        "Under that load, p50 / p95 / p99 in ms",
        ("", "answer", "control's", "commit to navigate", "control's receipt to navigate"),
        rows,
        [
            f"Accepted {deliveries:,.0f}: {ends}.",
            f"The data file afterwards: {size:,.0f} bytes a delivery, without its log.",
        ],
    )
