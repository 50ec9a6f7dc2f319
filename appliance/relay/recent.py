"""The newest scans with their times, for the live page."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from appliance.core.delivery import Delivery

KEEP = 20


class Recent:
    """The newest deliveries, open or not, newest first."""

    def __init__(self) -> None:
        self._newest: deque[Delivery] = deque(maxlen=KEEP)

    def load(self, deliveries: list[Delivery]) -> None:
        """What was there before the start, newest first."""
        self._newest.extend(deliveries)

    def accepted(self, delivery: Delivery) -> None:
        self._newest.appendleft(delivery)

    def ended(self, delivery: Delivery) -> None:
        """Takes the newest state of a delivery that was read anew from disk."""
        for index, known in enumerate(self._newest):
            if known.pk == delivery.pk:
                self._newest[index] = delivery
                return

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._newest)
