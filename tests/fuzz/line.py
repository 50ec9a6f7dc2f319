"""A bare TCP connection that says whatever it is told to, and barely listens."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Self, cast

_KEPT = 4096
_PATIENCE = 5.0


class Line(asyncio.Protocol):
    """`heard` is the beginning of what has come since the last `forget`; `ended` whether that was told to be over."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = False
        self.lost = asyncio.Event()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._transport: asyncio.Transport

    @classmethod
    async def open(cls, port: int) -> Self:
        _, line = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.ended = self.ended or data.startswith(b"HTTP/1.1 4") or _ends_with_close(data)
        if len(self.heard) < _KEPT:
            self.heard += data[:_KEPT]
            self._news.set()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self._room.set()
        self.lost.set()
        self._news.set()

    def forget(self) -> None:
        self.heard = b""

    async def until(self, mark: bytes) -> bool:
        """Whether `mark` came before the line was lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while mark not in self.heard and not self.lost.is_set():
                    self._news.clear()
                    await self._news.wait()
        return mark in self.heard

    async def say(self, data: bytes) -> bool:
        """Whether the other side still listens."""
        if self.lost.is_set():
            return False
        self._transport.write(data)
        await asyncio.sleep(0)
        await self._room.wait()
        return not self.lost.is_set()

    async def end(self, rng: random.Random) -> None:
        """Goes: at once, half, after a silence, without reading, or when it is told to."""
        match rng.randrange(5):
            case 0:
                self._transport.abort()
            case 1 if self._transport.can_write_eof() and not self.lost.is_set():
                with contextlib.suppress(OSError):
                    self._transport.write_eof()
                await asyncio.sleep(0.001)
            case 2:
                await asyncio.sleep(0.002)
            case 3 if not self.lost.is_set():
                self._transport.pause_reading()
                await asyncio.sleep(0.002)
            case _:
                self._transport.close()
        self._transport.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self.lost.wait()


def _ends_with_close(data: bytes) -> bool:
    """Whether a WebSocket's close frame comes last. Chance may look like one, seldom, and nothing hangs on it."""
    at = data.rfind(b"\x88")
    return 0 <= at < len(data) - 1 and data[at + 1] == len(data) - at - 2
