"""The bench's own WebSocket client: no library, so that it costs next to nothing beside what is measured."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import cast

_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(payload: bytes) -> bytes:
    """A client's text frame; masked with zeros, which the standard allows and costs nothing."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + payload


class Client(asyncio.Protocol):
    """Upgrades, says hello, answers pings; everything else is for `heard`."""

    __slots__ = ("_buffer", "_hello", "_transport", "_upgraded", "welcomed")

    def __init__(self, hello: bytes, welcomed: asyncio.Future[None]) -> None:
        self._hello = hello
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.welcomed = welcomed

    def heard(self, payload: bytes, now: int) -> None:
        """A message, with the moment (`time.monotonic_ns`) its bytes were read."""
        raise NotImplementedError

    async def connect(self, host: str, port: int) -> None:
        """Returns once it was welcomed."""
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        self.send(_UPGRADE.format(host=host, port=port).encode())
        await self.welcomed

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self._buffer + data if self._buffer else data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise SystemExit(f"no upgrade: {head[:200]!r}")
            self._upgraded = True
            self.send(frame(self._hello))
        at = 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                if len(data) - at < 4:
                    break
                (size,) = struct.unpack_from("!H", data, at + 2)
                start = at + 4
            if len(data) < start + size:
                break
            self._message(data[start : start + size], now)
            at = start + size
        self._buffer = data[at:]

    def _message(self, payload: bytes, now: int) -> None:
        if payload.startswith(b'{"type":"ping"'):
            self.send(frame(b'{"type":"pong","t":0}'))
        elif payload.startswith(b'{"type":"welcome"'):
            if not self.welcomed.done():
                self.welcomed.set_result(None)
        elif payload.startswith(b'{"type":"error"'):
            raise SystemExit(f"a client was told: {payload[:300]!r}")
        else:
            self.heard(payload, now)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(ConnectionError("closed before welcome"))
