"""The register of open deliveries: by id, by lane, and by when their time to live ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from appliance.core.delivery import Delivery, Happening, State
from appliance.core.lanes import Lane
from appliance.relay.sessions import Session

Key = tuple[str, str]
_ENDED_KEPT = 1_000
"""Rows that have ended and still stand among the deadlines, before they are weeded out."""


def key_of(delivery_id: str) -> Key:
    """A delivery's id, `<trigger id>:<screen id>`, as the register's key: trigger ids differ by more than case."""
    trigger_id, _, screen_id = delivery_id.rpartition(":")
    return trigger_id.lower(), screen_id


class Row:
    """An open delivery with what only matters while the appliance runs. Times are the event loop's, in seconds."""

    __slots__ = (
        "accepted",
        "arrived",
        "backing_off",
        "deadline",
        "delivery",
        "held",
        "origins",
        "sends",
        "sent_at",
        "session",
        "timer",
        "withheld",
    )

    def __init__(self, delivery: Delivery, arrived: float, deadline: float) -> None:
        self.delivery = delivery
        self.arrived = arrived
        """When its trigger came in; "scan to shown" counts from here."""
        self.deadline = deadline
        self.accepted: float | None = None
        """When it was committed, where that was in this run."""
        self.origins: tuple[str, ...] = ()
        """Ids of the sessions that sent the trigger, or sent it again after a lost answer: they hear how it ends."""
        self.session: Session | None = None
        """The session it was last written to, or whose ack it lives by."""
        self.sends = 0
        self.sent_at: float | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.backing_off = False
        self.held = False
        self.withheld: list[Happening] | None = None
        """What has happened to it while its cancelling is on its way to the disk; None where none is."""

    @property
    def key(self) -> Key:
        return self.delivery.trigger_id.lower(), self.delivery.screen_id

    @property
    def waits(self) -> bool:
        """Whether it is pending, and nobody has asked for its end."""
        return self.delivery.state is State.PENDING and self.withheld is None

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Opened:
    """All open deliveries."""

    def __init__(self) -> None:
        self._rows: dict[Key, Row] = {}
        self._lanes: dict[str, dict[int, Lane[Row]]] = {}
        self._deadlines: list[tuple[float, int, Row]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def get(self, key: Key) -> Row | None:
        return self._rows.get(key)

    def add(self, row: Row) -> None:
        self._rows[row.key] = row
        self.lane(row.delivery.screen_id, row.delivery.display_index).add(row)
        self.expire_at(row, row.deadline)

    def remove(self, row: Row) -> None:
        del self._rows[row.key]
        self.lane(row.delivery.screen_id, row.delivery.display_index).remove(row)
        if len(self._deadlines) > 2 * len(self._rows) + _ENDED_KEPT:
            self._deadlines = [entry for entry in self._deadlines if not entry[2].delivery.final]
            heapify(self._deadlines)

    def lane(self, screen_id: str, display_index: int) -> Lane[Row]:
        """The lane, made when there is none yet."""
        lanes = self._lanes.get(screen_id)
        if lanes is None:
            lanes = self._lanes[screen_id] = {}
        lane = lanes.get(display_index)
        if lane is None:
            lane = lanes[display_index] = Lane()
        return lane

    def lanes_of(self, screen_id: str) -> list[Lane[Row]]:
        return list(self._lanes.get(screen_id, {}).values())

    def lanes(self) -> dict[tuple[str, int], Lane[Row]]:
        """Every lane there is, by screen and display."""
        return {(screen, index): lane for screen, lanes in self._lanes.items() for index, lane in lanes.items()}

    def of_screen(self, screen_id: str) -> list[Row]:
        return [row for lane in self.lanes_of(screen_id) for row in lane.rows]

    def awaiting(self) -> list[Row]:
        """Those whose order is not known yet."""
        return [row for row in self._rows.values() if row.delivery.state is State.AWAITING_ORDER]

    def forget_screen(self, screen_id: str) -> None:
        """The screen is gone for good, with its lanes but for those where one stands that is being cancelled."""
        standing = {index: lane for index, lane in self._lanes.pop(screen_id, {}).items() if lane.rows}
        if standing:
            self._lanes[screen_id] = standing

    def expire_at(self, row: Row, moment: float) -> None:
        heappush(self._deadlines, (moment, id(row), row))

    def expired(self, now: float) -> list[Row]:
        """Those whose time is over and that are still open; each is given once."""
        found = []
        while self._deadlines and self._deadlines[0][0] <= now:
            row = heappop(self._deadlines)[2]
            if not row.delivery.final and row.deadline <= now:
                found.append(row)
        return found
