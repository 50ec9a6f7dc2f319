"""A WebSocket client below any library: what goes over the wire is what the test says, byte for byte."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from typing import Any, Self

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(payload: bytes, kind: int = TEXT, *, fin: bool = True, mask: bytes | None = None) -> bytes:
    """A client's frame, masked with random bytes unless told with which."""
    key = os.urandom(4) if mask is None else mask
    size = len(payload)
    first = kind | (0x80 if fin else 0)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    masked = int.from_bytes(payload, "big") ^ int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return head + key + masked.to_bytes(size, "big")


class RawSocket:
    """One connection. `port` is on this machine."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._address = host, port
        self._reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_error: object) -> None:
        self.abort()

    async def connect(self, *, receive_buffer: int | None = None) -> Self:
        wire = socket.socket()
        if receive_buffer is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        wire.setblocking(False)
        await asyncio.get_running_loop().sock_connect(wire, self._address)
        self._reader, self.writer = await asyncio.open_connection(sock=wire, limit=1 << 12)
        return self

    def abort(self) -> None:
        """Ends it without a word."""
        self.writer.transport.abort()

    async def upgrade(self, *, behind: bytes = b"", headers: str = "") -> str:
        """Shakes hands; `behind` follows in the same write. Returns the answer's head."""
        host, port = self._address
        self.writer.write(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
            + behind
        )
        return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    def say(self, message: dict[str, Any]) -> None:
        self.writer.write(frame(json.dumps(message, ensure_ascii=False).encode()))

    async def hello(self, token: str, **members: Any) -> dict[str, Any]:
        """Shakes hands and says hello; returns the welcome."""
        assert "101" in await self.upgrade()
        self.say({"type": "hello", "token": token, "capabilities": ["shown"], **members})
        welcome = await self.heard()
        assert welcome["type"] == "welcome", welcome
        return welcome

    async def frame(self) -> tuple[int, bytes]:
        """The next frame's kind and payload. Raises `IncompleteReadError` at the end of the stream."""
        first, size = await self._reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return first & 0x0F, await self._reader.readexactly(size)

    async def heard(self) -> dict[str, Any]:
        """The next message."""
        kind, payload = await self.frame()
        assert kind == TEXT, (kind, payload)
        message: dict[str, Any] = json.loads(payload)
        return message

    async def closed(self) -> int:
        """The code of the close frame that comes, whatever comes before it; answers it and awaits the stream's end."""
        while True:
            kind, payload = await self.frame()
            if kind == CLOSE:
                self.writer.write(frame(payload[:2], CLOSE))
                assert await self._reader.read() == b""
                return int.from_bytes(payload[:2], "big")
