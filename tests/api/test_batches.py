"""`POST /api/triggers`: many triggers, one commit, an answer each."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from typing import Any

import msgspec
import pytest

from appliance.core.triggers import TriggerBody
from appliance.relay import intake
from appliance.relay.orders import Document
from appliance.storage import database as storage
from tests.support.answers import Answer, check_words, new_trigger
from tests.support.disk import refusing
from tests.support.house import House, until


async def send(house: House, triggers: list[Any], bearer: str | None = None) -> Answer:
    return await house.call("POST", "/api/triggers", {"triggers": triggers}, bearer=bearer or house.key)


async def results(house: House, triggers: list[Any]) -> list[dict[str, Any]]:
    answer = await send(house, triggers)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json["results"]
    return found


def on_disk(house: House) -> list[str]:
    with sqlite3.connect(house.data.database) as connection:
        return [trigger_id for (trigger_id,) in connection.execute("SELECT id FROM triggers ORDER BY pk")]


async def test_a_batch_is_one_commit_with_an_answer_each_in_order(house: House) -> None:
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    await house.appliance.engine.database.flush()
    before = house.appliance.engine.database.commits
    triggers = [new_trigger("ORD-1001", f"S-{n % 2 + 1}", mode="queue") for n in range(300)]
    found = await results(house, triggers)
    assert [result["status"] for result in found] == [202] * 300
    assert [result["body"]["id"] for result in found] == [trigger["id"] for trigger in triggers]
    assert {result["body"]["deliveries"][0]["state"] for result in found} == {"pending"}
    assert on_disk(house) == [trigger["id"] for trigger in triggers]
    assert house.appliance.engine.database.commits - before <= 4  # its own, one for the sends, and what else is due


async def test_each_of_a_batch_is_refused_for_itself(house: House) -> None:
    await house.pair("S-1")
    known = await house.accepted()
    good, last = new_trigger(), new_trigger("ORD-1002")
    triggers = [
        good,
        new_trigger("NO-SUCH-ORDER"),
        {**new_trigger(), "screenId": 7},
        {"id": "no uuid", "timestamp": 1, "orderId": "ORD-1001", "screenId": "S-1"},
        new_trigger("ORD-1001", "S-9"),
        new_trigger(timestamp=1_000),
        {**new_trigger("ORD-1002"), "id": known},
        {**new_trigger("ORD-1001"), "id": known},
        "not even an object",
        last,
    ]
    found = await results(house, triggers)
    told = [(result["status"], result["body"].get("code")) for result in found]
    assert told == [
        (202, None),
        (404, "ORDER_NOT_FOUND"),
        (400, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (404, "SCREEN_NOT_FOUND"),
        (400, "REQUEST_EXPIRED"),
        (409, "IDEMPOTENCY_CONFLICT"),
        (200, None),
        (400, "VALIDATION_ERROR"),
        (202, None),
    ]
    assert found[7]["body"]["duplicate"] is True
    assert found[2]["body"]["errors"][0]["field"] == "screenId"
    assert found[5]["body"]["serverTime"] > 0
    for result in found:
        if result["status"] >= 400:
            check_words(result["body"])
    assert on_disk(house) == [known, good["id"], last["id"]]


async def test_an_id_twice_in_a_batch_is_accepted_once(house: House) -> None:
    await house.pair("S-1")
    one, nonce = new_trigger(), "n" * 16
    triggers = [
        one,
        {**one, "id": one["id"].upper()},
        {**one, "orderId": "ORD-1002"},
        new_trigger(nonce=nonce),
        new_trigger(nonce=nonce),
    ]
    told = [(r["status"], r["body"].get("code") or r["body"]["duplicate"]) for r in await results(house, triggers)]
    assert told == [(202, False), (200, True), (409, "IDEMPOTENCY_CONFLICT"), (202, False), (409, "DUPLICATE_NONCE")]


async def test_an_id_twice_is_given_up_by_a_first_that_was_refused(house: House) -> None:
    await house.pair("S-1")
    one = new_trigger()
    found = await results(house, [{**one, "orderId": "NO-SUCH-ORDER"}, one])
    assert [result["status"] for result in found] == [404, 202]


async def test_batches_that_share_ids_in_another_order_both_end(house: House) -> None:
    await house.pair("S-1")
    triggers = [new_trigger() for _ in range(50)]
    async with asyncio.timeout(10):
        one, other = await asyncio.gather(results(house, triggers), results(house, triggers[::-1]))
    for first, second in zip(one, reversed(other), strict=True):
        assert sorted((first["status"], second["status"])) == [200, 202]
    assert len(on_disk(house)) == 50


async def test_the_newest_of_a_batch_goes_out_and_nothing_before_it(house: House) -> None:
    screen = await house.screen()
    triggers = [new_trigger("ORD-1001") for _ in range(20)]
    await results(house, triggers)
    assert (await screen.show_next())["triggerId"] == triggers[-1]["id"]
    await house.becomes(triggers[-1]["id"], "shown")
    await screen.settled()
    assert len(screen.of("navigate")) == 1
    assert (await house.delivery(triggers[0]["id"]))["state"] == "superseded"


async def test_a_queue_of_a_batch_keeps_its_order(house: House) -> None:
    screen = await house.screen()
    triggers = [new_trigger("ORD-1001", mode="queue") for _ in range(5)]
    await results(house, triggers)
    assert [(await screen.show_next())["triggerId"] for _ in triggers] == [trigger["id"] for trigger in triggers]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"triggers": [{}] * 501}, "triggers"),
        ({"triggers": "all"}, "triggers"),
        ({}, "triggers"),
    ],
)
async def test_a_body_that_is_no_batch(house: House, body: Any, field: str) -> None:
    problem = (await house.call("POST", "/api/triggers", body, bearer=house.key)).problem(400, "VALIDATION_ERROR")
    assert problem["errors"][0]["field"] == field


async def test_a_viewer_sends_no_batch_and_a_limited_key_reaches_its_own(house: House) -> None:
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    viewer, limited = await house.new_key("viewer"), await house.new_key(screens=["S-2"])
    (await send(house, [new_trigger()], viewer)).problem(403, "PERMISSION_DENIED")
    answer = await send(house, [new_trigger(), new_trigger(screen_id="S-2")], limited)
    assert [result["status"] for result in answer.json["results"]] == [403, 202]


async def test_an_empty_batch_is_answered(house: House) -> None:
    assert await results(house, []) == []


async def test_a_disk_that_refuses_refuses_the_whole_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.03)
    await house.pair("S-1")
    triggers = [new_trigger() for _ in range(20)]
    with refusing():
        answer = await send(house, triggers)
        answer.problem(503, "STORAGE_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) >= 1
    await until(lambda: house.appliance.engine.database.ok)
    assert on_disk(house) == []
    assert [result["status"] for result in await results(house, triggers)] == [202] * 20


async def test_a_full_lane_takes_of_a_batch_what_it_has_room_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.relay.dispatcher.MAX_OPEN", 3)
    await house.pair("S-1")
    triggers = [new_trigger(mode="queue") for _ in range(5)]
    assert [r["status"] for r in await results(house, triggers)] == [202, 202, 202, 429, 429]
    assert [r["status"] for r in await results(house, triggers[:4])] == [200, 200, 200, 429]


async def test_a_screen_triggers_itself_in_a_batch(house: House) -> None:
    token = await house.pair("S-1")
    await house.pair("S-2")
    mine = {name: value for name, value in new_trigger().items() if name != "screenId"}
    answer = await send(house, [mine, new_trigger(screen_id="S-2")], token)
    assert [result["status"] for result in answer.json["results"]] == [202, 403]
    assert str(uuid.UUID(answer.json["results"][0]["body"]["id"])) == mine["id"]


async def test_one_call_makes_so_many_deliveries_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is refused with nothing kept for it, and a sender that sends all again gets on with the rest."""
    monkeypatch.setattr(intake, "MAX_DELIVERIES", 5)
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    triggers = [new_trigger(screen_id=None, target="*", mode="queue") for _ in range(6)]
    found = await results(house, triggers)
    assert [result["status"] for result in found] == [202, 202, 429, 429, 429, 429]
    assert found[2]["body"]["code"] == "QUEUE_FULL"
    assert found[2]["body"]["retryable"] is True
    dispatcher = house.appliance.engine.dispatcher
    assert (len(dispatcher.opened), dispatcher.opened.lane("S-1", 0).expected) == (4, 0)
    assert on_disk(house) == [trigger["id"] for trigger in triggers[:2]]
    assert [r["status"] for r in await results(house, triggers)] == [200, 200, 202, 202, 429, 429]
    assert [r["status"] for r in await results(house, triggers)] == [200, 200, 200, 200, 202, 202]
    assert len({d for r in await results(house, triggers) for d in [r["body"]["id"]]}) == 6


