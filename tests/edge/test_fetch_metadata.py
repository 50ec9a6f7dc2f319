"""What browsers say of where a request comes from, and what follows from it; programs say nothing of the kind."""

from __future__ import annotations

import aiohttp
import pytest
from multidict import CIMultiDict

from appliance.edge.origins import EXTENSION
from appliance.settings import Server
from tests.gatehouse import (
    Gatehouse,
    fixture_gate,  # noqa: F401
    opened,
)
from tests.support.house import House

ERP = "http://erp.factory.example"


def said(site: str, mode: str = "no-cors", dest: str = "script") -> dict[str, str]:
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("mode", "dest"),
    [("no-cors", "script"), ("no-cors", "image"), ("no-cors", "empty"), ("cors", "empty"), ("navigate", "iframe"),
     ("navigate", "object"), ("navigate", "document"), ("websocket", "websocket")],
)  # fmt: skip
async def test_another_site_gets_nothing_from_the_api(gate: Gatehouse, site: str, mode: str, dest: str) -> None:
    admin = await gate.admin()
    for method, path in (("GET", "/api/me"), ("GET", "/api/csrf"), ("POST", "/api/echo"), ("HEAD", "/api/users")):
        body: dict[str, str] | None = {} if method == "POST" else None
        refused = await admin.call(method, path, body, **said(site, mode, dest))
        assert refused.status == 403, (method, path)
        assert method == "HEAD" or refused.code == "ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_own_pages_and_the_address_bar_do(gate: Gatehouse, site: str) -> None:
    admin = await gate.admin()
    assert (await admin.call("GET", "/api/me", **said(site, "cors", "empty"))).status == 200
    assert (await admin.call("POST", "/api/echo", {}, **said(site, "cors", "empty"))).status == 200


@pytest.mark.parametrize("sites", [["same-origin", "cross-site"], ["cross-site", "same-origin"], ["none", "same-site"]])
async def test_one_word_of_another_site_is_enough(gate: Gatehouse, sites: list[str]) -> None:
    headers = CIMultiDict([("Sec-Fetch-Site", site) for site in sites])
    async with aiohttp.ClientSession() as http, http.get(f"{gate.url}/api/me", headers=headers) as answer:
        assert (await answer.json(content_type=None))["code"] == "ORIGIN_NOT_ALLOWED"


async def test_links_lead_to_pages_and_frames_do_not(house: House) -> None:
    for path in ("/", "/screens", "/approve", "/display", "/scan"):
        link = await house.call("GET", path, headers=said("cross-site", "navigate", "document"))
        assert link.status == 200, path
        for dest in ("iframe", "frame", "object", "embed"):
            framed = await house.call("GET", path, headers=said("cross-site", "navigate", dest))
            framed.problem(403, "ORIGIN_NOT_ALLOWED")
    for path in ("/assets/icon.svg", "/metrics", "/ws", "/socket.io/?EIO=4&transport=polling"):
        for site in ("cross-site", "same-site"):
            (await house.call("GET", path, headers=said(site))).problem(403, "ORIGIN_NOT_ALLOWED")


async def test_what_is_for_everyone_stays_open(house: House) -> None:
    found = await house.call(
        "GET", "/.well-known/vooster", headers={**said("cross-site", "cors", "empty"), "Origin": ERP}
    )
    assert found.status == 200
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    assert "Cross-Origin-Resource-Policy" not in found.headers
    # A document's link is signed, so that it says itself who may have it.
    (await house.call("GET", "/documents/x.pdf", headers=said("cross-site", "no-cors", "image"))).problem(
        404, "NOT_FOUND"
    )


async def test_whoever_is_listed_and_our_extension_still_come_in(
    gate: Gatehouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    headers = {"Origin": EXTENSION, **said("cross-site", "cors", "empty")}
    assert (
        await gate.call("POST", "/api/auth/refresh", {"refreshToken": "x"}, headers=headers)
    ).code == "TOKEN_INVALID"
    stranger = {**headers, "Origin": "chrome-extension://" + "a" * 32}
    assert (await gate.call("POST", "/api/auth/refresh", {}, headers=stranger)).code == "ORIGIN_NOT_ALLOWED"
    assert (await gate.call("GET", "/api/me", headers=stranger)).code == "ORIGIN_NOT_ALLOWED"
    preflight = {**headers, "Access-Control-Request-Method": "POST"}
    assert (await gate.call("OPTIONS", "/api/trigger", headers=preflight)).status == 204
    other = "chrome-extension://" + "b" * 32
    async with opened(tmp_path_factory.mktemp("listed"), Server(allowed_origins=[ERP, other])) as listed:
        for origin in (ERP, other):
            answer = await listed.call(
                "GET", "/api/me", headers={**said("cross-site", "cors", "empty"), "Origin": origin}
            )
            assert answer.code == "TOKEN_INVALID"
