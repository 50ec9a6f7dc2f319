from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from multidict import CIMultiDict

from appliance.edge import server
from appliance.edge.origins import EXTENSION
from appliance.settings import Server
from tests.gatehouse import (
    BEST,
    PASSWORD,
    Browser,
    Gatehouse,
    fixture_gate,  # noqa: F401
    opened,
)

ERP = "http://erp.factory.example"


@pytest.fixture(name="configured")
async def fixture_configured(tmp_path: Path) -> AsyncIterator[Gatehouse]:
    settings = Server(
        allowed_hosts=["vooster.factory.example"], allowed_origins=[ERP], public_url="https://orders.factory.example"
    )
    async with opened(tmp_path, settings) as gatehouse:
        yield gatehouse


# Host.


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}",
        "localhost",
        "LOCALHOST:{port}",
        "[::1]:{port}",
        "192.168.10.20:{port}",
        "192.168.10.20",
        "vooster.local:{port}",
        "vooster.local.",
    ],
)
async def test_own_names_and_addresses_are_answered(gate: Gatehouse, host: str) -> None:
    answer = await gate.call("GET", "/api/me", headers={"Host": host.format(port=gate.port)})
    assert answer.code == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "vooster-2.local",
        "evil.local",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.10.21",
        "127.0.0.2",
        "2130706433",
        "vooster.local@evil.example",
        "evil.example#127.0.0.1",
        "[::1].evil.example",
        "[::1]evil.example",
        "[::1]:80@evil.example",
        "localhost:80:80",
        "127.0.0.1..",
        "",
        " ",
        "xn--vooster.local",
        "vooster.factory.example",
    ],
)
async def test_dns_rebinding_any_other_name_is_refused(gate: Gatehouse, host: str) -> None:
    admin = await gate.admin()
    for path in ("/api/me", "/", "/ws", "/api/nowhere"):
        refused = await admin.call("GET", path, Host=host.format(port=gate.port) or " ")
        if refused.status == 400 and not refused.headers.get("Content-Type", "").startswith("application/problem"):
            continue  # not even HTTP
        assert (refused.status, refused.code) == (421, "HOST_NOT_ALLOWED"), (host, path)
        assert BEST in refused.json["action"]["en"]


async def test_a_request_without_a_host_is_refused(gate: Gatehouse) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(b"GET /api/me HTTP/1.0\r\n\r\n")
    assert b" 421 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize(
    "place", ["http://evil.example", "https://evil.example", "http://127.0.0.1:{port}", "evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/api/me", "/api/csrf"])
