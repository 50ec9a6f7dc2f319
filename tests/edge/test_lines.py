"""Connections that are slow, too many, or no HTTP at all, over real sockets and from an address that is counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop

from appliance.edge import crowd, limits, lines
from tests.conftest import MakeHouse
from tests.support.house import House, opened, until

STRANGER = "127.0.0.9"
HEALTH = b"GET /api/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = (
    b"POST /api/pairing/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 20\r\n\r\n{"device_code": "x"}'
)
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@contextlib.asynccontextmanager
async def connected(
    house: House, source: str = STRANGER
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def answered(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    """The one answer of a connection that then ends."""
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return (
        int(first.split()[1]),
        {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)},
        json.loads(body),
    )


def is_dressed(headers: dict[str, str]) -> None:
    for name, value in EVERYWHERE.items():
        assert headers.get(name) == value, name
    assert "server" not in headers


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/me HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: x\r\n" * 500 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"POST /api/auth/login HTTP/1.0\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"BREW /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"<script>alert(1)</script> / HTTP/1.1\r\n\r\n",
    ],
    ids=[
        "words",
        "version",
        "length",
        "target",
        "header",
        "headers",
        "tls",
        "smuggling",
        "old",
        "method",
        "hosts",
        "script",
    ],
)
async def test_what_is_no_request_gets_a_problem_like_any_other(house: House, sent: bytes) -> None:
    async with connected(house) as (reader, writer):
        writer.write(sent)
        status, headers, told = await answered(reader)
    assert (status, told["code"]) == (400, "VALIDATION_ERROR")
    assert set(told["messages"]) == set(told["action"]) == {"ko", "en"}
    assert headers["content-type"] == "application/problem+json"
    is_dressed(headers)
    for word in ("Traceback", "aiohttp", "Python", "alert", "xxxx"):
        assert word not in json.dumps(told), word


@pytest.mark.parametrize("path", [b"/api/health", b"/display", b"/nowhere", b"/ws", b"/socket.io/?EIO=4"])
async def test_what_nobody_can_expect_gets_a_problem_like_any_other(house: House, path: bytes) -> None:
    async with connected(house) as (reader, writer):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: <script>\r\n\r\n")
        status, headers, told = await answered(reader)
    assert (status, told["code"]) == (400, "VALIDATION_ERROR")
    assert set(told["messages"]) == set(told["action"]) == {"ko", "en"}
    assert (headers["content-type"], headers["x-content-type-options"]) == ("application/problem+json", "nosniff")
    assert "script" not in json.dumps(told) and "server" not in headers


async def test_a_body_that_breaks_off_is_nobody_s_fault(house: House, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    for _ in range(3):
        async with connected(house) as (_, writer):
            writer.write(head + b"Content-Length: 100\r\n\r\n{")
            await _settled(house)
    async with connected(house) as (reader, writer):
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")
        status, _, told = await answered(reader)
        assert (status, told["code"]) == (400, "VALIDATION_ERROR")
    await _settled(house)  # whoever made this house looks for tracebacks in its log


async def test_a_head_that_never_ends_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "HEAD_SECONDS", 0.3)
    async with connected(house) as (reader, writer):
        writer.write(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.5)  # nothing begun: it may idle
        started = time.monotonic()
        drip = asyncio.create_task(_drip(writer))
        told = await asyncio.wait_for(reader.readuntil(b"took longer"), 5)
        drip.cancel()
        assert 0.2 < time.monotonic() - started < 3
        assert b"HTTP/1.1 400 Bad Request" in told


@pytest.mark.parametrize(
    "sent",
    [[HEALTH + b"GET / HTTP/1.1\r\nHo"], [HEALTH * 2 + b"G"], [HEALTH[:-1], HEALTH[-1:] + b"GET"], [HEALTH, b"GET"]],
    ids=["in one", "behind two", "in pieces", "later"],
)
async def test_silence_after_half_a_head_has_an_end_also_behind_a_whole_one(
    house: House, monkeypatch: pytest.MonkeyPatch, sent: list[bytes]
) -> None:
    monkeypatch.setattr(lines, "HEAD_SECONDS", 0.3)
    async with connected(house) as (reader, writer):
        for part in sent:
            writer.write(part)
            await asyncio.sleep(0.1)
        told = await asyncio.wait_for(reader.read(), 5)
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert b"took longer" in told


@pytest.mark.parametrize(
    "sent", [[HEALTH], [HEALTH[:-1], HEALTH[-1:]], [HEALTH[:-3], HEALTH[-3:]], [POST[:-5], POST[-5:]]]
)
async def test_a_connection_that_is_kept_after_a_whole_request_may_idle(
    house: House, monkeypatch: pytest.MonkeyPatch, sent: list[bytes]
) -> None:
    monkeypatch.setattr(lines, "HEAD_SECONDS", 0.3)
    async with connected(house) as (reader, writer):
        for part in sent:
            writer.write(part)
            await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                while told := await reader.read(65_536):
                    assert b"took longer" not in told
        writer.write(HEALTH)
        assert b" 200 " in await asyncio.wait_for(reader.readline(), 5)


async def _drip(writer: asyncio.StreamWriter) -> None:
    for part in b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * 1000:
        writer.write(bytes([part]))
        if writer.transport.is_closing():
            return
        await asyncio.sleep(0.02)


async def test_a_head_in_two_pieces_is_no_slow_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "HEAD_SECONDS", 0.3)
    async with connected(house) as (reader, writer):
        for _ in range(4):
            writer.write(b"GET /api/health/live HTTP/1.1\r\nHost: 127.")
            await asyncio.sleep(0.15)
            writer.write(b"0.0.1\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert b" 200 " in head.splitlines()[0]
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))


# Connections of an address.


async def test_one_address_has_so_many_connections_and_this_machine_any(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MAX_OF_ONE", 5)
    async with contextlib.AsyncExitStack() as held:
        for _ in range(5):
            await held.enter_async_context(connected(house))
        await _settled(house)
        async with connected(house) as (reader, _):
            status, headers, told = await answered(reader)
        assert (status, told["code"]) == (429, "RATE_LIMITED")
        assert int(headers["retry-after"]) >= 1
        is_dressed(headers)
        for _ in range(9):
            await held.enter_async_context(connected(house, "127.0.0.1"))
        assert (await house.call("GET", "/api/health/live")).status == 200
        assert house.appliance.engine.metrics.limited == {"connection": 1}
        assert 'vooster_limited_total{of="connection"} 1.0' in (await house.call("GET", "/metrics")).text
    await _comes_in(house)


def test_the_refusal_reaches_its_sender_on_the_loop_that_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MAX_OF_ONE", 1)

    async def play() -> None:
        async with opened(tmp_path) as house, connected(house), connected(house) as (reader, _):
            status, headers, problem = await answered(reader)
            assert (status, problem["code"], headers["retry-after"]) == (429, "RATE_LIMITED", "5")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play())


async def test_a_socket_keeps_its_place_until_it_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MAX_OF_ONE", 2)
    token = await house.pair("S-1")
    connector = aiohttp.TCPConnector(local_addr=(STRANGER, 0), force_close=True)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        socket = await http.ws_connect(f"{house.url}/ws")
        stream = await http.get(
            f"{house.url}/api/events/subscribe",
            headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"},
        )
        assert stream.status == 200
        async with connected(house) as (reader, _):
            assert (await answered(reader))[0] == 429
        await socket.close()
        stream.close()
        await _comes_in(house)


async def test_without_limits_and_for_trusted_proxies_there_are_none(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MAX_OF_ONE", 1)
    house = await make_house({"server": {"trusted_proxies": ["127.0.0.8/31"]}})
    async with contextlib.AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(connected(house))
        await _comes_in(house)


async def _settled(house: House) -> None:
    assert (await house.call("GET", "/api/health/live")).status == 200


async def _comes_in(house: House) -> None:
    """Whether the stranger is answered (again)."""
    deadline = time.monotonic() + 5
    while True:
        async with connected(house) as (reader, writer):
            writer.write(b"GET /api/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                if (await answered(reader))[0] == 200:
                    return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


# Requests.


async def test_a_stranger_asks_so_often_and_who_is_known_goes_on(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_STRANGERS", (0.01, 10))
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0.2)
    house = await make_house()
    connector = aiohttp.TCPConnector(local_addr=(STRANGER, 0))
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        bearer = {"Authorization": f"Bearer {house.key}"}
        assert (await house.call("GET", "/api/me", bearer=house.key)).status == 200  # and so it is known
        for number in range(10):
            headers = {"Authorization": f"Bearer vk_{number}", "Cookie": "vooster_x=y"} if number % 2 else {}
            async with http.get(f"{house.url}/api/health", headers=headers) as answer:
                assert answer.status == 200
        began = time.monotonic()
        async with http.get(f"{house.url}/") as refused:
            assert (refused.status, (await refused.json(content_type=None))["code"]) == (429, "RATE_LIMITED")
            assert int(refused.headers["Retry-After"]) > 50
        assert time.monotonic() - began >= 0.2
        for _ in range(50):
            async with http.get(f"{house.url}/api/me", headers=bearer) as answer:
                assert answer.status == 200
        assert (await house.call("GET", "/api/health")).status == 200  # this machine
    assert house.appliance.engine.metrics.limited == {"address": 1}


async def test_behind_a_trusted_proxy_each_client_counts_for_itself(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_STRANGERS", (0.01, 3))
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 0)
    house = await make_house({"server": {"trusted_proxies": ["127.0.0.1"]}})

    async def status(forwarded: str) -> int:
        return (await house.call("GET", "/api/health", headers={"X-Forwarded-For": forwarded})).status

    assert [await status("10.0.0.1") for _ in range(4)] == [200, 200, 200, 429]
    assert await status("10.0.0.2") == 200
    assert await status("10.0.0.99, 10.0.0.1") == 429  # what the client itself put there
    told = ["fd00:0:0:7::1", "[FD00:0:0:7::1]:4001", '"[fd00::7:0:0:0:1]:4002"', "fd00:0:0:7:0:0:0:1%eth9"]
    assert [await status(hop) for hop in told] == [200, 200, 200, 429]
    assert [await status(f"10.0.0.3:{port}") for port in range(4000, 4004)] == [200, 200, 200, 429]


async def test_a_key_that_has_gone_wild_leaves_the_others_alone(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits._OF_ONE, "key", (0.5, 5))
    house = await make_house()
    other = await house.new_key("viewer")
    statuses = [(await house.call("GET", "/api/me", bearer=house.key)).status for _ in range(8)]
    assert statuses == [200] * 6 + [429] * 2  # the first is a stranger's
    refused = await house.call("GET", "/api/me", bearer=house.key)
    assert refused.problem(429, "RATE_LIMITED")["seconds"] == int(refused.headers["Retry-After"]) == 2
    assert (await house.call("GET", "/api/me", bearer=other)).status == 200
    assert house.appliance.engine.metrics.limited == {"key": 3}


async def test_no_limit_where_the_settings_say_so(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_STRANGERS", (0.01, 1))
    monkeypatch.setitem(limits._OF_ONE, "key", (0.01, 1))
    monkeypatch.setattr(crowd, "MAX_OF_ONE", 1)
    house = await make_house({"limits": {"enabled": False}})
    for _ in range(5):
        assert (await house.call("GET", "/api/me", bearer=house.key)).status == 200
    async with connected(house), connected(house):
        await _comes_in(house)
    await until(lambda: not house.appliance.engine.metrics.limited)
