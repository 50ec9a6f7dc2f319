"""Proxies as plants have them, between a browser and the appliance: plain HTTP passes, WebSocket doesn't."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from typing import Literal

Way = Literal["refuse", "strip", "swallow"]
"""What happens to an upgrade: answered 400; its headers stripped, so that it arrives as a plain GET; taken, and then
nothing passes any more."""

_UPGRADE = re.compile(rb"^upgrade:.*\r\n", re.IGNORECASE | re.MULTILINE)
_CONNECTION = re.compile(rb"^(connection|proxy-connection|keep-alive):.*\r\n", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
_HEAD_END = b"\r\n\r\n"


class Proxy:
    """One of them, in a thread of its own: every request on a connection of its own, as the oldest do it."""

    def __init__(self, port: int, way: Way) -> None:
        self._upstream = port
        self._way = way
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
            if wants_upgrade and self._way == "refuse":
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            taken = wants_upgrade and self._way == "swallow"
            if not taken:
                head = _CONNECTION.sub(b"", _UPGRADE.sub(b"", head))[:-2] + b"Connection: close\r\n\r\n"
            await self._pass(head + body, reader, writer, taken=taken)

    async def _pass(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, taken: bool
    ) -> None:
        upstream, down = await asyncio.open_connection("127.0.0.1", self._upstream)
        with contextlib.closing(down):
            down.write(request)
            if taken:
                writer.write(await upstream.readuntil(_HEAD_END))
                while await reader.read(65536):
                    pass
                return
            gone = asyncio.ensure_future(reader.read())
            while not gone.done():
                answer = asyncio.ensure_future(upstream.read(65536))
                await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done() or not answer.result():
                    answer.cancel()
                    break
                writer.write(answer.result())
                await writer.drain()
            gone.cancel()
