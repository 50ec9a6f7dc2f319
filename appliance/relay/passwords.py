"""Passwords: argon2id in threads of its own, few at once, so that guessing never slows the scans down.

Whoever isn't a stranger goes first: strangers could keep the threads busy all day. They have their turn in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import Problem

T = TypeVar("T")

AT_ONCE = 2
MAX_WAITING = 16
"""Hashes running or waiting; past it a sign-in is refused with `RATE_LIMITED`."""
KEPT_FREE = 4
"""Of these, for whoever isn't a stranger."""
IN_A_ROW: Final = 3
"""So many go before a stranger who waits."""
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
        self._running = 0
        self._known: deque[asyncio.Future[None]] = deque()
        self._strangers: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The encoded form to keep."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, encoded: str | None, password: str, *, stranger: bool = False) -> bool:
        """Whether `password` is the one; with None (no such user) it takes as long and is never."""
        if encoded is None and not self._nobody:
            self._nobody = await self._run(lambda: self._hasher.hash("nobody"), stranger)
        return await self._run(lambda: self._matches(encoded or self._nobody, password), stranger) and (
            encoded is not None
        )

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], stranger: bool = False) -> T:
        most = MAX_WAITING - KEPT_FREE if stranger else MAX_WAITING
        if self._running + len(self._known) + len(self._strangers) >= most:
            raise Problem("RATE_LIMITED", "Too many sign-ins at once.", values={"seconds": 2}, retry_after=2)
        loop = asyncio.get_running_loop()
        queue = self._strangers if stranger else self._known
        turn = loop.create_future()
        queue.append(turn)
        self._call_next()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had its turn, and takes it no more
                self._ended()
            elif turn in queue:
                queue.remove(turn)
            raise
        made = self._threads.submit(work)

        def ended(_made: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before
                loop.call_soon_threadsafe(self._ended)

        made.add_done_callback(ended)  # a thread stays busy also when nobody waits for it any more
        return await asyncio.wrap_future(made)

    def _ended(self) -> None:
        self._running -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self._running < AT_ONCE and (self._known or self._strangers):
            stranger = not self._known or (bool(self._strangers) and self._in_a_row >= IN_A_ROW)
            turn = (self._strangers if stranger else self._known).popleft()
            if turn.cancelled():
                continue
            self._in_a_row = 0 if stranger else self._in_a_row + 1
            self._running += 1
            turn.set_result(None)


def _step_back() -> None:
    """Lowers the priority of the thread that calls it, where a thread has one of its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
