"""The cards that lead to the LAN, a segment each, as they come, change and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from zeroconf import ServiceInfo

from appliance.adapters.mdns.cards import Card
from appliance.adapters.mdns.packets import Told
from appliance.adapters.mdns.reasons import Reason
from appliance.adapters.mdns.segment import Segment

_RETRY_SECONDS = 5.0
Place = tuple[str, int]


class Segments:
    """`hear` gets what is said on any of them, with the segment."""

    def __init__(self, hear: Callable[[Segment, Told], None]) -> None:
        self._hear = hear
        self._there: dict[Place, Segment] = {}
        self._held: set[Segment] = set()
        """Whatever may have sockets, also where it was cut off halfway in or out of `_there`."""
        self._troubles: dict[Place, tuple[Reason, float]] = {}

    def all(self) -> list[Segment]:
        return list(self._there.values())

    def announced(self) -> list[Segment]:
        """Those on which something is announced."""
        return [segment for segment in self._there.values() if segment.info is not None]

    def troubles(self) -> list[tuple[str, Reason]]:
        """The cards that could not be used, and why."""
        return [(name, reason) for (name, _), (reason, _) in self._troubles.items()]

    async def follow(self, cards: list[Card], info: Callable[[Card], ServiceInfo]) -> None:
        """Opens, replaces and closes segments to fit `cards`. `info` is what to announce on one in place of what was
        announced there."""
        there = {(card.name, card.number): card for card in cards}
        gone = [self._there.pop(place) for place in self._there.keys() - there.keys()]
        await asyncio.gather(*map(self._close, gone))
        now = time.monotonic()
        self._troubles = {place: trouble for place, trouble in self._troubles.items() if place in there}
        for place, card in there.items():
            old = self._there.get(place)
            if (old is not None and old.card == card) or self._troubles.get(place, (None, 0.0))[1] > now:
                continue
            await self._open(place, card, old, info)

    async def leave(self) -> None:
        """Closes everything."""
        self._there.clear()
        await asyncio.gather(*map(self._close, self._held))

    async def _open(self, place: Place, card: Card, old: Segment | None, info: Callable[[Card], ServiceInfo]) -> None:
        segment = Segment(card, self._hear)
        self._held.add(segment)
        reason = await segment.open()
        if reason is not None:
            await self._close(segment)
            self._troubles[place] = reason, time.monotonic() + _RETRY_SECONDS
            return
        self._troubles.pop(place, None)
        self._there[place] = segment
        if old is not None:  # the same network: its name is settled, and the new addresses take the old ones' place
            if old.info is not None:
                await segment.announce(info(card))
            await self._close(old, goodbye=False)

    async def _close(self, segment: Segment, *, goodbye: bool = True) -> None:
        await segment.close(goodbye=goodbye)
        self._held.discard(segment)
