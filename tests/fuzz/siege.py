"""Many hostile clients at once, and what has to be as it was when they have gone."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import random
from collections.abc import Awaitable
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.attackers import Attacker, Target
from tests.support.house import House
from tests.support.wire import Wire

AT_ONCE = 16
SCREENS = 12
"""Fewer than clients, so that some replace one another, and enough that most are heard to their end."""
SETTLED_SECONDS = 20.0
STALE = 16
"""How many objects the last connection or two take whose deliveries somebody has just looked at."""
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Held(NamedTuple):
    """What the process holds."""

    tasks: int
    descriptors: int
    sessions: int
    connections: int
    """And all that belongs to them: whatever the transports' rooms have made."""
    objects: int
    kb: int

    def no_more_than(self, other: Held) -> bool:
        """Whether nothing is left that runs or is open; what it takes in memory aside."""
        fewer = all(now <= before for now, before in zip(self[:3], other[:3], strict=True))
        return fewer and self.connections <= other.connections + STALE


def _give_back() -> None:
    """Frees what nothing refers to; glibc's allocator keeps freed pages unless it is asked for them."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def held(house: House) -> Held:
    _give_back()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    objects = gc.get_objects()
    return Held(
        len(asyncio.all_tasks()),
        sum(1 for _ in Path("/proc/self/fd").iterdir()),
        len(house.appliance.engine.sessions),
        sum(1 for each in objects if str(type(each).__module__).startswith("appliance.transports.")),
        len(objects),
        pages * _PAGE_KB,
    )


async def settled(house: House, before: Held | None = None) -> Held:
    """What is held once everybody has gone, or after `SETTLED_SECONDS`; the house's own idle connections included."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLED_SECONDS
    while True:
        for answer in await house.local("GET", "/api/health/live"), await house.call("GET", "/api/health/live"):
            assert answer.status == 200, answer.text  # each over a connection that stays, or the first takes two more
        now = held(house)
        if before is None or now.no_more_than(before) or loop.time() > until:
            return now
        await asyncio.sleep(0.5)


async def target(house: House) -> Target:
    """Screens of its own, a producer and a watcher, and strangers."""
    tokens = [await house.pair(f"F-{number}") for number in range(SCREENS)]
    tokens += [house.key, await house.new_key("viewer"), "nonsense"]
    return Target(int(house.url.rpartition(":")[2]), tokens)


async def besiege(place: Target, attackers: list[Attacker], frames: int, seed: str) -> int:
    """Sends at least so many frames; the same ones for the same seed, in an order of their own."""
    sent = 0

    async def army(number: int) -> None:
        nonlocal sent
        rng = random.Random(f"{seed}-{number}")
        while sent < frames:
            of_one = await rng.choice(attackers)(place, rng)  # apart from the sum: others add to it meanwhile
            sent += of_one

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(army(number))
    return sent


async def serves(house: House, screen: Wire) -> None:
    """Somebody honest is shown an order."""
    trigger_id = await house.accepted(screen_id="S-GOOD")
    await screen.show_next()
    await house.becomes(trigger_id, "shown")


async def withstands(house: House, screen: Wire, sieges: list[Awaitable[int]]) -> list[int]:
    """How many frames each of these sieges has sent, all at once; meanwhile the honest screen is served."""
    over = asyncio.gather(*sieges)
    while not over.done():
        await serves(house, screen)
        await asyncio.wait([over], timeout=0.5)
    return await over
