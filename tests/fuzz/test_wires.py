"""Whatever hostile clients send on any wire: no crash, nothing stuck, nothing kept, and whoever is honest is served.

The house's own end asserts that no traceback was logged. `FUZZ_SEED` repeats a run,
`FUZZ_FRAMES` is the length of the long one.
"""

from __future__ import annotations

import os
import random

import pytest

from appliance.transports.socketio import recovery
from tests.conftest import MakeHouse
from tests.fuzz.attackers import WIRES, Attacker
from tests.fuzz.siege import besiege, held, serves, settled, target

SHORT = {"websocket": 2_000, "socketio": 1_200, "sse": 600}
LONG = int(os.environ.get("FUZZ_FRAMES") or 1_000_000)
MAY_GROW_KB = 24 << 10
MAY_GROW_OBJECTS = 5_000
"""What caches may take that are bounded elsewhere: recent events, tokens, pages of the data file."""


@pytest.fixture(autouse=True)
def _short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was cut off is remembered for two minutes otherwise, and would count as a leak."""
    monkeypatch.setattr(recovery, "KEPT_SECONDS", 0.5)


async def _stands(make_house: MakeHouse, attackers: list[Attacker], frames: int, patience: float = 2.0) -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"FUZZ_SEED={seed}")
    # Without limits, so that every frame is read and not only the first of them.
    # And with a heartbeat that soon finds who polls no more, though the honest one shares this loop with the army.
    beats = {"interval_seconds": 0.5, "timeout_seconds": patience}
    house = await make_house({"limits": {"enabled": False}, "delivery": {"ttl_seconds": 5}, "heartbeat": beats})
    place = await target(house)
    honest = await house.screen("S-GOOD")
    await serves(house, honest)
    alone = held(house)
    await besiege(place, attackers, max(200, frames // 10), seed + 1)
    before = await settled(house, alone)
    await serves(house, honest)
    assert await besiege(place, attackers, frames, seed) >= frames
    after = await settled(house, alone)
    assert honest.close_code is None
    await serves(house, honest)
    assert after.no_more_than(alone), (alone, after)
    assert after.objects - before.objects < MAY_GROW_OBJECTS
    assert after.kb - before.kb < MAY_GROW_KB


@pytest.mark.parametrize("wire", list(WIRES))
async def test_a_few_thousand_frames_hurt_nobody(make_house: MakeHouse, wire: str) -> None:
    await _stands(make_house, WIRES[wire], SHORT[wire])


@pytest.mark.long
@pytest.mark.timeout(3 * 3600)
async def test_a_million_frames_hurt_nobody(make_house: MakeHouse) -> None:
    await _stands(make_house, [attacker for attackers in WIRES.values() for attacker in attackers], LONG, 10.0)
