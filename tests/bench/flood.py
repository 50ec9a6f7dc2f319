"""A load that keeps as many triggers outstanding as it is told: what comes back a second is what the server can do.

`python -m tests.bench.flood PLAN`, a JSON object of `Plan`'s members. The triggers go to the screens in turn. It prints
JSON: triggers accepted within the time, when that began and ended (`time.monotonic_ns`), the answers' times in ms
(p50, p95, p99), refused, everything accepted, warm-up and end included, and the processor seconds it took itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.http import Kept, request_head
from tests.bench.record import percentile
from tests.bench.wire import SocketIo, WebSocket, frame

WARM_UP_SECONDS = 1.5
DRAIN_SECONDS = 15.0


@dataclass
class Plan:
    """`way`: `http` (one trigger a request), `batch` (`depth` triggers a request), `websocket` or `socketio` (one
    producer a connection, with `depth` triggers outstanding each). `screens` is a file of ids."""

    way: str
    host: str
    port: int
    key: str
    seconds: float
    connections: int
    depth: int
    screens: str
    orders: int


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


class Http:
    """Asks again over one kept connection as soon as it is answered; `size` triggers a request."""

    def __init__(self, load: Load, kept: Kept, plan: Plan) -> None:
        self._load = load
        self._kept = kept
        self._size = plan.depth if plan.way == "batch" else None
        path = "/api/trigger" if self._size is None else "/api/triggers"
        self._head = request_head(path, plan.host, plan.port, plan.key)
        self._sent = 0

    def ask(self) -> None:
        if self._size is None:
            body = b"{%s}" % self._load.trigger()
        else:
            body = b'{"triggers":[%s]}' % b",".join(b"{%s}" % self._load.trigger() for _ in range(self._size))
        self._load.outstanding += self._size or 1
        self._sent = time.monotonic_ns()
        self._kept.ask(self._head, body, self._answered)

    def _answered(self, head: bytes, body: bytes, now: int) -> None:
        accepted = head.startswith(b"HTTP/1.1 202") if self._size is None else body.count(b'{"status":202,')
        self._load.answered(self._size or 1, int(accepted), self._sent, now, head + body)
        if not self._load.ending:
            self.ask()


class Pipeline:
    """A program that scans come from: it has `depth` triggers outstanding at any time."""

    def begin_load(self, load: Load, depth: int) -> None:
        self._load = load
        self._sent: dict[bytes, int] = {}
        for _ in range(depth):
            self.ask()

    def ask(self) -> None:
        raise NotImplementedError

    def answered(self, key: bytes, accepted: bool, payload: bytes, now: int) -> None:
        self._load.answered(1, int(accepted), self._sent.pop(key), now, payload)
        if not self._load.ending:
            self.ask()


class Producer(Pipeline, WebSocket):
    def ask(self) -> None:
        self._load.outstanding += 1
        trigger = self._load.trigger()
        self._sent[trigger[6:42]] = time.monotonic_ns()
        self.send(frame(b'{"type":"trigger",%s}' % trigger))

    def heard(self, payload: bytes, now: int) -> None:
        if payload.startswith(b'{"type":"trigger:'):
            start = payload.index(b'"id":"') + 6
            accepted = payload.startswith(b'{"type":"trigger:response"')
            self.answered(payload[start : start + 36], accepted, payload, now)


class SocketIoProducer(Pipeline, SocketIo):
    """Each trigger is an event that asks for an acknowledgement."""

    _calls = 0

    def ask(self) -> None:
        self._load.outstanding += 1
        self._calls += 1
        call = b"%d" % self._calls
        self._sent[call] = time.monotonic_ns()
        self.send(frame(b'42%s["trigger",{%s}]' % (call, self._load.trigger())))

    def heard(self, payload: bytes, now: int) -> None:
        if payload.startswith(b"43"):
            at = payload.index(b"[")
            self.answered(payload[2:at], b'"success":true' in payload, payload, now)


async def begin(plan: Plan, load: Load) -> None:
    if plan.way in {"http", "batch"}:
        for _ in range(plan.connections):
            _, kept = await asyncio.get_running_loop().create_connection(Kept, plan.host, plan.port)
            Http(load, kept, plan).ask()
        return
    hello: dict[str, Any] = {"token": plan.key, "client": {"name": "producer", "version": "bench"}}
    kind = Producer if plan.way == "websocket" else SocketIoProducer
    producers = [kind(hello) for _ in range(plan.connections)]
    await asyncio.gather(*(producer.connect(plan.host, plan.port) for producer in producers))
    for producer in producers:
        producer.begin_load(load, plan.depth)


async def main(plan: Plan, screens: list[str]) -> None:
    loop = asyncio.get_running_loop()
    load = Load(screens, plan.orders)
    await begin(plan, load)
    gc.collect()
    gc.freeze()
    gc.disable()
    await asyncio.sleep(WARM_UP_SECONDS)
    began, load.counting = time.monotonic_ns(), True
    await asyncio.sleep(plan.seconds)
    ended, load.counting, load.ending = time.monotonic_ns(), False, True
    given_up = loop.time() + DRAIN_SECONDS
    while load.outstanding and loop.time() < given_up:  # noqa: ASYNC110 - over in milliseconds
        await asyncio.sleep(0.01)
    load.took.sort()
    found = {
        "accepted": load.counted,
        "began": began,
        "ended": ended,
        "times": [percentile(load.took, share) for share in (0.5, 0.95, 0.99)] if load.took else [],
        "refused": load.refused + load.outstanding,
        "all": load.accepted,
        "cpu": time.process_time(),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    uvloop.run(main(given, Path(given.screens).read_text().split()))
