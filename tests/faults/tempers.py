"""The tempers that make a screen hard to serve, and the plant that has one of each."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum
from typing import Any, ClassVar

import aiohttp

from tests.faults.screens import Message, Screen

TEMPORARY = ("DOCUMENT_LOAD_FAILED", "CLIENT_FAILED", "INTERNAL_ERROR", None)
DEAD_SECONDS = 1.0
"""For which a link stays half open: longer than the appliance needs to notice."""
FINAL = ("DISPLAY_PERMISSION_DENIED", "DOCUMENT_URL_REFUSED", "DOCUMENT_NOT_FRAMEABLE", "DOCUMENT_TYPE_UNSUPPORTED")


def die(delivery_id: str, sides: int) -> int:
    """Chance that falls the same way each time for one delivery: 0 to `sides` - 1."""
    return sum(delivery_id.encode()) % sides


class Slow(Screen):
    """Holds a document for a moment before it is on the monitor."""

    async def navigated(self, nav: Message) -> None:
        await self.ack(nav, "received")
        self.after(self.random.uniform(0.01, 0.06), lambda: self.show(nav))


class Holder(Screen):
    """An old client without `shown`: that it holds the document is all it can say."""

    capabilities: ClassVar[list[str]] = []

    async def navigated(self, nav: Message) -> None:
        self.field.sights.write(self._sight("held", nav))
        await self.ack(nav, "received")

    async def show(self, nav: Message) -> None:
        pass


class Staller(Screen):
    """Reads and says nothing until a document has been sent two or three times; some it has shown by then."""

    async def navigated(self, nav: Message) -> None:
        if self._had_enough(nav):
            await self.show(nav)
        elif self.random.random() < 0.5:
            self._show_silently(nav)

    async def shown_before(self, nav: Message) -> None:
        if self._had_enough(nav):
            await self.ack_shown(nav)

    def _had_enough(self, nav: Message) -> bool:
        return self.times[nav["id"], nav["round"]] > 1 + die(nav["id"], 2)

    def _show_silently(self, nav: Message) -> None:
        self.field.sights.write(self._sight("showed", nav))
        self._shown.add((nav["id"], nav["round"]))


class Fate(Enum):
    """What a `Nacker` does with a document the first time it sees it."""

    REFUSED = "for good"
    FAILED = "once or twice"
    UNPLUGGED = "until its monitor is back"
    SHOWN = "nothing fails"


class Nacker(Screen):
    """Fails: some documents for good, others once or twice, and now and then its monitor is unplugged for a moment."""

    displays: ClassVar[list[Message] | None] = [{"index": 0}, {"index": 1}]

    @staticmethod
    def fate(delivery_id: str) -> Fate:
        luck = die(delivery_id, 20)
        return Fate.REFUSED if luck < 2 else Fate.FAILED if luck < 8 else Fate.UNPLUGGED if luck < 9 else Fate.SHOWN

    async def navigated(self, nav: Message) -> None:
        fate, times = self.fate(nav["id"]), self.times[nav["id"], nav["round"]]
        if fate is Fate.REFUSED:
            await self.ack(nav, "failed", code=self.random.choice(FINAL), detail="the monitor says no")
        elif fate is Fate.FAILED and times <= 1 + die(nav["id"], 2):
            code = self.random.choice(TEMPORARY)
            await self.ack(nav, "failed", **({"code": code} if code else {}))
        elif fate is Fate.UNPLUGGED and times == 1:
            await self.ack(nav, "failed", code="DISPLAY_NOT_AVAILABLE")
            self.after(0.03, lambda: self.say({"type": "displays", "displays": self.displays}))
        else:
            await super().navigated(nav)


class Liar(Screen):
    """Acks twice, late, without evidence, and what belongs to others or to nobody; what it shows it has shown."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self._last: Message | None = None

    async def navigated(self, nav: Message) -> None:
        trigger = nav["id"].rpartition(":")[0]
        for other in (f"{trigger}:S-PROMPT", f"{trigger}:S-STALLER", f"{trigger}:S-ABSENT", f"{trigger}:nobody"):
            await self.ack_shown({**nav, "id": other})
        await self.ack(nav, "shown")  # no evidence: it isn't believed
        if self._last is not None:
            await self.ack_shown(self._last)
            await self.ack(self._last, "failed", code="CLIENT_FAILED")
        await self.ack(nav, "received")
        await self.show(nav)
        await self.show(nav)
        self.after(self.random.uniform(0.01, 0.4), lambda: self.ack_shown(nav))
        self._last = nav


class Wanderer(Screen):
    """Comes and goes, politely or not, and sometimes stands in the door twice."""

    async def session(self) -> None:
        stay = None if self.field.calm.is_set() else self.random.uniform(0.02, 0.3)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(stay):
                if self.random.random() < 0.2:
                    async with self.field.socket() as first:
                        await self.greet(first)
                        await super().session()
                await super().session()
        if self.random.random() < 0.5:
            self.abandon()
        if not self.field.calm.is_set():
            await asyncio.sleep(self.random.uniform(0.01, 0.15))


class HalfOpen(Screen):
    """Every other connection goes dead after a moment: nothing is read or answered, and nobody closes it."""

    _odd = False

    async def session(self) -> None:
        self._odd = not self._odd
        if self.field.calm.is_set() or not self._odd:
            await super().session()
            return
        async with self.field.socket() as socket:
            await self.greet(socket)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    async for frame in socket:
                        if frame.type is aiohttp.WSMsgType.TEXT:
                            await self.hear(frame.json())
            self._socket = None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.field.calm.wait(), DEAD_SECONDS)
            if (transport := socket.get_extra_info("transport")) is not None:
                transport.abort()


class Latecomer(Screen):
    """Off until the run is calm: everything for it has to outlast every kill."""

    async def run(self) -> None:
        await self.field.calm.wait()
        await super().run()


class Absent(Screen):
    """Never comes."""

    async def run(self) -> None:
        return


PLANT: dict[str, tuple[type[Screen], list[str]]] = {
    "S-PROMPT": (Screen, ["line-1"]),
    "S-SLOW": (Slow, ["line-1"]),
    "S-HOLDER": (Holder, ["line-1"]),
    "S-STALLER": (Staller, ["line-2"]),
    "S-NACKER": (Nacker, ["line-2"]),
    "S-LIAR": (Liar, ["line-2"]),
    "S-WANDERER": (Wanderer, ["line-3"]),
    "S-HALFOPEN": (HalfOpen, ["line-3"]),
    "S-LATECOMER": (Latecomer, ["line-3"]),
    "S-ABSENT": (Absent, []),
}
AWAY = {screen_id for screen_id, (temper, _) in PLANT.items() if temper is Absent}


def reach(target: str) -> set[str]:
    """The screens a target of the run means."""
    if target == "*":
        return set(PLANT)
    kind, _, name = target.partition(":")
    if kind == "group":
        return {screen_id for screen_id, (_, groups) in PLANT.items() if name in groups}
    return {s for s in PLANT if (s.startswith(name[:-1]) if name.endswith("*") else s == name)}
