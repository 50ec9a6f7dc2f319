"""An open session: pings both ways, heartbeats, tokens that end, subscriptions, status, and the appliance's goodbye."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.relay import sessions
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger, now_ms
from tests.support.house import House, until

QUICK_BEATS = {"heartbeat": {"interval_seconds": 0.1, "timeout_seconds": 0.15}}


async def test_a_ping_is_answered_with_its_own_t_and_the_time(house: House) -> None:
    screen = await house.screen()
    for t in (1, 1.5, "word", None):
        await screen.send({"type": "ping", "t": t})
        pong = await screen.expect("pong")
        assert pong["t"] == t
        assert abs(pong["serverTime"] - now_ms()) < 5_000


async def test_whoever_answers_pings_stays(make_house: MakeHouse) -> None:
    house = await make_house(QUICK_BEATS)
    screen = await house.screen()
    assert screen.of("welcome")[0]["heartbeatSeconds"] == 0.1
    await until(lambda: len(screen.of("ping")) >= 6)
    assert screen.close_code is None
    assert all(isinstance(ping["t"], int) for ping in screen.of("ping"))


async def test_any_word_is_a_sign_of_life(make_house: MakeHouse) -> None:
    house = await make_house(QUICK_BEATS)
    screen = await house.screen(answers_pings=False)
    for _ in range(20):
        await screen.send({"type": "status"})
        await asyncio.sleep(0.03)  # a client that talks instead of answering
    assert len(screen.of("ping")) >= 3
    assert screen.close_code is None


async def test_silence_closes_4408_and_puts_the_delivery_back_uncounted(make_house: MakeHouse) -> None:
    house = await make_house(QUICK_BEATS)
    screen = await house.screen(answers_pings=False)
    trigger_id = await house.accepted()
    await screen.navigate()
    assert await screen.closed() == 4408
    error = await screen.expect("error")
    assert error["code"] == "HEARTBEAT_LOST"
    check_words(error)
    back = await house.becomes(trigger_id, "pending")
    assert (back["attempt"], back["history"][-1]["cause"]) == (1, "SESSION_LOST")
    assert (await house.local("GET", "/api/screens/S-1")).json["online"] is False
    again = await house.screen()
    assert (await again.show_next())["attempt"] == 1
    await house.becomes(trigger_id, "shown")


async def test_a_token_about_to_end_is_warned_of_then_the_session_ends(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (sessions.WARN_BEFORE_SECONDS, sessions.GRACE_SECONDS) == (60, 30)
    monkeypatch.setattr(sessions, "WARN_BEFORE_SECONDS", 0.8)
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 0.2)
    house = await make_house({"tokens": {"access_seconds": 1}})
    screen = await house.screen()
    warning = await screen.expect("auth:expiring")
    assert warning["inSeconds"] in (0, 1)
    assert await screen.closed() == 4401
    assert (await screen.expect("error"))["code"] == "TOKEN_EXPIRED"
    assert now_ms() >= screen.of("welcome")[0]["tokenExpiresAt"] + 150


async def test_a_renewed_token_keeps_the_session(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "WARN_BEFORE_SECONDS", 0.8)
    monkeypatch.setattr(sessions, "GRACE_SECONDS", 0.2)
    house = await make_house({"tokens": {"access_seconds": 1}})
    pairing = await _pairing(house, "S-1")
    screen = await house.wire()
    welcome = await screen.hello(pairing["accessToken"])
    await screen.expect("auth:expiring")
    monkeypatch.setattr(house.appliance.engine.auth._access, "seconds", 900)
    renewed = await house.call("POST", "/api/auth/refresh", {"refreshToken": pairing["refreshToken"]})
    assert renewed.status == 200, renewed.text
    await screen.send({"type": "auth", "token": renewed.json["accessToken"]})
    told = await screen.expect("auth:ok")
    assert told["tokenExpiresAt"] > welcome["tokenExpiresAt"] + 600_000
    await asyncio.sleep((welcome["tokenExpiresAt"] - now_ms()) / 1000 + 0.4)  # past the old token's end and grace
    await screen.settled()
    assert screen.close_code is None


async def test_a_token_of_somebody_else_does_not_renew_a_session(house: House) -> None:
    screen = await house.screen("S-1")
    other = await house.pair("S-2")
    for token in (other, house.key, "nonsense"):
        await screen.send({"type": "auth", "token": token})
        assert (await screen.expect("error"))["code"] == "TOKEN_INVALID"
    await screen.settled()


async def test_a_producer_triggers_over_its_socket_and_hears_the_outcome(house: House) -> None:
    screen = await house.screen()
    producer = await house.session(house.key)
    body = new_trigger()
    await producer.send({"type": "trigger", **body})
    response = await producer.expect("trigger:response")
    assert (response["id"], response["success"]) == (body["id"], True)
    assert response["data"]["deliveries"][0]["state"] == "pending"
    assert producer.of("delivery") == []
    await screen.show_next()
    told = await producer.expect("delivery")
    assert (told["triggerId"], told["state"], told["final"]) == (body["id"], "shown", True)
    await producer.send({"type": "trigger", **body})
    again = await producer.expect("trigger:response")
    assert (again["data"]["duplicate"], again["data"]["deliveries"][0]["state"]) == (True, "shown")


async def test_a_producer_hears_of_a_death_with_its_words(house: House) -> None:
    screen = await house.screen()
    producer = await house.session(house.key)
    await producer.send({"type": "trigger", **new_trigger()})
    await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE")
    told = await producer.expect("delivery")
    assert (told["state"], told["final"], told["code"]) == ("dead", True, "DOCUMENT_NOT_FRAMEABLE")
    check_words({**told, "retryable": False})


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"orderId": "ORD-9999"}, "ORDER_NOT_FOUND"),
        ({"screenId": "S-NOBODY"}, "SCREEN_NOT_FOUND"),
        ({"timestamp": 1_600_000_000_000}, "REQUEST_EXPIRED"),
        ({"displayIndex": 99}, "VALIDATION_ERROR"),
        ({"displayIndex": "left"}, "VALIDATION_ERROR"),
        ({"id": "not a uuid"}, "VALIDATION_ERROR"),
        ({"timestamp": "now"}, "VALIDATION_ERROR"),
        ({"mode": "newest"}, "VALIDATION_ERROR"),
    ],
)
async def test_a_refused_trigger_is_answered_as_a_trigger(house: House, members: dict[str, Any], code: str) -> None:
    await house.pair("S-1")
    producer = await house.session(house.key)
    body = {**new_trigger(), **members}
    await producer.send({"type": "trigger", **body})
    error = await producer.expect("trigger:error")
    assert (error["id"], error["code"]) == (body["id"], code)
    assert error["error"]
    check_words(error)
    await producer.settled()


async def test_a_viewer_cannot_trigger_over_its_socket_either(house: House) -> None:
    screen = await house.screen()
    watcher = await house.session(await house.new_key("viewer"))
    await watcher.send({"type": "trigger", **new_trigger()})
    assert (await watcher.expect("trigger:error"))["code"] == "PERMISSION_DENIED"
    await screen.settled()
    assert screen.of("navigate") == []


async def test_a_screen_triggers_itself_over_its_socket(house: House) -> None:
    screen = await house.screen()
    await screen.send({"type": "trigger", **new_trigger(screen_id=None)})
    await screen.expect("trigger:response")
    await screen.show_next()
    await screen.expect("delivery")
    assert len(screen.of("delivery")) == 1
    await screen.send({"type": "trigger", **new_trigger(screen_id="S-2")})
    assert (await screen.expect("trigger:error"))["code"] == "PERMISSION_DENIED"


async def test_watchers_hear_presence_and_outcomes_of_what_they_named(house: House) -> None:
    watcher = await house.session(await house.new_key("viewer"))
    await watcher.send({"type": "subscribe", "topics": ["presence", "screen:S-1", "group:line-2"]})
    await watcher.settled()
    await house.pair("S-2")
    await house.local("PATCH", "/api/screens/S-2", {"groups": ["line-2"]})
    wires = {screen_id: await house.screen(screen_id) for screen_id in ("S-1", "S-2", "S-3")}
    for screen_id, screen in wires.items():
        said = await watcher.expect("presence")
        assert said["screenId"] == screen_id
        assert said["online"] is True
        await house.accepted(screen_id=screen_id)
        await screen.show_next()
        await screen.expect("delivery")
    await watcher.settled()
    assert [message["screenId"] for message in watcher.of("delivery")] == ["S-1", "S-2"]
    await wires["S-1"].close()
    gone = await watcher.expect("presence", lambda m: not m["online"])
    assert gone["screenId"] == "S-1"
    await watcher.send({"type": "subscribe", "topics": []})
    await watcher.settled()
    await wires["S-2"].close()
    await until(lambda: house.appliance.engine.sessions.of_screen("S-2") is None)
    await watcher.settled()
    assert len(watcher.of("presence")) == 4


async def test_a_limited_watcher_hears_of_its_own_screens_alone(house: House) -> None:
    await house.pair("S-1")
    await house.pair("S-2")
    watcher = await house.session(await house.new_key("viewer", screens=["S-1"]))
    await watcher.send({"type": "subscribe", "topics": ["presence", "screen:*", "*"]})
    await watcher.settled()
    for screen_id in ("S-2", "S-1"):
        screen = await house.screen(screen_id)
        await house.accepted(screen_id=screen_id)
        await screen.show_next()
        await screen.expect("delivery")
    await watcher.expect("delivery", lambda m: m["screenId"] == "S-1")
    assert {m["screenId"] for m in watcher.of("delivery") + watcher.of("presence")} == {"S-1"}


async def test_screens_cannot_subscribe_and_topics_are_bounded(house: House) -> None:
    screen = await house.screen()
    await screen.send({"type": "subscribe", "topics": ["presence"]})
    assert (await screen.expect("error"))["code"] == "PERMISSION_DENIED"
    watcher = await house.session(house.key)
    for topics in (["screen:S"] * 101, ["x" * 500]):
        await watcher.send({"type": "subscribe", "topics": topics})
        assert (await watcher.expect("error"))["code"] == "VALIDATION_ERROR"


async def test_status_tells_what_is_open_and_what_is_shown(house: House) -> None:
    screen = await house.screen()
    await screen.send({"type": "status"})
    idle = await screen.expect("status")
    assert (idle["screenId"], idle["online"], idle["open"], idle["currentDocument"]) == ("S-1", True, 0, None)
    assert abs(idle["serverTime"] - now_ms()) < 5_000
    await house.accepted()
    await screen.show_next()
    await screen.expect("delivery")
    await house.accepted("ORD-1002")
    await screen.navigate()
    await screen.send({"type": "status"})
    busy = await screen.expect("status")
    assert (busy["open"], busy["currentDocument"]["orderId"]) == (1, "ORD-1001")
    producer = await house.session(house.key)
    await producer.send({"type": "status"})
    whole = await producer.expect("status")
    assert "screenId" not in whole
    assert (whole["open"], whole["currentDocument"]) == (1, None)


async def test_a_new_name_is_welcomed_again(house: House) -> None:
    screen = await house.screen()
    await house.local("PATCH", "/api/screens/S-1", {"name": "Saw"})
    again = await screen.expect("welcome")
    assert again["screen"]["name"] == "Saw"
    assert again["sessionId"] == screen.of("welcome")[0]["sessionId"]


async def test_identify_and_clear_reach_the_monitor(house: House) -> None:
    screen = await house.screen()
    await house.local("PATCH", "/api/screens/S-1", {"name": "Saw"})
    assert (await house.local("POST", "/api/screens/S-1/identify")).status == 204
    flash = await screen.expect("identify")
    assert (flash["label"], flash["seconds"] > 0) == ("Saw", True)
    trigger_id = await house.accepted()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    assert (await house.local("GET", "/api/screens/S-1")).json["state"] == "showing"
    assert (await house.local("POST", "/api/screens/S-1/clear")).status == 204
    await screen.expect("clear")
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert (found["state"], found["currentDocument"]) == ("ready", None)
    assert (await house.delivery(trigger_id))["state"] == "shown"


async def test_stopping_says_goodbye_to_everyone(house: House) -> None:
    screen, producer = await house.screen(), await house.session(house.key)
    trigger_id = await house.accepted()
    await screen.navigate()
    await house.stop()
    for wire in (screen, producer):
        goodbye = await wire.expect("goodbye")
        assert goodbye["reason"]
        assert goodbye["reconnectAfterMs"] > 0
        assert await wire.closed() == 1001
    delays = {wire.of("goodbye")[0]["reconnectAfterMs"] for wire in (screen, producer)}
    assert len(delays) == 2
    await house.start()
    again = await house.screen()
    navigate = await again.show_next()
    assert (navigate["triggerId"], navigate["attempt"]) == (trigger_id, 1)


async def test_a_held_answer_does_not_hold_up_a_stop(house: House) -> None:
    await house.pair("S-1")
    waiting = asyncio.create_task(house.trigger(wait=30_000))
    await until(lambda: len(house.appliance.engine.dispatcher.opened) == 1)
    async with asyncio.timeout(2):
        await house.appliance.stop()
    answer = await waiting
    assert (answer.status, answer.json["result"]) == (202, "timeout")


async def _pairing(house: House, screen_id: str) -> dict[str, Any]:
    await house.local("POST", "/api/screens", {"screenId": screen_id})
    answer = await house.local("POST", "/api/pairing/provision", {"screenIds": [screen_id]})
    pairing: dict[str, Any] = answer.json["items"][0]
    return pairing


@pytest.mark.parametrize("depth", [2, 800])
async def test_evidence_that_is_nested_is_refused_and_the_session_goes_on(house: House, depth: int) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    bounds = '{"a":' * depth + "1" + "}" * depth
    display = f'{{"index":0,"bounds":{bounds}}}'
    await screen.send_text(f'{{"type":"ack","id":"{navigate["id"]}","status":"shown","url":"x","display":{display}}}')
    assert (await screen.expect("error"))["code"] == "VALIDATION_ERROR"
    await screen.shown(navigate)
    await house.becomes(trigger_id, "shown")


@pytest.mark.parametrize("kind", ["hello", "displays", "ack"])
async def test_nesting_at_the_brink_of_what_can_be_read_is_refused_by_name(house: House, kind: str) -> None:
    """What can be read may be too deep to be written; where the brink is depends on the stack below."""
    token = await house.pair("S-1")
    wire = None
    for depth in range(920, 1000, 4):
        display = '{"index":0,"bounds":' + '{"a":' * depth + "1" + "}" * depth + "}"
        text = {
            "hello": f'{{"type":"hello","token":"{token}","displays":[{display}]}}',
            "displays": f'{{"type":"displays","displays":[{display}]}}',
            "ack": f'{{"type":"ack","id":"x:S-1","status":"shown","url":"x","display":{display}}}',
        }[kind]
        if wire is None or wire.close_code is not None:
            wire = await (house.wire() if kind == "hello" else house.screen())
        await wire.send_text(text)
        assert (await wire.expect("error"))["code"] in {"VALIDATION_ERROR", "NOT_FOUND"}
        if kind == "hello" or depth > 980:
            assert await wire.closed() == 4400
