"""Under attack: what strangers do to the appliance, and what that does to those who belong there.

All through it a producer posts and screens ack. The control is the same appliance, in the same run, left in peace:
before the attacks and after them. Each attack comes from addresses that the limits count, as a LAN's are.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench import machine, report
from tests.bench.attacker import ATTACKS, Done, Plan
from tests.bench.floor import Seen, connected
from tests.bench.load import Times, post
from tests.bench.processes import HOST, line, process
from tests.bench.record import percentile
from tests.bench.report import ratio
from tests.bench.servers import Server, appliance

ADDRESSES, ADDRESSES_OF_PAIRINGS = 8, 64
"""How many it comes from. Ten thousand pairings need more of them: one address gets no more than a hall needs."""
CONNECTIONS = {"slow heads": 1_000, "slow bodies": 1_000, "idle sockets": 3_000}
"""How many it holds or works on; where an attack isn't named, `SIDE_BY_SIDE`."""
SIDE_BY_SIDE = 64
PAIRINGS_LAST = 5
"""So many times as long as the others do they take, to get to the ten thousand."""
WARM_UP_SECONDS = 1.0
PEACE = "in peace"
GOAL_MS = 200.0
WAIT_SECONDS = 30.0


@dataclass
class Round:
    """What the healthy ones had; memory in kB, resident, and processor seconds of the server."""

    times: Times
    memory: int
    cpu: float
    done: Done | None


async def run(place: Path, screens: int, rate: float, seconds: float) -> None:
    rounds: list[tuple[str, Round]] = []
    async with appliance(place, screens) as server, connected(server, place) as floor:
        before = machine.memory_kb(server.pid)[0]
        for attack in (None, *ATTACKS, None):
            rounds += [(attack or PEACE, await _round(server, place, rate, seconds, attack))]
    _show(rounds, await floor.seen, before, screens, rate, seconds)


async def _round(server: Server, place: Path, rate: float, seconds: float, attack: str | None) -> Round:
    cpu = server.cpu_seconds()
    if attack is None:
        times = await post(server, place, rate, seconds, warm_up=WARM_UP_SECONDS)
        done = None
    else:
        addresses = ADDRESSES_OF_PAIRINGS if attack == "pairings" else ADDRESSES
        seconds *= PAIRINGS_LAST if attack == "pairings" else 1
        connections = CONNECTIONS.get(attack, SIDE_BY_SIDE)
        plan = Plan(attack, HOST, server.port, WARM_UP_SECONDS + seconds, addresses, connections)
        async with process("tests.bench.attacker", json.dumps(asdict(plan))) as attacker:
            await line(attacker, WAIT_SECONDS)
            times = await post(server, place, rate, seconds, warm_up=WARM_UP_SECONDS)
            done = Done(**json.loads(await line(attacker, plan.seconds + WAIT_SECONDS)))
    return Round(times, machine.memory_kb(server.pid)[0], server.cpu_seconds() - cpu, done)


def _show(rounds: list[tuple[str, Round]], seen: Seen, before: int, screens: int, rate: float, seconds: float) -> None:
    in_peace = max(percentile(each.times.navigate(seen), 0.99) for name, each in rounds if name == PEACE)
    rows, lost, unanswered = [], 0, 0
    for name, each in rounds:
        times = each.times.navigate(seen)
        lost += each.times.lost(seen)
        unanswered += each.times.posted.refused + each.times.posted.unanswered
        p99 = percentile(times, 0.99)
        rows.append(
            [
                name,
                f"{percentile(times, 0.5):.2f} ms",
                f"{p99:.2f} ms",
                f"{times[-1]:.0f} ms",
                "" if name == PEACE else ratio(p99, in_peace),
                f"{each.memory / 1024:.0f} MB",
                f"{each.cpu:.1f} s",
                _said(each.done),
            ]
        )
    report.table(
        f"Under attack: {screens} screens, {rate:g} triggers a second from those who belong there, {seconds:g} s each "
        f"(pairings {seconds * PAIRINGS_LAST:g} s)",
        ("", "p50", "p99", "longest", "to peace", "memory", "processor", "connections; answers"),
        rows,
        [
            f"Trigger due to its navigate at the screen; goal under attack: p99 at most {GOAL_MS:g} ms.",
            f"Memory: resident at the end of each; {before / 1024:.0f} MB before the first.",
            f"From {ADDRESSES} addresses, pairings from {ADDRESSES_OF_PAIRINGS}.",
            f"Of those who belong there, lost: {lost}; refused or unanswered: {unanswered}.",
        ],
    )


def _said(done: Done | None) -> str:
    if done is None:
        return ""
    answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(done.answers.items()))
    return f"{done.opened:,}, {done.most:,} at most; {answers or 'none'}"
