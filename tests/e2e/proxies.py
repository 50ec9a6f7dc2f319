"""Proxies as plants have them, between a browser and the appliance: plain HTTP passes, WebSocket doesn't."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from typing import Literal

Way = Literal["refuse", "strip", "swallow", "pass"]
"""What happens to an upgrade: answered 400; its headers stripped, so that it arrives as a plain GET; taken, and then
nothing passes any more; or let through, as where somebody has put the proxy right."""

_UPGRADE = re.compile(rb"^upgrade:.*\r\n", re.IGNORECASE | re.MULTILINE)
_CONNECTION = re.compile(rb"^(connection|proxy-connection|keep-alive):.*\r\n", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_HEAD_END = b"\r\n\r\n"


class Proxy:
    """One of them, in a thread of its own: every request on a connection of its own, as the oldest do it."""

    def __init__(self, port: int, way: Way) -> None:
        self._upstream = port
        self.way = way
        self.upgrades = 0
        """Upgrades that were asked for."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._run()], daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(5)
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._serve, sock=self._listening)
        await self._closing.wait()
        server.close()
        served = asyncio.all_tasks() - {asyncio.current_task()}
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = await reader.readuntil(_HEAD_END)
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            wants_upgrade = _UPGRADE.search(head) is not None
            self.upgrades += wants_upgrade
            if wants_upgrade and self.way == "refuse":
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            tunnels = wants_upgrade and self.way in {"swallow", "pass"}
            if not tunnels:
                head = _CONNECTION.sub(b"", _UPGRADE.sub(b"", head))[:-2] + b"Connection: close\r\n\r\n"
            upstream, down = await asyncio.open_connection("127.0.0.1", self._upstream)
            with contextlib.closing(down):
                down.write(head + body)
                if tunnels:
                    writer.write(await upstream.readuntil(_HEAD_END))
                swallows = tunnels and self.way == "swallow"
                ways = {
                    asyncio.ensure_future(_pump(upstream, None if swallows else writer)),
                    asyncio.ensure_future(_pump(reader, None if swallows else down)),
                }
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter | None) -> None:
    """Passes on what comes until it ends, or throws it away."""
    while data := await source.read(65536):
        if target is not None:
            target.write(data)
            await target.drain()
