"""What happened, for whoever watches: live pages now, alerts later. Nobody is called up; watchers come and read."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from appliance.errors import entry
from appliance.relay.clock import now_ms

KEEP_ERRORS = 10


class RecentError(msgspec.Struct, rename="camel", frozen=True):
    """One row of the contract's `recentErrors`; `timestamp` in ms."""

    timestamp: int
    screen_id: str | None
    error: str
    severity: str


class Events:
    """A bounded record of the newest errors, and a bell that rings when anything a page shows has changed."""

    def __init__(self) -> None:
        self.recent_errors: deque[RecentError] = deque(maxlen=KEEP_ERRORS)
        self.version = 0
        self._bell = asyncio.Event()

    def changed(self) -> None:
        self.version += 1
        self._bell.set()

    def error(self, code: str, screen_id: str | None = None) -> None:
        self.recent_errors.appendleft(RecentError(now_ms(), screen_id, code, entry(code).severity))
        self.changed()

    async def after(self, version: int) -> int:
        """Waits until something has changed since `version`; returns the present one."""
        while self.version == version:
            self._bell.clear()
            await self._bell.wait()
        return self.version
