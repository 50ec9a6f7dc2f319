"""Every credential is good for what it is, and for nothing else: each kind in every place where another belongs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.house import House

PASSWORD = "correct horse battery"


async def credentials(house: House) -> dict[str, str]:
    """One of each kind, all of them good."""
    await house.local("POST", "/api/users", {"username": "lee", "password": PASSWORD, "role": "admin"})
    body = {"username": "lee", "password": PASSWORD}
    tokens = (await house.call("POST", "/api/auth/login", {**body, "tokens": True})).json
    browser = await house.call("POST", "/api/auth/login", body)
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    pairing = (await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-1"]})).json["items"][0]
    offer = (await house.local("POST", "/api/pairing/offers", {"screenId": "S-2"})).json
    waiting = (await house.call("POST", "/api/pairing/device", {})).json
    ticket = (await house.call("POST", "/api/events/ticket", bearer=house.key)).json
    name, _, cookie = browser.headers["Set-Cookie"].partition(";")[0].partition("=")
    return {
        "access token": tokens["accessToken"],
        "refresh token": tokens["refreshToken"],
        "screen's access token": pairing["accessToken"],
        "screen's refresh token": pairing["refreshToken"],
        "device secret": pairing["deviceSecret"],
        "API key": house.key,
        "offer": offer["token"],
        "device code": waiting["device_code"],
        "user code": waiting["user_code"],
        "ticket": ticket["ticket"],
        "cookie": cookie,
        "CSRF token": browser.json["csrfToken"],
        "password": PASSWORD,
        "cookie name": name,
    }


async def test_each_is_good_in_its_own_place_alone(house: House) -> None:
    found = await credentials(house)
    name = found["cookie name"]
    bearers = {"access token", "screen's access token", "API key"}
    for kind, value in found.items():
        as_bearer = await house.call("GET", "/api/me", bearer=value)
        assert as_bearer.status == (200 if kind in bearers else 401), kind
        if kind in bearers:
            assert (await house.call("GET", f"/api/me?access_token={value}&token={value}")).status == 401, kind
            assert (await house.call("POST", "/api/trigger", {"token": value})).status == 401, kind
        as_refresh = await house.call("POST", "/api/auth/refresh", {"refreshToken": value})
        assert (as_refresh.status == 200) == kind.endswith("refresh token"), kind
        as_secret = await house.call("POST", "/api/auth/device", {"screenId": "S-1", "deviceSecret": value})
        assert (as_secret.status == 200) == (kind == "device secret"), kind
        as_poll = await house.call("POST", "/api/pairing/token", {"device_code": value})
        expected = {"device code": "authorization_pending"}.get(kind, "invalid_grant")
        assert as_poll.json == {"error": expected}, kind
        as_offer = await house.call("POST", "/api/pairing/claim", {"screenId": "S-2", "token": value})
        assert (as_offer.status == 200) == (kind == "offer"), kind
        as_cookie = await house.call("GET", "/api/me", headers={"Cookie": f"{name}={value}"})
        assert (as_cookie.status == 200) == (kind == "cookie"), kind
        if kind != "ticket":
            as_ticket = await house.call(
                "GET", f"/api/events/subscribe?ticket={value}", headers={"Accept": "text/event-stream"}
            )
            as_ticket.problem(401, "TOKEN_INVALID")
        as_password = await house.call("POST", "/api/auth/login", {"username": "kim", "password": value})
        assert as_password.status in {401, 429}, kind


async def test_a_setup_links_token_is_no_bearer(house: House) -> None:
    link = (await house.local("POST", "/api/setup/link")).json["url"]
    token = link.partition("#token=")[2]
    assert (await house.call("GET", "/api/setup", bearer=token)).status == 200
    for path in ("/api/me", "/api/screens", "/api/users", "/api/monitoring/dashboard"):
        assert (await house.call("GET", path, bearer=token)).status == 401
    assert (await house.call("POST", "/api/auth/refresh", {"refreshToken": token})).status == 401


async def test_a_token_of_another_appliance_is_nothing_here(house: House) -> None:
    """The same keys, as after a copied data directory whose identity was made anew."""
    auth = house.appliance.engine.auth
    auth._access._instance_id, mine = "elsewhere", auth._access._instance_id
    foreign = (await credentials(house))["access token"]
    auth._access._instance_id = mine
    assert (await house.call("GET", "/api/me", bearer=foreign)).json["code"] == "TOKEN_INVALID"


def spellings(token: str) -> list[str]:
    return [
        token + " x",
        token + ".",
        token + "=",
        token + "%20",
        "%" + token,
        token.upper(),
        token.swapcase(),
        token[:-1],
        token[:20] + " " + token[20:],
        token + "\xa0",
        token[:-1] + "\xe9",
        f'"{token}"',
        f"{token},{token}",
        token * 20,
    ]


@pytest.mark.parametrize("kind", ["access token", "API key", "screen's access token"])
async def test_no_other_spelling_is_the_same(house: House, kind: str) -> None:
    token = (await credentials(house))[kind]
    assert (await house.call("GET", "/api/me", bearer=token)).status == 200
    for spelling in spellings(token):
        answer = await house.call("GET", "/api/me", bearer=spelling)
        assert answer.status == 401, spelling
    for header in (token, f"Basic {token}", f"Bearer{token}", "Bearer", "Bearer ", f"Token {token}"):
        assert (await house.call("GET", "/api/me", headers={"Authorization": header})).status == 401, header
    wire = await house.wire()
    await wire.say_hello(f" {token}")
    assert await wire.closed() == 4401


@pytest.mark.parametrize("token", [None, 1, True, [], {}, "", "\x00", "x" * 60_000, "한글", "\ud800"])
async def test_no_token_on_a_socket_is_too_strange_to_be_refused(house: House, token: Any) -> None:
    wire = await house.wire()
    await wire.send_text(json.dumps({"type": "hello", "token": token}))
    assert await wire.closed() in {4400, 4401}


async def test_a_live_session_takes_no_other_subjects_token(house: House) -> None:
    found = await credentials(house)
    wire = await house.session(found["screen's access token"])
    for kind in ("access token", "API key", "screen's refresh token", "device secret"):
        await wire.send({"type": "auth", "token": found[kind]})
        assert (await wire.expect("error"))["code"] == "TOKEN_INVALID"
    await wire.send({"type": "auth", "token": found["screen's access token"]})
    await wire.expect("auth:ok")
