"""Whose turn it is: what somebody reads to change it, or is about to make, nobody else touches meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Claims(Generic[K]):
    """Exclusive claims, by key."""

    def __init__(self) -> None:
        self._held: dict[K, asyncio.Event | None] = {}
        """Each with what others wait for, once there are any."""

    def __contains__(self, key: K) -> bool:
        return key in self._held

    def take(self, key: K) -> None:
        """Holds one that nobody holds, until `give`."""
        self._held[key] = None

    def give(self, key: K) -> None:
        done = self._held.pop(key)
        if done is not None:
            done.set()

    async def take_all(self, keys: Collection[K]) -> None:
        """Holds all of `keys` at once, as soon as nobody else holds any of them, until `give_all`."""
        while (busy := next((key for key in keys if key in self._held), None)) is not None:
            done = self._held[busy]
            if done is None:
                done = self._held[busy] = asyncio.Event()
            await done.wait()
        for key in set(keys):
            self.take(key)

    def give_all(self, keys: Collection[K]) -> None:
        for key in set(keys):
            self.give(key)

    @contextlib.asynccontextmanager
    async def of(self, keys: Collection[K]) -> AsyncIterator[None]:
        """`take_all`, and `give_all` at the end."""
        await self.take_all(keys)
        try:
            yield
        finally:
            self.give_all(keys)
