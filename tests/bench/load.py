"""A steady load on a server whose screens are connected, and what a trigger's way took."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from tests.bench import machine
from tests.bench.floor import Floor, Seen
from tests.bench.processes import HOST, line, process
from tests.bench.producer import DRAIN_SECONDS, Plan, Posted
from tests.bench.record import load
from tests.bench.servers import ORDERS, Server

START_SECONDS = 10.0
_numbers = count()


@dataclass
class Times:
    """What was accepted, as (trigger id, posted, answered); `server_cpu` and `client_cpu` are processor seconds a
    thousand."""

    accepted: list[tuple[bytes, int, int]]
    posted: Posted
    server_cpu: float = 0
    client_cpu: float = 0

    def navigate(self, seen: Seen) -> list[float]:
        """ms from the moment a trigger was due to its first navigate's arrival, in order."""
        arrived = dict(reversed(seen.navigated))
        return sorted((arrived[trigger] - sent) / 1e6 for trigger, sent, _ in self.accepted if trigger in arrived)

    def receipt(self) -> list[float]:
        """ms from the moment it was due to the answer, in order."""
        return sorted((answered - sent) / 1e6 for _, sent, answered in self.accepted)

    def lost(self, seen: Seen) -> int:
        """Accepted and never at a screen."""
        arrived = {trigger for trigger, _ in seen.navigated}
        return sum(trigger not in arrived for trigger, _, _ in self.accepted)


async def post(
    server: Server,
    place: Path,
    rate: float,
    seconds: float,
    *,
    to: list[str] | None = None,
    mode: str = "latest",
    warm_up: float = 3.0,
    until: asyncio.Event | None = None,
) -> Times:
    """Posts so many triggers a second for so long, or until told; to all screens in turn, or to those named in `to`."""
    number = next(_numbers)
    screens, record = place / f"{number}.screens", place / f"{number}.accepted"
    screens.write_text("\n".join(to or server.screen_ids))
    plan = Plan(
        *(HOST, server.port, server.key, rate, seconds, str(screens), ORDERS, str(record)),
        warm_up=warm_up,
        mode=mode,
        until_told=until is not None,
    )
    async with process("tests.bench.producer", json.dumps(asdict(plan))) as running:
        if until is not None:
            await until.wait()
            assert running.stdin is not None
            running.stdin.write(b"\n")
        posted = Posted(**json.loads(await line(running, warm_up + seconds + DRAIN_SECONDS + START_SECONDS)))
    return Times(load(record), posted)


async def measured(server: Server, floor: Floor, place: Path, rate: float, seconds: float) -> Times:
    """As `post`, with what it cost."""
    before = server.cpu_seconds(), machine.cpu_seconds(floor.pid)
    times = await post(server, place, rate, seconds)
    thousands = rate * (Plan.warm_up + seconds) / 1000
    times.server_cpu = (server.cpu_seconds() - before[0]) / thousands
    times.client_cpu = (machine.cpu_seconds(floor.pid) - before[1] + times.posted.cpu) / thousands
    return times
