"""Who counts as alive."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from appliance.storage import draining, groups
from tests.conftest import MakeHouse
from tests.support.answers import new_trigger

BEATS = {"heartbeat": {"interval_seconds": 0.1, "timeout_seconds": 0.1}}


async def test_a_disk_that_stalls_ends_no_session(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house = await make_house(BEATS)
    await house.pair("S-1")
    producer = await house.session(house.key)
    goes_on = threading.Event()

    def held(*args: Any) -> Any:
        goes_on.wait(10)
        return groups.transact(*args)

    monkeypatch.setattr(draining, "transact", held)
    try:
        await producer.send({"type": "trigger", **new_trigger("ORD-1001", "S-1")})
        await asyncio.sleep(0.6)  # several heartbeats, whose answers lie behind the trigger
    finally:
        goes_on.set()
    answer = await producer.expect("trigger:response")
    assert answer["success"] is True
    await asyncio.sleep(0.3)
    assert producer.close_code is None
    await producer.settled()
    producer.answers_pings = False
    assert await producer.closed() == 4408
