"""What has been the end of similar products, each by the name of its class. Script that comes in a header or a name is
tried in a real browser, in `tests/e2e/test_policy.py`.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest
from aiohttp import web

import appliance.app
from appliance.edge.server import build
from tests.conftest import MakeHouse
from tests.gatehouse import (
    PASSWORD,
    Gatehouse,
    fixture_gate,  # noqa: F401
)
from tests.support.house import House

EVIL = "http://evil.example"
OPEN = {
    "/api/health": 200,
    "/api/health/live": 200,
    "/api/health/ready": 200,
    "/api/asyncapi.json": 200,
    "/api/openapi.json": 200,
}
"""What the contract opens to anyone."""

PAGES = ({"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"})

Routes = list[tuple[str, str]]


@pytest.fixture(name="routes")
def fixture_routes(monkeypatch: pytest.MonkeyPatch) -> Routes:
    """Filled, once a house is made, with the method and a path of each of its routes."""
    found: Routes = []

    def built(routes: list[web.RouteDef], **others: Any) -> web.Application:
        paths = [(route.method, route.path.replace("{id:[0-9a-f]{8}}", "0" * 8)) for route in routes]
        found.extend((method, re.sub(r"\{[^}]*\}", "x:x", path)) for method, path in paths)
        return build(routes, **others)

    monkeypatch.setattr(appliance.app, "build", built)
    return found


async def signed_in(house: House) -> dict[str, str]:
    """A browser's cookie and CSRF token."""
    body = {"username": "vic", "password": PASSWORD, "role": "admin"}
    assert (await house.local("POST", "/api/users", body)).status == 201
    answer = await house.call("POST", "/api/auth/login", body)
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0], "X-CSRF-Token": answer.json["csrfToken"]}


# DNS rebinding: a name of the attacker's comes to stand for the appliance's address, and its page is "same-origin".


