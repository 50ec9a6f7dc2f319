"""Pages, assets, documents and what anyone may ask: what a browser gets, and what it never gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from tests.support.house import PDF, House


async def linked(house: House, order_id: str) -> str:
    """Shows an order on a screen and gives the path of the document's link."""
    wire = await house.screen("S-1")
    await house.accepted(order_id)
    return URL((await wire.navigate())["url"]).raw_path


@pytest.mark.parametrize("path", ["/", "/setup", "/login", "/screens", "/approve", "/pair", "/display", "/scan"])
async def test_every_page_is_there_and_runs_nothing_of_its_own_inline(house: House, path: str) -> None:
    page = await house.call("GET", path)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["Cache-Control"] == "no-cache"
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in page.text
    assert "<style" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_assets_are_kept_for_ever_and_nothing_else_is_served(house: House) -> None:
    page = (await house.call("GET", "/display")).text
    asset = page.partition('src="')[2].partition('"')[0]
    served = await house.call("GET", asset)
    assert (served.status, served.headers["Content-Type"]) == (200, "text/javascript")
    assert "immutable" in served.headers["Cache-Control"]
    for path in ("/assets/..%2foffice.html", "/assets/%2e%2e/office.html", "/assets/nothing.js", "/assets/pdfjs"):
        (await house.call("GET", path)).problem(404, "NOT_FOUND")


async def test_a_document_is_inline_sandboxed_and_of_its_type(house: House) -> None:
    house.order("ORD-3", "html", "<h1>주문</h1>".encode())
    await house.knows("ORD-3")
    document = await house.call("GET", await linked(house, "ORD-3"))
    assert (document.status, document.text) == (200, "<h1>주문</h1>")
    assert document.headers["Content-Type"] == "text/html; charset=utf-8"
    assert document.headers["Content-Disposition"] == "inline"
    assert document.headers["Content-Security-Policy"] == "sandbox allow-scripts"
    assert document.headers["X-Content-Type-Options"] == "nosniff"
    assert document.headers["Referrer-Policy"] == "no-referrer"


async def test_a_link_with_any_letter_changed_leads_nowhere(house: House) -> None:
    path = await linked(house, "ORD-1001")
    assert (await house.call("GET", path)).text.encode() == PDF
    start = len("/documents/")
    for place in range(start, len(path)):
        other = "A" if path[place] != "A" else "B"
        answer = await house.call("GET", path[:place] + other + path[place + 1 :])
        assert answer.status in {403, 404}, (place, answer.text)


async def test_a_link_to_what_has_left_the_folder_leads_nowhere(house: House, tmp_path: Path) -> None:
    path = await linked(house, "ORD-1001")
    file = house.orders / "ORD-1001.pdf"
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(PDF)
    file.unlink()
    (await house.call("GET", path)).problem(404, "NOT_FOUND")
    file.symlink_to(secret)
    (await house.call("GET", path)).problem(404, "NOT_FOUND")


async def test_anyone_may_ask_who_this_is_from_anywhere(house: House) -> None:
    answer = await house.call("GET", "/.well-known/vooster", headers={"Origin": "https://anywhere.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = answer.json
    assert (told["product"], told["protocol"], told["tls"]) == ("vooster", 1, False)
    assert told["urls"] == {
        "http": house.url,
        "ws": house.url.replace("http", "ws") + "/ws",
        "socketio": house.url + "/socket.io/",
        "events": house.url + "/api/events/subscribe",
    }
    assert len(told["instanceId"]) == 36
    before = told["instanceId"]
    await house.restart()
    assert (await house.call("GET", "/.well-known/vooster")).json["instanceId"] == before
