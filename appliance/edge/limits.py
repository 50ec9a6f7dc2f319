"""How much anyone may ask of the appliance: strangers by their address, everyone else by who they are."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from appliance.core.networks import THIS_MACHINE, counted
from appliance.core.rate import Rate
from appliance.edge.outside import Outside
from appliance.errors import too_many
from appliance.metrics import Metrics
from appliance.relay.principal import Principal

REFUSAL_SECONDS = 1.0
"""How long a stranger waits for its refusal, and so for its next try on that connection: refusing costs as much as
answering."""
_STRANGERS: Final = (200.0, 5_000)
"""A second and at once, of one address: a hall's browsers start together, and fetch a dozen files each."""
_OF_ONE: Final = {"user": (500.0, 5_000), "screen": (500.0, 5_000), "key": (3_000.0, 30_000)}
"""A second and at once, of one account, screen or key. A request may hold 500 triggers; a key that has gone wild leaves
room for the others."""


class Limits:
    """`known` tells from memory who is asking, None for whoever isn't known or not yet."""

    def __init__(
        self,
        *,
        known: Callable[[web.Request], Principal | None],
        metrics: Metrics,
        outside: Outside,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known = known
        self._metrics = metrics
        self._outside = outside
        self._clock = clock
        self._strangers = Rate(per_second=_STRANGERS[0], burst=_STRANGERS[1])
        self._of = {kind: Rate(per_second=rate, burst=burst) for kind, (rate, burst) in _OF_ONE.items()}

    async def check(self, request: web.Request) -> None:
        """Counts a request. Raises `RATE_LIMITED`."""
        if not request.remote:  # the control socket
            return
        principal = self._known(request)
        if principal is None:
            await self._stranger(request)
            return
        wait = self._of[principal.kind].take(principal.subject, self._clock())
        if wait:
            self._metrics.limit(principal.kind)
            raise too_many(math.ceil(wait))

    async def _stranger(self, request: web.Request) -> None:
        address = self._outside.address(request)
        if address in THIS_MACHINE:
            return
        now = self._clock()
        for key, share in counted(address):
            wait = self._strangers.take(key, now, 1 / share)
            if wait:
                self._metrics.limit("address")
                await asyncio.sleep(REFUSAL_SECONDS)
                raise too_many(math.ceil(wait))
