"""The pages' and documents' way out: headers, links that can't be changed, and what anyone may ask."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from appliance import __version__
from appliance.core.managed import EXTENSION_ID
from appliance.paths import package_data
from tests.support.house import PDF, House

built = pytest.mark.skipif(not package_data("static").joinpath("office.html").is_file(), reason="web/ is not built")


async def link(house: House, order_id: str = "ORD-1001") -> str:
    """The address of an order's document, as its screen was given it."""
    screen = await house.screen()
    await house.accepted(order_id)
    navigate = await screen.show_next()
    await screen.expect("delivery")
    return str(navigate["url"]).removeprefix(house.url)


@built
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/setup",
        "/login",
        "/screens",
        "/screens/labels",
        "/approve",
        "/pair",
        "/dead-letters",
        "/extension",
        "/display",
        "/scan",
        "/viewer",
    ],
)
async def test_pages_are_strict_about_what_they_load(house: House, path: str) -> None:
    answer = await house.call("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = answer.headers["Content-Security-Policy"]
    # The extension alone may frame the viewer, and nobody anything else.
    framing = f"chrome-extension://{EXTENSION_ID}" if path == "/viewer" else "'none'"
    assert "default-src 'none'" in policy and f"frame-ancestors {framing};" in policy
    draws = path in {"/display", "/viewer"}
    assert ("script-src 'self';" in policy) != draws
    assert ("'wasm-unsafe-eval'" in policy) == ("worker-src" in policy) == draws  # pdf.js
    assert "unsafe-inline" not in policy and "require-trusted-types-for 'script'" in policy
    assert answer.headers.get("X-Frame-Options") == (None if path == "/viewer" else "DENY")
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Server" not in answer.headers
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert "http://" not in answer.text and "https://" not in answer.text
    assert "<script>" not in answer.text and "<style" not in answer.text


@built
def test_every_page_has_one_style_sheet() -> None:
    """Of two, a bundler that shares them among pages may link the common one last: its rules win then."""
    static = Path(str(package_data("static")))
    pages = [*static.glob("*.html"), *static.glob("extension/*.html")]
    assert {page.name: page.read_text().count('rel="stylesheet"') for page in pages} == {page.name: 1 for page in pages}
    assert len(pages) >= 7


async def exactly(house: House, target: str, accept: str = "*/*") -> tuple[int, dict[str, str]]:
    """Status and headers for a request target that no client library has tidied up."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = (f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Accept: {accept}", "Connection: close", "", "")
    writer.write("\r\n".join(lines).encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    writer.close()
    pairs = (line.partition(": ") for line in head[1:] if line)
    return int(head[0].split()[1]), {name.lower(): value for name, _, value in pairs}


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@built
@pytest.mark.parametrize(
    "path", ["/xyz", "/xyz/", "/display/more", "/apis", "/scan.html", "//evil.example/", "/%2e%2e"]
)
async def test_a_person_who_went_astray_gets_a_page_and_a_program_a_problem(house: House, path: str) -> None:
    status, headers = await exactly(house, path, BROWSER)
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["content-security-policy"]
    status, headers = await exactly(house, path)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/display/", "/display"),
        ("/scan//", "/scan"),
        ("/screens/", "/screens"),
        ("/pair/?screenId=S-1", "/pair?screenId=S-1"),
    ],
)
async def test_a_slash_too_much_leads_to_the_page(house: House, path: str, there: str) -> None:
    status, headers = await exactly(house, path, BROWSER)
    assert (status, headers["location"]) == (302, there)


@pytest.mark.parametrize(
    "path",
    ["/api/nothing", "/api", "/assets/nothing.js", "/documents/x/y.pdf", "/.well-known/x", "/socket.io/x", "/ws/x"],
)
async def test_what_programs_ask_for_is_always_a_problem(house: House, path: str) -> None:
    status, headers = await exactly(house, path, BROWSER)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


@built
async def test_assets_are_kept_for_good_and_stay_in_their_folder(house: House) -> None:
    page = await house.call("GET", "/scan")
    script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
    assert script is not None
    answer = await house.call("GET", script[1])
    assert (answer.status, "immutable" in answer.headers["Cache-Control"]) == (200, True)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    for path in (
        "/assets/",
        "/assets/nothing.js",
        "/assets/..%2foffice.html",
        "/assets/%2e%2e/office.html",
        "/assets/..\\office.html",
        f"/assets/{'x' * 3000}",  # longer than any file's name
    ):
        (await house.call("GET", path)).problem(404, "NOT_FOUND")


async def test_anyone_may_ask_who_this_is(house: House) -> None:
    answer = await house.call("GET", "/.well-known/vooster")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    found = answer.json
    assert (found["product"], found["protocol"], found["version"], found["tls"]) == ("vooster", 1, __version__, False)
    assert found["urls"] == {
        "http": house.url,
        "ws": house.url.replace("http", "ws") + "/ws",
        "socketio": f"{house.url}/socket.io/",
        "events": f"{house.url}/api/events/subscribe",
        "asyncapi": f"{house.url}/api/asyncapi.json",
        "openapi": f"{house.url}/api/openapi.json",
    }
    assert found["setupComplete"] is False
    assert found["instanceId"] and found["name"]
    await house.restart()
    assert (await house.call("GET", "/.well-known/vooster")).json["instanceId"] == found["instanceId"]


async def test_a_document_goes_out_inline_in_a_sandbox(house: House) -> None:
    answer = await house.call("GET", await link(house))
    assert (answer.status, answer.text.encode()) == (200, PDF)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.headers["Content-Security-Policy"] == "sandbox allow-scripts"
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


async def test_any_change_to_a_link_is_refused(house: House) -> None:
    good = await link(house)
    other = await link(house, "ORD-1002")
    changed = {
        good + "/", good + "x", good + "?", good + "?a=1", good[:-1],
        good.replace("ORD-1001", "ORD-1002"), good.replace("documents", "Documents"),
        good.replace(".pdf", ".PDF"), "/documents/ORD-1001.pdf", "/documents/../secrets.json",
    } - {good, other}  # fmt: skip
    for address in sorted(changed):
        status, _ = await exactly(house, address)
        assert status in {403, 404}, address
    assert (await exactly(house, good))[0] == 200


async def test_a_document_that_is_gone_is_not_found(house: House) -> None:
    good = await link(house)
    (house.orders / "ORD-1001.pdf").unlink()
    (await house.call("GET", good)).problem(404, "NOT_FOUND")


async def test_a_link_out_of_the_folder_is_no_order(house: House) -> None:
    outside = house.root / "secret.pdf"
    outside.write_bytes(PDF)
    (house.orders / "ORD-LINK.pdf").symlink_to(outside)
    await house.pair("S-1")
    (await house.trigger("ORD-LINK")).problem(404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize("order_id", ["..", "../secret", "/etc/passwd", "a/../../secret", "CON", "secret"])
async def test_no_order_leads_out_of_the_folder(house: House, order_id: str) -> None:
    (house.root / "secret.pdf").write_bytes(PDF)
    await house.pair("S-1")
    (await house.trigger(order_id)).problem(404, "ORDER_NOT_FOUND")


async def test_another_host_name_is_told_where_to_go(house: House) -> None:
    answer = await house.call("GET", "/api/health", headers={"Host": "evil.example"})
    answer.problem(421, "HOST_NOT_ALLOWED")


async def test_a_head_request_costs_no_body(house: House) -> None:
    good = await link(house)
    async with aiohttp.ClientSession() as http, http.head(house.url + good) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(PDF)))
        assert await answer.read() == b""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("X.png", "image/png"),
        ("X.txt", "text/plain; charset=utf-8"),
        ("X.pdf", "application/pdf"),
        ("X.jpg", "image/jpeg"),
    ],
)
async def test_a_documents_type_is_its_names_whatever_is_in_it(house: House, name: str, kind: str) -> None:
    marks = {"png": (b"\x89PNG\r\n", b"IEND"), "pdf": (b"%PDF-1.4\n", b"\n%%EOF")}.get(name[2:], (b"", b""))
    (house.orders / name).write_bytes(marks[0] + b"<!doctype html><script>alert(document.cookie)</script>" + marks[1])
    status, headers = await exactly(house, await link(house, "X"))
    assert (status, headers["content-type"]) == (200, kind)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox allow-scripts"
    assert "access-control-allow-origin" not in headers
