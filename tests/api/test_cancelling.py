"""Cancelling what is still open: one delivery, or all that a trigger has left."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any, NamedTuple

import pytest

from appliance.relay.opened import Row
from appliance.storage import database as storage
from tests.conftest import MakeHouse
from tests.support.answers import Answer, check_words
from tests.support.disk import refusing
from tests.support.held import Held
from tests.support.house import House, until
from tests.support.inbox import Message
from tests.support.wire import Wire


async def cancel(house: House, path: str, bearer: str | None = None) -> Answer:
    return await house.call("POST", f"{path}/cancel", bearer=bearer or house.key)


class Halfway(NamedTuple):
    """A delivery that is out on a screen, whose cancelling is on its way to the disk."""

    screen: Wire
    trigger_id: str
    navigate: Message
    row: Row
    held: Held
    cancelling: asyncio.Task[Answer]


async def halfway(house: House, *, received: bool = False, **hello: Any) -> Halfway:
    """`received`: the screen has said so already. `hello` is what it says of itself."""
    database = house.appliance.engine.database
    screen = await house.screen(**hello)
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    if received:
        await screen.received(navigate)
        await house.becomes(trigger_id, "received")
    (row,) = house.appliance.engine.dispatcher.opened
    await database.flush()
    held = Held(database)
    await held.begun()
    before = database.waiting
    cancelling = asyncio.create_task(cancel(house, f"/api/deliveries/{row.delivery.id}"))
    await until(lambda: database.waiting > before)
    return Halfway(screen, trigger_id, navigate, row, held, cancelling)


async def test_a_waiting_delivery_is_cancelled_and_never_sent(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    answer = await cancel(house, f"/api/deliveries/{trigger_id}:S-1")
    assert (answer.status, answer.json) == (
        200,
        {"id": f"{trigger_id}:S-1", "screenId": "S-1", "state": "dead", "final": True, "code": "CANCELLED"},
    )
    (letter,) = await house.dead_letters()
    assert letter["code"] == "CANCELLED"
    assert "key-1" in letter["messages"]["en"]
    check_words({**letter, "retryable": False})
    screen = await house.screen()
    await screen.settled()
    assert screen.of("navigate") == []
    (await cancel(house, f"/api/deliveries/{trigger_id}:S-1")).problem(409, "NOT_OPEN")


async def test_a_delivery_on_its_way_is_taken_off_the_monitor(house: House) -> None:
    screen = await house.screen(restore=True)
    shown = await house.accepted("ORD-1002")
    await screen.show_next()
    await house.becomes(shown, "shown")
    trigger_id = await house.accepted(displayIndex=0)
    await screen.navigate()
    producer = await house.session(house.key)
    await producer.settled()
    assert (await cancel(house, f"/api/triggers/{trigger_id}")).status == 200
    assert (await screen.expect("clear"))["displayIndex"] == 0
    told = await screen.expect("delivery", lambda message: message["triggerId"] == trigger_id)
    assert (told["state"], told["code"], told["final"]) == ("dead", "CANCELLED", True)
    found = await house.delivery(trigger_id)
    assert [line["state"] for line in found["history"]] == ["pending", "sent", "dead"]
    # The monitor is blank now: what it showed before doesn't come back with a restart of its PC either.
    await screen.close()
    again = await house.screen(restore=True)
    await again.settled()
    assert again.of("navigate") == []


async def test_what_waited_behind_a_cancelled_one_goes_out(house: House) -> None:
    screen = await house.screen()
    first, second = await house.accepted(mode="queue"), await house.accepted("ORD-1002", mode="queue")
    assert (await screen.navigate())["triggerId"] == first
    await cancel(house, f"/api/triggers/{first}")
    assert (await screen.show_next())["triggerId"] == second


async def test_a_trigger_s_open_deliveries_are_cancelled_and_its_ended_ones_stay(house: House) -> None:
    screen = await house.screen("S-1")
    for screen_id in ("S-2", "S-3"):
        await house.pair(screen_id)
    trigger_id = await house.accepted(screen_id=None, target="*")
    await screen.show_next()
    await until(lambda: house.appliance.engine.metrics.ended.get("shown"))
    answer = await cancel(house, f"/api/triggers/{trigger_id}")
    assert (answer.status, answer.json["id"], answer.json["status"]) == (200, trigger_id, "cancelled")
    states = {d["screenId"]: (d["state"], d.get("code")) for d in answer.json["deliveries"]}
    assert states == {"S-1": ("shown", None), "S-2": ("dead", "CANCELLED"), "S-3": ("dead", "CANCELLED")}
    problem = (await cancel(house, f"/api/triggers/{trigger_id}")).problem(409, "NOT_OPEN")
    assert "Shown" in problem["action"]["en"]


async def test_one_that_waits_for_its_order_can_be_cancelled(house: House) -> None:
    await house.pair("S-1")
    house.orders.rename(house.root / "away")
    answer = await house.trigger("ORD-7777")
    assert answer.json["deliveries"][0]["state"] == "awaitingOrder"
    assert (await cancel(house, f"/api/triggers/{answer.json['id']}")).json["deliveries"][0]["code"] == "CANCELLED"
    (house.root / "away").rename(house.orders)
    house.order("ORD-7777")
    await house.knows("ORD-7777")
    assert (await house.delivery(answer.json["id"]))["state"] == "dead"


async def test_a_wait_ends_with_the_cancelling(house: House) -> None:
    await house.pair("S-1")
    waiting = asyncio.create_task(house.trigger(wait=10_000))
    await until(lambda: len(house.appliance.engine.dispatcher.opened))
    (row,) = house.appliance.engine.dispatcher.opened
    await cancel(house, f"/api/deliveries/{row.delivery.id}")
    assert (await waiting).json["result"] == "dead"


async def test_who_may_cancel(house: House) -> None:
    token = await house.pair("S-1")
    await house.pair("S-2")
    trigger_id = await house.accepted(screen_id=None, target="*")
    viewer, other = await house.new_key("viewer"), await house.new_key(screens=["S-2"])
    for bearer in (viewer, token):
        (await cancel(house, f"/api/triggers/{trigger_id}", bearer)).problem(403, "PERMISSION_DENIED")
    (await cancel(house, f"/api/deliveries/{trigger_id}:S-1", other)).problem(404, "NOT_FOUND")
    limited = await cancel(house, f"/api/triggers/{trigger_id}", other)
    assert [(d["screenId"], d["state"]) for d in limited.json["deliveries"]] == [("S-2", "dead")]
    states = {d["screenId"]: d["state"] for d in (await house.told_of(trigger_id))["deliveries"]}
    assert states == {"S-1": "pending", "S-2": "dead"}


@pytest.mark.parametrize("path", ["/api/triggers/never-heard-of", "/api/deliveries/never:S-1", "/api/deliveries/x"])
async def test_what_there_is_not_is_not_found(house: House, path: str) -> None:
    (await cancel(house, path)).problem(404, "NOT_FOUND")


async def test_cancelling_is_audited_in_the_same_commit(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    await cancel(house, f"/api/triggers/{trigger_id}")
    with sqlite3.connect(house.data.database) as disk:
        entries = disk.execute("SELECT actor, action, target FROM audit WHERE action LIKE 'delivery.%'").fetchall()
        state = disk.execute("SELECT state, code FROM deliveries").fetchall()
    ((actor, *entry),) = entries
    assert actor.startswith("key:")
    assert entry == ["delivery.cancel", f"{trigger_id}:S-1"]
    assert state == [("dead", "CANCELLED")]


async def test_a_cancelled_one_can_be_sent_again(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    await cancel(house, f"/api/triggers/{trigger_id}")
    answer = await house.local("POST", f"/api/dead-letters/{trigger_id}:S-1/replay")
    assert answer.status == 202
    again = await screen.show_next()
    assert (again["triggerId"], again["round"]) == (trigger_id, 2)
    await house.becomes(trigger_id, "shown")


async def test_while_the_disk_refuses_nothing_is_cancelled(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    house = await make_house()
    await house.pair("S-1")
    trigger_id = await house.accepted()
    with refusing():
        (await house.trigger()).problem(503, "STORAGE_UNAVAILABLE")
        (await cancel(house, f"/api/deliveries/{trigger_id}:S-1")).problem(503, "STORAGE_UNAVAILABLE")
    await until(lambda: house.appliance.engine.database.ok)
    screen = await house.screen()
    assert (await screen.show_next())["triggerId"] == trigger_id


async def test_what_the_disk_refuses_to_cancel_stays_on_the_monitor(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle until then: the refusal comes with the cancelling's own commit."""
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    await screen.received(navigate)
    await house.becomes(trigger_id, "received")
    with refusing():
        (await cancel(house, f"/api/triggers/{trigger_id}")).problem(503, "STORAGE_UNAVAILABLE")
        await screen.settled()
        assert screen.of("clear") == []
    await until(lambda: house.appliance.engine.database.ok)
    assert (await house.delivery(trigger_id))["state"] == "received"
    await screen.shown(navigate)
    await house.becomes(trigger_id, "shown")


