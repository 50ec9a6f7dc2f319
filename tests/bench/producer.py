"""The producer: a program that posts triggers at a steady mean rate over kept connections.

`python -m tests.bench.producer HOST PORT KEY RATE SECONDS SCREENS ORDERS RECORD`. Triggers come at random moments (a
Poisson process of a fixed seed), as scans of people who know nothing of each other do, and go to the screens in turn.
It never waits for an answer before the next one is due: what is slow doesn't slow the clock.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
import uuid
from collections import deque
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.record import Record

CONNECTIONS = 64
DRAIN_SECONDS = 10.0
WARM_UP_SECONDS = 3.0
"""Posted first and not counted."""


class Connection(asyncio.Protocol):
    """One kept connection; it is in `free` whenever no answer is outstanding."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._buffer = b""
        self._asked: tuple[bytes, int, bool] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def post(self, trigger_id: bytes, request: bytes, counted: bool) -> None:
        assert self._transport is not None
        self._asked = (trigger_id, time.monotonic_ns(), counted)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        start = head.lower().index(b"content-length:") + 15
        if len(body) < int(head[start : (head + b"\r\n").index(b"\r\n", start)]):
            return
        self._buffer = b""
        asked, self._asked = self._asked, None
        assert asked is not None
        self._producer.answered(self, asked, now, head, body)


class Producer:
    def __init__(self, host: str, port: int, key: str, screens: list[str], orders: int) -> None:
        self._head = (
            f"POST /api/trigger HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._screens = screens
        self._orders = orders
        self._count = 0
        self._due: deque[tuple[bytes, bytes, bool]] = deque()
        self.free: list[Connection] = []
        self.outstanding = 0
        self.waited = 0
        self.refused = 0
        self.record = Record()

    def trigger(self, *, counted: bool) -> None:
        self._count += 1
        trigger_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
        body = (
            f'{{"id":"{trigger_id}","timestamp":{time.time_ns() // 1_000_000},'
            f'"orderId":"ORD-{self._count % self._orders:04d}",'
            f'"screenId":"{self._screens[self._count % len(self._screens)]}"}}'
        ).encode()
        request = b"%s%d\r\n\r\n%s" % (self._head, len(body), body)
        self.outstanding += 1
        if self.free:
            self.free.pop().post(trigger_id.encode(), request, counted)
        else:
            self.waited += 1
            self._due.append((trigger_id.encode(), request, counted))

    def answered(
        self, connection: Connection, asked: tuple[bytes, int, bool], now: int, head: bytes, body: bytes
    ) -> None:
        self.outstanding -= 1
        trigger_id, sent, counted = asked
        if not head.startswith(b"HTTP/1.1 202"):
            self.refused += 1
            if self.refused == 1:
                print(f"refused: {head[:60]!r} {body[:300]!r}", file=sys.stderr)
        elif counted:
            self.record.add(trigger_id, sent, now)
        if self._due:
            connection.post(*self._due.popleft())
        else:
            self.free.append(connection)


async def main(
    host: str, port: int, key: str, rate: float, seconds: float, screens: list[str], orders: int, file: Path
) -> None:
    loop = asyncio.get_running_loop()
    producer = Producer(host, port, key, screens, orders)
    for _ in range(CONNECTIONS):
        _, connection = await loop.create_connection(lambda: Connection(producer), host, port)
        producer.free.append(connection)
    random.seed(8480)
    start = due = loop.time() + 0.1
    end = start + WARM_UP_SECONDS + seconds
    while due < end:
        await asyncio.sleep(max(0.0, due - loop.time()))
        now = loop.time()
        while due <= now and due < end:
            producer.trigger(counted=due >= start + WARM_UP_SECONDS)
            due += random.expovariate(rate)
    given_up = loop.time() + DRAIN_SECONDS
    while producer.outstanding and loop.time() < given_up:  # noqa: ASYNC110 - over in milliseconds
        await asyncio.sleep(0.01)
    producer.record.save(file)
    print(producer.refused, producer.outstanding, producer.waited, flush=True)


if __name__ == "__main__":
    uvloop.run(
        main(
            sys.argv[1],
            int(sys.argv[2]),
            sys.argv[3],
            float(sys.argv[4]),
            float(sys.argv[5]),
            Path(sys.argv[6]).read_text().split(),
            int(sys.argv[7]),
            Path(sys.argv[8]),
        )
    )
