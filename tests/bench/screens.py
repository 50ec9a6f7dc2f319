"""The screens: one process that holds all of them, each a bare WebSocket client that costs next to nothing.

`python -m tests.bench.screens HOST PORT PAIRINGS RECORD`. It prints `ready` once every screen was welcomed, then
answers each navigate with `received` and `shown`, and writes down when each came. A line on stdin ends it.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.record import Record

AT_ONCE = 50
_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_SHOWN = b'","status":"shown","display":{"index":0},"url":"http://bench.invalid/document"}'


def frame(payload: bytes) -> bytes:
    """A client's text frame; masked with zeros, which the standard allows and costs nothing."""
    size = len(payload)
    head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + payload


class Screen(asyncio.Protocol):
    """One screen: hello, then acks and pongs."""

    __slots__ = ("_buffer", "_hello", "_record", "_transport", "_upgraded", "welcomed")

    def __init__(self, hello: bytes, record: Record, welcomed: asyncio.Future[None]) -> None:
        self._hello = hello
        self._record = record
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.welcomed = welcomed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> None:
        assert self._transport is not None
        self._transport.write(request)

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
            self.ask(frame(self._hello))
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
            self._heard(data[start : start + size], now)
            at = start + size
        self._buffer = data[at:]

    def _heard(self, payload: bytes, now: int) -> None:
        if payload.startswith(b'{"type":"navigate"'):
            start = payload.index(b'"id":"') + 6
            delivery = payload[start : payload.index(b'"', start)]
            self._record.add(delivery[:36], now)
            ack = b'{"type":"ack","id":"' + delivery
            self.ask(frame(ack + b'","status":"received"}') + frame(ack + _SHOWN))
        elif payload.startswith(b'{"type":"ping"'):
            self.ask(frame(b'{"type":"pong","t":0}'))
        elif payload.startswith(b'{"type":"welcome"') and not self.welcomed.done():
            self.welcomed.set_result(None)
        elif payload.startswith(b'{"type":"error"'):
            raise SystemExit(f"a screen was told: {payload[:300]!r}")

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(ConnectionError("closed before welcome"))


async def main(host: str, port: int, pairings: list[dict[str, str]], file: Path) -> None:
    loop = asyncio.get_running_loop()
    record = Record()
    request = _UPGRADE.format(host=host, port=port).encode()
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect(pairing: dict[str, str]) -> None:
        hello = {
            "type": "hello",
            "token": pairing["accessToken"],
            "client": {"name": pairing["screenId"], "version": "bench"},
            "capabilities": ["shown"],
            "displays": [{"index": 0, "name": "bench", "primary": True}],
        }
        async with gate:
            welcomed: asyncio.Future[None] = loop.create_future()
            screen = Screen(json.dumps(hello).encode(), record, welcomed)
            await loop.create_connection(lambda: screen, host, port)
            screen.ask(request)
            await welcomed

    await asyncio.gather(*(connect(pairing) for pairing in pairings))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    record.save(file)
    print(len(record), flush=True)


if __name__ == "__main__":
    found = [json.loads(line) for line in Path(sys.argv[3]).read_text().splitlines()]
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), found, Path(sys.argv[4])))