async def test_dns_rebinding(routes: Routes, make_house: MakeHouse) -> None:
    house = await make_house()
    browser = await signed_in(house)
    assert len(routes) > 50
    for method, path in routes:
        for host in ("evil.example", "vooster.local.evil.example"):
            headers = {**browser, "Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
            answer = await house.call("GET" if method == "*" else method, path, headers=headers)
            assert answer.status == 421, (method, path)
            if method != "HEAD":
                answer.problem(421, "HOST_NOT_ALLOWED")
            assert "Set-Cookie" not in answer.headers
    async with aiohttp.ClientSession() as http:
        for path in ("/ws", "/socket.io/?EIO=4&transport=websocket"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(house.url + path, headers={"Host": "evil.example", "Origin": EVIL})
            assert refused.value.status == 421


# Cross-site WebSocket hijacking: another site's page opens a socket, and the browser adds the cookie.


@pytest.mark.parametrize("path", ["/ws", "/socket.io/?EIO=4&transport=websocket"])
@pytest.mark.parametrize(
    "page", [{"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_cross_site_websocket_hijacking(house: House, path: str, page: dict[str, str]) -> None:
    headers = {**await signed_in(house), **page}
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(house.url + path, headers=headers)
    assert refused.value.status == 403


async def test_cross_site_hijacking_of_a_stream_or_a_call(routes: Routes, make_house: MakeHouse) -> None:
    house = await make_house()
    browser = await signed_in(house)
    for method, path in routes:
        if not path.startswith(("/api/", "/metrics", "/socket.io/")):
            continue
        for page in PAGES:
            answer = await house.call("GET" if method == "*" else method, path, headers={**browser, **page})
            assert answer.status == 403, (method, path, page)
            assert "Access-Control-Allow-Origin" not in answer.headers


# Clickjacking: the approval's button lies, unseen, under something else that one is to click.


async def test_clickjacked_approval(house: House) -> None:
    browser = await signed_in(house)
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    for path in ("/approve", "/pair", "/setup", "/login", "/screens", "/", "/no-such-page", "/api/me", "/api/none"):
        answer = await house.call("GET", path, headers={**browser, "Accept": "text/html"})
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
        (await house.call("GET", path, headers={**browser, **framed})).problem(403, "ORIGIN_NOT_ALLOWED")
    body = {"user_code": "BCDF-GHJK", "confirm": "GHJK", "screenId": "S-1"}
    by_cookie_alone = await house.call("POST", "/api/pairing/approve", body, headers={"Cookie": browser["Cookie"]})
    by_cookie_alone.problem(403, "CSRF_INVALID")


# Data for whoever is in the same LAN.


async def test_unauthenticated_lan_data(routes: Routes, make_house: MakeHouse) -> None:
    house = await make_house()
    await house.pair("SECRET-STATION")
    asked = 0
    for method, path in routes:
        if method not in {"GET", "*"} or not path.startswith(("/api/", "/metrics", "/ws", "/documents/")):
            continue
        asked += 1
        headers = {"Accept": "text/event-stream" if path.endswith(("/subscribe", "/stream")) else "*/*"}
        if path == "/metrics":  # open to this machine itself, and that a proxy's request isn't
            headers["X-Forwarded-For"] = "192.168.0.9"
        answer = await house.call("GET", path, headers=headers)
        if path == "/api/setup":
            assert answer.status in {401, 409}, path
        elif path.startswith("/documents/"):
            answer.problem(404, "NOT_FOUND")
        elif path == "/ws":
            answer.problem(400, "VALIDATION_ERROR")
        else:
            assert answer.status == OPEN.get(path, 401), path
        assert "SECRET-STATION" not in answer.text, path
    assert asked > 20


# First-run take-over: whoever is first at the new appliance becomes its administrator.


async def test_first_run_take_over_only_the_link_s_token_counts(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    assert len(token) >= 43  # 256 bits
    body = {"username": "mallory", "password": PASSWORD}
    guesses: list[Any] = [None, "", "x", token[:-1], token + "x", token.swapcase(), [token], {"token": token}]
    for guess in guesses:
        answer = await gate.call("POST", "/api/setup", {**body, "token": guess})
        assert answer.status in {400, 401}, guess
    assert (await gate.call("POST", "/api/setup", body)).code == "TOKEN_INVALID"
    assert (await gate.call("GET", "/api/setup")).code == "TOKEN_INVALID"
    assert (await gate.call("POST", "/api/setup/link")).status in {401, 404}
    for headers in ({"Host": "evil.example"}, {"Origin": EVIL}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await gate.call("POST", "/api/setup", {**body, "token": token}, headers=headers)
        assert answer.status in {403, 421}
    assert not gate.people.complete
    later, _ = await gate.people.new_setup_token()
    assert (await gate.call("POST", "/api/setup", {**body, "token": token})).code == "SETUP_LINK_EXPIRED"
    assert (await gate.call("POST", "/api/setup", {**body, "username": "kim", "token": later})).status == 201
    assert (await gate.call("POST", "/api/setup", {**body, "token": later})).code == "SETUP_COMPLETE"
    assert [user.name for user in gate.people.users()] == ["kim"]


async def test_first_run_take_over_the_link_ends_after_half_an_hour(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    body = {"username": "kim", "password": PASSWORD, "token": token}
    gate.now.forward(minutes=30)
    assert (await gate.call("POST", "/api/setup", body)).code == "SETUP_LINK_EXPIRED"
    await gate.restart()
    assert (await gate.call("POST", "/api/setup", body)).code == "SETUP_LINK_EXPIRED"


async def test_first_run_take_over_two_at_once_make_one_administrator(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    bodies = [{"username": f"user-{number}", "password": PASSWORD, "token": token} for number in range(6)]
    answers = await asyncio.gather(*(gate.call("POST", "/api/setup", body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 5
    assert len(gate.people.users()) == 1


# Header-borne script: what is said in a header comes back as text, if at all.


async def test_header_borne_script_never_comes_back_as_a_page(house: House) -> None:
    script = "<script>alert(1)</script>"
    headers = {"User-Agent": script, "Referer": script, "X-Forwarded-For": script, "Accept-Language": script}
    for path in ("/", "/nope", f"/{script}", f"/api/{script}", f"/api/screens/{script}", f"/documents/{script}"):
        answer = await house.call("GET", path, headers={**headers, "Accept": "text/html"})
        assert script not in answer.text, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
