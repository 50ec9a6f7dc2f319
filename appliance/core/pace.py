"""How often something may be done: so many at once, and then one each so often."""

from __future__ import annotations

from collections.abc import Hashable


class Pace:
    """Counts by key, whatever the key is. `burst` may be done at once, then one every `every_ms`.

    At most `kept` keys are remembered; the ones that were used longest ago are forgotten first.
    """

    def __init__(self, *, burst: int, every_ms: int, kept: int = 10_000) -> None:
        self._ahead_ms = burst * every_ms
        self._every_ms = every_ms
        self._kept = kept
        self._paid_until: dict[Hashable, int] = {}

    def take(self, key: Hashable, now: int) -> int:
        """Does it once more; 0, or nothing is done and how many milliseconds there are to wait."""
        paid_until = self._paid_until.get(key, now)
        if paid_until - now > self._ahead_ms:  # the clock was set back
            paid_until = now
        due = max(paid_until, now) + self._every_ms
        if due - now > self._ahead_ms:
            return due - now - self._ahead_ms
        self._paid_until.pop(key, None)
        if len(self._paid_until) >= self._kept:
            del self._paid_until[next(iter(self._paid_until))]
        self._paid_until[key] = due
        return 0
