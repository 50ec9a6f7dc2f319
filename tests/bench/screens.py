"""The screens: one process that holds all of them, each a bare client that costs next to nothing.

`python -m tests.bench.screens PLAN`, a JSON object of `Plan`'s members. It prints `ready` and the seconds it took once
every screen was welcomed, acks each navigate, and writes down when each came, when a screen was told of a delivery's
end, and when a connection was lost and welcomed again. On stdin it takes `stall N` and `resume N` (the first so many
read nothing any more, or again), `drop N` (their connections break), `count` (answered by how many are welcomed),
`save` (what is written down goes to its files) and `end`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.bench.http import Events, Pool
from tests.bench.record import Record
from tests.bench.wire import Client, SocketIo, WebSocket, frame

AT_ONCE = 100
ACKERS = 16
"""Kept connections that bring the acks of screens that only listen."""
FIRST_SECONDS, CONNECT_SECONDS = 60.0, 10.0
"""How long a screen waits for its welcome: the first of all, whose failure ends the bench, and those after it."""
RETRY_SECONDS, RETRY_GROWTH, RETRY_LONGEST = 0.1, 1.5, 1.0
_RECEIVED = b'","status":"received"}'
_SHOWN = b'","status":"shown","display":{"index":0},"url":"http://bench.invalid/document"}'


@dataclass
class Plan:
    """`again`: a screen that loses its connection comes back as the contract says. `shown`: it shows what it gets."""

    host: str
    port: int
    transport: str
    pairings: str
    noted: list[str]
    shown: bool = True
    again: bool = False


class Notes:
    def __init__(self, shown: bool) -> None:
        self.navigated, self.ended, self.back = Record(), Record(), Record()
        self.shown = shown
        self.errors = 0

    def acked(self, head: bytes, body: bytes, _now: int) -> None:
        """The answer to an ack that was posted. What is refused while the appliance is away comes again."""
        if not head.startswith((b"HTTP/1.1 2", b"HTTP/1.1 503")):
            self.error(body)

    def error(self, payload: bytes) -> None:
        self.errors += 1
        if self.errors == 1:
            print(f"a screen was told: {payload[:60]!r} … {payload[-200:]!r}", file=sys.stderr)

    def end(self, payload: bytes, now: int) -> None:
        """A delivery's end; the second moment says whether it got there."""
        there = b'"state":"shown"' in payload or b'"state":"received"' in payload
        self.ended.add(_id(payload)[:36], now, int(there))


def _id(payload: bytes) -> bytes:
    start = payload.index(b'"id":"') + 6
    return payload[start : payload.index(b'"', start)]


class Screen:
    """What a screen does with what it hears; how it says so is its transport's. Mixed into a client."""

    notes: Notes
    pause: float
    """Seconds that the appliance asked to stay away for, when it said goodbye."""

    def hear(self, kind: bytes, payload: bytes, now: int, call: bytes = b"") -> None:
        if kind == b"navigate":
            delivery = _id(payload)
            self.notes.navigated.add(delivery[:36], now)
            self.acknowledge(delivery, call)
        elif kind == b"delivery":
            self.notes.end(payload, now)
        elif kind == b"goodbye":
            start = payload.index(b'"reconnectAfterMs":') + 19
            self.pause = int(payload[start:].split(b",")[0].rstrip(b"}] ")) / 1000
        elif kind == b"error":
            self.notes.error(payload)

    def acknowledge(self, delivery: bytes, call: bytes) -> None:
        raise NotImplementedError


class WebSocketScreen(Screen, WebSocket):
    def heard(self, payload: bytes, now: int) -> None:
        self.hear(payload[9 : payload.index(b'"', 9)], payload, now)

    def acknowledge(self, delivery: bytes, call: bytes) -> None:
        ack = b'{"type":"ack","id":"' + delivery
        acks = frame(ack + _RECEIVED)
        self.send(acks + frame(ack + _SHOWN) if self.notes.shown else acks)


class SocketIoScreen(Screen, SocketIo):
    def heard(self, payload: bytes, now: int) -> None:
        if payload.startswith(b"42"):
            at = payload.index(b"[")
            kind, call = payload[at + 2 : payload.index(b'"', at + 2)], payload[2:at]
            if kind == b"ping" and call:
                self.send(frame(b"43%s[]" % call))
            else:
                self.hear(kind, payload, now, call)

    def acknowledge(self, delivery: bytes, call: bytes) -> None:
        ack = b'42["ack",{"id":"' + delivery
        first = b'43%s[{"received":true,"id":"%s"}]' % (call, delivery) if call else ack + _RECEIVED + b"]"
        acks = frame(first)
        self.send(acks + frame(ack + _SHOWN + b"]") if self.notes.shown else acks)


