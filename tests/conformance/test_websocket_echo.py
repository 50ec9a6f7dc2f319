"""The echo that the Autobahn suite is run against says what it hears."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from tests.conformance.websocket_echo import application


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 2_000_000])
async def test_text_and_bytes_come_back(size: int) -> None:
    runner = web.AppRunner(application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession() as http, http.ws_connect(f"http://127.0.0.1:{port}/", max_msg_size=0) as ws:
            await ws.send_str("한" * (size // 3) + "x" * (size % 3))
            assert len((await ws.receive_str()).encode()) == size
            await ws.send_bytes(b"\xff" * size)
            assert await ws.receive_bytes() == b"\xff" * size
            await ws.close(code=4321)
            assert ws.close_code == 4321
    finally:
        await runner.cleanup()
