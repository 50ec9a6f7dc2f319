"""Senders: over HTTP, in batches and over a WebSocket. They write every answer into the ledger before they go on, send
again whatever was left without one, and now and then what was answered long ago: neither may be refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.field import Field
from tests.faults.ledger import Entry, Sight
from tests.faults.screens import GONE
from tests.faults.tempers import PLANT, Fate, Nacker, reach
from tests.support.answers import new_trigger

DOCUMENTS = Path(__file__).parents[2] / "appliance" / "samples" / "orders"
Body = dict[str, Any]
ORDERS = sorted(file.stem for file in DOCUMENTS.glob("ORD-*"))
GROUPS = ("group:line-1", "group:line-2", "group:line-3")
UNHURRIED = frozenset({"S-STALLER", "S-HALFOPEN"})
"""A queue moves slowly there; it gets a new trigger of mode `queue` only so often, or it would never end."""
UNHURRIED_SECONDS = 0.4
HTTP_SENDERS = 2
PAUSE_SECONDS = 0.02


class Producers:
    """All senders of a run, and what they remember of what they have sent."""

    def __init__(self, field: Field, key: str) -> None:
        self.field = field
        self.random = random.Random(f"{field.seed} producers")
        self._key = key
        self._unanswered: list[Body] = []
        self._answered: list[Body] = []
        self._repeats: list[Body] = []
        self._queued_at = 0.0
        self.life = Life()

    async def run(self) -> None:
        """Sends until the run is calm."""
        async with asyncio.TaskGroup() as senders:
            for _ in range(HTTP_SENDERS):
                senders.create_task(self._over_http())
            senders.create_task(self._over_websocket())
            senders.create_task(self._in_batches())

    async def finish(self) -> None:
        """Sends again what is still without an answer."""
        while self._unanswered:
            await self._post(self._unanswered.pop())

    async def last_round(self) -> None:
        """Triggers of mode `queue` for everybody, whose end is waited for with nothing disturbing it any more."""
        for target in ("*", *(f"screen:{screen_id}" for screen_id in PLANT)):
            await self._post(self._new(target, "queue"))
        for fate in Fate:
            body = self._new("screen:S-NACKER", "queue")
            while Nacker.fate(f"{body['id']}:S-NACKER") is not fate:
                body = self._new("screen:S-NACKER", "queue")
            await self._post(body)

    def new_life(self) -> None:
        """The appliance has been started again: what it was told before is repeated first."""
        self.life = Life()
        with_nonce = [body for body in self._answered if "nonce" in body]
        self._repeats = [self.random.choice(some) for some in (with_nonce, self._answered) * 2 if some]

    # --- what is sent ---------------------------------------------------------------------------------------------

    def _next(self) -> tuple[Body, bool]:
        """A trigger, and whether it has been sent before."""
        if self._unanswered:
            return self._again(self._unanswered.pop(0)), True
        if self._repeats:
            return self._repeats.pop(), True
        if self._answered and self.random.random() < 0.05:
            return self._again(self.random.choice(self._answered)), True
        return self._new(*self._target()), False

    def _again(self, body: Body) -> Body:
        """As it was, but now and then with a new nonce, or a first one."""
        if self.random.random() < 0.5:
            return body
        return {**body, "nonce": uuid.uuid4().hex}

    def _target(self) -> tuple[str, str]:
        luck = self.random.random()
        if luck < 0.82:
            target = f"screen:{self.random.choice(list(PLANT))}"
        elif luck < 0.92:
            target = self.random.choice(GROUPS)
        else:
            target = "screen:S-*" if luck < 0.96 else "*"
        mode = "queue" if self.random.random() < 0.2 else "latest"
        if mode == "queue" and not UNHURRIED.isdisjoint(reach(target)):
            if time.monotonic() - self._queued_at < UNHURRIED_SECONDS:
                mode = "latest"
            else:
                self._queued_at = time.monotonic()
        return target, mode

    def _new(self, target: str, mode: str) -> Body:
        order = self.random.choice(ORDERS)
        if self.random.random() < 0.7:
            body = new_trigger(order, None, target=target, mode=mode)
        else:
            url = f"http://erp.example/{order}"
            body = new_trigger(None, None, url=url, title=order, target=target, mode=mode)
        if self.random.random() < 0.5:
            body["nonce"] = uuid.uuid4().hex
        if target.startswith("screen:") and self.random.random() < 0.15:
            body["displayIndex"] = 1
        return body

    # --- what comes back ------------------------------------------------------------------------------------------

    def _answer(self, body: Body, again: bool, via: str, *, ok: bool, answer: dict[str, Any]) -> None:
        """Into the ledger, synced; then it counts."""
        deliveries = tuple(found["id"] for found in answer["deliveries"]) if ok else ()
        duplicate = ok and answer["duplicate"]
        code = None if ok else answer["code"]
        kind = "accepted" if ok else "refused"
        self._write(kind, body, again, via, duplicate=duplicate, deliveries=deliveries, code=code)
        if ok:
            self._answered.append(body)
            self.life.note(body, duplicate=duplicate)

    def _lost(self, body: Body, again: bool, via: str) -> None:
        self._write("unknown", body, again, via)
        self._unanswered.append(body)

    def _write(self, kind: Any, body: Body, again: bool, via: str, **more: Any) -> None:
        order = body.get("orderId") or body["url"]
        self.field.ledger.write(
            Entry(kind, body["id"], order, body["target"], body["mode"], via, time.time(), again, **more)
        )

    # --- how it is sent -------------------------------------------------------------------------------------------

    async def _over_http(self) -> None:
        while not self.field.calm.is_set():
            await self.field.up.wait()
            await self._post(*self._next())
            await asyncio.sleep(self.random.uniform(0, PAUSE_SECONDS))

    async def _post(self, body: Body, again: bool = False) -> None:
        try:
            status, answer = await self._call("/api/trigger", body)
        except GONE:
            self._lost(body, again, "http")
        else:
            self._answer(body, again, "http", ok=status in (200, 202), answer=answer)

    async def _in_batches(self) -> None:
        while not self.field.calm.is_set():
            await self.field.up.wait()
            group = [self._next() for _ in range(self.random.randint(1, 6))]
            group = list({body["id"]: (body, again) for body, again in group}.values())
            try:
                status, answer = await self._call("/api/triggers", {"triggers": [body for body, _ in group]})
            except GONE:
                for body, again in group:
                    self._lost(body, again, "batch")
            else:
                refused = [{"status": status, "body": answer}] * len(group)
                for (body, again), result in zip(group, answer.get("results", refused), strict=True):
                    self._answer(body, again, "batch", ok=result["status"] in (200, 202), answer=result["body"])
            await asyncio.sleep(self.random.uniform(0, 4 * PAUSE_SECONDS))

    async def _call(self, path: str, body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._key}"}
        async with self.field.http.post(self.field.url + path, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def _over_websocket(self) -> None:
        while not self.field.calm.is_set():
            await self.field.up.wait()
            with contextlib.suppress(*GONE):
                async with self.field.socket() as socket:
                    await socket.send_json({"type": "hello", "token": self._key, "capabilities": []})
                    await self._converse(socket)
            await asyncio.sleep(0.02)

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """A few triggers at a time without waiting for each other; what has no answer when the wire ends, has none."""
        waiting: dict[str, tuple[Body, bool]] = {}
        sending = asyncio.create_task(self._send_some(socket, waiting))
        try:
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    return
                message = json.loads(frame.data)
                match message["type"]:
                    case "trigger:response" | "trigger:error":
                        ok = message["type"] == "trigger:response"
                        body, again = waiting.pop(message["id"])
                        answer = message["data"] if ok else message
                        self._answer(body, again, "websocket", ok=ok, answer=answer)
                    case "delivery" if message["final"]:
                        self.field.sights.write(Sight("told", "producer", message["id"], state=message["state"]))
                    case "ping":  # comes often enough to notice the end by
                        await socket.send_json({"type": "pong", "t": message["t"]})
                if sending.done() and not waiting:
                    return
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            for body, again in waiting.values():
                self._lost(body, again, "websocket")

    async def _send_some(self, socket: aiohttp.ClientWebSocketResponse, waiting: dict[str, tuple[Body, bool]]) -> None:
        while not self.field.calm.is_set():
            for _ in range(self.random.randint(1, 3)):
                body, again = self._next()
                if body["id"] not in waiting:
                    waiting[body["id"]] = (body, again)
                    await socket.send_json({"type": "trigger", **body})
            await asyncio.sleep(self.random.uniform(0, 3 * PAUSE_SECONDS))


class Life:
    """What has been accepted since the last start; `full` when that is enough for a kill to hurt."""

    def __init__(self) -> None:
        self.full = asyncio.Event()
        self._accepted = self._broadcasts = self._duplicates = 0

    def note(self, body: Body, *, duplicate: bool) -> None:
        self._accepted += not duplicate
        self._duplicates += duplicate
        self._broadcasts += not duplicate and len(reach(body["target"])) > 1
        if self._accepted >= 15 and self._broadcasts >= 2 and self._duplicates >= 1:
            self.full.set()
