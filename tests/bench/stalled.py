"""A tenth of the screens reads nothing any more: what that does to the others.

All screens get triggers, the stalled ones included. Rounds with them are between rounds without, so that whatever else
machine does is everyone's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.bench import machine, report
from tests.bench.floor import connected
from tests.bench.load import Times, post
from tests.bench.record import percentile
from tests.bench.report import beside
from tests.bench.servers import appliance

SHARE = 0.1
ORDER = (False, True, True, False)
WARM_UP_SECONDS = 1.0
BACK_SECONDS = 15.0
GOAL = 1.25


@dataclass
class Round:
    others: Times
    """Of the triggers to screens that read."""
    memory: int
    """kB resident afterwards."""


async def run(place: Path, screens: int, rate: float, seconds: float) -> None:
    stalled = int(screens * SHARE)
    found: dict[bool, list[Round]] = {False: [], True: []}
    async with appliance(place, screens) as server, connected(server, place, again=True) as floor:
        first, others = server.screen_ids[:stalled], server.screen_ids[stalled:]
        for stalls in ORDER:
            if stalls:
                await floor.say(f"stall {stalled}")
            times, _ = await asyncio.gather(
                post(server, place, rate * (1 - SHARE), seconds, to=others, warm_up=WARM_UP_SECONDS),
                post(server, place, rate * SHARE, seconds, to=first, warm_up=WARM_UP_SECONDS),
            )
            found[stalls].append(Round(times, machine.memory_kb(server.pid)[0]))
            if stalls:
                await floor.say(f"resume {stalled}")
                for _ in range(int(BACK_SECONDS / 0.1)):
                    if int(await floor.say("count")) == screens:
                        break
                    await asyncio.sleep(0.1)
    seen = await floor.seen
    rows = []
    for share in report.SHARES:
        values = [
            percentile(sorted(ms for each in found[stalls] for ms in each.others.navigate(seen)), share)
            for stalls in (True, False)
        ]
        goal = f"at most {GOAL:g} x" if share == 0.99 else ""
        rows.append(beside(f"trigger to navigate p{share * 100:g}", values[0], values[1], "ms", goal))
    memory = [max(each.memory for each in found[stalls]) / 1024 for stalls in (True, False)]
    rows.append(beside("memory, resident, the most", memory[0], memory[1], "MB"))
    lost = sum(each.others.lost(seen) for rounds in found.values() for each in rounds)
    report.table(
        f"{stalled} of {screens} screens read nothing: the others at {rate * (1 - SHARE):g} triggers a second, "
        f"{len(ORDER) // 2} rounds of {seconds:g} s each",
        ("", "stalled", "all read", "ratio", "goal"),
        rows,
        [
            f"Accepted for the others and never at their screen: {lost}.",
            f"Stalled screens whose connection was closed, and that came back: {len(seen.back)}.",
        ],
    )
