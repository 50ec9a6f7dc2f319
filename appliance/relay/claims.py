"""Whose turn it is with a delivery that has ended: what one reads to change it, nobody else changes meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection

from appliance.relay.opened import Key


class Claims:
    """Exclusive claims on ended deliveries, by key."""

    def __init__(self) -> None:
        self._held: dict[Key, asyncio.Event] = {}

    @contextlib.asynccontextmanager
    async def of(self, keys: Collection[Key]) -> AsyncIterator[None]:
        """Holds all of `keys` at once, as soon as nobody else holds any of them."""
        while (busy := next((self._held[key] for key in keys if key in self._held), None)) is not None:
            await busy.wait()
        done = asyncio.Event()
        self._held.update(dict.fromkeys(keys, done))
        try:
            yield
        finally:
            for key in set(keys):
                del self._held[key]
            done.set()
