"""A load that keeps as many triggers outstanding as it is told: what comes back a second is what the server can do.

`python -m tests.bench.flood WAY HOST PORT KEY SECONDS CONNECTIONS DEPTH SCREENS ORDERS`. WAY is `http` (one trigger a
request), `batch` (DEPTH triggers a request) or `ws` (one producer a connection, DEPTH triggers outstanding each). The
triggers go to the screens in turn. It prints JSON: triggers accepted within the time, seconds, the answers' times in ms
(p50, p95, p99), refused, and everything accepted, warm-up and end included.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import uuid
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.record import percentile
from tests.bench.wire import Client, frame

WARM_UP_SECONDS = 1.5
DRAIN_SECONDS = 15.0


class Load:
    """What all connections share: the next trigger, and what was answered."""

    def __init__(self, screens: list[str], orders: int) -> None:
        self._screens = screens
        self._orders = orders
        self._count = 0
        self._chance = random.Random(time.time_ns())  # ids that no load before has used
        self.counting = False
        self.ending = False
        self.outstanding = 0
        self.accepted = 0
        self.counted = 0
        self.refused = 0
        self.took: list[float] = []

    def trigger(self) -> bytes:
        """A trigger's members, without the braces."""
        number = self._count
        self._count += 1
        return (
            f'"id":"{uuid.UUID(int=self._chance.getrandbits(128), version=4)}",'
            f'"timestamp":{time.time_ns() // 1_000_000},"orderId":"ORD-{number % self._orders:04d}",'
            f'"screenId":"{self._screens[number % len(self._screens)]}"'
        ).encode()

    def answered(self, asked: int, accepted: int, sent: int, now: int, answer: bytes) -> None:
        self.outstanding -= asked
        self.accepted += accepted
        if accepted < asked:
            self.refused += asked - accepted
            print(f"refused: {answer[:300]!r}", file=sys.stderr)
        if self.counting:
            self.counted += accepted
            self.took.append((now - sent) / 1e6)


class Http(asyncio.Protocol):
    """One kept connection that asks again as soon as it is answered; `size` triggers a request."""

    def __init__(self, load: Load, host: str, port: int, key: str, size: int | None) -> None:
        self._load = load
        self._size = size
        path = "/api/trigger" if size is None else "/api/triggers"
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._buffer = bytearray()
        self._end = 0
        self._sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        if self._size is None:
            body = b"{%s}" % self._load.trigger()
        else:
            body = b'{"triggers":[%s]}' % b",".join(b"{%s}" % self._load.trigger() for _ in range(self._size))
        self._load.outstanding += self._size or 1
        self._sent = time.monotonic_ns()
        self._transport.write(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._buffer += data
        if not self._end:
            head, end, _ = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            start = head.lower().index(b"content-length:") + 15
            self._end = len(head) + 4 + int(head[start : (head + b"\r\n").index(b"\r\n", start)])
        if len(self._buffer) < self._end:
            return
        answer = bytes(self._buffer)
        self._buffer.clear()
        self._end = 0
        accepted = answer.count(b"HTTP/1.1 202" if self._size is None else b'{"status":202,')
        self._load.answered(self._size or 1, accepted, self._sent, now, answer)
        if not self._load.ending:
            self._ask()


class Producer(Client):
    """A program that scans come from: it has `depth` triggers outstanding at any time."""

    __slots__ = ("_depth", "_load", "_sent")

    def __init__(self, load: Load, key: str, depth: int) -> None:
        hello = {"type": "hello", "token": key, "client": {"name": "producer", "version": "bench"}}
        super().__init__(json.dumps(hello).encode(), asyncio.get_running_loop().create_future())
        self._load = load
        self._depth = depth
        self._sent: dict[bytes, int] = {}

    def begin(self) -> None:
        for _ in range(self._depth):
            self._ask()

    def _ask(self) -> None:
        self._load.outstanding += 1
        trigger = self._load.trigger()
        self._sent[trigger[6:42]] = time.monotonic_ns()
        self.send(frame(b'{"type":"trigger",%s}' % trigger))

    def heard(self, payload: bytes, now: int) -> None:
        if payload.startswith(b'{"type":"trigger:'):
            start = payload.index(b'"id":"') + 6
            accepted = int(payload.startswith(b'{"type":"trigger:response"'))
            self._load.answered(1, accepted, self._sent.pop(payload[start : start + 36]), now, payload)
            if not self._load.ending:
                self._ask()


async def main(
    way: str, host: str, port: int, key: str, seconds: float, connections: int, depth: int, screens: list[str]
) -> None:
    loop = asyncio.get_running_loop()
    load = Load(screens, int(sys.argv[9]))
    if way == "ws":
        producers = [Producer(load, key, depth) for _ in range(connections)]
        await asyncio.gather(*(producer.connect(host, port) for producer in producers))
        for producer in producers:
            producer.begin()
    else:
        size = depth if way == "batch" else None
        for _ in range(connections):
            await loop.create_connection(lambda: Http(load, host, port, key, size), host, port)
    await asyncio.sleep(WARM_UP_SECONDS)
    started, load.counting = loop.time(), True
    await asyncio.sleep(seconds)
    took, load.counting, load.ending = loop.time() - started, False, True
    given_up = loop.time() + DRAIN_SECONDS
    while load.outstanding and loop.time() < given_up:  # noqa: ASYNC110 - over in milliseconds
        await asyncio.sleep(0.01)
    load.took.sort()
    times = [percentile(load.took, share) for share in (0.5, 0.95, 0.99)] if load.took else []
    found = {"accepted": load.counted, "seconds": took, "times": times}
    print(json.dumps({**found, "refused": load.refused + load.outstanding, "all": load.accepted}), flush=True)


if __name__ == "__main__":
    uvloop.run(
        main(
            *(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5])),
            *(int(sys.argv[6]), int(sys.argv[7]), Path(sys.argv[8]).read_text().split()),
        )
    )
