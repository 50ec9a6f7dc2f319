"""How a socket begins: hello within its time, credentials, malformed frames, one session a screen."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest

from appliance.core.messages import Identify
from appliance.edge.origins import EXTENSION
from appliance.transports import websocket
from tests.conftest import MakeHouse
from tests.support.answers import check_words, now_ms
from tests.support.house import House, until
from tests.support.wire import Wire


async def refused(wire: Wire, code: str, close_code: int) -> None:
    """The client hears why, in both languages, and then the socket closes with that code."""
    error = await wire.expect("error")
    assert error["code"] == code
    check_words(error)
    assert await wire.closed() == close_code


async def test_welcome_says_who_and_where(house: House) -> None:
    token = await house.pair("S-1")
    await house.local("PATCH", "/api/screens/S-1", {"name": "조립 1", "groups": ["line-1"], "displayIndex": 1})
    wire = await house.wire()
    welcome = await wire.hello(token, displays=[{"index": 0, "primary": True}, {"index": 1, "name": "right"}])
    assert welcome["screenId"] == "S-1"
    assert welcome["screen"] == {"name": "조립 1", "groups": ["line-1"], "displayIndex": 1}
    assert (welcome["role"], welcome["heartbeatSeconds"]) == ("operator", 20)
    assert abs(welcome["serverTime"] - now_ms()) < 5_000
    assert 0 < welcome["tokenExpiresAt"] - now_ms() <= 900_000
    assert welcome["sessionId"] and welcome["epoch"] and welcome["plant"]
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert (found["online"], found["client"]["name"]) == (True, "wire")
    assert [display["index"] for display in found["displays"]] == [0, 1]


async def test_a_key_opens_a_session_that_is_no_screen(house: House) -> None:
    wire = await house.wire()
    welcome = await wire.hello(house.key)
    assert "screenId" not in welcome and "screen" not in welcome
    assert welcome["tokenExpiresAt"] is None


async def test_the_token_may_come_as_a_header(house: House) -> None:
    token = await house.pair("S-1")
    wire = await house.wire(headers={"Authorization": f"Bearer {token}"})
    assert (await wire.hello(None))["screenId"] == "S-1"


async def cookie_of(house: House, username: str, password: str) -> str:
    """The browser session of somebody who has just signed in."""
    made = await house.local("POST", "/api/users", {"username": username, "password": password, "role": "viewer"})
    assert made.status == 201, made.text
    answer = await house.call("POST", "/api/auth/login", {"username": username, "password": password})
    return str(answer.headers["Set-Cookie"].partition(";")[0])


async def test_a_cookie_counts_on_the_appliance_s_own_pages_only(make_house: MakeHouse) -> None:
    house = await make_house({"server": {"allowed_origins": ["http://mes.plant"]}})
    cookie = await cookie_of(house, "vic", "correct horse battery")
    own = await house.wire(headers={"Cookie": cookie, "Origin": house.url})
    assert (await own.hello(None))["role"] == "viewer"
    for origin in (EXTENSION, "http://mes.plant", None):
        headers = {"Cookie": cookie} if origin is None else {"Cookie": cookie, "Origin": origin}
        other = await house.wire(headers=headers)
        await other.say_hello(None)
        await refused(other, "TOKEN_INVALID", 4401)
        with_token = await house.wire(headers=headers)
        await with_token.hello(house.key)


async def test_the_token_never_counts_in_the_address(house: House) -> None:
    token = await house.pair("S-1")
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{house.url}/ws?token={token}") as socket:
        await socket.send_str('{"type":"hello"}')
        assert json.loads(await socket.receive_str())["code"] == "TOKEN_INVALID"
        await socket.receive()
        assert socket.close_code == 4401


async def test_the_subprotocol_is_optional(house: House) -> None:
    token = await house.pair("S-1")
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{house.url}/ws") as socket:
        assert socket.protocol is None
        await socket.send_str(json.dumps({"type": "hello", "token": token}))
        assert json.loads(await socket.receive_str())["type"] == "welcome"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{house.url}/ws", protocols=("vooster.v1",)) as socket,
    ):
        assert socket.protocol == "vooster.v1"


async def test_silence_instead_of_hello_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert websocket.HELLO_SECONDS == 5.0
    monkeypatch.setattr(websocket, "HELLO_SECONDS", 0.05)
    wire = await house.wire()
    assert await wire.closed() >= 4400


@pytest.mark.parametrize("token", ["", "nonsense", "vk_nonsense", "a.b.c", "x" * 10_000, "토큰"])
async def test_a_bad_token_is_refused(house: House, token: str) -> None:
    wire = await house.wire()
    await wire.say_hello(token)
    await refused(wire, "TOKEN_INVALID", 4401)


async def test_no_token_at_all_is_refused(house: House) -> None:
    wire = await house.wire()
    await wire.say_hello(None)
    await refused(wire, "TOKEN_INVALID", 4401)


async def test_an_expired_token_is_refused_as_expired(make_house: MakeHouse) -> None:
    house = await make_house({"tokens": {"access_seconds": 1}})
    token = await house.pair("S-1")
    await asyncio.sleep(1.1)  # the token's own second
    wire = await house.wire()
    await wire.say_hello(token)
    await refused(wire, "TOKEN_EXPIRED", 4401)
    answer = await house.call("GET", "/api/me", bearer=token)
    answer.problem(401, "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    "first",
    [
        "not json",
        "[]",
        "null",
        "{}",
        '{"type":"ack","id":"x","status":"shown"}',
        '{"type":"hello","token":7}',
        '{"type":"hello","token":"x","capabilities":"shown"}',
        '{"type":"hello","token":"x","displays":[{"index":"one"}]}',
        '{"type":"nothing anyone knows"}',
        "[" * 50_000,
        '"\\ud800"',
    ],
)
async def test_a_malformed_first_frame_is_refused(house: House, first: str) -> None:
    wire = await house.wire()
    await wire.send_text(first)
    await refused(wire, "VALIDATION_ERROR", 4400)


async def test_a_binary_frame_is_refused(house: House) -> None:
    first = await house.wire()
    await first.send_bytes(b"{}")
    await refused(first, "VALIDATION_ERROR", 4400)
    later = await house.session(house.key)
    await later.send_bytes(b"{}")
    await refused(later, "VALIDATION_ERROR", 4400)


async def test_text_that_is_no_json_ends_a_session(house: House) -> None:
    screen = await house.screen()
    await screen.send_text('{"type":"ack",')
    await refused(screen, "VALIDATION_ERROR", 4400)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "nothing anyone knows"},
        {"type": "ack"},
        {"type": "ack", "id": 1, "status": "shown"},
        {"type": "ack", "id": "x:S-1", "status": "seen"},
        {"type": "ack", "id": "x:S-1", "status": "shown", "display": {"index": "0"}, "url": "http://x/"},
        {"type": "displays"},
        {"type": "displays", "displays": [{"index": 16}]},
        {"type": "displays", "displays": [{"index": -1}]},
        {"type": "displays", "displays": [{"index": i % 16} for i in range(17)]},
        {"type": "displays", "displays": [{"index": 0, "name": "x" * 20_000}]},
        {"type": "subscribe"},
        {"type": "auth"},
        {"type": "hello", "token": "x"},
        {},
    ],
)
async def test_a_message_that_does_not_fit_is_told_and_the_session_lives(
    house: House, message: dict[str, object]
) -> None:
    screen = await house.screen()
    await screen.send(message)
    error = await screen.expect("error")
    assert error["code"] == "VALIDATION_ERROR"
    check_words(error)
    await screen.settled()


async def test_numbers_beyond_all_measure_hurt_nobody(house: House) -> None:
    screen = await house.screen()
    await screen.send({"type": "ping", "t": 10**40})
    assert (await screen.expect("pong"))["t"] in (10**40, 1e40)
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    await screen.send(
        {
            "type": "ack",
            "id": navigate["id"],
            "status": "shown",
            "url": navigate["url"],
            "display": {"index": 10**30, "bounds": {"x": 10**40}},
            "windowId": 10**40,
        }
    )
    await screen.settled()
    assert (await house.delivery(trigger_id))["state"] in {"sent", "shown"}
    other = await house.screen("S-2")
    again = await house.accepted(screen_id="S-2")
    await other.show_next()
    await house.becomes(again, "shown")


async def test_a_frame_over_the_limit_is_closed_as_too_large(house: House) -> None:
    screen = await house.screen()
    await screen.send_text('{"type":"ping","t":"' + "x" * (900 << 10) + '"}')
    await screen.expect("pong")
    for wire in (screen, await house.wire()):
        with contextlib.suppress(ConnectionError):  # it may be closed before the last byte is out
            await wire.send_text("x" * (10 << 20))
        assert await wire.closed() == 4413
    await (await house.screen()).settled()


async def test_a_newer_session_replaces_the_older_one(house: House) -> None:
    old = await house.screen()
    trigger_id = await house.accepted()
    await old.navigate()
    new = await house.screen()
    await refused(old, "SESSION_REPLACED", 4409)
    # What was on its way to the older one goes to the newer one, uncounted, and after its welcome.
    navigate = await new.show_next()
    assert (navigate["triggerId"], navigate["attempt"]) == (trigger_id, 1)
    assert new.heard[0]["type"] == "welcome"
    found = await house.becomes(trigger_id, "shown")
    assert "SESSION_LOST" in [line.get("cause") for line in found["history"]]
    assert len(new.of("navigate")) == 1


async def test_two_screens_do_not_replace_each_other(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    await one.settled()
    await two.settled()
    assert (one.close_code, two.close_code) == (None, None)


async def test_a_revoked_screen_is_closed_and_stays_out(house: House) -> None:
    screen = await house.screen()
    assert (await house.local("POST", "/api/screens/S-1/revoke")).status == 204
    assert (await screen.expect("error"))["code"] == "TOKEN_INVALID"
    assert await screen.closed() == 4401
    again = await house.wire()
    await again.say_hello(house.tokens["S-1"])
    await refused(again, "TOKEN_INVALID", 4401)


async def test_a_foreign_page_cannot_open_a_socket(house: House) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await house.wire(headers={"Origin": "http://evil.example"})
    assert refusal.value.status == 403


async def test_a_plain_request_is_told_what_speaks_here(house: House) -> None:
    (await house.call("GET", "/ws")).problem(400, "VALIDATION_ERROR")


async def test_a_reader_too_slow_is_closed_and_its_delivery_put_back(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    screen.stop_reading()
    session = house.appliance.engine.sessions.of_screen("S-1")
    assert session is not None
    for _ in range(400):
        session.send(Identify(label="x" * 50_000, seconds=1))
        await asyncio.sleep(0)
    await until(lambda: session.closed)
    assert house.appliance.engine.sessions.of_screen("S-1") is None
    new = await house.screen()
    assert (await new.show_next())["triggerId"] == trigger_id
    found = await house.becomes(trigger_id, "shown")
    assert "SESSION_TOO_SLOW" in [line.get("detail") for line in found["history"]]
