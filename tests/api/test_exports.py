"""Lists as files, of any length and at whatever speed they are taken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from appliance.api import exports
from appliance.api.exports import Exports, csv_lines
from appliance.core.roles import Role
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.held import Held
from appliance.relay.principal import Principal


class Source:
    """Pieces of 64 KB without end, or until something is wrong."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.given = 0
        self.closed = asyncio.Event()
        self._fails_after = fails_after

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                if self.given == self._fails_after:
                    raise Problem("STORAGE_UNAVAILABLE", "gone")
                self.given += 1
                yield b"x" * 65536
                await asyncio.sleep(0)
        finally:
            self.closed.set()


@contextlib.asynccontextmanager
async def served(source: Source) -> AsyncIterator[str]:
    sending = Exports(Held(now=now_ms))

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            return await sending.send(request, "csv", "list", source.pieces(), Principal("key", "k-1", Role.VIEWER))
        except Problem as problem:
            return web.Response(status=problem.status, text=problem.code)

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(exports, "MAX_EXPORTS", 1)
    source = Source()
    async with served(source) as url, aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert answer.headers["Content-Disposition"].startswith('attachment; filename="list-')
            async with http.get(url) as second:
                assert (second.status, await second.text()) == (429, "RATE_LIMITED")
            source.closed.clear()
            async with asyncio.timeout(20):
                await source.closed.wait()
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
        async with http.get(url) as again:
            assert again.status == 200


async def test_what_breaks_off_does_not_look_whole() -> None:
    async with served(Source(fails_after=3)) as url, aiohttp.ClientSession() as http, http.get(url) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientError):
            await answer.read()


async def test_what_can_not_even_begin_is_a_problem() -> None:
    async with served(Source(fails_after=0)) as url, aiohttp.ClientSession() as http, http.get(url) as answer:
        assert (answer.status, await answer.text()) == (503, "STORAGE_UNAVAILABLE")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+82 10", "'+82 10"),
        ("-5", "'-5"),
        ("@A1", "'@A1"),
        ("\tx", "'\tx"),
        ("\rx", '"\'\rx"'),
        ("\nx", '"\'\nx"'),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        (-5, "-5"),
        ("안녕, 세계", '"안녕, 세계"'),
        ('"', '""""'),
    ],
)
def test_no_cell_becomes_a_formula(cell: Any, text: str) -> None:
    assert csv_lines([["first", cell]]).decode() == f"first,{text}\r\n"
