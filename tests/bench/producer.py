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
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from tests.bench.http import AGAIN_SECONDS, Pool, request_head
from tests.bench.record import Record

CONNECTIONS = 64
DRAIN_SECONDS = 10.0


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
        self._repeated = 0
        self.pool = Pool(plan.host, plan.port)
        self.outstanding = self.refused = 0
        self.record = Record()

    @property
    def repeated(self) -> int:
        return self._repeated + self.pool.repeated

    def trigger(self, *, counted: bool) -> None:
        self._count += 1
        trigger_id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        body = (
            f'{{"id":"{trigger_id}","timestamp":{time.time_ns() // 1_000_000},"mode":"{self._plan.mode}",'
            f'"orderId":"ORD-{self._count % self._plan.orders:04d}",'
            f'"screenId":"{self._screens[self._count % len(self._screens)]}"}}'
        ).encode()
        self.outstanding += 1
        sent = time.monotonic_ns()

        def answered(head: bytes, said: bytes, now: int) -> None:
            status = head[9:12]
            if status == b"503":
                self._repeated += 1
                asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.pool.post, self._head, body, answered)
                return
            self.outstanding -= 1
            if status not in {b"202", b"200"}:
                self.refused += 1
                if self.refused == 1:
                    print(f"refused: {head[:60]!r} {said[:300]!r}", file=sys.stderr)
            elif counted:
                self.record.add(trigger_id.encode(), sent, now)

        self.pool.post(self._head, body, answered)


async def main(plan: Plan, screens: list[str]) -> None:
    loop = asyncio.get_running_loop()
    producer = Producer(plan, screens)
    await producer.pool.open(CONNECTIONS)
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
