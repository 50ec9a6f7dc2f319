"""The main way over HTTP: a key sends a trigger, the screen shows the document, everyone hears of it."""

from __future__ import annotations

import asyncio
import uuid

import aiohttp
import pytest

from tests.support.answers import new_trigger
from tests.support.house import PDF, House


async def test_a_trigger_is_accepted_sent_and_shown(house: House) -> None:
    screen = await house.screen()
    body = new_trigger(displayIndex=1)
    answer = await house.call("POST", "/api/trigger", body, bearer=house.key)
    assert answer.status == 202
    delivery_id = f"{body['id']}:S-1"
    assert answer.json == {
        "id": body["id"],
        "status": "accepted",
        "duplicate": False,
        "deliveries": [{"id": delivery_id, "screenId": "S-1", "state": "pending", "final": False}],
    }
    navigate = await screen.navigate()
    assert {k: navigate[k] for k in ("id", "triggerId", "orderId", "displayIndex", "round", "attempt")} == {
        "id": delivery_id,
        "triggerId": body["id"],
        "orderId": "ORD-1001",
        "displayIndex": 1,
        "round": 1,
        "attempt": 1,
    }
    assert navigate["contentType"] == "application/pdf"
    assert navigate["expiresAt"] - navigate["acceptedAt"] == 600_000
    assert "restored" not in navigate
    async with aiohttp.ClientSession() as http, http.get(navigate["url"]) as document:
        assert (document.status, await document.read()) == (200, PDF)
    await screen.received(navigate)
    await house.becomes(body["id"], "received")
    await screen.shown(navigate, windowId=7)
    told = await screen.expect("delivery")
    assert {k: told[k] for k in ("id", "triggerId", "screenId", "state", "final")} == {
        "id": delivery_id,
        "triggerId": body["id"],
        "screenId": "S-1",
        "state": "shown",
        "final": True,
    }
    assert (told["display"]["index"], told["windowId"]) == (1, 7)
    found = await house.delivery(body["id"])
    assert (found["state"], found["final"]) == ("shown", True)
    assert [line["state"] for line in found["history"]] == ["pending", "sent", "received", "shown"]
    assert found["history"][0]["at"] <= found["history"][-1]["at"]


@pytest.mark.parametrize("text", ["", "-1", "30001", "1.5", "٣", "9" * 5000])
async def test_a_time_to_wait_that_does_not_fit(house: House, text: str) -> None:
    await house.pair("S-1")
    answer = await house.call("POST", f"/api/trigger?wait=shown&timeoutMs={text}", new_trigger(), bearer=house.key)
    problem = answer.problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == ["timeoutMs"]


async def test_waiting_for_shown_answers_when_it_is_shown(house: House) -> None:
    screen = await house.screen()
    waiting = asyncio.create_task(house.trigger(wait=10_000))
    await screen.show_next()
    answer = await waiting
    assert (answer.status, answer.json["result"]) == (200, "shown")
    (delivery,) = answer.json["deliveries"]
    assert (delivery["state"], delivery["final"]) == ("shown", True)


async def test_waiting_longer_than_asked_answers_timeout(house: House) -> None:
    screen = await house.screen()
    answer = await house.trigger(wait=150)
    assert (answer.status, answer.json["result"]) == (202, "timeout")
    assert answer.json["deliveries"][0]["state"] == "sent"
    await screen.show_next()


