"""When each session is to be looked at next: one timer of the loop for all of them, not several for each."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

NEVER: Final = math.inf


class Timed(Protocol):
    """What can be in the timetable. `due` is the timetable's own; `closed` things are not looked at any more."""

    due: float
    closed: bool


T = TypeVar("T", bound=Timed)


class Timetable(Generic[T]):
    """Calls `look(item, now)`, which returns when it wants to be called next. Times are the loop's, in seconds."""

    def __init__(self, look: Callable[[T, float], float]) -> None:
        self._look = look
        self._heap: list[tuple[float, int, T]] = []
        self._serial = itertools.count()
        self._closed = 0
        self._timer: asyncio.TimerHandle | None = None
        self._at = NEVER

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, item: T, when: float) -> None:
        """Looks at it at `when`, unless it is looked at sooner anyway."""
        if when >= item.due:
            return
        item.due = when
        heapq.heappush(self._heap, (when, next(self._serial), item))
        if when < self._at:
            self._arm()

    def closed(self) -> None:
        """An item of it has closed. What has closed doesn't outweigh what is open, however fast clients come and go."""
        self._closed += 1
        if self._closed * 2 <= len(self._heap):
            return
        self._closed = 0
        self._heap = [entry for entry in self._heap if not entry[2].closed]
        heapq.heapify(self._heap)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._at = None, NEVER
        if self._heap:
            self._at = self._heap[0][0]
            self._timer = asyncio.get_running_loop().call_at(self._at, self._run)

    def _run(self) -> None:
        now = asyncio.get_running_loop().time()
        heap = self._heap
        self._at = -NEVER  # whatever is put meanwhile finds the timer armed at the end
        try:
            while heap and heap[0][0] <= now:
                when, _, item = heapq.heappop(heap)
                if item.closed or item.due != when:
                    continue
                item.due = NEVER
                self.put(item, self._look(item, now))
                heap = self._heap
        finally:
            self._arm()
