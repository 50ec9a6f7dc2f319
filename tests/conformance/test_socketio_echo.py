"""What the protocol suites are run against starts, and says what they ask for first."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

SCRIPT = Path(__file__).with_name("socketio_echo.py")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("flags", "path", "says", "hears"),
    [
        (["--engine-only"], "engine.io", "4hello", ["4hello"]),
        ([], "socket.io", '40{"token":"abc"}', ['40{"sid"', '42["auth",{"token":"abc"}]']),
    ],
)
async def test_the_echo_answers(flags: list[str], path: str, says: str, hears: list[str]) -> None:
    port = free_port()
    times = ["--ping-interval-ms", "60000", "--max-payload", "5000"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), "--port", str(port), *times, *flags, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).strip() == f"http://127.0.0.1:{port}".encode()
        url = f"http://127.0.0.1:{port}/{path}/?EIO=4&transport=websocket"
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as wire:
            opened = json.loads((await wire.receive_str())[1:])
            assert (opened["pingInterval"], opened["maxPayload"]) == (60_000, 5_000)
            await wire.send_str(says)
            for expected in hears:
                assert (await wire.receive_str()).startswith(expected)
        url = url.replace("websocket", "polling")
        async with aiohttp.ClientSession() as http:
            async with http.get(url) as response:
                sid = json.loads((await response.text())[1:])["sid"]
            async with http.post(f"{url}&sid={sid}", data="4" + "x" * 5_000) as response:
                assert response.status == 413
    finally:
        process.terminate()
        await process.wait()