async def test_a_single_broadcast_may_be_larger_than_that(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_DELIVERIES", 1)
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    assert (await house.trigger(screen_id=None, target="*")).status == 202


async def test_who_goes_away_while_he_waits_for_an_id_blocks_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.pair("S-1")
    engine = house.appliance.engine
    real, looking, go_on = engine.source.look_up, asyncio.Event(), asyncio.Event()

    async def slow(order_id: str) -> Document:
        if order_id == "ORD-1002":
            looking.set()
            await go_on.wait()
        return await real(order_id)

    monkeypatch.setattr(engine.source, "at_hand", lambda _order_id: None)
    monkeypatch.setattr(engine.source, "look_up", slow)
    first = new_trigger("ORD-1002", id="ffffffff-0000-4000-8000-000000000000", mode="queue")
    other = new_trigger("ORD-1001", id="00000000-0000-4000-8000-000000000000", mode="queue")
    sending = asyncio.create_task(house.call("POST", "/api/trigger", first, bearer=house.key))
    await looking.wait()
    principal = await engine.auth.bearer(house.key)
    bodies = [msgspec.convert(body, TriggerBody) for body in (other, first)]
    both = asyncio.create_task(engine.intake.accept_all(principal, bodies))
    await asyncio.sleep(0)  # it has taken the one and waits for the other
    both.cancel()
    await asyncio.gather(both, return_exceptions=True)
    async with asyncio.timeout(5):
        assert (await house.call("POST", "/api/trigger", other, bearer=house.key)).status == 202
    go_on.set()
    assert (await sending).status == 202
