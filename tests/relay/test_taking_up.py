"""What a screen that comes back takes up by itself, and what lanes make of what ended in an unusual way."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from appliance.storage import database as storage
from tests.conftest import MakeHouse
from tests.support.disk import refusing
from tests.support.house import House, until

AT_ONCE: dict[str, dict[str, Any]] = {
    "delivery": {"ack_timeout_ms": 40, "shown_timeout_ms": 40, "retry_base_ms": 5, "max_retries": 0},
    "heartbeat": {"timeout_seconds": 2},
}


def lasting(seconds: int, **members: int) -> dict[str, dict[str, Any]]:
    return {**AT_ONCE, "delivery": {**AT_ONCE["delivery"], "ttl_seconds": seconds, **members}}


def on_disk(house: House, trigger_id: str) -> tuple[str, int]:
    with sqlite3.connect(house.data.database) as disk:
        found: tuple[str, int] = disk.execute(
            "SELECT d.state, d.round FROM deliveries d JOIN triggers t ON t.pk = d.trigger_pk WHERE t.id = ?",
            (trigger_id,),
        ).fetchone()
        return found


async def exhausted(house: House, **members: Any) -> str:
    """A scan whose screen lived but never acked."""
    screen = await house.screen()
    trigger_id = await house.accepted(**members)
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "RETRIES_EXHAUSTED"
    await screen.close()
    return trigger_id


async def test_a_round_is_on_disk_before_it_is_sent(make_house: MakeHouse) -> None:
    house = await make_house(AT_ONCE)
    trigger_id = await exhausted(house)
    again = await house.screen()
    assert (await again.navigate())["round"] == 2
    assert on_disk(house, trigger_id)[1] == 2


async def test_while_the_disk_refuses_nothing_begins_by_itself(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    house = await make_house(AT_ONCE)
    trigger_id = await exhausted(house)
    with refusing():
        (await house.trigger()).problem(503, "STORAGE_UNAVAILABLE")
        screen = await house.screen()
        await asyncio.gather(*house.appliance.engine.take_up._working)
        await screen.settled()
        assert screen.of("navigate") == []
        await screen.close()
    await until(lambda: house.appliance.engine.database.ok)
    assert on_disk(house, trigger_id) == ("dead", 1)
    screen = await house.screen()
    assert (await screen.show_next())["round"] == 2


async def test_a_restart_keeps_what_may_come_back(make_house: MakeHouse) -> None:
    house = await make_house(AT_ONCE)
    trigger_id = await exhausted(house)
    await house.restart()
    screen = await house.screen()
    assert (await screen.show_next())["triggerId"] == trigger_id
    await house.becomes(trigger_id, "shown")


async def test_time_that_is_over_stays_over_whatever_the_wall_clock_says(make_house: MakeHouse) -> None:
    house = await make_house(lasting(1))
    trigger_id = await exhausted(house)
    # As it is when the clock was set back since: by the wall there is a year left.
    with sqlite3.connect(house.data.database) as disk:
        disk.execute("UPDATE deliveries SET expires_at = expires_at + 31536000000")
    await asyncio.sleep(1.1)  # its time to live
    screen = await house.screen()
    await asyncio.gather(*house.appliance.engine.take_up._working)
    await screen.settled()
    assert screen.of("navigate") == []
    assert on_disk(house, trigger_id) == ("dead", 1)


async def test_the_last_attempt_that_runs_out_too_late_has_expired(make_house: MakeHouse) -> None:
    house = await make_house(lasting(1, ack_timeout_ms=1_300))
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["code"], dead["cause"], dead["attempt"]) == ("EXPIRED", "ACK_TIMEOUT", 1)


async def test_a_scan_that_waited_for_its_display_in_vain_says_so(make_house: MakeHouse) -> None:
    house = await make_house(lasting(1))
    await house.screen(displays=[{"index": 0}])
    trigger_id = await house.accepted(displayIndex=1)
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["code"], dead["cause"]) == ("EXPIRED", "DISPLAY_NOT_AVAILABLE")
    (letter,) = await house.dead_letters()
    assert "monitor" in letter["causeMessages"]["en"]


async def test_one_that_was_cancelled_before_its_turn_overtakes_nothing(house: House) -> None:
    await house.pair("S-1")
    first = await house.accepted()
    house.orders.rename(house.root / "away")
    second = await house.trigger("ORD-7777")
    assert second.json["deliveries"][0]["state"] == "awaitingOrder"
    cancelled = await house.call("POST", f"/api/triggers/{second.json['id']}/cancel", bearer=house.key)
    assert cancelled.status == 200
    (house.root / "away").rename(house.orders)
    await house.restart()
    screen = await house.screen()
    assert (await screen.show_next())["triggerId"] == first


async def test_a_screen_that_is_deleted_while_a_scan_for_it_is_saved(house: House) -> None:
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    engine = house.appliance.engine
    asking = asyncio.create_task(house.trigger(screen_id=None, target="*", wait=5_000))
    held = asyncio.Event()
    accept = engine.outbox.accept

    def slowly(triggers: Any) -> Any:
        found = accept(triggers)
        engine.screens._by_id.pop("S-1")
        held.set()
        return found

    engine.outbox.accept = slowly  # type: ignore[method-assign]
    await held.wait()
    screen = await house.screen("S-2")
    await screen.show_next()
    answer = await asking
    ends = {d["screenId"]: (d["state"], d.get("code")) for d in answer.json["deliveries"]}
    assert ends == {"S-1": ("dead", "SCREEN_REMOVED"), "S-2": ("shown", None)}
