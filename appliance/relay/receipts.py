"""What a sender is told of a trigger: how its deliveries are, and the answers to those that come again."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.delivery import Delivery
from appliance.errors import Problem
from appliance.metrics import Metrics
from appliance.relay.opened import Opened, key_of
from appliance.relay.sessions import Session
from appliance.storage.outbox import Accepted, Outbox
from appliance.storage.rows import TriggerRecord

MAX_ORIGINS = 4
"""Earlier sessions of a sender that are kept beside its newest."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is told: the trigger's id as it was first sent, and its deliveries as they are now."""

    id: str
    duplicate: bool
    deliveries: list[Delivery]

    def body(self) -> dict[str, object]:
        """The contract's 202 body."""
        return {
            "id": self.id,
            "status": "accepted",
            "duplicate": self.duplicate,
            "deliveries": [summary(delivery) for delivery in self.deliveries],
        }


Answer = Receipt | Problem


def summary(delivery: Delivery) -> dict[str, object]:
    """A delivery as answers list it."""
    found: dict[str, object] = {
        "id": delivery.id,
        "screenId": delivery.screen_id,
        "state": delivery.state.value,
        "final": delivery.final,
    }
    if delivery.code is not None:
        found["code"] = delivery.code
    return found


class Receipts:
    """Answers for triggers that are on disk already."""

    def __init__(self, outbox: Outbox, opened: Opened, metrics: Metrics) -> None:
        self._outbox = outbox
        self._opened = opened
        self._metrics = metrics

    async def deliveries(self, trigger_id: str) -> list[Delivery]:
        """All deliveries of a trigger as they are now; an end counts when it is on disk.

        While the storage refuses to write: as it has them, and the open ones as they are in memory. Raises
        `STORAGE_UNAVAILABLE` when it can't be read either.
        """
        try:
            return await self._outbox.of_trigger(trigger_id)
        except Problem:
            return self.as_open(await self._outbox.of_trigger(trigger_id, saved=False))

    def as_open(self, deliveries: list[Delivery]) -> list[Delivery]:
        """`deliveries`, and in the place of those that are open what they are now."""
        rows = [self._opened.get(key_of(delivery.id)) for delivery in deliveries]
        return [d if row is None else row.delivery for d, row in zip(deliveries, rows, strict=True)]

    async def repeat(self, record: TriggerRecord, origin: Session | None) -> Answer:
        """The present state; a problem where it can't even be read. Of what is open, `origin` hears the end as well as
        whoever sent it first: that one's connection may be gone."""
        try:
            deliveries = await self.deliveries(record.id)
            if origin is not None and not self._hears(deliveries, origin):
                deliveries = await self.deliveries(record.id)  # one has ended meanwhile
        except Problem as problem:
            return problem
        self._metrics.duplicates += 1
        return Receipt(record.id, True, deliveries)

    def _hears(self, deliveries: list[Delivery], origin: Session) -> bool:
        """False where one of them isn't open any more."""
        rows = [self._opened.get(key_of(delivery.id)) for delivery in deliveries if not delivery.final]
        for row in rows:
            if row is not None and origin.id not in row.origins:
                row.origins = (*row.origins[-MAX_ORIGINS:], origin.id)
        return None not in rows

    async def recalled(self, records: list[TriggerRecord], origin: Session | None) -> list[Answer | None]:
        """The answers to those of these that are repeats, by reading alone, so that a disk that takes no more refuses
        only what is new; None for what is new."""
        try:
            found = await self._outbox.recall(records)
        except Problem as problem:
            return [problem] * len(records)
        return [await self.repeat(known.record, origin) if isinstance(known, Accepted) else known for known in found]
