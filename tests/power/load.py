"""A short morning: screens that show, stay silent or are off, and senders that write down every answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.support.answers import Answer, new_trigger, request
from tests.support.inbox import Message
from tests.support.process import Served
from tests.support.wire import Wire

SHOWING = ("S-1", "S-2", "S-3", "S-4")
SILENT = "S-5"
OFF = "S-6"
TARGETS = ("screen:S-1", "screen:S-2", "screen:S-3", "screen:S-5", "screen:S-6", "group:line-1", "group:line-2", "*")
EVERYWHERE = {*SHOWING, SILENT, OFF}
SENDERS = 6
BATCHES = 0.05
"""So often a sender has a batch of five to send first."""
AT_ONCE = 4
"""Triggers that a WebSocket sender has under way."""


@dataclass(slots=True)
class Receipt:
    """A 2xx: from `position` on the trigger is on disk, with these deliveries."""

    position: int
    trigger_id: str
    deliveries: frozenset[str]


@dataclass
class Ledger:
    """What the world was told, and how long the log was when it heard of it."""

    position: Callable[[], int] = lambda: 0
    receipts: list[Receipt] = field(default_factory=list)
    ended: list[tuple[int, str]] = field(default_factory=list)
    """Deliveries told to be final."""
    sequences: list[tuple[int, int]] = field(default_factory=list)
    """Numbers that screens have seen; none may ever be given again."""
    refusals: list[Answer] = field(default_factory=list)
    ready: int = 0
    """Where the key and the screens had been confirmed."""
    keys: bytes = b""
    """The appliance's own keys by then."""

    def accepted(self, body: dict[str, Any]) -> None:
        found = frozenset(delivery["id"] for delivery in body["deliveries"])
        self.receipts.append(Receipt(self.position(), body["id"], found))


class Floor:
    """The stations and senders around one appliance."""

    def __init__(self, served: Served, ledger: Ledger) -> None:
        self.served, self.ledger = served, ledger
        self.key = ""
        self.tokens: dict[str, str] = {}
        self._screens: list[asyncio.Task[None]] = []
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def open(self) -> None:
        """Makes the orders, the key and the screens, and connects those that are on."""
        (self.served.orders / "ORD-1001.txt").write_text("one")
        self.key = await self.served.new_key()
        for number, screen_id in enumerate(sorted(EVERYWHERE)):
            body = {"screenId": screen_id, "groups": [f"line-{number % 2 + 1}"]}
            assert (await self.served.local("POST", "/api/screens", body)).status == 201
        made = await self.served.local("POST", "/api/pairing/provision", {"screenIds": sorted(EVERYWHERE)})
        self.tokens = {item["screenId"]: item["accessToken"] for item in made.json["items"]}
        self.ledger.ready = self.ledger.position()
        self.ledger.keys = (self.served.data / "secrets.json").read_bytes()
        await self.connect()

    async def connect(self) -> None:
        """Connects every screen but the one that is off."""
        for screen_id in (*SHOWING, SILENT):
            wire = await self.served.screen(self.tokens[screen_id])
            self._screens.append(asyncio.create_task(self._show(wire, acks=screen_id != SILENT)))

    async def close(self) -> None:
        for task in self._screens:
            task.cancel()
        await asyncio.gather(*self._screens, return_exceptions=True)
        await self._http.close()

    async def send(self, target: str, **members: Any) -> Answer | None:
        """One trigger; its 2xx goes to the ledger. None when the connection broke."""
        body = new_trigger(screen_id=None, target=target, **members)
        with contextlib.suppress(aiohttp.ClientError):
            answer = await request(self._http, "POST", f"{self.served.url}/api/trigger", body, bearer=self.key)
            if answer.status in (200, 202):
                self.ledger.accepted(answer.json)
            else:
                self.ledger.refusals.append(answer)
            return answer
        return None

    async def send_batch(self, targets: list[str]) -> int:
        """One trigger a target in one request; how many were accepted."""
        body = {"triggers": [new_trigger(screen_id=None, target=target) for target in targets]}
        accepted = 0
        with contextlib.suppress(aiohttp.ClientError):
            answer = await request(self._http, "POST", f"{self.served.url}/api/triggers", body, bearer=self.key)
            if answer.status == 200:
                for result in answer.json["results"]:
                    if result["status"] == 202:
                        self.ledger.accepted(result["body"])
                        accepted += 1
        return accepted

    async def work(self, triggers: int, *, chance: random.Random, websocket: bool = True) -> None:
        """So many triggers over HTTP from several senders at once, with a batch in between, and half as many more over
        one WebSocket."""
        numbers = itertools.count()

        async def one() -> None:
            while next(numbers) < triggers:
                if chance.random() < BATCHES:
                    await self.send_batch(chance.choices(TARGETS, k=5))
                answer = await self.send(chance.choice(TARGETS), mode=chance.choice(("latest", "latest", "queue")))
                if answer is None or answer.status == 503:
                    await asyncio.sleep(0.02)

        over_http = [one() for _ in range(SENDERS)]
        await asyncio.gather(*over_http, self._over_websocket(triggers // 2 if websocket else 0, chance))

    async def _over_websocket(self, triggers: int, chance: random.Random) -> None:
        if not triggers:
            return
        wire = await self.served.screen(self.key)
        for first in range(0, triggers, AT_ONCE):
            count = min(AT_ONCE, triggers - first)
            for _ in range(count):
                await wire.send({"type": "trigger", **new_trigger(screen_id=None, target=chance.choice(TARGETS))})
            for _ in range(count):
                self.ledger.accepted((await wire.expect("trigger:response"))["data"])
        await wire.settled()
        self.ledger.ended += [(self.ledger.position(), told["id"]) for told in wire.of("delivery")]
        await wire.close()

    async def _show(self, wire: Wire, *, acks: bool) -> None:
        heard = 0
        while wire.close_code is None:
            for message in wire.heard[heard:]:
                await self._hear(wire, message, acks=acks)
                heard += 1
            await asyncio.sleep(0.002)

    async def _hear(self, wire: Wire, message: Message, *, acks: bool) -> None:
        if message["type"] == "navigate":
            self.ledger.sequences.append((self.ledger.position(), message["seq"]))
            if acks:
                await wire.received(message)
                await wire.shown(message)
        elif message["type"] == "delivery":
            self.ledger.ended.append((self.ledger.position(), message["id"]))
