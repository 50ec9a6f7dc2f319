"""Plain counters and histograms, counted where things happen and read by whoever renders them."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_BOUNDS_MS = [
    0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750,
    1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 7_500, 10_000, 15_000, 30_000, 60_000, 300_000, 600_000,
]  # fmt: skip


class Histogram:
    """Counts of durations in ms by bucket; percentiles are interpolated within their bucket."""

    bounds = _BOUNDS_MS

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS_MS) + 1)
        self.total = 0
        self.sum = 0.0

    def observe(self, ms: float) -> None:
        self.counts[bisect_left(_BOUNDS_MS, ms)] += 1
        self.total += 1
        self.sum += ms

    def percentile(self, share: float) -> float | None:
        """The value in ms below which `share` (0 to 1) of all lie; None without any."""
        if not self.total:
            return None
        wanted, seen = share * self.total, 0
        for index, count in enumerate(self.counts):
            if count and seen + count >= wanted:
                low = _BOUNDS_MS[index - 1] if index else 0.0
                high = _BOUNDS_MS[index] if index < len(_BOUNDS_MS) else low * 2
                return low + (high - low) * (wanted - seen) / count
            seen += count
        return None

    def add(self, other: Histogram) -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total
        self.sum += other.sum


@dataclass(slots=True)
class Minute:
    """What happened within one minute that began at `at` (ms since the epoch)."""

    at: int
    accepted: int = 0
    shown: Histogram = field(default_factory=Histogram)


class Minutes:
    """The last hour, minute by minute."""

    def __init__(self, now: Callable[[], int], keep: int = 60) -> None:
        self._now = now
        self._keep = keep
        self._minutes: deque[Minute] = deque(maxlen=keep)

    def current(self) -> Minute:
        at = self._now() // 60_000 * 60_000
        if not self._minutes or self._minutes[-1].at != at:
            self._minutes.append(Minute(at))
        return self._minutes[-1]

    def last(self) -> list[Minute]:
        """`keep` minutes, oldest first, empty ones included; the last is the one that runs."""
        newest = self._now() // 60_000 * 60_000
        known = {minute.at: minute for minute in self._minutes}
        first = newest - (self._keep - 1) * 60_000
        return [known.get(at) or Minute(at) for at in range(first, newest + 1, 60_000)]


class Rate:
    """How many in the last 60 seconds, by the second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = [0] * 60
        self._counts = [0] * 60

    def add(self, count: int = 1) -> None:
        second = int(self._clock())
        slot = second % 60
        if self._seconds[slot] != second:
            self._seconds[slot], self._counts[slot] = second, 0
        self._counts[slot] += count

    def total(self) -> int:
        oldest = int(self._clock()) - 60
        return sum(n for second, n in zip(self._seconds, self._counts, strict=True) if second > oldest)


class Metrics:
    """Every figure the appliance keeps of itself since it was started."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.started = time.monotonic()
        self.accepted = 0
        """Triggers."""
        self.accepted_deliveries = 0
        self.taken_up = 0
        """Deliveries that were open when the appliance was started."""
        self.finished = 0
        """Deliveries that are final, on disk. One sent again counts anew, in `taken_up` as well."""
        self.duplicates = 0
        self.refused: dict[str, int] = {}
        self.limited: dict[str, int] = {}
        """Refused for asking too much: by address, account (`user`, `screen`, `key`) and new `connection`."""
        self.ended: dict[str, int] = {}
        """Deliveries by how they ended: shown, received, superseded, dead."""
        self.dead_by_code: dict[str, int] = {}
        self.retries = 0
        self.retried_deliveries = 0
        """Deliveries that ended shown, received or dead after they had to be sent again, without a person's doing."""
        self.recovered = 0
        """Of those, the ones that ended shown or received."""
        self.pruned = 0
        """Deliveries forgotten because of their age or the file's size."""
        self.sent = 0
        self.navigate = Histogram()
        """Accepted (committed) to written to the screen's session, ms."""
        self.shown = Histogram()
        """Accepted to shown, ms."""
        self.minutes = Minutes(now)
        self.rate = Rate()

    def accept(self, deliveries: int) -> None:
        self.accepted += 1
        self.accepted_deliveries += deliveries
        self.minutes.current().accepted += 1
        self.rate.add()

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1

    def limit(self, what: str) -> None:
        self.limited[what] = self.limited.get(what, 0) + 1

    def end(self, state: str, *, retried: bool) -> None:
        self.finished += 1
        self.ended[state] = self.ended.get(state, 0) + 1
        if retried and state != "superseded":
            self.retried_deliveries += 1
            self.recovered += state in {"shown", "received"}
