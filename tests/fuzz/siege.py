"""Many hostile clients at once, and what has to be as it was when they have gone."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import random
from pathlib import Path
from typing import Any, NamedTuple

from tests.fuzz.attackers import Attacker, Target
from tests.support.house import House

AT_ONCE = 16
SETTLED_SECONDS = 20.0
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Held(NamedTuple):
    """What the process holds."""

    tasks: int
    descriptors: int
    sessions: int
    objects: int
    kb: int

    def no_more_than(self, other: Held) -> bool:
        """Whether nothing is left that runs or is open; what it takes in memory aside."""
        return all(now <= before for now, before in zip(self[:3], other[:3], strict=True))


def _give_back() -> None:
    """Frees what nothing refers to; glibc's allocator keeps freed pages unless it is asked for them."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def held(house: House) -> Held:
    _give_back()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Held(
        len(asyncio.all_tasks()),
        sum(1 for _ in Path("/proc/self/fd").iterdir()),
        len(house.appliance.engine.sessions),
        len(gc.get_objects()),
        pages * _PAGE_KB,
    )


async def settled(house: House, before: Held) -> Held:
    """What is held once everybody has gone, or after `SETTLED_SECONDS`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLED_SECONDS
    while True:
        now = held(house)
        if now.no_more_than(before) or loop.time() > until:
            return now
        await asyncio.sleep(0.1)


async def target(house: House) -> Target:
    """Screens of its own, a producer and a watcher, and strangers."""
    tokens = [await house.pair(f"F-{number}") for number in range(4)]
    tokens += [house.key, await house.new_key("viewer"), "nonsense"]
    return Target(int(house.url.rpartition(":")[2]), tokens)


async def besiege(place: Target, attackers: list[Attacker], frames: int, seed: int) -> int:
    """Sends at least so many frames; the same ones for the same seed, in an order of their own."""
    sent = 0

    async def army(number: int) -> None:
        nonlocal sent
        rng = random.Random(f"{seed}-{number}")
        while sent < frames:
            sent += await rng.choice(attackers)(place, rng)

    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(army(number))
    return sent


async def serves(house: House, screen: Any) -> None:
    """Somebody honest is shown an order."""
    trigger_id = await house.accepted(screen_id="S-GOOD")
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
