"""Passwords: argon2id in threads of its own, few at once, so that guessing never slows the scans down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
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
KEPT_FREE = 4
"""Of these, for whoever isn't a stranger."""
_NICE = 5
"""Behind everything else on the machine: two threads that hash are two cores."""


def standard() -> PasswordHasher:
    """64 MB and three passes, on one core: about 0.15 s."""
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


class Passwords:
    """Hashes and verifies. `close` when done."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or standard()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2", initializer=_step_back)
        self._busy = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The encoded form to keep."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, encoded: str | None, password: str, *, stranger: bool = False) -> bool:
        """Whether `password` is the one; with None (no such user) it takes as long and is never."""
        most = MAX_WAITING - KEPT_FREE if stranger else MAX_WAITING
        if encoded is None and not self._nobody:
            self._nobody = await self._run(lambda: self._hasher.hash("nobody"), most)
        return await self._run(lambda: self._matches(encoded or self._nobody, password), most) and encoded is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], most: int = MAX_WAITING) -> T:
        if self._busy >= most:
            raise Problem("RATE_LIMITED", "Too many sign-ins at once.", values={"seconds": 2}, retry_after=2)
        self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._done)
        return await future

    def _done(self, _future: object) -> None:
        self._busy -= 1


def _step_back() -> None:
    """Lowers the priority of the thread that calls it, where a thread has one of its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