async def test_what_is_shown_while_it_is_being_cancelled_was_shown(house: House) -> None:
    """The worker has seen it: that is the end of its history, on disk too, and nothing is blanked."""
    screen, trigger_id, navigate, row, held, cancelling = await halfway(house, received=True)
    await screen.shown(navigate)
    await until(lambda: row.withheld)
    await held.release()
    (await cancelling).problem(409, "NOT_OPEN")
    assert screen.of("clear") == []
    history = (await house.delivery(trigger_id))["history"]
    assert [line["state"] for line in history] == ["pending", "sent", "received", "dead", "shown"]
    with sqlite3.connect(house.data.database) as disk:
        assert disk.execute("SELECT state, code, listed FROM deliveries").fetchall() == [("shown", None, 0)]


@pytest.mark.parametrize("capabilities", [[], ["shown"]])
async def test_what_goes_on_while_it_is_being_cancelled_is_cancelled(house: House, capabilities: list[str]) -> None:
    """The screen's word is a line behind the cancelling, even one that would have ended it."""
    screen, trigger_id, navigate, row, held, cancelling = await halfway(house, capabilities=capabilities)
    await screen.received(navigate)
    await until(lambda: row.withheld)
    await held.release()
    assert (await cancelling).json["code"] == "CANCELLED"
    with sqlite3.connect(house.data.database) as disk:
        assert disk.execute("SELECT state, code FROM deliveries").fetchall() == [("dead", "CANCELLED")]
    await screen.expect("clear")
    history = (await house.delivery(trigger_id))["history"]
    assert [line["state"] for line in history] == ["pending", "sent", "dead", "late"]


async def test_what_goes_on_while_the_disk_refuses_to_cancel_it_has_happened(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    database = house.appliance.engine.database
    screen, trigger_id, navigate, row, held, cancelling = await halfway(house)
    await screen.received(navigate)
    await screen.shown(navigate)
    await until(lambda: row.withheld and len(row.withheld) == 2)
    with refusing():
        await held.release()
        (await cancelling).problem(503, "STORAGE_UNAVAILABLE")
    await until(lambda: database.ok)
    await house.becomes(trigger_id, "shown")
    history = (await house.delivery(trigger_id))["history"]
    assert [line["state"] for line in history] == ["pending", "sent", "received", "shown"]
    assert screen.of("clear") == []
    await house.accepted("ORD-1002")
    assert (await screen.show_next())["orderId"] == "ORD-1002"