async def test_waiting_tells_the_worst_of_several_screens(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    waiting = asyncio.create_task(house.trigger(screen_id=None, target="screen:S-*", wait=10_000))
    await one.show_next()
    await two.failed(await two.navigate(), "DISPLAY_PERMISSION_DENIED")
    answer = await waiting
    assert (answer.status, answer.json["result"]) == (200, "dead")
    states = {delivery["screenId"]: (delivery["state"], delivery.get("code")) for delivery in answer.json["deliveries"]}
    assert states == {"S-1": ("shown", None), "S-2": ("dead", "DISPLAY_PERMISSION_DENIED")}


async def test_a_repeat_changes_nothing_and_tells_the_present_state(house: House) -> None:
    screen = await house.screen()
    body = new_trigger(nonce="nonce-of-sixteen")
    first = await house.call("POST", "/api/trigger", body, bearer=house.key)
    assert first.status == 202
    await screen.show_next()
    await house.becomes(body["id"], "shown")
    again = await house.call("POST", "/api/trigger", {**body, "nonce": "another-nonce-123"}, bearer=house.key)
    assert again.status == 200
    assert (again.json["duplicate"], again.json["deliveries"][0]["state"]) == (True, "shown")
    waited = await house.call("POST", "/api/trigger?wait=shown", body, bearer=house.key)
    assert (waited.status, waited.json["duplicate"], waited.json["result"]) == (200, True, "shown")
    upper = await house.call("POST", "/api/trigger", {**body, "id": body["id"].upper()}, bearer=house.key)
    assert (upper.status, upper.json["id"]) == (200, body["id"])
    await screen.settled()
    assert len(screen.of("navigate")) == 1


async def test_a_repeat_is_answered_though_its_time_or_its_order_is_over(house: House) -> None:
    await house.screen()
    gone = house.order("ORD-GONE")
    await house.knows("ORD-GONE")
    body = new_trigger("ORD-GONE")
    assert (await house.call("POST", "/api/trigger", body, bearer=house.key)).status == 202
    gone.unlink()
    again = await house.call("POST", "/api/trigger", {**body, "timestamp": 1_600_000_000_000}, bearer=house.key)
    assert (again.status, again.json["duplicate"]) == (200, True)


@pytest.mark.parametrize(
    "change",
    [{"orderId": "ORD-1002"}, {"screenId": "S-2"}, {"displayIndex": 2}, {"orderId": "ORD-NEVER-HEARD-OF"}],
    ids=["order", "screen", "display", "unknown order"],
)
async def test_the_same_id_for_something_else_is_a_conflict(house: House, change: dict[str, object]) -> None:
    await house.pair("S-1")
    await house.pair("S-2")
    body = new_trigger()
    assert (await house.call("POST", "/api/trigger", body, bearer=house.key)).status == 202
    answer = await house.call("POST", "/api/trigger", {**body, **change}, bearer=house.key)
    answer.problem(409, "IDEMPOTENCY_CONFLICT")
    assert (await house.told_of(body["id"]))["orderId"] == "ORD-1001"


async def test_the_same_id_from_another_sender_is_a_conflict(house: House) -> None:
    await house.pair("S-1")
    body = new_trigger()
    assert (await house.call("POST", "/api/trigger", body, bearer=house.key)).status == 202
    other = await house.new_key()
    (await house.call("POST", "/api/trigger", body, bearer=other)).problem(409, "IDEMPOTENCY_CONFLICT")


async def test_repeats_at_the_same_time_make_one_delivery(house: House) -> None:
    screen = await house.screen()
    body = new_trigger()
    answers = await asyncio.gather(*(house.call("POST", "/api/trigger", body, bearer=house.key) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [202]
    assert [answer.json["duplicate"] for answer in answers].count(False) == 1
    await screen.show_next()
    await house.becomes(body["id"], "shown")
    await screen.settled()
    assert len(screen.of("navigate")) == 1


async def test_a_nonce_is_used_up_by_an_accepted_trigger_only(house: House) -> None:
    await house.pair("S-1")
    nonce = "n" * 16
    (await house.trigger("ORD-9999", nonce=nonce)).problem(404, "ORDER_NOT_FOUND")
    assert (await house.trigger(nonce=nonce)).status == 202
    (await house.trigger(nonce=nonce)).problem(409, "DUPLICATE_NONCE")
    # The timestamp is looked at before the nonce.
    (await house.trigger(nonce=nonce, timestamp=1_600_000_000_000)).problem(400, "REQUEST_EXPIRED")


async def test_a_refused_trigger_uses_up_no_id(house: House) -> None:
    await house.pair("S-1")
    one = str(uuid.uuid4())
    (await house.trigger("ORD-9999", id=one)).problem(404, "ORDER_NOT_FOUND")
    assert (await house.trigger("ORD-1001", id=one)).status == 202


async def test_a_refused_scan_tells_its_screen_to_put_the_old_document_away(house: House) -> None:
    screen = await house.screen()
    await house.accepted()
    await screen.show_next()
    await screen.expect("delivery")
    (await house.trigger("ORD-9999", displayIndex=0)).problem(404, "ORDER_NOT_FOUND")
    error = await screen.expect("error")
    assert (error["code"], error["orderId"], error["displayIndex"]) == ("ORDER_NOT_FOUND", "ORD-9999", 0)
    found = await house.local("GET", "/api/screens/S-1")
    assert found.json["currentDocument"] is None


async def test_a_refused_broadcast_tells_no_screen(house: House) -> None:
    screen = await house.screen()
    (await house.trigger("ORD-9999", screen_id=None, target="*")).problem(404, "ORDER_NOT_FOUND")
    await screen.settled()
    assert screen.of("error") == []


async def test_a_screen_that_is_off_gets_its_order_right_after_its_welcome(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    assert (await house.delivery(trigger_id))["state"] == "pending"
    screen = await house.screen()
    delivery = await screen.show_next()
    assert delivery["triggerId"] == trigger_id
    assert [message["type"] for message in screen.heard[:2]] == ["welcome", "navigate"]
    await house.becomes(trigger_id, "shown")


async def test_an_address_instead_of_an_order(house: House) -> None:
    screen = await house.screen()
    supervisor = await house.new_key("supervisor")
    body = new_trigger(None, url="http://192.168.10.9/drawing.pdf", title="Drawing")
    answer = await house.call("POST", "/api/trigger", body, bearer=supervisor)
    assert answer.status == 202, answer.text
    navigate = await screen.show_next()
    assert (navigate["url"], navigate["title"], navigate["orderId"]) == (body["url"], "Drawing", None)
    await house.becomes(body["id"], "shown")
    again = await house.call("POST", "/api/trigger", body, bearer=supervisor)
    assert (again.status, again.json["duplicate"]) == (200, True)


async def test_group_star_and_permission_choose_the_screens(house: House) -> None:
    for screen_id in ("A-1", "A-2", "B-1"):
        await house.pair(screen_id)
    await house.local("PATCH", "/api/screens/A-1", {"groups": ["line-1"], "user": "kim"})
    await house.local("PATCH", "/api/screens/B-1", {"groups": ["line-1"], "permission": "supervisor"})

    async def reached(target: str, permission: str | None = None) -> set[str]:
        answer = await house.trigger(screen_id=None, target=target, requiredPermission=permission)
        assert answer.status == 202, answer.text
        return {delivery["screenId"] for delivery in answer.json["deliveries"]}

    assert await reached("group:line-1") == {"A-1", "B-1"}
    assert await reached("screen:A-*") == {"A-1", "A-2"}
    assert await reached("screen:A-2") == {"A-2"}
    assert await reached("user:kim") == {"A-1"}
    assert await reached("*") == {"A-1", "A-2", "B-1"}
    assert await reached("*", "supervisor") == {"B-1"}
    (await house.trigger(screen_id=None, target="group:nowhere")).problem(404, "SCREEN_NOT_FOUND")
    (await house.trigger(screen_id=None, target="screen:A-1", requiredPermission="admin")).problem(
        404, "SCREEN_NOT_FOUND"
    )


async def test_a_limited_key_reaches_the_intersection(house: House) -> None:
    for screen_id in ("A-1", "A-2"):
        await house.pair(screen_id)
    limited = await house.new_key(screens=["A-1"])
    answer = await house.call("POST", "/api/trigger", new_trigger(screen_id=None, target="*"), bearer=limited)
    assert [delivery["screenId"] for delivery in answer.json["deliveries"]] == ["A-1"]
    other = await house.call("POST", "/api/trigger", new_trigger(screen_id="A-2"), bearer=limited)
    other.problem(403, "PERMISSION_DENIED")


async def test_a_screen_may_trigger_itself_and_nobody_else(house: House) -> None:
    screen = await house.screen("S-1")
    await house.pair("S-2")
    own = house.tokens["S-1"]
    body = new_trigger(screen_id=None)
    answer = await house.call("POST", "/api/trigger", body, bearer=own)
    assert [delivery["screenId"] for delivery in answer.json["deliveries"]] == ["S-1"]
    await screen.show_next()
    assert (await house.call("GET", f"/api/triggers/{body['id']}", bearer=own)).status == 200
    foreign = await house.call("POST", "/api/trigger", new_trigger(screen_id="S-2"), bearer=own)
    foreign.problem(403, "PERMISSION_DENIED")
    star = await house.call("POST", "/api/trigger", new_trigger(screen_id=None, target="*"), bearer=own)
    star.problem(403, "PERMISSION_DENIED")
    others = await house.accepted(screen_id="S-2")
    (await house.call("GET", f"/api/triggers/{others}", bearer=own)).problem(404, "NOT_FOUND")
    (await house.call("GET", "/api/screens", bearer=own)).problem(403, "PERMISSION_DENIED")


async def test_a_viewer_may_look_but_not_trigger(house: House) -> None:
    await house.pair("S-1")
    viewer = await house.new_key("viewer")
    (await house.call("POST", "/api/trigger", new_trigger(), bearer=viewer)).problem(403, "PERMISSION_DENIED")
    trigger_id = await house.accepted()
    assert (await house.call("GET", f"/api/triggers/{trigger_id}", bearer=viewer)).status == 200
    unknown = await house.call("GET", f"/api/triggers/{uuid.uuid4()}", bearer=viewer)
    unknown.problem(404, "NOT_FOUND")
