"""The bench's own clients: no library, so that they cost next to nothing beside what is measured.

A client holds one connection. It answers what keeps a connection alive by itself; everything else is for `heard`.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable
from typing import Any, cast

_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_CLOSE = 0x88
LOCAL_ADDRESSES = 8
"""Loopback addresses that clients come from in turn: a pair of addresses has 28,000 ports."""


def frame(payload: bytes) -> bytes:
    """A client's text frame; masked with zeros, which the standard allows and costs nothing."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + payload


class Client(asyncio.Protocol):
    """What all transports share: a connection, whether it was welcomed, and what closed it."""

    __slots__ = ("_buffer", "_transport", "lost", "welcomed")

    def __init__(self) -> None:
        self._buffer = b""
        self.lost: Callable[[Client], None] | None = None
        """Called when a connection that was welcomed has ended."""
        self._transport: asyncio.Transport | None = None
        self.welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(self, payload: bytes, now: int) -> None:
        """A message, with the moment (`time.monotonic_ns`) its bytes were read."""

    def begin(self, host: str, port: int) -> None:
        """Sends what opens the conversation."""
        raise NotImplementedError

    async def connect(self, host: str, port: int, number: int = 0) -> None:
        """Returns once it was welcomed; a ConnectionError or OSError says that it wasn't."""
        local = (f"127.0.0.{2 + number % LOCAL_ADDRESSES}", 0)
        await asyncio.get_running_loop().create_connection(lambda: self, host, port, local_addr=local)
        self.begin(host, port)
        await self.welcomed

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def stall(self, stalled: bool) -> None:
        """Reads nothing any more, or again."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if stalled else self._transport.resume_reading)()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def welcome(self) -> None:
        if not self.welcomed.done():
            self.welcomed.set_result(None)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(ConnectionError("closed before welcome"))
        elif self.lost is not None:
            self.lost(self)


class Socket(Client):
    """A WebSocket; its messages are for `text`."""

    __slots__ = ("_upgraded", "closed")

    path = "/ws"

    def __init__(self) -> None:
        super().__init__()
        self._upgraded = False
        self.closed = 0

    def text(self, payload: bytes, now: int) -> None:
        raise NotImplementedError

    def opened(self) -> None:
        """The upgrade is through."""

    def begin(self, host: str, port: int) -> None:
        self.send(_UPGRADE.format(path=self.path, host=host, port=port).encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self._buffer + data if self._buffer else data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._refused(head)
                return
            self._upgraded = True
            self.opened()
        at = 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size >= 126:
                start = at + (4 if size == 126 else 10)
                if len(data) < start:
                    break
                size = int.from_bytes(data[at + 2 : start])
            if len(data) < start + size:
                break
            if data[at] == _CLOSE:
                self.closed = int.from_bytes(data[start : start + 2])
                self.abort()
                return
            self.text(data[start : start + size], now)
            at = start + size
        self._buffer = data[at:]

    def _refused(self, head: bytes) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(ConnectionError(f"no upgrade: {head[:200]!r}"))
        self.abort()


class WebSocket(Socket):
    """The contract's own WebSocket."""

    __slots__ = ("_hello",)

    def __init__(self, hello: dict[str, Any]) -> None:
        super().__init__()
        self._hello = json.dumps({"type": "hello", **hello}).encode()

    def opened(self) -> None:
        self.send(frame(self._hello))

    def text(self, payload: bytes, now: int) -> None:
        if payload.startswith(b'{"type":"ping"'):
            self.send(frame(b'{"type":"pong","t":0}'))
        elif payload.startswith(b'{"type":"welcome"'):
            self.welcome()
        else:
            self.heard(payload, now)


class SocketIo(Socket):
    """Socket.IO 5 over Engine.IO 4's WebSocket, without polling first. `heard` gets whole Socket.IO packets."""

    __slots__ = ("_auth",)

    path = "/socket.io/?EIO=4&transport=websocket"

    def __init__(self, auth: dict[str, Any]) -> None:
        super().__init__()
        self._auth = json.dumps(auth).encode()

    def text(self, payload: bytes, now: int) -> None:
        match payload[:2]:
            case b"2":
                self.send(frame(b"3"))
            case b"0{":
                self.send(frame(b"40" + self._auth))
            case b"44":
                if not self.welcomed.done():
                    self.welcomed.set_exception(ConnectionError(f"refused: {payload[:200]!r}"))
            case b"42" if payload.startswith(b'42["welcome"'):
                self.welcome()
            case _:
                self.heard(payload, now)