async def test_the_appliance_is_nobody_s_proxy(gate: Gatehouse, place: str, path: str) -> None:
    """What stands in the request's first line would count for its `Host`, in links too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(f"GET {place.format(port=gate.port)}{path} HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\n\r\n".encode())
    line = await reader.readline()
    assert b" 421 " in line or b" 400 " in line, line
    writer.close()


async def test_the_settings_add_hosts(configured: Gatehouse) -> None:
    for host in ("vooster.factory.example:8480", "orders.factory.example"):
        assert (await configured.call("GET", "/api/me", headers={"Host": host})).code == "TOKEN_INVALID"


async def test_no_setting_lets_in_a_name_that_anybody_in_the_network_can_take(tmp_path: Path) -> None:
    settings = Server(allowed_hosts=["[FD00:0::5]:8480"], public_url="http://factory.local:8480")
    async with opened(tmp_path, settings) as gatehouse:
        for host in ("factory.local:8480", "factory.local."):
            assert (await gatehouse.call("GET", "/api/me", headers={"Host": host})).code == "HOST_NOT_ALLOWED"
        for host in ("vooster.local:8480", "[fd00::5]:8480"):
            assert (await gatehouse.call("GET", "/api/me", headers={"Host": host})).code == "TOKEN_INVALID"


async def test_the_control_socket_is_asked_for_no_name(gate: Gatehouse) -> None:
    answer = await gate.call("GET", "/api/me", headers={"Host": "anything"}, local=True)
    assert answer.json["kind"] == "local"


# Origin.


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{port}.evil.example",
        "file://127.0.0.1:{port}",
        EXTENSION,
        ERP,
        "",
    ],
)
async def test_another_site_s_page_changes_nothing(gate: Gatehouse, origin: str) -> None:
    admin = await gate.admin()
    refused = await admin.call("POST", "/api/echo", {}, Origin=origin.format(port=gate.port) or " ")
    assert (refused.status, refused.code) == (403, "ORIGIN_NOT_ALLOWED")
    body = {"username": "kim", "password": PASSWORD}
    headers = {"Origin": origin.format(port=gate.port) or " "}
    signing_in = await gate.call("POST", "/api/auth/login", body, headers=headers)
    assert signing_in.code == "ORIGIN_NOT_ALLOWED"
    assert "Set-Cookie" not in signing_in.headers


@pytest.mark.parametrize("first", [True, False])
async def test_two_origins_are_none_of_ours(gate: Gatehouse, first: bool) -> None:
    own, evil = ("Origin", gate.url), ("Origin", "http://evil.example")
    cookie = ("Cookie", (await gate.admin()).cookie)
    headers = CIMultiDict([own, evil, cookie] if first else [evil, own, cookie])
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{gate.url}/api/echo", headers=headers, json={}) as answer,
    ):
        assert (await answer.json(content_type=None))["code"] == "ORIGIN_NOT_ALLOWED"


async def test_own_pages_and_programs_may(gate: Gatehouse) -> None:
    admin = await gate.admin()
    assert (await admin.call("POST", "/api/echo", {}, Origin=gate.url)).status == 200
    assert (await admin.call("POST", "/api/echo", {})).status == 200


async def test_no_setting_lets_a_sandboxed_document_in(tmp_path: Path) -> None:
    async with opened(tmp_path, Server(allowed_origins=["null"])) as gate:
        assert (await gate.call("GET", "/api/me", headers={"Origin": "null"})).code == "ORIGIN_NOT_ALLOWED"


async def test_a_sandboxed_document_reads_nothing_either(gate: Gatehouse) -> None:
    admin = await gate.admin()
    assert (await admin.call("GET", "/api/me", Origin="null")).code == "ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("origin", "refused"),
    [
        (None, False),
        ("own", False),
        (EXTENSION, True),  # no socket is here
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop", True),
        ("http://evil.example", True),
        ("null", True),
        ("https://chrome-extension.example", True),
    ],
)
async def test_cross_site_websocket_hijacking(gate: Gatehouse, origin: str | None, refused: bool) -> None:
    admin = await gate.admin()
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    if origin is not None:
        headers["Origin"] = gate.url if origin == "own" else origin
    answer = await admin.call("GET", "/api/me", **headers)
    assert (answer.status == 403) is refused


async def test_allowed_origins_get_cors_with_credentials_and_others_none(configured: Gatehouse) -> None:
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await configured.call("OPTIONS", "/api/echo", headers={"Origin": ERP, **preflight})
    assert allowed.status == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == ERP
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    actual = await configured.call("POST", "/api/echo", {}, headers={"Origin": ERP})
    assert (actual.code, actual.headers["Access-Control-Allow-Origin"]) == ("TOKEN_INVALID", ERP)
    assert actual.headers["Vary"] == "Origin"

    other = await configured.call("OPTIONS", "/api/echo", headers={"Origin": "http://evil.example", **preflight})
    assert "Access-Control-Allow-Origin" not in other.headers
    own = await configured.call("POST", "/api/echo", {}, headers={"Origin": "https://orders.factory.example"})
    assert own.code == "TOKEN_INVALID"


# The extension on the stations. It has a token or none yet, never a person's cookie.

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.mark.parametrize("path", ["/api/pairing/device", "/api/pairing/token", "/api/auth/refresh", "/api/auth/device"])
async def test_an_extension_may_ask_to_be_paired_and_renew_what_it_has(gate: Gatehouse, path: str) -> None:
    answer = await gate.call("POST", path, {}, headers={"Origin": EXTENSION})
    assert answer.status in {200, 400, 401}, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == EXTENSION
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_an_extension_without_host_permissions_is_told_what_it_may_send(gate: Gatehouse) -> None:
    for path in ("/api/events/ack", "/api/events/subscribe", "/api/triggers/x", "/api/pairing/claim"):
        answer = await gate.call("OPTIONS", path, headers={"Origin": EXTENSION, **PREFLIGHT})
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, EXTENSION), path
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    for origin, path in ((EXTENSION, "/api/users"), ("http://evil.example", "/api/events/ack")):
        answer = await gate.call("OPTIONS", path, headers={"Origin": origin, **PREFLIGHT})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/api/trigger", "/api/triggers", "/api/events/send", "/api/pairing/claim"])
async def test_an_extension_can_t_use_the_cookie_of_whoever_has_signed_in(gate: Gatehouse, path: str) -> None:
    admin = await gate.admin()
    answer = await admin.call("POST", path, {}, Origin=EXTENSION)
    assert (answer.status, answer.code) == (403, "ORIGIN_NOT_ALLOWED")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_extension_has_no_business_elsewhere(gate: Gatehouse) -> None:
    for path in ("/api/users", "/api/pairing/approve", "/api/triggersome", "/api/auth/login", "/api/pairing/device/X"):
        assert (await gate.call("POST", path, {}, headers={"Origin": EXTENSION})).code == "ORIGIN_NOT_ALLOWED", path


async def test_an_extension_that_the_settings_name_may_bring_cookies(tmp_path: Path) -> None:
    async with opened(tmp_path, Server(allowed_origins=[EXTENSION])) as gate:
        answer = await gate.call("OPTIONS", "/api/events/ack", headers={"Origin": EXTENSION, **PREFLIGHT})
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"


# Headers.


async def test_every_answer_is_dressed_refusals_too(gate: Gatehouse) -> None:
    await gate.admin()
    for path in ("/api/me", "/api/nowhere", "/nowhere", "/api/broken"):
        answer = await gate.call("GET", path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        if path.startswith("/api/"):
            assert answer.headers["Cache-Control"] == "no-store"
        else:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


# Problems.


async def test_a_problem_has_the_contract_s_members(gate: Gatehouse) -> None:
    answer = await gate.call("GET", "/api/nowhere")
    assert answer.status == 404
    assert set(answer.json) == {
        *("type", "title", "status", "detail", "code", "messages", "action", "retryable", "traceId")
    }
    assert answer.code == "NOT_FOUND"
    assert set(answer.json["messages"]) == set(answer.json["action"]) == {"ko", "en"}


async def test_a_wrong_method_says_which_are_right(gate: Gatehouse) -> None:
    answer = await gate.call("DELETE", "/api/me")
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "METHOD_NOT_ALLOWED", "GET, HEAD")


async def test_a_fault_of_ours_tells_only_its_number(gate: Gatehouse, caplog: pytest.LogCaptureFixture) -> None:
    answer = await gate.call("GET", "/api/broken")
    assert (answer.status, answer.code) == (500, "INTERNAL_ERROR")
    assert answer.json["traceId"] in answer.json["action"]["ko"]
    assert "a fault of ours" not in answer.text


# Bodies.


async def raw(page: Browser, body: bytes, content_type: str | None = "application/json") -> tuple[int, str | None]:
    """Sends bytes as they are; the status and the problem's code."""
    lines = ["POST /api/echo HTTP/1.1", f"Host: 127.0.0.1:{page.port}", f"Content-Length: {len(body)}"]
    lines += [f"Cookie: {page.cookie}", f"X-CSRF-Token: {page.csrf}", "Connection: close"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    try:
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return int(head.split()[1]), json.loads(rest).get("code")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b"[]",
        b'"text"',
        b"null",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"{\x00}",
    ],
)
async def test_malformed_json_is_an_error_of_the_sender(gate: Gatehouse, body: bytes) -> None:
    page = await gate.admin()
    assert await raw(page, body) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("coding", "body", "status", "code"),
    [
        ("gzip", gzip.compress(b'{"a": 1}'), 200, None),
        ("GZIP", gzip.compress(b'{"a": 1}'), 200, None),
        ("deflate", zlib.compress(b'{"a": 1}'), 200, None),
        ("identity", b'{"a": 1}', 200, None),
        ("gzip", b'{"a": 1}', 400, "VALIDATION_ERROR"),
        ("gzip", gzip.compress(b'{"a": 1}')[:-9], 400, "VALIDATION_ERROR"),
        ("gzip", gzip.compress(b'{"a": 1}')[:12], 400, "VALIDATION_ERROR"),
        ("gzip", gzip.compress(b" " * (2 << 20)), 413, "PAYLOAD_TOO_LARGE"),
        ("deflate", b"\xff" * 20, 400, "VALIDATION_ERROR"),
        ("br", b"zzz", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("zstd", b"zzz", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("gzip, gzip", gzip.compress(b"{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
    ids=["gzip", "GZIP", "deflate", "identity", "bare", "torn", "head", "large", "noise", "br", "zstd", "twice"],
)
async def test_a_packed_body_is_unpacked_or_refused_without_a_fault(
    gate: Gatehouse, caplog: pytest.LogCaptureFixture, coding: str, body: bytes, status: int, code: str | None
) -> None:
    page = await gate.admin()
    headers = {
        "Content-Type": "application/json", "Content-Encoding": coding, "Cookie": page.cookie, "X-CSRF-Token": page.csrf
    }  # fmt: skip
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        # A stranger's broken body is never even looked at.
        async with http.post(f"{gate.url}/api/echo", data=body, headers={**headers, "Cookie": ""}) as answer:
            assert answer.status == 401
        async with http.post(f"{gate.url}/api/echo", data=body, headers=headers) as answer:
            assert answer.status == status
            told = await answer.json(content_type=None)
            assert told.get("code") == code
        async with http.get(f"{gate.url}/api/csrf", headers={"Cookie": page.cookie}) as answer:
            assert answer.status == 200
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_body_of_another_type_is_refused(gate: Gatehouse) -> None:
    page = await gate.admin()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        assert await raw(page, b'{"a":1}', content_type) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert await raw(page, b'{"a":1}', "application/json; charset=utf-8") == (200, None)
    assert await raw(page, b"", None) == (200, None)


async def test_a_wrong_type_names_its_member(gate: Gatehouse) -> None:
    answer = await gate.call("POST", "/api/auth/login", {"username": 7, "password": "x"})
    assert answer.json["errors"] == [{"field": "username", "reason": "Expected `str`, got `int`"}]
    missing = await gate.call("POST", "/api/auth/login", {"username": "kim"})
    assert missing.json["errors"] == [{"field": "password", "reason": "is missing"}]


async def test_ten_megabytes_are_refused_and_the_server_goes_on(gate: Gatehouse) -> None:
    admin = await gate.admin()
    large = {"junk": "x" * (10 << 20)}
    refused = await admin.call("POST", "/api/echo", large)
    assert (refused.status, refused.code) == (413, "PAYLOAD_TOO_LARGE")
    assert "1 MB" in refused.json["action"]["en"]
    assert (await admin.call("POST", "/api/echo", {"a": 1})).status == 200


async def test_a_large_body_of_unsaid_length_is_refused(gate: Gatehouse) -> None:
    admin = await gate.admin()
    lines = ["POST /api/echo HTTP/1.1", f"Host: 127.0.0.1:{gate.port}", "Transfer-Encoding: chunked"]
    lines += [f"Cookie: {admin.cookie}", f"X-CSRF-Token: {admin.csrf}", "Content-Type: application/json"]
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(20):  # 1.3 MB
        writer.write(chunk)
        await writer.drain()
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert (await admin.call("POST", "/api/echo", {"a": 1})).status == 200


async def test_a_dripped_body_has_an_end(gate: Gatehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", 0.3)
    admin = await gate.admin()
    lines = ["POST /api/echo HTTP/1.1", f"Host: 127.0.0.1:{gate.port}", "Content-Length: 1000"]
    lines += [f"Cookie: {admin.cookie}", f"X-CSRF-Token: {admin.csrf}", "Content-Type: application/json"]
    reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n{")
    started = time.monotonic()
    line = await asyncio.wait_for(reader.readline(), 5)
    assert b" 400 " in line
    assert 0.25 < time.monotonic() - started < 3
    writer.close()
