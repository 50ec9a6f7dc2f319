"""What a monitor gets again: never what was put away meanwhile, and never what is too old by a clock that jumps."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

from appliance.relay import clock, currents
from tests.conftest import MakeHouse
from tests.support.house import House, until
from tests.support.wire import Wire

DAY_MS = 86_400_000


async def _on_show(house: House) -> str | None:
    found = (await house.local("GET", "/api/screens/S-1")).json["currentDocument"]
    return None if found is None else str(found["orderId"])


async def _restored(house: House) -> list[str]:
    screen = await house.screen(restore=True)
    await screen.settled()
    return [message["orderId"] for message in screen.of("navigate")]


async def _sent(house: House, screen: Wire) -> tuple[str, dict[str, object]]:
    trigger_id = await house.accepted()
    delivery = await screen.navigate()
    await screen.received(delivery)
    await house.becomes(trigger_id, "received")
    await asyncio.sleep(0.005)
    return trigger_id, delivery


async def test_a_word_that_crosses_a_clear_brings_nothing_back(house: House) -> None:
    screen = await house.screen()
    trigger_id, delivery = await _sent(house, screen)
    await house.local("POST", "/api/screens/S-1/clear")
    await screen.shown(delivery)
    await house.becomes(trigger_id, "shown")
    assert await _on_show(house) is None
    assert await _restored(house) == []


async def test_a_word_that_crosses_a_refused_scan_brings_nothing_back(house: House) -> None:
    screen = await house.screen()
    trigger_id, delivery = await _sent(house, screen)
    (await house.trigger("ORD-9999")).problem(404, "ORDER_NOT_FOUND")
    await screen.shown(delivery)
    await house.becomes(trigger_id, "shown")
    assert await _restored(house) == []


async def test_a_word_that_crosses_a_cancel_brings_nothing_back(house: House) -> None:
    screen = await house.screen()
    trigger_id, delivery = await _sent(house, screen)
    assert (await house.local("POST", f"/api/deliveries/{delivery['id']}/cancel")).status == 200
    await screen.shown(delivery)
    await house.becomes(trigger_id, "shown")
    assert await _on_show(house) is None
    await house.restart()
    assert await _restored(house) == []


async def test_what_is_sent_after_a_clear_is_on_show(house: House) -> None:
    screen = await house.screen()
    await house.local("POST", "/api/screens/S-1/clear")
    trigger_id = await house.accepted()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    assert await _on_show(house) == "ORD-1001"
    assert await _restored(house) == ["ORD-1001"]


async def test_a_clear_of_one_display_leaves_the_others(house: House) -> None:
    screen = await house.screen()
    trigger_id, delivery = await _sent(house, screen)
    (await house.trigger("ORD-9999", displayIndex=1)).problem(404, "ORDER_NOT_FOUND")
    await screen.shown(delivery)
    await house.becomes(trigger_id, "shown")
    assert await _restored(house) == ["ORD-1001"]


async def test_a_clock_that_jumps_while_running_makes_nothing_old_or_young(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"restore_hours": 1}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    for jump in (DAY_MS, -DAY_MS):
        with patch.object(currents, "now_ms", lambda jump=jump: clock.now_ms() + jump):
            assert await _restored(house) == ["ORD-1001"]


async def test_what_was_shown_in_an_earlier_run_ages_while_nothing_runs(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"restore_hours": 1}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    await until(lambda: house.appliance.engine.database.commits)
    await house.restart()
    assert await _restored(house) == ["ORD-1001"]
    await house.stop()
    with patch.object(currents, "now_ms", lambda: clock.now_ms() + DAY_MS):
        await house.start()
    assert await _restored(house) == []
    await house.stop()
    with patch.object(currents, "now_ms", lambda: clock.now_ms() - DAY_MS):  # who can tell how old it is?
        await house.start()
    assert await _restored(house) == []
