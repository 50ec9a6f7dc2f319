"""How long ago something was stored, by a clock that can't leap.

A wall clock that jumps (a dead battery, a time server, a person) would make history look years old, and pruning by its
stamps would delete it. So age is counted in *steady time*: the monotonic clock while the appliance runs, and for the
time it was off what the wall clock says, as long as that is believable (forward, and at most `MAX_OFF_MS`; otherwise
nothing, which only keeps things longer). Keys grow in the order things were accepted, so a mark "at this steady time
the next key was N" tells the age of everything, whatever stamps it carries.
"""

from __future__ import annotations

from collections import deque

import msgspec

HOUR_SECONDS = 3600.0
DAY_MS = 86_400_000
MAX_OFF_MS = 4 * DAY_MS
"""Nights and long weekends. What the clock says beyond is as likely to be a wrong clock."""
_MARKS = 30
"""Marks in the time that is kept: ages are known to a thirtieth of it."""


class Chronicle(msgspec.Struct, frozen=True):
    """What outlives a run: steady time (ms) and wall time (ms) when it was written, and the marks, oldest first, each
    a steady time and the first key that was not given out yet."""

    steady: int = 0
    wall: int = 0
    marks: list[tuple[int, int]] = []


class Ages:
    """Tells the keys that are old enough. `keep_ms` is how long things are kept, `floor` how many seconds they are kept
    whatever happens, `mono` (seconds) the monotonic clock, `wall` (ms) the wall clock."""

    def __init__(self, kept: Chronicle, *, wall: int, mono: float, keep_ms: int, floor: float = HOUR_SECONDS) -> None:
        off = wall - kept.wall if kept.wall else 0
        self._steady_at_start = kept.steady + (off if 0 <= off <= MAX_OFF_MS else 0)
        self._started = mono
        self._keep_ms = keep_ms
        self._floor = floor
        self._marks: deque[tuple[int, int]] = deque(kept.marks)
        self._recent: deque[tuple[float, int]] = deque()

    def note(self, mono: float, next_key: int) -> bool:
        """Remembers the next key of now; True when that is worth keeping across runs."""
        self._recent.append((mono, next_key))
        while len(self._recent) > 1 and mono - self._recent[1][0] >= self._floor:
            self._recent.popleft()
        steady = self.steady(mono)
        while len(self._marks) > 1 and steady - self._marks[1][0] >= self._keep_ms:
            self._marks.popleft()
        if self._marks and steady - self._marks[-1][0] < self._keep_ms // _MARKS:
            return False
        self._marks.append((steady, next_key))
        return True

    def steady(self, mono: float) -> int:
        """Steady time in ms."""
        return self._steady_at_start + int((mono - self._started) * 1000)

    def settled(self, mono: float) -> int:
        """Every key below this was given out more than `floor` seconds ago, by this run's own clock: 0 at first."""
        if self._recent and mono - self._recent[0][0] >= self._floor:
            return self._recent[0][1]
        return 0

    def expired(self, mono: float) -> int:
        """Every key below this was given out more than `keep_ms` of steady time ago, and is settled."""
        oldest = self._marks[0] if self._marks else None
        if oldest is None or self.steady(mono) - oldest[0] < self._keep_ms:
            return 0
        return min(oldest[1], self.settled(mono))

    def chronicle(self, mono: float, wall: int) -> Chronicle:
        return Chronicle(self.steady(mono), wall, list(self._marks))
