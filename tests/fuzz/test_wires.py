"""Whatever hostile clients send on any wire: no crash, nothing stuck, nothing kept, and whoever is honest is served.

The house's own end asserts that no traceback was logged. `FUZZ_SEED` repeats a run,
`FUZZ_FRAMES` is the length of the long one.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import time

import pytest

from appliance.transports.socketio import recovery
from tests.conftest import MakeHouse
from tests.fuzz.attackers import WIRES, Target
from tests.fuzz.siege import Held, besiege, serves, settled, target, withstands

SHORT = {"websocket": 12_000, "socketio": 8_000, "sse": 4_000}
LONG = int(os.environ.get("FUZZ_FRAMES") or 1_000_000)
MAY_GROW_KB = 24 << 10
MAY_GROW_OBJECTS = 5_000
"""What caches may take that are bounded elsewhere: recent events, tokens, pages of the data file."""


@pytest.fixture(autouse=True)
def _short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was cut off is remembered for two minutes otherwise, and would count as a leak."""
    monkeypatch.setattr(recovery, "KEPT_SECONDS", 0.5)


async def _stands(make_house: MakeHouse, wires: list[str], frames: int, patience: float = 2.0) -> None:
    """Withstands so many frames, on each wire as many."""
    seed = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FUZZ_SEED={seed}")
    # Without limits, so that every frame is read and not only the first of them.
    # And with a heartbeat that soon finds who polls no more, though the honest one shares this loop with the army.
    beats = {"interval_seconds": 0.5, "timeout_seconds": patience}
    house = await make_house({"limits": {"enabled": False}, "delivery": {"ttl_seconds": 5}, "heartbeat": beats})
    place = await target(house)
    honest = await house.screen("S-GOOD")
    await serves(house, honest)
    alone = await settled(house)

    async def siege(name: str, most: int) -> Held:
        each = math.ceil(most / len(wires))
        began = time.monotonic()
        sent = await withstands(
            house, honest, [besiege(place, WIRES[wire], each, f"{seed}-{name}-{wire}") for wire in wires]
        )
        print(f"{name}: {sum(sent)} frames in {time.monotonic() - began:.1f} s")
        assert min(sent) >= each
        now = await settled(house, alone)
        print(now)
        return now

    before = await siege("warming up", frames // 10)
    after = await siege("siege", frames)
    assert honest.close_code is None
    await serves(house, honest)
    assert after.no_more_than(alone), (alone, after)
    assert after.objects - before.objects < MAY_GROW_OBJECTS
    assert after.kb - before.kb < MAY_GROW_KB


@pytest.mark.timeout(240)  # an alarm in the middle of it would keep alive what it was about to count
@pytest.mark.parametrize("wire", list(WIRES))
async def test_a_few_thousand_frames_hurt_nobody(make_house: MakeHouse, wire: str) -> None:
    await _stands(make_house, [wire], SHORT[wire])


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_million_frames_hurt_nobody(make_house: MakeHouse) -> None:
    await _stands(make_house, list(WIRES), LONG, 10.0)


async def test_a_siege_counts_every_frame_once() -> None:
    said = 0

    async def client(_place: Target, rng: random.Random) -> int:
        nonlocal said
        frames = rng.randrange(1, 9)
        said += frames
        await asyncio.sleep(0)
        return frames

    assert await besiege(Target(0, []), [client], 500, "0") == said
