"""What a screen that comes back takes up by itself, and what lanes make of what ended in an unusual way."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from typing import Any

import pytest

from appliance.relay import takeup
from appliance.storage import database as storage
from appliance.storage import draining, groups
from appliance.storage.groups import Outcome, Waiting
from tests.conftest import MakeHouse
from tests.support.answers import new_trigger
from tests.support.disk import refusing
from tests.support.house import House
from tests.support.wire import Wire

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


async def test_while_the_disk_refuses_nothing_begins_and_afterwards_it_does(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    monkeypatch.setattr(takeup, "STORAGE_SECONDS", 0.03)
    house = await make_house(AT_ONCE)
    trigger_id = await exhausted(house)
    with refusing():
        (await house.trigger()).problem(503, "STORAGE_UNAVAILABLE")
        screen = await house.screen()
        await asyncio.sleep(0.1)  # several tries
        await screen.settled()
        assert screen.of("navigate") == []
        assert on_disk(house, trigger_id) == ("dead", 1)
    assert (await screen.show_next())["round"] == 2  # without coming back once more
    await house.becomes(trigger_id, "shown")


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each commit takes a while, so that everything happens while another one is under way."""
    transact = groups.transact

    def slowly(connection: sqlite3.Connection, group: list[Waiting]) -> list[Outcome]:
        time.sleep(0.05)
        return transact(connection, group)

    monkeypatch.setattr(draining, "transact", slowly)


def never_back(screen: Wire, older: str, newer: str) -> None:
    """What the screen was told to show never went from the newer one to the older one."""
    shown = [message["triggerId"] for message in screen.of("navigate")]
    assert newer in shown
    assert older not in shown[shown.index(newer) :], shown


@pytest.mark.usefixtures("slow_disk")
@pytest.mark.parametrize("after_ms", [0, 30, 60, 90, 120, 160, 220])
async def test_a_scan_at_the_moment_its_screen_comes_back_stays_on_it(make_house: MakeHouse, after_ms: int) -> None:
    house = await make_house({**AT_ONCE, "delivery": {**AT_ONCE["delivery"], "ack_timeout_ms": 400}})
    older = await exhausted(house)
    screen = await house.screen()
    showing = asyncio.create_task(show_everything(screen))
    await asyncio.sleep(after_ms / 1000)
    newer = await house.accepted("ORD-1002")
    await house.becomes(newer, "shown")
    await asyncio.sleep(0.3)  # whatever else was on its way
    showing.cancel()
    never_back(screen, older, newer)


@pytest.mark.usefixtures("slow_disk")
@pytest.mark.parametrize("after_ms", [0, 30, 60, 90, 120, 160, 220])
async def test_a_scan_during_a_replay_of_many_stays_on_its_screen(make_house: MakeHouse, after_ms: int) -> None:
    house = await make_house({**AT_ONCE, "delivery": {**AT_ONCE["delivery"], "ack_timeout_ms": 400}})
    screen = await house.screen()
    older = await house.accepted()
    first = await screen.navigate()
    await screen.failed(first, "DOCUMENT_URL_REFUSED")
    await house.becomes(older, "dead")
    showing = asyncio.create_task(show_everything(screen))
    replaying = asyncio.create_task(house.local("POST", "/api/dead-letters/replay", {"code": "DOCUMENT_URL_REFUSED"}))
    await asyncio.sleep(after_ms / 1000)
    newer = await house.accepted("ORD-1002")
    assert (await replaying).status == 200
    await house.becomes(newer, "shown")
    await asyncio.sleep(0.3)  # whatever else was on its way
    showing.cancel()
    screen.heard.remove(first)
    never_back(screen, older, newer)


async def show_everything(screen: Wire) -> None:
    while True:
        await screen.show_next()


