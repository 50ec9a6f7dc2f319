"""What a client of the tests' own hears, whichever wire it comes by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support import described

Message = dict[str, Any]
PATIENCE = 8.0
"""Seconds that anything may take here which is to happen at once; only a failing test waits as long."""


class Inbox:
    """Everything that was heard is kept in `heard`, in order; `expect` takes messages out of `inbox`."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.inbox: list[Message] = []
        self.misfits: list[str] = []
        """Where the appliance said something else than its description."""
        self._news = asyncio.Condition()

    @property
    def over(self) -> object:
        """What the wire has ended with; nothing while it is open."""
        raise NotImplementedError

    async def close(self) -> None:
        """Hangs up. Calling it again does nothing."""
        raise NotImplementedError

    async def expect(
        self, kind: str, where: Callable[[Message], bool] = lambda _message: True, *, within: float = PATIENCE
    ) -> Message:
        """The next message of this type (for which `where` holds), waiting for it; it leaves the inbox."""

        def find() -> Message | None:
            return next((m for m in self.inbox if m["type"] == kind and where(m)), None)

        await self._until(lambda: find() is not None or bool(self.over), within)
        found = find()
        assert not self.misfits, self.misfits
        assert found is not None, f"no {kind} within {within} s, ended: {self.over}, heard: {self.heard}"
        self.inbox.remove(found)
        return found

    def of(self, kind: str) -> list[Message]:
        """What was heard of this type so far."""
        return [message for message in self.heard if message["type"] == kind]

    async def _take(self, message: Message, description: str) -> None:
        """Something has come, which is to be as the `description` says."""
        self.misfits += described.misfits(message, description)
        async with self._news:
            self.heard.append(message)
            self.inbox.append(message)
            self._news.notify_all()

    async def _ended(self, within: float) -> None:
        await self._until(lambda: bool(self.over), within)
        assert self.over, f"not ended within {within} s, heard: {self.heard}"

    async def _until(self, condition: Callable[[], bool], within: float) -> None:
        """Waits for it, but no longer."""
        async with self._news:
            try:
                async with asyncio.timeout(within):
                    await self._news.wait_for(condition)
            except TimeoutError:
                pass
