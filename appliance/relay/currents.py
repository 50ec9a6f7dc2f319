"""What each lane shows now, so that a monitor that comes back gets its work order again."""

from __future__ import annotations

import sqlite3

from appliance.core.delivery import Delivery
from appliance.storage import currents as table
from appliance.storage.currents import Current
from appliance.storage.database import Database, Gathered

Lane = tuple[str, int]


class Currents:
    """The current document of every lane, in memory and written through with the next commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_lane: dict[Lane, Current] = {}
        self._changed: set[Lane] = set()
        database.attach(self._gather)

    async def start(self) -> None:
        for current in await self._database.read(table.load):
            self._by_lane[current.screen_id, current.display_index] = current

    def get(self, screen_id: str, display_index: int) -> Current | None:
        return self._by_lane.get((screen_id, display_index))

    def of_screen(self, screen_id: str) -> list[Current]:
        """What the screen's displays show, newest first."""
        found = [current for (screen, _), current in self._by_lane.items() if screen == screen_id]
        return sorted(found, key=lambda current: -current.at)

    def ended(self, delivery: Delivery, at: int) -> None:
        """`delivery` has ended shown or received: it is what its lane shows."""
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
        for lane in [lane for lane in self._by_lane if lane[0] == screen_id and display_index in (None, lane[1])]:
            del self._by_lane[lane]
            self._mark(lane)

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