class EventsScreen(Screen, Events):
    def heard(self, payload: bytes, now: int) -> None:
        self.hear(self.name, payload, now)

    def acknowledge(self, delivery: bytes, call: bytes) -> None:
        ack = b'{"id":"' + delivery
        self.ack(ack + _RECEIVED, self.notes.acked)
        if self.notes.shown:
            self.ack(ack + _SHOWN, self.notes.acked)


class Station:
    """One screen, connected and, if it is to, again and again."""

    def __init__(self, number: int, pairing: dict[str, str], plan: Plan, notes: Notes, posts: Pool) -> None:
        self._number, self._plan, self._notes, self._posts = number, plan, notes, posts
        self._name = pairing["screenId"]
        self._hello = {
            "token": pairing["accessToken"],
            "client": {"name": self._name, "version": "bench"},
            "capabilities": ["shown"] if plan.shown else [],
            "displays": [{"index": 0, "name": "bench", "primary": True}],
        }
        self._chance = random.Random(number)
        self._patience = FIRST_SECONDS
        self._task: asyncio.Task[None] | None = None
        self.client: Client | None = None

    async def connect(self) -> None:
        client: WebSocketScreen | SocketIoScreen | EventsScreen
        match self._plan.transport:
            case "websocket":
                client = WebSocketScreen(self._hello)
            case "socketio":
                client = SocketIoScreen(self._hello)
            case _:
                client = EventsScreen(self._hello, self._posts)
        client.notes, client.pause = self._notes, 0.0
        try:
            async with asyncio.timeout(self._patience):
                await client.connect(self._plan.host, self._plan.port, self._number)
        except BaseException:
            client.abort()
            raise
        self.client, client.lost = client, self._lost

    def _lost(self, client: Client) -> None:
        self.client = None
        self._patience = CONNECT_SECONDS
        if self._plan.again:
            assert isinstance(client, Screen)
            self._task = asyncio.create_task(self._return(time.monotonic_ns(), client.pause))

    async def _return(self, lost: int, pause: float) -> None:
        tries = 0
        while self.client is None:
            delay = min(RETRY_LONGEST, RETRY_SECONDS * RETRY_GROWTH**tries) * self._chance.uniform(0.5, 1)
            await asyncio.sleep(pause or delay)
            pause, tries = 0.0, tries + 1
            with contextlib.suppress(OSError, TimeoutError):
                await self.connect()
                self._notes.back.add(self._name.encode(), time.monotonic_ns(), lost)


async def main(plan: Plan, pairings: list[dict[str, str]]) -> None:
    loop = asyncio.get_running_loop()
    notes, posts = Notes(plan.shown), Pool(plan.host, plan.port)
    if plan.transport == "events":
        await posts.open(ACKERS)
    stations = [Station(number, pairing, plan, notes, posts) for number, pairing in enumerate(pairings)]
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect(station: Station) -> None:
        async with gate:
            await station.connect()

    began = time.monotonic()
    await asyncio.gather(*map(connect, stations))
    took = time.monotonic() - began
    gc.collect()
    gc.freeze()
    gc.disable()  # what a screen notes makes no circles
    print("ready", took, flush=True)
    while (order := (await loop.run_in_executor(None, sys.stdin.readline)).split()) and order[0] != "end":
        chosen = stations[: int(order[1])] if len(order) > 1 else stations
        print(_obey(order[0], chosen, notes, plan), flush=True)
    print("end", notes.errors, flush=True)


def _obey(order: str, stations: list[Station], notes: Notes, plan: Plan) -> str:
    if order == "count":
        return str(sum(station.client is not None for station in stations))
    if order == "save":
        for record, file in zip((notes.navigated, notes.ended, notes.back), plan.noted, strict=True):
            record.save(Path(file))
        return "saved"
    for station in stations:
        if station.client is not None:
            if order == "drop":
                station.client.abort()
            else:
                station.client.stall(order == "stall")
    return "done"


if __name__ == "__main__":
    given = Plan(**json.loads(sys.argv[1]))
    uvloop.run(main(given, [json.loads(line) for line in Path(given.pairings).read_text().splitlines()]))
