"""The one way out, against servers on loopback that do what a hostile or a broken one would."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from appliance.adapters.outgoing import MAX_REDIRECTS, Outgoing, is_inward
from appliance.core.webaddress import HostList
from appliance.errors import Problem

CODE = "ORDER_SOURCE_UNAVAILABLE"
LOOPBACK = HostList(["127.0.0.0/8"])
Handler = Callable[[Any], Awaitable[web.StreamResponse]]


class Server:
    """Answers every request with `handler`; `seen` are their raw targets."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.requests: list[web.BaseRequest] = []
        self.handler: Handler = self._empty
        self.port = 0

    async def _empty(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True})

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request.raw_path)
        self.requests.append(request)
        return await self.handler(request)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replies(self, **response: Any) -> None:
        async def handler(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(**response)

        self.handler = handler


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(web.Server(server.answer), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def calls() -> AsyncIterator[Callable[..., Outgoing]]:
    made: list[Outgoing] = []

    def make(base: str, **options: Any) -> Outgoing:
        made.append(Outgoing(base, **{"code": CODE, "allowed": LOOPBACK, "seconds": 2.0, **options}))
        return made[-1]

    yield make
    for each in made:
        await each.close()


class Names(aiohttp.abc.AbstractResolver):
    """A name server whose answers change: the next one each time it is asked, then the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        address = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": kind,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self) -> None:
        pass


async def refused(call: Awaitable[object], words: str, code: str = CODE) -> Problem:
    with pytest.raises(Problem) as problem:
        await call
    assert problem.value.code == code
    assert words in problem.value.detail, problem.value.detail
    return problem.value


async def test_an_order_is_asked_for_below_the_base(server: Server, calls: Callable[..., Outgoing]) -> None:
    erp = calls(f"{server.base}/erp/v1/", headers={"X-Api-Key": "secret"}, types=["application/json"])
    reply = await erp.get(["orders", "ORD/1 #2?한%2e@x"], {"a&b": "c=d /"})
    assert (reply.status, reply.content_type, reply.body) == (200, "application/json", b'{"ok": true}')
    assert server.seen == ["/erp/v1/orders/ORD%2F1%20%232%3F%ED%95%9C%252e%40x?a%26b=c%3Dd%20%2F"]
    headers = server.requests[0].headers
    assert (headers["X-Api-Key"], headers["Accept-Encoding"]) == ("secret", "identity")
    server.replies(status=404, text="no such order")
    assert (await erp.get(["orders", "x"])).status == 404


async def test_something_is_sent(server: Server, calls: Callable[..., Outgoing]) -> None:
    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=await request.read(), content_type=request.content_type)

    server.handler = echo
    reply = await calls(server.base).post(["hook"], b'{"a":1}')
    assert (reply.content_type, reply.body) == ("application/json", b'{"a":1}')


@pytest.mark.parametrize("part", ["..", ".", "", "../x", "a/../../x", "..\\x", "a\\..\\b", "x/.."])
async def test_no_part_leads_out_of_the_base(server: Server, calls: Callable[..., Outgoing], part: str) -> None:
    await refused(calls(f"{server.base}/erp").get(["orders", part]), "", "VALIDATION_ERROR")
    assert server.seen == []


@pytest.mark.parametrize(
    "part", ["http://127.0.0.1:1/", "//127.0.0.1:1/", "@127.0.0.1:1", "%2e%2e", "\r\nHost: x", ":1/"]
)
async def test_no_part_leads_to_another_host(server: Server, calls: Callable[..., Outgoing], part: str) -> None:
    assert (await calls(server.base).get([part])).status == 200
    assert len(server.seen) == 1
    assert server.requests[0].host == f"127.0.0.1:{server.port}"


async def test_a_redirect_within_the_place_is_followed(server: Server, calls: Callable[..., Outgoing]) -> None:
    async def on(request: web.BaseRequest) -> web.StreamResponse:
        step = len(server.seen)
        return web.Response(status=302, headers={"Location": f"/{step}"}) if step <= MAX_REDIRECTS else web.Response()

    server.handler = on
    assert (await calls(f"{server.base}/a").get()).status == 200
    assert server.seen == ["/a", "/1", "/2", "/3"]


async def test_a_redirect_to_elsewhere_is_not(server: Server, calls: Callable[..., Outgoing]) -> None:
    async with serving() as other:
        port = server.port
        for there in (
            other.base, f"//127.0.0.1:{other.port}/", f"https://127.0.0.1:{port}/", f"http://127.0.0.1:{port}@x/",
            f"http://localhost:{port}/", f"http://x@127.0.0.1:{port}/", "file:///etc/passwd", "javascript:1",
            f"http://0x7f.1:{port}/", f"\\\\127.0.0.1:{other.port}\\", f"http://127.0.0.1:{port}\\@127.0.0.1:{other.port}/",
            f"http://[::ffff:127.0.0.1]:{port}/", "ftp://127.0.0.1/", "http://169.254.169.254/latest/meta-data/",
        ):  # fmt: skip
            server.replies(status=302, headers={"Location": there})
            before = len(server.seen)
            with pytest.raises(Problem) as problem:
                await calls(server.base).get()
            assert problem.value.detail in {
                "It redirects to elsewhere.",
                f"It redirects more than {MAX_REDIRECTS} times.",  # a backslash is a path like any other
            }, there
            assert len(server.seen) > before
        assert other.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_loop_of_redirects_ends_and_what_is_sent_is_not_redirected(
    server: Server, calls: Callable[..., Outgoing], status: int
) -> None:
    server.replies(status=status, headers={"Location": "/again"})
    await refused(calls(server.base).get(), "more than 3 times")
    assert len(server.seen) == 1 + MAX_REDIRECTS
    await refused(calls(server.base).post([], b"x"), "redirects what is sent")
    assert len(server.seen) == 2 + MAX_REDIRECTS


@pytest.mark.parametrize(
    "base",
    [
        "http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]/", "http://169.254.169.254/", "http://[fe80::1]/",
        "http://0.0.0.0/", "http://[::]/", "http://224.0.0.1/", "http://[ff02::1]/", "http://255.255.255.255/",
        "http://240.0.0.1/", "http://100.100.100.200/", "http://[fd00:ec2::254]/", "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/", "http://[::7f00:1]/", "ftp://erp/", "erp", "http://erp/?a", "http://x@erp/",
    ],
)  # fmt: skip
async def test_a_base_that_is_never_called_stops_the_start(base: str) -> None:
    with pytest.raises(Problem) as problem:
        Outgoing(base, code=CODE)
    assert problem.value.code == "SETTINGS_INVALID"


@pytest.mark.parametrize(
    "ip", ["10.0.0.1", "172.16.5.5", "192.168.10.20", "100.64.0.1", "203.0.113.9", "8.8.8.8", "fd00::9"]
)
async def test_a_factorys_own_machines_may_be_called(ip: str) -> None:
    assert not is_inward(ipaddress.ip_address(ip))
    Outgoing(f"http://[{ip}]/" if ":" in ip else f"http://{ip}/", code=CODE)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254"],
)
async def test_a_name_that_leads_inward_is_not_called(
    server: Server, calls: Callable[..., Outgoing], address: str
) -> None:
    names = Names(address)
    erp = calls(f"http://erp.example:{server.port}", allowed=None, resolver=names)
    await refused(erp.get(), "which the appliance doesn't call")
    assert (names.asked, server.seen) == (1, [])


async def test_a_name_whose_answer_changes_is_judged_by_where_it_leads_now(
    server: Server, calls: Callable[..., Outgoing]
) -> None:
    """DNS rebinding: the first answer is fine, the next one is this machine's own."""
    names = Names("127.0.0.2", "127.0.0.1", "127.0.0.1")
    erp = calls(f"http://erp.example:{server.port}", allowed=HostList(["127.0.0.2"]), resolver=names)
    await refused(erp.get(), "can't be reached")  # allowed, though nobody listens there
    await refused(erp.get(), "erp.example is at 127.0.0.1")
    assert (names.asked, server.seen) == (2, [])


async def test_a_host_that_the_settings_name_may_be_anywhere(server: Server, calls: Callable[..., Outgoing]) -> None:
    base = f"http://erp.example:{server.port}"
    erp = calls(base, allowed=HostList(["erp.example"]), resolver=Names("127.0.0.1"))
    assert (await erp.get()).status == 200
    assert server.requests[0].host == f"erp.example:{server.port}"
    other = calls(base, allowed=HostList(["erp.example:1"]), resolver=Names("127.0.0.1"))
    await refused(other.get(), "doesn't call")


async def test_an_endless_body_is_cut_off(server: Server, calls: Callable[..., Outgoing]) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 10_000)
        return response

    server.handler = endless
    await refused(calls(server.base, max_bytes=50_000).get(), "larger than 50000 bytes")
    server.replies(body=b"x" * 50_001)
    await refused(calls(server.base, max_bytes=50_000).get(), "larger than 50000 bytes")
    server.replies(body=b"x" * 50_000)
    assert len((await calls(server.base, max_bytes=50_000).get()).body) == 50_000


async def test_nothing_is_unpacked(server: Server, calls: Callable[..., Outgoing]) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    for coding in ("gzip", "deflate", "br", "GZIP, gzip"):
        server.replies(body=bomb, headers={"Content-Encoding": coding})
        await refused(calls(server.base).get(), "packed")


async def test_only_what_was_asked_for_comes_back(server: Server, calls: Callable[..., Outgoing]) -> None:
    server.replies(text="<html>", content_type="text/html")
    await refused(calls(server.base, types=["application/json"]).get(), "Its answer is text/html")


async def raw(answer: bytes, every: float = 0.0) -> tuple[asyncio.Server, str]:
    """A server that says these bytes to whoever comes, one at a time where `every` is seconds, and then nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for byte in answer if every else ():
                writer.write(bytes([byte]))
                await asyncio.sleep(every)
            writer.write(b"" if every else answer)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "every", "words"),
    [
        (b"", 0, "No answer within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 5_000, 0.05, "No answer within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", 0, "No answer within 0.5 s"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, 0, "can't be reached"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000, 0, "can't be reached"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, 0, "No answer within 0.5 s"),
        (b"SSH-2.0-OpenSSH\r\n", 0, "can't be reached"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::1/\r\nContent-Length: 0\r\n\r\n", 0, "redirects to elsewhere"),
    ],
)
async def test_whoever_is_slow_or_talks_nonsense_is_left(
    calls: Callable[..., Outgoing], answer: bytes, every: float, words: str
) -> None:
    talking, base = await raw(answer, every)
    async with asyncio.timeout(5):
        await refused(calls(base, seconds=0.5).get(), words)
    talking.close()


async def test_nobody_there_is_said_in_words(calls: Callable[..., Outgoing]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    problem = await refused(calls(base).get(), "It can't be reached: ClientConnectorError.")
    assert problem.messages()["en"] == "The order system isn't answering."


async def test_no_cookie_is_kept_and_no_proxy_asked(
    server: Server, calls: Callable[..., Outgoing], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base)
        server.replies(headers={"Set-Cookie": "a=b"})
        erp = calls(server.base)
        await erp.get()
        await erp.get()
        assert "Cookie" not in server.requests[1].headers
        assert proxy.seen == []
