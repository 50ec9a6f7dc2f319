"""Callers that hold their answer until every delivery of a trigger is final (`?wait=shown`)."""

from __future__ import annotations

import asyncio

from appliance.core.delivery import Delivery

_WORST_FIRST = ("dead", "timeout", "superseded", "received", "shown")


class Waits:
    """Who waits for which trigger. A wait must begin before the trigger's deliveries can end."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self.stopped = False
        """Whether answers are no longer held."""

    def begin(self, trigger_id: str) -> asyncio.Event:
        """An event that is set whenever a delivery of this trigger has become final."""
        event = asyncio.Event()
        self._waiting.setdefault(trigger_id.lower(), set()).add(event)
        return event

    def end(self, trigger_id: str, event: asyncio.Event) -> None:
        waiting = self._waiting.get(trigger_id.lower())
        if waiting is not None:
            waiting.discard(event)
            if not waiting:
                del self._waiting[trigger_id.lower()]

    def stop(self) -> None:
        """The appliance stops: whoever waits is answered with what there is."""
        self.stopped = True
        for waiting in self._waiting.values():
            for event in waiting:
                event.set()

    def final(self, delivery: Delivery) -> None:
        for event in self._waiting.get(delivery.trigger_id.lower(), ()):
            event.set()


def result(deliveries: list[Delivery]) -> str:
    """The worst of the deliveries' ends: dead, timeout (not final yet), superseded, received, shown."""
    ends = {d.state.value if d.final else "timeout" for d in deliveries}
    return next((end for end in _WORST_FIRST if end in ends), "shown")
