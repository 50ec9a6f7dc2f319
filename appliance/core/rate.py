"""How often something may happen, by the generic cell rate algorithm: one number a key, and no timer."""

from __future__ import annotations

from collections.abc import Hashable

_NOTHING = 1e-6
"""Seconds that are no wait: how far the sums of floating-point numbers may be off."""


class Rate:
    """`burst` at once, and `per_second` in the long run, for each key. `now` is in seconds of a clock that only grows.

    What it keeps of a key is the moment from which on its whole burst is free again; of at most `kept` keys, those that
    came first go first. A key that is forgotten too early only gets its burst once more.
    """

    __slots__ = ("_burst", "_each", "_free_at", "_kept")

    def __init__(self, *, per_second: float, burst: int, kept: int = 20_000) -> None:
        self._each = 1 / per_second
        self._burst = burst / per_second
        self._kept = kept
        self._free_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._free_at)

    def take(self, key: Hashable, now: float, cost: float = 1.0) -> float:
        """Counts one; 0 where it may happen, else the seconds until it may. What may not happen isn't counted.

        What is dearer than most costs more than one; of a key that stands for many each costs less.
        """
        free_at = self._free_at.get(key)
        if free_at is None:
            if len(self._free_at) >= self._kept:
                del self._free_at[next(iter(self._free_at))]
            free_at = now
        elif free_at < now:
            free_at = now
        each = self._each * cost
        free_at += each
        wait = free_at - now - self._burst
        if wait > _NOTHING:
            if wait > each + _NOTHING:  # the clock was put back
                self._free_at[key] = now + self._burst
                return each
            return wait
        self._free_at[key] = free_at
        return 0.0
