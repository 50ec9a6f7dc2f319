"""What the writer's thread does: group after group out of the queue and onto the disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from appliance.storage.groups import Outcome, Queue, Waiting, transact

MAX_GROUP = 512
"""Weight of a transaction past which nothing more joins it; bounds how long its first job waits for its last."""
PARKED_SECONDS = 0.02
"""How long the thread waits for more by itself: on a busy floor each trip through the event loop and back is one more
wait for the interpreter's lock."""


class Refused(NamedTuple):
    """A group that the storage didn't take, and whether it never will."""

    group: list[Waiting]
    error: Exception
    lasting: bool


Committed = Callable[[list[Waiting], list[Outcome], float], None]
"""Takes a group that is on disk, what came of each job, and the seconds that it took; on the event loop."""


class Drain:
    """`run` is the thread's; everything else belongs to the event loop, which it was made on."""

    def __init__(self, queue: Queue, committed: Committed, lasts: Callable[[sqlite3.Error], bool]) -> None:
        self._queue = queue
        self._committed = committed
        self._lasts = lasts
        self._loop = asyncio.get_running_loop()
        self._bell = threading.Event()
        self._begun = self._told = 0
        """Groups, as the thread and the event loop count them."""
        self._since: float | None = None
        self._ending = False
        self._guests = 0

    @contextlib.contextmanager
    def guest(self) -> Iterator[None]:
        """Within it the thread takes one group at a time and waits for none: somebody else has work for it, which may
        be done between two groups."""
        self._guests += 1
        self._bell.set()
        try:
            yield
        finally:
            self._guests -= 1

    def ring(self, *, last: bool = False) -> None:
        """Something waits. After the `last` one the thread no longer waits for more."""
        self._ending = self._ending or last
        self._bell.set()

    @property
    def busy(self) -> bool:
        """Whether a group is being written, or was and isn't told of yet."""
        return self._begun != self._told

    @property
    def seconds(self) -> float:
        """How long the group that is being written has taken so far."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def refused(self) -> None:
        """What `run` has returned is told of."""
        self._told += 1

    def run(self, connection: sqlite3.Connection) -> Refused | None:
        """Writes for as long as something waits or comes soon. Returns the group that the storage refused, if one
        was."""
        while group := self._next():
            self._since = started = time.monotonic()
            try:
                outcomes = transact(connection, group)
            except Exception as error:  # whatever it is: those who wait are answered
                return Refused(group, error, self._is_lasting(error))
            finally:
                self._since = None
            self._loop.call_soon_threadsafe(self._tell, group, outcomes, time.monotonic() - started)
            if self._guests:
                break
        return None

    def _is_lasting(self, error: Exception) -> bool:
        if not isinstance(error, sqlite3.Error):
            return False
        try:
            return self._lasts(error)
        except Exception:  # that couldn't be found out
            return False

    def _next(self) -> list[Waiting]:
        """What waits; nothing when nothing has come for a while."""
        while True:
            self._bell.clear()
            self._begun += 1  # before it is taken: what doesn't wait any more is being written
            group = self._queue.take(MAX_GROUP)
            if group:
                return group
            self._begun -= 1
            if self._ending or self._guests or not self._bell.wait(PARKED_SECONDS):
                return []

    def _tell(self, group: list[Waiting], outcomes: list[Outcome], seconds: float) -> None:
        self._told += 1
        self._committed(group, outcomes, seconds)
