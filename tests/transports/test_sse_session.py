"""A session over server-sent events: the same life of a delivery, with the client's words as POSTs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.relay import conversation, dispatcher, sessions
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger, now_ms
from tests.support.house import House, until
from tests.transports.eventstream import EventStream, screen, subscribed


async def test_a_document_is_sent_acked_by_post_and_shown(house: House) -> None:
    stream = await screen(house)
    welcome = stream.of("welcome")[0]
    assert (welcome["screenId"], welcome["screen"]["name"], welcome["heartbeatSeconds"]) == ("S-1", "S-1", 20)
    trigger_id = await house.accepted()
    delivery = await stream.expect("navigate")
    assert (delivery["id"], stream.ids[-1]) == (f"{trigger_id}:S-1", f"{trigger_id}:S-1")
    assert delivery["url"].startswith(house.url + "/documents/")
    assert (await stream.ack(delivery, "received")).status == 204
    await house.becomes(trigger_id, "received")
    await stream.show(delivery)
    told = await stream.expect("delivery")
    assert (told["id"], told["state"], told["final"], stream.ids[-1]) == (delivery["id"], "shown", True, delivery["id"])
    shown = await house.delivery(trigger_id)
    assert shown["history"][-1]["state"] == "shown"
    assert (await house.local("GET", "/api/screens/S-1")).json["online"] is True
    assert (await house.local("GET", "/api/monitoring/dashboard")).json["totalConnections"] == 1
    await stream.close()
    await until(lambda: len(house.appliance.engine.sessions) == 0)


async def test_without_the_capability_received_is_the_end(house: House) -> None:
    stream = await screen(house, capabilities="")
    trigger_id = await house.accepted()
    assert (await stream.ack(await stream.expect("navigate"), "received")).status == 204
    await house.becomes(trigger_id, "received")
    assert (await stream.expect("delivery"))["final"] is True


async def test_a_trigger_is_answered_in_both_places(house: House) -> None:
    monitor = await house.screen()
    producer = await subscribed(house, house.key)
    body = new_trigger()
    answer = await producer.send({"type": "trigger", **body})
    assert answer.status == 200, answer.text
    told = await producer.expect("trigger:response")
    assert answer.json == told
    assert (told["id"], told["success"], told["data"]["deliveries"][0]["state"]) == (body["id"], True, "pending")
    await monitor.show_next()
    outcome = await producer.expect("delivery")
    assert (outcome["triggerId"], outcome["state"]) == (body["id"], "shown")


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"orderId": "ORD-9999"}, 404, "ORDER_NOT_FOUND"),
        ({"timestamp": 1_600_000_000_000}, 400, "REQUEST_EXPIRED"),
        ({"displayIndex": "left"}, 400, "VALIDATION_ERROR"),
    ],
)
async def test_a_refused_trigger_is_refused_in_both_places(
    house: House, members: dict[str, Any], status: int, code: str
) -> None:
    await house.pair("S-1")
    producer = await subscribed(house, house.key)
    body = {**new_trigger(), **members}
    problem = (await producer.send({"type": "trigger", **body})).problem(status, code)
    told = await producer.expect("trigger:error")
    assert (told["id"], told["code"]) == (body["id"], code)
    for member in ("id", "messages", "action", "retryable"):
        assert told[member] == problem[member]


async def test_every_other_message_works_by_post(house: House) -> None:
    stream = await screen(house)
    answer = await stream.send({"type": "ping", "t": "x"})
    assert (answer.status, answer.json) == (200, await stream.expect("pong"))
    assert answer.json["t"] == "x"
    answer = await stream.send({"type": "status"})
    assert (answer.json, answer.json["screenId"]) == (await stream.expect("status"), "S-1")
    assert (await stream.send({"type": "displays", "displays": [{"index": 0}, {"index": 3}]})).status == 204
    assert (await stream.send({"type": "pong", "t": 1})).status == 204
    watcher = await subscribed(house, await house.new_key("viewer"))
    assert (await watcher.send({"type": "subscribe", "topics": ["presence", "screen:S-*"]})).status == 204
    trigger_id = await house.accepted(displayIndex=3)
    delivery = await stream.expect("navigate")
    ack = {"display": {"index": 3}, "url": delivery["url"], "id": delivery["id"], "status": "shown"}
    assert (await stream.send({"type": "ack", **ack})).status == 204
    await house.becomes(trigger_id, "shown")
    assert (await watcher.expect("delivery"))["triggerId"] == trigger_id
    await stream.close()
    assert (await watcher.expect("presence"))["online"] is False


async def test_what_cannot_be_read_is_told(house: House) -> None:
    stream = await screen(house)
    (await stream.send({"type": "dance"})).problem(400, "VALIDATION_ERROR")
    assert (await stream.expect("error"))["code"] == "VALIDATION_ERROR"
    (await stream.send({"type": "hello"})).problem(400, "VALIDATION_ERROR")
    (await stream.send({"type": "subscribe", "topics": ["presence"]})).problem(403, "PERMISSION_DENIED")
    for path in ("ack", "send"):
        url = f"/api/events/{path}"
        told = await house.call("POST", url, data=b"{", bearer=stream.token)
        told.problem(400, "VALIDATION_ERROR")
        (await house.call("POST", url, bearer=stream.token)).problem(400, "VALIDATION_ERROR")
        plain = {"Content-Type": "text/plain"}
        told = await house.call("POST", url, data=b'{"type":"status"}', headers=plain, bearer=stream.token)
        told.problem(415, "UNSUPPORTED_MEDIA_TYPE")
        (await house.call("POST", url, {"type": "status"})).problem(401, "TOKEN_INVALID")
    (await stream.post("ack", {"type": "ping"})).problem(400, "VALIDATION_ERROR")
    assert not stream.ended


async def test_an_ack_is_refused_for_what_is_wrong_with_it(house: House) -> None:
    stream = await screen(house)
    other = await house.pair("S-2")
    trigger_id = await house.accepted()
    delivery = await stream.expect("navigate")
    problem = (await stream.ack(delivery, "shown")).problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == ["display.index", "url"]
    body = {"id": delivery["id"], "status": "received"}
    (await stream.post("ack", body, token=other)).problem(404, "NOT_FOUND")
    (await stream.post("ack", body, token=house.key)).problem(404, "NOT_FOUND")
    unknown = {"id": f"{new_trigger()['id']}:S-1", "status": "received"}
    (await stream.post("ack", unknown)).problem(404, "NOT_FOUND")
    assert (await house.delivery(trigger_id))["state"] == "sent"


async def test_a_post_belongs_to_the_stream_it_names_or_to_the_newest(house: House) -> None:
    first, second = await subscribed(house, house.key), await subscribed(house, house.key)
    assert (await first.send({"type": "ping", "t": 1})).status == 200
    assert (await second.expect("pong"))["t"] == 1
    answer = await first.post(f"send?sessionId={first.session_id}", {"type": "ping", "t": 2})
    assert (await first.expect("pong")) == answer.json
    assert second.of("pong")[1:] == []
    stranger = await house.new_key()
    body = {"type": "ping", "t": 3}
    (await first.post(f"send?sessionId={first.session_id}", body, token=stranger)).problem(404, "NOT_FOUND")
    (await first.post("send", body, token=stranger)).problem(404, "NOT_FOUND")
    await second.close()
    await until(lambda: len(house.appliance.engine.sessions) == 1)
    (await first.post(f"send?sessionId={second.session_id}", body)).problem(404, "NOT_FOUND")
    assert (await first.send(body)).status == 200
    assert (await first.expect("pong"))["t"] == 3


async def test_without_a_stream_a_message_has_no_session(house: House) -> None:
    await house.screen()  # of another wire
    told = await house.call("POST", "/api/events/send", {"type": "status"}, bearer=house.tokens["S-1"])
    assert "subscribe" in told.problem(404, "NOT_FOUND")["detail"]


async def test_an_ack_counts_whichever_session_its_screen_has(house: House) -> None:
    monitor = await house.screen()
    by_post = EventStream(house, house.tokens["S-1"])
    first = await house.accepted()
    delivery = await monitor.navigate()
    assert (await by_post.ack(delivery, "failed", code="DISPLAY_PERMISSION_DENIED")).status == 204
    assert (await house.delivery(first))["state"] == "sent"  # it counts from the session written to alone
    await by_post.show(delivery)
    await house.becomes(first, "shown")


async def test_an_ack_counts_when_its_screen_has_no_session(house: House) -> None:
    stream = await screen(house)
    trigger_id = await house.accepted()
    delivery = await stream.expect("navigate")
    await stream.close()
    await house.becomes(trigger_id, "pending")
    assert (await stream.ack(delivery, "received")).status == 204
    assert (await house.delivery(trigger_id))["state"] == "pending"  # the client that holds it may be gone
    assert (await stream.ack(delivery, "failed", code="DISPLAY_PERMISSION_DENIED")).status == 204
    (await stream.ack(delivery, "shown")).problem(400, "VALIDATION_ERROR")
    assert (await house.delivery(trigger_id))["state"] == "pending"
    evidence = {"display": {"index": 0}, "url": delivery["url"]}
    assert (await stream.ack(delivery, "shown", **evidence)).status == 204
    await house.becomes(trigger_id, "shown")


async def test_a_failed_ack_counts_from_the_stream_it_was_sent_to(house: House) -> None:
    stream = await screen(house)
    trigger_id = await house.accepted()
    assert (await stream.ack(await stream.expect("navigate"), "failed", code="DOCUMENT_NOT_FRAMEABLE")).status == 204
    dead = await house.becomes(trigger_id, "dead")
    assert dead["history"][-1]["code"] == "DOCUMENT_NOT_FRAMEABLE"


async def test_what_is_unacked_is_sent_again_whatever_the_client_says_it_had(house: House) -> None:
    stream = await screen(house)
    trigger_id = await house.accepted()
    first = await stream.expect("navigate")
    await stream.close()
    await house.becomes(trigger_id, "pending")
    again = await EventStream(house, house.tokens["S-1"]).connect(
        {"capabilities": "shown"}, headers={"Last-Event-ID": first["id"]}
    )
    second = await again.expect("navigate")
    assert (second["id"], second["attempt"]) == (first["id"], 1)
    await again.show(second)
    await house.becomes(trigger_id, "shown")


async def test_the_current_document_comes_back_when_it_is_asked_for(house: House) -> None:
    stream = await screen(house)
    await house.accepted()
    await stream.show(await stream.expect("navigate"))
    await stream.expect("delivery")
    plain = await screen(house)
    again = await screen(house, restore="true")
    assert (await again.expect("navigate"))["restored"] is True
    assert plain.of("navigate") == []


async def test_a_newer_session_of_any_wire_replaces_it(house: House) -> None:
    first = await screen(house)
    second = await screen(house)
    last = await first.finished()
    assert (last["type"], last["code"], first.whole) == ("error", "SESSION_REPLACED", True)
    monitor = await house.screen()
    assert (await second.finished())["code"] == "SESSION_REPLACED"
    third = await screen(house)
    assert await monitor.closed() == 4409
    assert not third.ended


async def test_a_revoked_screen_is_told_and_let_go(house: House) -> None:
    stream = await screen(house)
    assert (await house.local("POST", "/api/screens/S-1/revoke")).status == 204
    last = await stream.finished()
    assert (last["type"], last["code"]) == ("error", "TOKEN_INVALID")
    check_words(last)
    await (await EventStream(house, stream.token).connect()).refused(401, "TOKEN_INVALID")


async def test_a_token_about_to_end_is_warned_of_then_the_stream_ends(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "WARN_BEFORE_SECONDS", 0.8)
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 0.2)
    # A token's end is a whole second: of one second there may be none left by the time it is shown.
    house = await make_house({"tokens": {"access_seconds": 2}})
    stream = await screen(house)
    assert (await stream.expect("auth:expiring"))["inSeconds"] in (0, 1)
    assert (await stream.finished())["code"] == "TOKEN_EXPIRED"
    assert now_ms() >= stream.of("welcome")[0]["tokenExpiresAt"] + 150


async def test_a_renewed_token_keeps_the_stream(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WARN_BEFORE_SECONDS", 0.8)
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 0.2)
    house = await make_house({"tokens": {"access_seconds": 2}})
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    provisioned = await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-1"]})
    pairing = provisioned.json["items"][0]
    stream = await subscribed(house, pairing["accessToken"])
    welcome = stream.of("welcome")[0]
    await stream.expect("auth:expiring")
    monkeypatch.setattr(house.appliance.engine.auth._access, "seconds", 900)
    renewed = await house.call("POST", "/api/auth/refresh", {"refreshToken": pairing["refreshToken"]})
    token = renewed.json["accessToken"]
    answer = await stream.post("send", {"type": "auth", "token": token}, token=token)
    assert (answer.status, answer.json) == (200, await stream.expect("auth:ok"))
    assert answer.json["tokenExpiresAt"] > welcome["tokenExpiresAt"] + 600_000
    (await stream.post("send", {"type": "auth", "token": house.key}, token=token)).problem(401, "TOKEN_INVALID")
    await asyncio.sleep((welcome["tokenExpiresAt"] - now_ms()) / 1000 + 0.4)  # past the old token's end and grace
    assert (await stream.post("send", {"type": "ping"}, token=token)).status == 200
    assert not stream.ended


async def test_many_posts_at_once_are_all_answered_with_their_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "MAX_UNDER_WAY", 2)
    await house.pair("S-1")
    producer = await subscribed(house, house.key)
    bodies = [new_trigger() for _ in range(30)]
    answers = await asyncio.gather(*(producer.send({"type": "trigger", **body}) for body in bodies))
    assert [answer.json["id"] for answer in answers] == [body["id"] for body in bodies]
    told = [await producer.expect("trigger:response") for _ in bodies]
    assert {message["id"] for message in told} == {body["id"] for body in bodies}


async def test_a_full_lane_is_told_with_when_to_come_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "MAX_OPEN", 1)
    await house.pair("S-1")
    producer = await subscribed(house, house.key)
    assert (await producer.send({"type": "trigger", **new_trigger()})).status == 200
    answer = await producer.send({"type": "trigger", **new_trigger()})
    answer.problem(429, "QUEUE_FULL")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await producer.expect("trigger:error"))["code"] == "QUEUE_FULL"


async def test_who_sends_too_fast_is_named_and_let_go(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MESSAGES_A_SECOND", 2)
    stream = await screen(house)
    answers = [await stream.send({"type": "ping", "t": n}) for n in range(8)]
    refused = next(answer for answer in answers if answer.status != 200)
    refused.problem(429, "RATE_LIMITED")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await stream.finished())["code"] == "RATE_LIMITED"


async def test_a_stopping_appliance_says_goodbye_and_when_to_come_back(house: House) -> None:
    streams = [await screen(house), await subscribed(house, house.key)]
    await house.restart()
    for stream in streams:
        last = await stream.finished()
        assert (last["type"], stream.whole) == ("goodbye", True)
        assert last["reconnectAfterMs"] == stream.retries[-1]  # what a browser's EventSource goes by
    assert streams[0].retries[-1] != streams[1].retries[-1]


async def test_a_stopping_appliance_opens_none(house: House) -> None:
    stream = await subscribed(house, house.key)
    await house.appliance._sockets[-1].stop()
    await stream.finished()
    await (await EventStream(house, house.key).connect()).refused(503, "SHUTTING_DOWN")
