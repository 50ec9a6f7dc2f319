"""A lane, one display of one screen: who stands in it, in accepted order, and who is next."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from appliance.core.delivery import Delivery, State

MAX_OPEN = 1_000
"""Open deliveries of a lane; past it a trigger for it is refused with `QUEUE_FULL`."""

_ON_THE_WAY = frozenset({State.SENT, State.RECEIVED})


class Standing(Protocol):
    """Anything that stands in a lane for a delivery."""

    delivery: Delivery


R = TypeVar("R", bound=Standing)


class Lane(Generic[R]):
    """The open deliveries of one lane by `seq`.

    `newest` is the highest `seq` that ever became pending in it; `expected` counts places kept for what is about to be
    committed. `sent` is the highest that may have been sent: a screen ignores what comes with a lower one, so that an
    older one whose order was found late goes out with this. Its own stays as it was accepted, for what is accepted in
    the same moment has its number already and must count as newer. After a restart `sent` is the highest there ever
    was in the lane: one that awaits its order, or has ended as if it had, may have gone out just before, and what was
    sent with its number once may be sent with no lower one after a second restart.
    """

    __slots__ = ("expected", "newest", "rows", "sent")

    def __init__(self) -> None:
        self.rows: list[R] = []
        self.newest = 0
        self.sent = 0
        self.expected = 0

    def add(self, row: R) -> None:
        """Takes `row` in at its place."""
        index = len(self.rows)
        while index and self.rows[index - 1].delivery.seq > row.delivery.seq:
            index -= 1
        self.rows.insert(index, row)

    def remove(self, row: R) -> None:
        self.rows.remove(row)

    def head(self) -> R | None:
        """Whose turn it is: who is on the way already, else the oldest whose order is known. One that waits for its
        order holds nobody back, and when it is found it waits for what has gone out meanwhile."""
        head = None
        for row in self.rows:
            state = row.delivery.state
            if state in _ON_THE_WAY:
                return row
            if head is None and state is not State.AWAITING_ORDER:
                head = row
        return head

    def older(self, row: R) -> list[R]:
        """Those that were accepted before `row`."""
        return [other for other in self.rows if other.delivery.seq < row.delivery.seq]

    def overtaken(self, delivery: Delivery) -> bool:
        """Whether a newer one has become pending since."""
        return self.newest > delivery.seq

    def has_newer(self, delivery: Delivery) -> bool:
        """Whether one that was accepted later is still open, or may be on its way to the disk."""
        return self.expected > 0 or any(row.delivery.pk > delivery.pk for row in self.rows)
