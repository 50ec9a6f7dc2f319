"""An appliance without TLS of its own behind a proxy that speaks https: what the proxy's visitors get, and what nobody
gets who only says that he is one.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from appliance.edge import limits
from tests.conftest import MakeHouse
from tests.support.answers import Answer
from tests.support.house import House, Values

PASSWORD = "correct horse battery"
PUBLIC = "https://orders.example"
TOLD = {"Host": "orders.example", "X-Forwarded-For": "192.168.10.30", "X-Forwarded-Proto": "https"}
TRUSTED: Values = {"server": {"trusted_proxies": ["127.0.0.1"], "allowed_hosts": ["orders.example"]}}
NAMED: Values = {"server": {"public_url": PUBLIC}}
BOTH: Values = {"server": {"public_url": PUBLIC, "trusted_proxies": ["127.0.0.1"]}}


async def sign_in(house: House, headers: dict[str, str]) -> Answer:
    await house.local("POST", "/api/setup", {"username": "kim", "password": PASSWORD})
    answer = await house.call("POST", "/api/auth/login", {"username": "kim", "password": PASSWORD}, headers=headers)
    assert answer.status == 200, answer.text
    return answer


async def opened(make_house: MakeHouse, values: Values) -> House:
    """A house that is asked as a proxy beside it does."""
    house = await make_house(values)
    house.url = house.appliance._url("127.0.0.1")
    return house


def links(told: Any) -> set[str]:
    """Scheme and host of every address in an answer."""
    texts = [word for word in json.dumps(told).replace('"', " ").split() if "://" in word]
    return {f"{urlsplit(text).scheme}://{urlsplit(text).netloc}" for text in texts}


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (TRUSTED, TOLD),
        (NAMED, {"Host": "orders.example"}),
        (BOTH, TOLD),
        (BOTH, {**TOLD, "Host": "127.0.0.1:8480"}),
    ],
    ids=["trusted", "public", "both", "host replaced"],
)
async def test_who_has_come_by_https_gets_https(make_house: MakeHouse, values: Values, sent: dict[str, str]) -> None:
    house = await opened(make_house, values)
    page = {**sent, "Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
    signed_in = await sign_in(house, page)
    cookie = signed_in.headers["Set-Cookie"]
    assert "; Secure" in cookie and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    browser = {**page, "Cookie": cookie.split(";")[0], "X-CSRF-Token": signed_in.json["csrfToken"]}
    assert (await house.call("GET", "/api/me", headers=browser)).json["tls"] is True

    known = (await house.call("GET", "/.well-known/vooster", headers=sent)).json
    assert known["tls"] is True
    assert links(known["urls"]) == {PUBLIC, "wss://orders.example"}

    asked = await house.call("POST", "/api/pairing/device", {}, headers=sent)
    assert links([asked.json["verification_uri"], asked.json["verification_uri_complete"]]) == {PUBLIC}
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    offer = await house.call("POST", "/api/pairing/offers", {"screenId": "S-1"}, headers=browser)
    assert links(offer.json["url"]) == {PUBLIC}
    labels = await house.call("GET", "/api/pairing/labels?screenId=S-1", headers=browser)
    assert links([item["url"] for item in labels.json["items"]]) == {PUBLIC}

    assert "; Secure" in (await house.call("POST", "/api/auth/logout", headers=browser)).headers["Set-Cookie"]


async def test_a_monitor_behind_it_loads_its_document_by_https(make_house: MakeHouse) -> None:
    house = await opened(make_house, BOTH)
    token = await house.pair("S-1")
    wire = await house.wire(headers=TOLD)
    await wire.hello(token)
    await house.accepted()
    shown = await wire.expect("navigate")
    assert shown["url"].startswith(f"{PUBLIC}/documents/")


async def test_another_origin_stays_another(make_house: MakeHouse) -> None:
    house = await opened(make_house, BOTH)
    await house.local("POST", "/api/setup", {"username": "kim", "password": PASSWORD})
    for origin in ("https://orders.example.evil.example", "https://evil.example", "https://orders.example:8443"):
        answer = await house.call(
            "POST",
            "/api/auth/login",
            {"username": "kim", "password": PASSWORD},
            headers={**TOLD, "Origin": origin, "X-Forwarded-Host": origin.removeprefix("https://")},
        )
        answer.problem(403, "ORIGIN_NOT_ALLOWED")
    (await house.call("GET", "/api/health", headers={**TOLD, "Host": "evil.example"})).problem(421, "HOST_NOT_ALLOWED")


@pytest.mark.parametrize("values", [{}, NAMED], ids=["nothing set", "public"])
async def test_nobody_else_says_how_he_has_come(make_house: MakeHouse, values: Values) -> None:
    house = await opened(make_house, values)
    host = urlsplit(house.url).netloc
    sent = {**TOLD, "Host": host, "X-Forwarded-Host": "evil.example"}
    assert "Secure" not in (await sign_in(house, sent)).headers["Set-Cookie"]
    known = (await house.call("GET", "/.well-known/vooster", headers=sent)).json
    assert known["tls"] is False
    assert links(known["urls"]) == {f"http://{host}", f"ws://{host}"}


async def test_a_proxy_of_this_machine_that_nobody_named_is_told_of_and_limited(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_STRANGERS", (0.01, 4))
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0)
    house = await make_house()
    admin = await house.new_key("admin")

    async def status(**headers: str) -> int:
        return (await house.call("GET", "/api/health", headers=headers)).status

    assert [await status() for _ in range(8)] == [200] * 8, "this machine itself"
    with capture_logs() as logged:
        tried = [await status(**{"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(6)]
    assert tried == [200] * 4 + [429] * 2, "its visitors can't be told apart"
    (told,) = [entry for entry in logged if entry["event"] == "proxy.not_trusted"]
    assert told["setting"] == "server.trusted_proxies"
    page = (await house.call("GET", "/api/monitoring/dashboard", bearer=admin)).json
    assert [error["error"] for error in page["recentErrors"]] == ["PROXY_NOT_TRUSTED"]
    assert await status() == 200
