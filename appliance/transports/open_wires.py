"""What an endpoint has open, and how a stop ends it all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from appliance.transports import bounds


class Wire(Protocol):
    """What a stop may have to end."""

    @property
    def worker(self) -> asyncio.Task[None] | None:
        """The task that handles a message now."""
        ...

    def abort(self) -> None:
        """Ends it at once, without a word."""
        ...


W = TypeVar("W", bound=Wire)


class OpenWires(Generic[W]):
    """One endpoint's: it adds those that open, none once this is `stopping`, and discards those that have ended."""

    def __init__(self) -> None:
        self._open: set[W] = set()
        self._last: asyncio.Event | None = None
        self.stopping = False

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[W]:
        """Those that are open now, whatever ends meanwhile."""
        return iter(list(self._open))

    def __contains__(self, wire: W) -> bool:
        return wire in self._open

    def add(self, wire: W) -> None:
        self._open.add(wire)

    def discard(self, wire: W) -> None:
        self._open.discard(wire)
        if self._last is not None and not self._open:
            self._last.set()

    async def stop(self) -> None:
        """To be called once each was closed: lets their clients read what was written last, aborts who hasn't ended by
        then, and waits for what is being handled: each for `CLOSE_SECONDS` at most, however many there are."""
        self.stopping = True
        if self._open:
            self._last = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(bounds.CLOSE_SECONDS):
                    await self._last.wait()
        for wire in self:
            wire.abort()
        workers = [wire.worker for wire in self if wire.worker is not None]
        if workers:
            await asyncio.wait(workers, timeout=bounds.CLOSE_SECONDS)
