"""One trigger for every screen (`*`): when the sender is answered, when the screens have it, when all is shown."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import report
from tests.bench.floor import Seen, connected
from tests.bench.processes import HOST
from tests.bench.report import beside
from tests.bench.servers import Server, appliance, control

INTERVAL_SECONDS = 1.0
_COMMITS = "vooster_storage_commits_total"


@dataclass
class Round:
    """Moments of one broadcast, in ms after its POST was written. `seen` and `ended` count screens."""

    answered: float
    first: float
    last: float
    shown: float
    seen: int
    ended: int


async def run(place: Path, screens: int, rounds: int) -> None:
    async with appliance(place, screens) as server:
        commits = await _away(server, screens)
        mine = await _measure(server, place, rounds)
    async with control(place, screens) as server:
        other = await _measure(server, place, rounds)
    _show(mine, other, screens, commits)


async def _away(server: Server, screens: int) -> int:
    """Commits that one broadcast takes while no screen is there whose acks would add others. It has to be one."""
    await _post(server)  # takes the first block of numbers, and the key is noted as used
    await asyncio.sleep(INTERVAL_SECONDS)
    before = server.figures()
    _, _, answer = await _post(server)
    after = server.figures()
    commits = int(after[_COMMITS] - before[_COMMITS])
    if len(answer["deliveries"]) != screens:
        raise SystemExit(f"a broadcast to {screens} screens made {len(answer['deliveries'])} deliveries")
    return commits


async def _measure(server: Server, place: Path, rounds: int) -> list[Round]:
    posted: dict[bytes, tuple[int, int]] = {}
    async with connected(server, place) as floor:
        for _ in range(rounds + 1):
            await asyncio.sleep(INTERVAL_SECONDS)
            sent, answered, answer = await _post(server)
            posted[answer["id"].encode()] = sent, answered
        await asyncio.sleep(INTERVAL_SECONDS)
    found = _rounds(posted, await floor.seen)
    return found[1:]  # the first one warms up


def _rounds(posted: dict[bytes, tuple[int, int]], seen: Seen) -> list[Round]:
    moments: dict[bytes, tuple[list[int], list[int]]] = {trigger_id: ([], []) for trigger_id in posted}
    for index, noted in enumerate((seen.navigated, seen.ended)):
        for trigger_id, at in noted:
            if trigger_id in moments:
                moments[trigger_id][index].append(at)
    found = []
    for trigger_id, (sent, answered) in posted.items():
        came, ended = moments[trigger_id]
        first, last, shown = (((at - sent) / 1e6) for at in (min(came), max(came), max(ended)))
        found.append(Round((answered - sent) / 1e6, first, last, shown, len(came), len(ended)))
    return found


async def _post(server: Server) -> tuple[int, int, dict[str, Any]]:
    """When it was written and answered (`time.monotonic_ns`), and the answer."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    body = json.dumps(
        {"id": str(uuid.uuid4()), "timestamp": time.time_ns() // 1_000_000, "orderId": "ORD-0001", "target": "*"}
    )
    sent = time.monotonic_ns()
    writer.write(
        (
            f"POST /api/trigger HTTP/1.1\r\nHost: {HOST}:{server.port}\r\nAuthorization: Bearer {server.key}\r\n"
            f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
    )
    answer = await asyncio.wait_for(reader.read(), 30)
    answered = time.monotonic_ns()
    writer.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 202"):
        raise SystemExit(f"the broadcast was refused: {answer[:300]!r}")
    return sent, answered, json.loads(content)


def _show(mine: list[Round], other: list[Round], screens: int, commits: int) -> None:
    rows = []
    for words, name in (
        ("answered", "answered"),
        ("first navigate at its screen", "first"),
        ("last navigate at its screen", "last"),
        ("all shown, and told so", "shown"),
    ):
        one, two = (sorted(getattr(each, name) for each in rounds) for rounds in (mine, other))
        rows.append(beside(f"{words}, median", one[len(one) // 2], two[len(two) // 2], "ms"))
        rows.append(beside(f"{words}, longest", one[-1], two[-1], "ms"))
    whole = sum(each.seen == screens and each.ended == screens for each in mine)
    report.table(
        f"Broadcast: one trigger to {screens} connected screens, {len(mine)} rounds, ms after its POST",
        ("", "appliance", "control", "ratio", ""),
        rows,
        [
            f"Shown on all {screens} screens in {whole} of {len(mine)} rounds.",
            f"Synced commits for one broadcast, screens away: {commits}; goal: 1.",
        ],
    )
    if commits != 1:
        raise SystemExit(f"a broadcast took {commits} commits to accept")
