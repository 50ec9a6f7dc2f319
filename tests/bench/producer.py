"""The producer: a program that posts triggers at a steady mean rate over kept connections.

`python -m tests.bench.producer PLAN`, a JSON object of `Plan`'s members. Triggers come at random moments (a Poisson
process of a fixed seed), as scans of people who know nothing of each other do, and go to the screens in turn. It never
waits for an answer before the next one is due: what is slow doesn't slow the clock. A trigger whose connection breaks,
or that is told to come again later, is posted again, with its id, until it is answered. It prints JSON (`Posted`).
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from tests.bench.http import Kept, request_head
from tests.bench.record import Record

CONNECTIONS = 64
DRAIN_SECONDS = 10.0
AGAIN_SECONDS = 0.1


@dataclass
class Plan:
    """`screens` is a file of ids; `record` becomes one of what was accepted. What is posted in the first `warm_up`
    seconds is not recorded. With `until_told`, a line on stdin ends it before its time."""

    host: str
    port: int
    key: str
    rate: float
    seconds: float
    screens: str
    orders: int
    record: str
    warm_up: float = 3.0
    mode: str = "latest"
    until_told: bool = False


@dataclass
class Posted:
    refused: int
    unanswered: int
    repeated: int
    cpu: float


class Producer:
    def __init__(self, plan: Plan, screens: list[str]) -> None:
        self._plan = plan
        self._head = request_head("/api/trigger", plan.host, plan.port, plan.key)
        self._screens = screens
        self._count = 0
        self._chance = random.Random()  # ids that no producer before has used
        self._due: deque[tuple[bytes, bytes, bool]] = deque()
        self._asked: dict[Kept, tuple[bytes, bytes, bool, int]] = {}
        self._free: list[Kept] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.outstanding = self.repeated = self.refused = 0
        self.record = Record()

    async def connect(self) -> None:
        """One more connection, in place of any that was lost."""
        while True:
            try:
                _, kept = await asyncio.get_running_loop().create_connection(
                    lambda: Kept(self._lost), self._plan.host, self._plan.port
                )
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._release(kept)
                return

    def trigger(self, *, counted: bool) -> None:
        self._count += 1
        trigger_id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        body = (
            f'{{"id":"{trigger_id}","timestamp":{time.time_ns() // 1_000_000},"mode":"{self._plan.mode}",'
            f'"orderId":"ORD-{self._count % self._plan.orders:04d}",'
            f'"screenId":"{self._screens[self._count % len(self._screens)]}"}}'
        ).encode()
        self.outstanding += 1
        self._post((trigger_id.encode(), body, counted))

    def _post(self, due: tuple[bytes, bytes, bool]) -> None:
        if not self._free:
            self._due.append(due)
            return
        kept = self._free.pop()
        self._asked[kept] = (*due, time.monotonic_ns())
        kept.ask(self._head, due[1], lambda head, body, now: self._answered(kept, head, body, now))

    def _release(self, kept: Kept) -> None:
        self._free.append(kept)
        if self._due:
            self._post(self._due.popleft())

    def _answered(self, kept: Kept, head: bytes, body: bytes, now: int) -> None:
        trigger_id, request, counted, sent = self._asked.pop(kept)
        status = head[9:12]
        if status == b"503":
            self._again((trigger_id, request, counted))
        else:
            self.outstanding -= 1
            if status not in {b"202", b"200"}:
                self.refused += 1
                if self.refused == 1:
                    print(f"refused: {head[:60]!r} {body[:300]!r}", file=sys.stderr)
            elif counted:
                self.record.add(trigger_id, sent, now)
        self._release(kept)

    def _again(self, due: tuple[bytes, bytes, bool]) -> None:
        self.repeated += 1
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._post, due)

    def _lost(self, kept: Kept) -> None:
        if kept in self._free:
            self._free.remove(kept)
        if kept in self._asked:
            self._again(self._asked.pop(kept)[:3])
        task = asyncio.create_task(self.connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def main(plan: Plan, screens: list[str]) -> None:
    loop = asyncio.get_running_loop()
    producer = Producer(plan, screens)
    for _ in range(CONNECTIONS):
        await producer.connect()
    gc.collect()
    gc.freeze()
    gc.disable()
    told = loop.run_in_executor(None, sys.stdin.readline) if plan.until_told else loop.create_future()
    moments = random.Random(8480)
    start = due = loop.time() + 0.1
    end = start + plan.warm_up + plan.seconds
    while due < end and not told.done():
        await asyncio.sleep(max(0.0, due - loop.time()))
        now = loop.time()
        while due <= now and due < end:
            producer.trigger(counted=due >= start + plan.warm_up)
            due += moments.expovariate(plan.rate)
    given_up = loop.time() + DRAIN_SECONDS
    while producer.outstanding and loop.time() < given_up:  # noqa: ASYNC110 - over in milliseconds
        await asyncio.sleep(0.01)
    producer.record.save(Path(plan.record))
    posted = Posted(producer.refused, producer.outstanding, producer.repeated, time.process_time())
    print(json.dumps(asdict(posted)), flush=True)


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    uvloop.run(main(given, Path(given.screens).read_text().split()))
