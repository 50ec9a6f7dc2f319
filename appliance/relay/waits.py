"""Callers that hold their answer until every delivery of a trigger is final (`?wait=shown`)."""

from __future__ import annotations

import asyncio

from appliance.core.delivery import Delivery

_WORST_FIRST = ("dead", "timeout", "superseded", "received", "shown")


class Wait:
    """One caller's wait for one trigger: which of its deliveries have ended since."""

    def __init__(self) -> None:
        self.ended: dict[str, Delivery] = {}
        self._news = asyncio.Event()

    def tell(self, delivery: Delivery | None = None) -> None:
        """A delivery has become final, or waiting is over."""
        if delivery is not None:
            self.ended[delivery.id] = delivery
        self._news.set()

    async def news(self) -> None:
        """Returns when something has been told since the last time."""
        await self._news.wait()
        self._news.clear()


class Waits:
    """Who waits for which trigger. A wait must begin before the trigger's deliveries can end."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[Wait]] = {}
        self.stopped = False
        """Whether answers are no longer held."""

    def begin(self, trigger_id: str) -> Wait:
        wait = Wait()
        self._waiting.setdefault(trigger_id.lower(), set()).add(wait)
        return wait

    def end(self, trigger_id: str, wait: Wait) -> None:
        waiting = self._waiting.get(trigger_id.lower())
        if waiting is not None:
            waiting.discard(wait)
            if not waiting:
                del self._waiting[trigger_id.lower()]

    def stop(self) -> None:
        """The appliance stops: whoever waits is answered with what there is."""
        self.stopped = True
        for waiting in self._waiting.values():
            for wait in waiting:
                wait.tell()

    def final(self, delivery: Delivery) -> None:
        if self._waiting:
            for wait in self._waiting.get(delivery.trigger_id.lower(), ()):
                wait.tell(delivery)

    async def all_final(self, wait: Wait, deliveries: list[Delivery], seconds: float) -> list[Delivery] | None:
        """`deliveries` once all of them are final; None when the time is up or the appliance stops before."""
        open_ones = {delivery.id for delivery in deliveries if not delivery.final}
        try:
            async with asyncio.timeout(seconds):
                while open_ones := open_ones - wait.ended.keys():
                    if self.stopped:
                        return None
                    await wait.news()
        except TimeoutError:
            return None
        return [wait.ended.get(delivery.id, delivery) for delivery in deliveries]


def result(deliveries: list[Delivery]) -> str:
    """The worst of the deliveries' ends: dead, timeout (not final yet), superseded, received, shown."""
    ends = {d.state.value if d.final else "timeout" for d in deliveries}
    return next((end for end in _WORST_FIRST if end in ends), "shown")