async def test_a_newer_scan_that_waits_for_its_order_is_not_overtaken(make_house: MakeHouse) -> None:
    house = await make_house(AT_ONCE)
    older = await exhausted(house)
    house.orders.rename(house.root / "away")
    newer = await house.trigger("ORD-1002")
    assert newer.json["deliveries"][0]["state"] == "awaitingOrder"
    screen = await house.screen()
    await asyncio.gather(*house.appliance.engine.take_up._working)
    replayed = await house.local("POST", "/api/dead-letters/replay", {"code": "RETRIES_EXHAUSTED"})
    assert (replayed.json["replayed"], replayed.json["stale"]) == (0, 1)
    (house.root / "away").rename(house.orders)
    assert (await screen.show_next())["triggerId"] == newer.json["id"]
    await house.becomes(newer.json["id"], "shown")
    assert (await house.delivery(older))["state"] == "dead"


async def test_a_screen_whose_end_came_before_a_crash_gets_nothing_of_before(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    await house.stop()
    with sqlite3.connect(house.data.database) as disk:  # as a crash right after the commit of its end leaves it
        disk.execute("DELETE FROM screens")
    await house.start()
    del house.tokens["S-1"]
    screen = await house.screen("S-1")
    await screen.settled()
    assert screen.of("navigate") == []
    assert (await house.becomes(trigger_id, "dead"))["code"] == "SCREEN_REMOVED"


async def test_a_screen_made_again_during_a_dwell_is_not_stuck(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"queue_dwell_ms": 300}})
    screen = await house.screen()
    await house.accepted(mode="queue")
    await screen.show_next()
    assert (await house.local("DELETE", "/api/screens/S-1")).status == 204
    del house.tokens["S-1"]
    again = await house.screen()
    trigger_id = await house.accepted("ORD-1002")
    assert (await again.show_next())["triggerId"] == trigger_id


async def test_what_has_ended_is_not_kept_until_its_time_to_live_would_be_over(house: House) -> None:
    await house.pair("S-1")
    for _ in range(6):
        triggers = [new_trigger(ttlSeconds=86_400) for _ in range(500)]
        await house.call("POST", "/api/triggers", {"triggers": triggers}, bearer=house.key)
    assert len(house.appliance.engine.dispatcher.opened) == 1
    assert len(house.appliance.engine.dispatcher.opened._deadlines) <= 1_502


async def test_a_monitor_that_comes_and_goes_fills_no_history(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    for _ in range(130):
        await screen.failed(await screen.navigate(), "DISPLAY_NOT_AVAILABLE")
        await screen.send({"type": "displays", "displays": [{"index": 0}]})
    await screen.show_next()
    shown = await house.becomes(trigger_id, "shown")
    assert len(shown["history"]) == 200
    assert [line["state"] for line in shown["history"][:2]] == ["pending", "sent"]
    assert shown["history"][-1]["state"] == "shown"


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


async def test_an_order_goes_out_with_no_lower_number_after_a_second_restart(house: House) -> None:
    """The screen would ignore it. One that waited for its order raised the number at the first, and has ended since."""
    await house.pair("S-1")
    first = await house.accepted()
    house.orders.rename(house.root / "away")
    second = await house.trigger("ORD-7777")
    await house.restart()
    sent = await (await house.screen()).expect("navigate")
    cancelled = await house.call("POST", f"/api/triggers/{second.json['id']}/cancel", bearer=house.key)
    assert cancelled.status == 200
    await house.restart()
    again = await (await house.screen()).expect("navigate")
    assert (sent["triggerId"], again["triggerId"]) == (first, first)
    assert again["seq"] >= sent["seq"]


async def test_a_screen_that_is_deleted_while_a_scan_for_it_is_saved(house: House) -> None:
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    engine = house.appliance.engine
    asking = asyncio.create_task(house.trigger(screen_id=None, target="*", wait=5_000))
    held = asyncio.Event()
    accept = engine.outbox.accept

    def slowly(*trigger: Any) -> None:
        accept(*trigger)
        engine.screens._by_id.pop("S-1")
        held.set()

    engine.outbox.accept = slowly  # type: ignore[method-assign, assignment]
    await asyncio.wait_for(held.wait(), 5)
    screen = await house.screen("S-2")
    await screen.show_next()
    answer = await asking
    ends = {d["screenId"]: (d["state"], d.get("code")) for d in answer.json["deliveries"]}
    assert ends == {"S-1": ("dead", "SCREEN_REMOVED"), "S-2": ("shown", None)}
