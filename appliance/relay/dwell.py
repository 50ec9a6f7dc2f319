"""How long what was queued stays on a monitor before the next of its lane takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LaneKey = tuple[str, int]


class Dwell:
    """The lanes that rest, each for `seconds` after it has shown something; then `over` is called with it."""

    def __init__(self, seconds: float, over: Callable[[LaneKey], None]) -> None:
        self._seconds = seconds
        self._over = over
        self._resting: dict[LaneKey, asyncio.TimerHandle] = {}

    def __contains__(self, lane: LaneKey) -> bool:
        return lane in self._resting

    def begin(self, lane: LaneKey) -> None:
        self._forget(lane)
        if self._seconds:
            self._resting[lane] = asyncio.get_running_loop().call_later(self._seconds, self._end, lane)

    def forget_screen(self, screen_id: str) -> None:
        for lane in [lane for lane in self._resting if lane[0] == screen_id]:
            self._forget(lane)

    def stop(self) -> None:
        for lane in list(self._resting):
            self._forget(lane)

    def _forget(self, lane: LaneKey) -> None:
        timer = self._resting.pop(lane, None)
        if timer is not None:
            timer.cancel()

    def _end(self, lane: LaneKey) -> None:
        del self._resting[lane]
        self._over(lane)
