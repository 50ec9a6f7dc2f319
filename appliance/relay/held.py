"""Answers held open for somebody (a live page, an export, `?wait=shown`), ended at once when his credential is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from appliance.errors import Problem
from appliance.relay.principal import Ended, Principal
from appliance.relay.sessions import grace_of, seconds_left


class Held:
    """Knows what is held for whom. `now` gives milliseconds since the epoch."""

    def __init__(self, *, now: Callable[[], int]) -> None:
        self._now = now
        self._open: dict[asyncio.Timeout, Principal] = {}

    def __len__(self) -> int:
        return len(self._open)

    @asynccontextmanager
    async def while_good(self, principal: Principal) -> AsyncIterator[None]:
        """What is awaited inside is broken off when the credential of `principal` ends or may do less than it might.
        Raises `TOKEN_EXPIRED` then."""
        left = seconds_left(principal, self._now())
        scope = asyncio.timeout(None if left is None else max(0.0, left + grace_of(principal)))
        try:
            async with scope:
                self._open[scope] = principal
                yield
        except TimeoutError:
            if scope.expired():
                raise Problem("TOKEN_EXPIRED") from None
            raise
        finally:
            self._open.pop(scope, None)

    def revoked(self, what: Ended) -> None:
        """What is held by it is broken off now."""
        now = asyncio.get_running_loop().time()
        for scope, principal in list(self._open.items()):
            if what.covers(principal) and not scope.expired():
                scope.reschedule(now)
