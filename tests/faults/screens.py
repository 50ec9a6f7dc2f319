"""Screens of every temperament. What they show they write down; each keeps to the contract's rule for clients: it drops
only an (id, round) that it has shown, acking it again, never a restored one, and ignores what is older than the newest
of its display. What each does beyond that is its temper."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import aiohttp

from tests.faults.field import Field
from tests.faults.ledger import Sight

Message = dict[str, Any]
GONE = (aiohttp.ClientError, ConnectionError, TimeoutError, RuntimeError)
"""What writing to or opening a wire raises when the other side has been killed."""


class Screen:
    """A prompt one: acks `received` and `shown` at once."""

    capabilities: ClassVar[list[str]] = ["shown"]
    displays: ClassVar[list[Message] | None] = None

    def __init__(self, field: Field, screen_id: str, token: str) -> None:
        self.id = screen_id
        self.field = field
        self.random = random.Random(f"{field.seed} {screen_id}")
        self._token = token
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._epoch = ""
        self._shown: set[tuple[str, int]] = set()
        self._newest: dict[int, int] = {}
        self._unsent: list[Message] = []
        self._later: set[asyncio.Task[None]] = set()
        self.times: dict[tuple[str, int], int] = {}
        """How often each (id, round) has been sent to it."""

    # --- a client's life ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connects whenever there is something to connect to, until it is cancelled."""
        try:
            while True:
                await self.field.up.wait()
                with contextlib.suppress(*GONE):
                    await self.session()
                self._socket = None
                await asyncio.sleep(self.random.uniform(0.002, 0.03))
        finally:
            for task in self._later:
                task.cancel()

    async def session(self) -> None:
        """One connection, to its end."""
        async with self.field.socket() as socket:
            await self.greet(socket)
            async for frame in socket:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    return
                await self.hear(json.loads(frame.data))

    async def greet(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        hello: Message = {"type": "hello", "token": self._token, "capabilities": self.capabilities, "restore": True}
        await socket.send_json(hello if self.displays is None else {**hello, "displays": self.displays})
        self._socket = socket

    async def hear(self, message: Message) -> None:
        match message["type"]:
            case "welcome":
                await self._welcomed(message["epoch"])
            case "ping":
                await self.say({"type": "pong", "t": message["t"]})
            case "navigate":
                await self._navigate(message)
            case "delivery" if message["final"]:
                self.field.sights.write(Sight("told", self.id, message["id"], state=message["state"]))

    async def _welcomed(self, epoch: str) -> None:
        if epoch != self._epoch:
            self._epoch = epoch
            self._shown.clear()
            self._newest.clear()
            self.field.sights.write(Sight("epoch", self.id, state=epoch))
        unsent, self._unsent = self._unsent, []
        for message in unsent:
            await self.say(message)

    async def _navigate(self, nav: Message) -> None:
        what = (nav["id"], nav["round"])
        restored = nav.get("restored", False)
        self.field.sights.write(self._sight("sent", nav))
        if restored:
            await self.show(nav)
            return
        self.times[what] = self.times.get(what, 0) + 1
        if what in self._shown:
            await self.shown_before(nav)
        elif nav["seq"] >= self._newest.get(nav["displayIndex"], 0):
            self._newest[nav["displayIndex"]] = nav["seq"]
            await self.navigated(nav)

    # --- what a temper is made of ---------------------------------------------------------------------------------

    async def navigated(self, nav: Message) -> None:
        """A document that it has not shown yet."""
        await self.ack(nav, "received")
        await self.show(nav)

    async def shown_before(self, nav: Message) -> None:
        await self.ack_shown(nav)

    async def show(self, nav: Message) -> None:
        """Puts it on the monitor, unless something newer has come since, and says so."""
        restored = nav.get("restored", False)
        if not restored and nav["seq"] < self._newest.get(nav["displayIndex"], 0):
            return
        what = (nav["id"], nav["round"])
        if restored or what not in self._shown:
            self.field.sights.write(self._sight("showed", nav))
            self._shown.add(what)
        await self.ack_shown(nav)

    async def ack(self, nav: Message, status: str, **members: Any) -> None:
        await self.say({"type": "ack", "id": nav["id"], "status": status, **members})

    async def ack_shown(self, nav: Message) -> None:
        await self.ack(nav, "shown", display={"index": nav["displayIndex"]}, url=nav["url"])

    async def say(self, message: Message) -> None:
        """Says it now, or an ack after the next welcome if nobody is there."""
        try:
            if self._socket is None:
                raise ConnectionError
            await self._socket.send_json(message)
        except GONE:
            if message["type"] == "ack" and len(self._unsent) < 50:
                self._unsent.append(message)

    def after(self, seconds: float, do: Callable[[], Awaitable[None]]) -> None:
        """Does it later, whatever becomes of the connection."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await do()

        task = asyncio.create_task(wait())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _sight(self, kind: Any, nav: Message) -> Sight:
        return Sight(
            kind, self.id, nav["id"], nav["displayIndex"], nav["round"], nav["seq"], nav.get("restored", False)
        )

    def abandon(self) -> None:
        """Drops the wire without a word."""
        if self._socket is not None and (transport := self._socket.get_extra_info("transport")) is not None:
            transport.abort()
