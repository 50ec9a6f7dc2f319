"""What each lane shows now, so that a monitor that comes back gets its work order again."""

from __future__ import annotations

import asyncio
import math
import sqlite3

from appliance.core.delivery import Delivery, State
from appliance.relay.clock import now_ms
from appliance.storage import currents as table
from appliance.storage.currents import Current
from appliance.storage.database import Database
from appliance.storage.sources import Gathered

Lane = tuple[str, int]
_CLEARING = frozenset({"CANCELLED"})
"""Codes with which a delivery's end has put its document away."""
_JUMP_MS = 1000


class Currents:
    """The current document of every lane, in memory and written through with the next commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_lane: dict[Lane, Current] = {}
        self._shown_at: dict[Lane, float] = {}
        """When each was shown by the loop's time, whatever the wall clock has done since."""
        self._cleared: dict[tuple[str, int | None], tuple[float, int]] = {}
        """When a lane, or with None all of a screen, was last cleared: by the loop's time and by the wall clock."""
        self._changed: set[Lane] = set()
        database.attach(self._gather)

    async def start(self) -> None:
        found = await self._database.read(table.load)
        now, wall = asyncio.get_running_loop().time(), now_ms()
        for current in found:
            lane = (current.screen_id, current.display_index)
            self._by_lane[lane] = current
            # The clock was set back while nobody looked: nobody can tell how old it is.
            self._shown_at[lane] = now - (wall - current.at) / 1000 if current.at <= wall else -math.inf

    def get(self, screen_id: str, display_index: int) -> Current | None:
        return self._by_lane.get((screen_id, display_index))

    def of_screen(self, screen_id: str) -> list[Current]:
        """What the screen's displays show, newest first."""
        lanes = sorted((lane for lane in self._by_lane if lane[0] == screen_id), key=lambda lane: -self._shown_at[lane])
        return [self._by_lane[lane] for lane in lanes]

    def age_ms(self, current: Current) -> float:
        """How long ago it was shown, by a clock that doesn't jump; infinite where that can't be told."""
        shown_at = self._shown_at.get((current.screen_id, current.display_index), -math.inf)
        return (asyncio.get_running_loop().time() - shown_at) * 1000

    def ended(self, delivery: Delivery, at: int, sent_at: float | None = None) -> None:
        """`delivery` has ended shown or received: it is what its lane shows, unless the lane was cleared since it was
        sent. `sent_at` is the loop's time of that, None for a word that came after the delivery's end."""
        if self._cleared_since(delivery, sent_at):
            return
        self._shown_at[delivery.lane] = asyncio.get_running_loop().time()
        self._by_lane[delivery.lane] = Current(
            screen_id=delivery.screen_id,
            display_index=delivery.display_index,
            delivery_pk=delivery.pk,
            trigger_id=delivery.trigger_id,
            order_id=delivery.order_id,
            title=delivery.title or "",
            ref=delivery.ref or "",
            content_type=delivery.content_type or "",
            seq=delivery.seq,
            round=delivery.round,
            attempt=delivery.attempt,
            accepted_at=delivery.accepted_at,
            expires_at=delivery.expires_at,
            at=at,
        )
        self._mark(delivery.lane)

    def clear(self, screen_id: str, display_index: int | None = None) -> None:
        """The monitor was blanked, or a refused scan put its document away; None is all displays of the screen."""
        self._cleared[screen_id, display_index] = (asyncio.get_running_loop().time(), now_ms())
        for lane in [lane for lane in self._by_lane if lane[0] == screen_id and display_index in (None, lane[1])]:
            del self._by_lane[lane], self._shown_at[lane]
            self._mark(lane)

    def _cleared_since(self, delivery: Delivery, sent_at: float | None) -> bool:
        marks = [self._cleared.get((delivery.screen_id, index)) for index in (delivery.display_index, None)]
        cleared = max((mark for mark in marks if mark is not None), default=None)
        if sent_at is not None:
            return cleared is not None and sent_at < cleared[0]
        last = next(
            (line for line in reversed(delivery.history) if line.state == State.SENT or line.code in _CLEARING), None
        )
        if last is None or last.state != State.SENT:
            return last is not None
        if cleared is None:
            return False
        # Only wall time is known of that send. Where the clock has jumped since, nothing is shown rather than too much.
        now, wall = asyncio.get_running_loop().time(), now_ms()
        jumped = abs((wall - cleared[1]) - (now - cleared[0]) * 1000) > _JUMP_MS
        return jumped or last.at <= cleared[1]

    def _mark(self, lane: Lane) -> None:
        self._changed.add(lane)
        self._database.wake()

    def _gather(self) -> Gathered:
        if not self._changed:
            return None
        now = [(lane, self._by_lane.get(lane)) for lane in self._changed]
        self._changed = set()

        def job(tx: sqlite3.Connection) -> None:
            for (screen_id, display_index), current in now:
                if current is None:
                    table.delete(tx, screen_id, display_index)
                else:
                    table.save(tx, current)

        return job, _nothing


def _nothing() -> None:
    pass
