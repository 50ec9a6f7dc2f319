"""Whatever ends a credential ends all that is open with it, on every wire, within a second of the answer to whoever
ended it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeHouse
from tests.support.answers import new_trigger, now_ms
from tests.support.house import House, until
from tests.transports.eventstream import EventStream
from tests.transports.socketio.peer import Peer

AT_ONCE = 1.0
"""Seconds."""
PASSWORD = "correct horse battery"
Ended = Callable[[], Awaitable[None]]
Way = Callable[[House, contextlib.AsyncExitStack, str, str], Awaitable[Ended]]


# --- what can be open: each gives what waits for its end --------------------------------------------------------------


async def websocket(house: House, _stack: contextlib.AsyncExitStack, token: str, _screen: str) -> Ended:
    wire = await house.session(token)

    async def ended() -> None:
        assert await wire.closed() == 4401

    return ended


async def _socketio(house: House, stack: contextlib.AsyncExitStack, token: str, transport: str) -> Ended:
    peer = Peer(house.url, transport=transport)
    stack.push_async_callback(peer.close)
    await peer.open()
    await peer.connect(token)

    async def ended() -> None:
        await peer._until(lambda: peer.disconnected)
        assert [name for name, _, _ in peer.heard][-1] == "error"

    return ended


async def socketio(house: House, stack: contextlib.AsyncExitStack, token: str, _screen: str) -> Ended:
    return await _socketio(house, stack, token, "websocket")


async def polling(house: House, stack: contextlib.AsyncExitStack, token: str, _screen: str) -> Ended:
    return await _socketio(house, stack, token, "polling")


async def events(house: House, _stack: contextlib.AsyncExitStack, token: str, _screen: str) -> Ended:
    stream = await EventStream(house, token).connect({})
    await stream.expect("welcome")

    async def ended() -> None:
        await stream._ended(8)
        assert stream.of("error")

    return ended


async def live_page(house: House, _stack: contextlib.AsyncExitStack, token: str, _screen: str) -> Ended:
    stream = await EventStream(house, token).connect({}, path="/api/monitoring/stream")
    assert stream.status == 200

    async def ended() -> None:
        await stream._ended(8)

    return ended


async def held_answer(house: House, stack: contextlib.AsyncExitStack, token: str, screen: str) -> Ended:
    """`?wait=shown` for a screen that nobody looks at."""
    body, before = new_trigger(screen_id=screen or "S-away"), len(house.appliance.engine.held)
    asked = asyncio.ensure_future(house.call("POST", "/api/trigger?wait=shown&timeoutMs=30000", body, bearer=token))
    stack.callback(asked.cancel)
    await until(lambda: len(house.appliance.engine.held) > before)

    async def ended() -> None:
        answer = await asked
        assert answer.status == 401 or answer.json["result"] == "dead", answer.text

    return ended


async def slow_body(house: House, stack: contextlib.AsyncExitStack, token: str, screen: str) -> Ended:
    """A trigger of which half has come when its credential ends; the other half changes nothing any more."""
    address = urlsplit(house.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    stack.callback(writer.close)
    body = json.dumps(new_trigger(screen_id=screen or "S-away")).encode()
    head = (
        f"POST /api/trigger HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body[:20])
    await writer.drain()
    await house.call("GET", "/api/health/live")  # what came before it has been taken in

    async def ended() -> None:
        writer.write(body[20:])
        assert (await reader.readline()).split()[1] in {b"401", b"403"}

    return ended


SESSIONS: list[Way] = [websocket, socketio, polling, events]
ANSWERS: list[Way] = [held_answer, slow_body]


@contextlib.asynccontextmanager
async def all_open(house: House, token: str, ways: list[Way], screen: str = "") -> AsyncIterator[dict[str, Ended]]:
    async with contextlib.AsyncExitStack() as stack:
        yield {way.__name__: await way(house, stack, token, screen) for way in ways}


async def end_at_once(ended: dict[str, Ended], began: float) -> dict[str, float]:
    """Waits for all of them at once; how long each took."""

    async def measured(wait: Ended) -> float:
        await wait()
        return time.monotonic() - began

    took = await asyncio.gather(*(measured(wait) for wait in ended.values()))
    found = dict(zip(ended, took, strict=True))
    assert max(found.values()) < AT_ONCE, found
    return found


# --- people and programs ----------------------------------------------------------------------------------------------


async def log_in(house: House, name: str = "lee") -> dict[str, Any]:
    body = {"username": name, "password": PASSWORD, "tokens": True}
    answer = await house.call("POST", "/api/auth/login", body)
    assert answer.status == 200, answer.text
    tokens: dict[str, Any] = answer.json
    return tokens


async def change(house: House, method: str, path: str, body: Any = None) -> None:
    answer = await house.local(method, path, body)
    assert answer.status < 300, answer.text


async def removed(house: House, _tokens: dict[str, Any]) -> None:
    await change(house, "DELETE", "/api/users/lee")


async def demoted(house: House, _tokens: dict[str, Any]) -> None:
    await change(house, "PATCH", "/api/users/lee", {"role": "viewer"})


async def limited(house: House, _tokens: dict[str, Any]) -> None:
    await change(house, "PATCH", "/api/users/lee", {"groups": ["line-2"]})


async def new_password(house: House, _tokens: dict[str, Any]) -> None:
    await change(house, "PATCH", "/api/users/lee", {"password": "another horse battery"})


async def signed_out(house: House, tokens: dict[str, Any]) -> None:
    assert (await house.call("POST", "/api/auth/logout", bearer=tokens["accessToken"])).status == 204


async def signed_out_by_refresh_token(house: House, tokens: dict[str, Any]) -> None:
    body = {"refreshToken": tokens["refreshToken"]}
    assert (await house.call("POST", "/api/auth/logout", body)).status == 204


async def reused(house: House, tokens: dict[str, Any]) -> None:
    """Somebody has a copy of the refresh token, and both use it."""
    first = await house.call("POST", "/api/auth/refresh", {"refreshToken": tokens["refreshToken"]})
    second = await house.call("POST", "/api/auth/refresh", {"refreshToken": first.json["refreshToken"]})
    assert second.status == 200
    again = await house.call("POST", "/api/auth/refresh", {"refreshToken": tokens["refreshToken"]})
    assert again.status == 401


async def rotated(house: House, _tokens: dict[str, Any]) -> None:
    await change(house, "POST", "/api/keys/rotate")


@pytest.mark.parametrize(
    "cause",
    [removed, demoted, limited, new_password, signed_out, signed_out_by_refresh_token, reused, rotated],
)
async def test_a_persons_sign_in(house: House, cause: Callable[[House, dict[str, Any]], Awaitable[None]]) -> None:
    await change(house, "POST", "/api/screens", {"screenId": "S-away", "groups": ["line-1"]})
    await change(house, "POST", "/api/users", {"username": "lee", "password": PASSWORD, "role": "operator"})
    tokens = await log_in(house)
    async with all_open(house, tokens["accessToken"], [*SESSIONS, live_page, *ANSWERS]) as ended:
        await cause(house, tokens)
        began = time.monotonic()
        await end_at_once(ended, began)
        assert len(house.appliance.engine.sessions) == 0
        assert len(house.appliance.engine.held) == 0


async def test_a_key_that_is_removed(house: House) -> None:
    await change(house, "POST", "/api/screens", {"screenId": "S-away"})
    made = (await house.local("POST", "/api/keys", {"name": "mes", "role": "operator"})).json
    async with all_open(house, made["key"], [*SESSIONS, live_page, *ANSWERS]) as ended:
        began = time.monotonic()
        await change(house, "DELETE", f"/api/keys/{made['id']}")
        await end_at_once(ended, began)


async def test_a_key_that_ends_by_itself(house: House) -> None:
    await change(house, "POST", "/api/screens", {"screenId": "S-away"})
    expires_at = now_ms() + 2_500
    body = {"name": "mes", "role": "operator", "expiresAt": expires_at}
    key = (await house.local("POST", "/api/keys", body)).json["key"]
    async with all_open(house, key, [*SESSIONS, live_page, held_answer]) as ended:
        assert now_ms() < expires_at, "opening took too long for this test"
        began = time.monotonic() + (expires_at - now_ms()) / 1000
        took = await end_at_once(ended, began)
        assert min(took.values()) > -0.1, took


async def test_a_browsers_session_that_is_signed_out(house: House) -> None:
    await change(house, "POST", "/api/users", {"username": "lee", "password": PASSWORD, "role": "supervisor"})
    answer = await house.call("POST", "/api/auth/login", {"username": "lee", "password": PASSWORD})
    page = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0], "Origin": house.url}
    guarded = {**page, "X-CSRF-Token": answer.json["csrfToken"]}
    wire = await house.wire(headers=page)
    await wire.hello(None)
    stream = await EventStream(house).connect({}, path="/api/monitoring/stream", headers=page)
    waiting = await house.wire(headers=page)  # has said nothing yet
    began = time.monotonic()
    assert (await house.call("POST", "/api/auth/logout", headers=guarded)).status == 204
    await end_at_once({"websocket": lambda: _closed(wire), "live page": lambda: stream._ended(8)}, began)
    await waiting.say_hello(None)
    assert await waiting.closed() == 4401


async def _closed(wire: Any) -> None:
    assert await wire.closed() == 4401


# --- screens ----------------------------------------------------------------------------------------------------------


async def pairing_of(house: House, screen_id: str) -> dict[str, Any]:
    await house.local("POST", "/api/screens", {"screenId": screen_id})
    made: dict[str, Any] = (await house.local("POST", "/api/pairing/provision", {"screenIds": [screen_id]})).json
    pairing: dict[str, Any] = made["items"][0]
    return pairing


async def revoked(house: House, pairing: dict[str, Any]) -> None:
    await change(house, "POST", f"/api/screens/{pairing['screenId']}/revoke")


async def deleted(house: House, pairing: dict[str, Any]) -> None:
    await change(house, "DELETE", f"/api/screens/{pairing['screenId']}")


async def paired_elsewhere(house: House, pairing: dict[str, Any]) -> None:
    await pairing_of(house, pairing["screenId"])


async def claimed_elsewhere(house: House, pairing: dict[str, Any]) -> None:
    offer = {"screenId": pairing["screenId"], "replace": True}
    token = (await house.local("POST", "/api/pairing/offers", offer)).json["token"]
    body = {"screenId": pairing["screenId"], "token": token}
    assert (await house.call("POST", "/api/pairing/claim", body)).status == 200


async def renewed_elsewhere(house: House, pairing: dict[str, Any]) -> None:
    """The device secret was copied to another PC, which uses it."""
    body = {"screenId": pairing["screenId"], "deviceSecret": pairing["deviceSecret"]}
    house.appliance.engine.auth.grants.of("screen", pairing["screenId"])[0].created_at -= 60_000
    other = await house.call("POST", "/api/auth/device", body)
    assert (await house.call("GET", "/api/me", bearer=other.json["accessToken"])).status == 200


async def may_do_less(house: House, pairing: dict[str, Any]) -> None:
    await change(house, "PATCH", f"/api/screens/{pairing['screenId']}", {"permission": "viewer"})


@pytest.mark.parametrize(
    "cause",
    [revoked, deleted, paired_elsewhere, claimed_elsewhere, renewed_elsewhere, may_do_less, reused, rotated],
)
async def test_a_screens_pairing(house: House, cause: Callable[[House, dict[str, Any]], Awaitable[None]]) -> None:
    for way in [*SESSIONS, *ANSWERS]:
        screen_id = f"S-{way.__name__}"
        pairing = await pairing_of(house, screen_id)
        async with all_open(house, pairing["accessToken"], [way], screen_id) as ended:
            await cause(house, pairing)
            began = time.monotonic()
            await end_at_once(ended, began)


async def test_screens_come_back_by_themselves_after_new_keys(house: House) -> None:
    """By the refresh token, by the device secret, and what they show is signed anew."""
    by_refresh, by_secret = await pairing_of(house, "S-1"), await pairing_of(house, "S-2")
    first, second = await house.session(by_refresh["accessToken"]), await house.session(by_secret["accessToken"])
    await house.accepted()
    shown = await first.show_next()
    await change(house, "POST", "/api/keys/rotate")
    assert [await first.closed(), await second.closed()] == [4401, 4401]
    assert (await house.call("GET", "/api/me", bearer=by_refresh["accessToken"])).json["code"] == "TOKEN_INVALID"
    assert (await house.call("GET", shown["url"].removeprefix(house.url))).status in {403, 404}

    fresh = await house.call("POST", "/api/auth/refresh", {"refreshToken": by_refresh["refreshToken"]})
    back = await house.session(fresh.json["accessToken"], restore=True)
    again = await back.navigate()
    assert again["restored"]
    assert again["url"] != shown["url"]
    assert (await house.call("GET", again["url"].removeprefix(house.url))).status == 200

    body = {"screenId": "S-2", "deviceSecret": by_secret["deviceSecret"]}
    pairing = (await house.call("POST", "/api/auth/device", body)).json
    other = await house.session(pairing["accessToken"])
    await house.accepted(screen_id="S-2")
    await other.show_next()
    assert (await house.call("GET", "/api/me", bearer=house.key)).status == 200  # keys of programs stay


async def test_a_subscription_follows_the_groups_it_is_limited_to(house: House) -> None:
    """A screen that leaves the line isn't heard of any more, though the subscription was made while it was in it."""
    for screen_id, groups in (("S-1", ["line-1"]), ("S-2", ["line-2"])):
        await change(house, "POST", "/api/screens", {"screenId": screen_id, "groups": groups})
    watcher = await house.session(await house.new_key("viewer", groups=["line-1"]))
    await watcher.send({"type": "subscribe", "topics": ["presence", "*", "group:line-2", "screen:S-*"]})
    await watcher.settled()
    screen = await house.screen("S-1")
    assert (await watcher.expect("presence"))["screenId"] == "S-1"
    await change(house, "PATCH", "/api/screens/S-1", {"groups": ["line-2"]})
    await house.screen("S-2")
    await house.accepted()
    await house.accepted(screen_id="S-2")
    await screen.show_next()
    await screen.close()
    status = await _status(watcher)
    assert status["open"] == 0
    assert [m["screenId"] for m in await watcher.settled() if m["type"] in {"presence", "delivery"}] == ["S-1"]


async def _status(wire: Any) -> dict[str, Any]:
    await wire.send({"type": "status"})
    found: dict[str, Any] = await wire.expect("status")
    return found


async def test_one_key_has_a_bounded_number_of_sessions(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.relay.conversation.MAX_EACH", 3)
    house = await make_house()
    wires = [await house.session(house.key) for _ in range(3)]
    surplus = await house.wire()
    await surplus.say_hello(house.key)
    refusal = await surplus.expect("error")
    assert (refusal["code"], await surplus.closed()) == ("TOO_MANY_SESSIONS", 4429)
    assert "3" in refusal["messages"]["en"]
    stream = await EventStream(house, house.key).connect({})
    assert (await stream.refused(429, "TOO_MANY_SESSIONS"))["retryable"]
    await house.session(await house.new_key())  # another key is nothing to it
    await house.screen()
    await wires[0].close()
    await house.session(house.key)
