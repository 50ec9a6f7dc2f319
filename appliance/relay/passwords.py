"""Passwords: argon2id in threads of its own, few at once, so that guessing never slows the scans down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import Problem

T = TypeVar("T")

AT_ONCE = 2
MAX_WAITING = 16
"""Hashes running or waiting; past it a sign-in is refused with `RATE_LIMITED`."""


def standard() -> PasswordHasher:
    """64 MB and three passes, on one core: about 0.15 s."""
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


class Passwords:
    """Hashes and verifies. `close` when done."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or standard()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._busy = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The encoded form to keep."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether `password` is the one; with None (no such user) it takes as long and is never."""
        if encoded is None:
            self._nobody = self._nobody or await self.hash("nobody")
        return await self._run(lambda: self._matches(encoded or self._nobody, password)) and encoded is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= MAX_WAITING:
            raise Problem("RATE_LIMITED", "Too many sign-ins at once.", values={"seconds": 2}, retry_after=2)
        self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._done)
        return await future

    def _done(self, _future: object) -> None:
        self._busy -= 1
