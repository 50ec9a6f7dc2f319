"""The newest scans with their times, for the live page."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.delivery import Delivery

KEEP = 20


class Recent:
    """The newest deliveries, open or not, newest first."""

    def __init__(self) -> None:
        self._by_key: dict[int, Delivery] = {}
        """Oldest first."""

    def load(self, deliveries: list[Delivery]) -> None:
        """What was there before the start, newest first."""
        for delivery in reversed(deliveries):
            self.accepted(delivery)

    def accepted(self, delivery: Delivery) -> None:
        self._by_key[delivery.pk] = delivery
        if len(self._by_key) > KEEP:
            del self._by_key[next(iter(self._by_key))]

    def ended(self, delivery: Delivery) -> None:
        """Takes the newest state of a delivery that was read anew from disk."""
        if delivery.pk in self._by_key:
            self._by_key[delivery.pk] = delivery

    def __iter__(self) -> Iterator[Delivery]:
        return reversed(list(self._by_key.values()))
