"""A pause after wrong passwords: long enough to make guessing pointless, short enough for somebody who mistyped."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

_FORGOTTEN_MS = 15 * 60 * 1000


@dataclass(slots=True)
class _Tries:
    count: int
    at: int
    until: int = 0
    last: int = 0
    """The last pause, in ms; the next one is twice as long."""


class Lockout:
    """Counts tries by key, whatever the key is. After `limit` in a row the key pauses for `pause_ms`, and after each
    `limit` more for twice as long as before, at most for `longest_ms`; without it all pauses are the same.

    A try counts as wrong until `succeeded` says otherwise, so that tries sent side by side gain nothing. A key is
    forgotten when nothing was tried for a quarter of an hour, or for twice its last pause where that is longer. At most
    `kept` keys are remembered, the newest. Of a key that stands for many, `share` is how many times as much it may.
    """

    def __init__(self, *, limit: int, pause_ms: int, longest_ms: int = 0, kept: int = 10_000) -> None:
        self._limit = limit
        self._pause_ms = pause_ms
        self._longest_ms = max(pause_ms, longest_ms)
        self._kept = kept
        self._tries: dict[Hashable, _Tries] = {}

    def pause(self, key: Hashable, now: int) -> int:
        """Milliseconds until `key` may try again; 0 for now."""
        tries = self._tries.get(key)
        return max(0, tries.until - now) if tries else 0

    def tried(self, key: Hashable, now: int, share: int = 1) -> None:
        """Counts a try."""
        tries = self._tries.pop(key, None)
        if tries is None or now - tries.at > self._quiet_ms(tries):
            tries = _Tries(0, now)
        elif tries.until and tries.until <= now:
            tries = _Tries(0, now, last=tries.last)
        tries.count += 1
        tries.at = now
        if tries.count >= self._limit * share:
            if not tries.until:  # those sent side by side, past the limit, don't each double it
                tries.last = min(2 * tries.last, self._longest_ms) or self._pause_ms
            tries.until = now + tries.last
        if len(self._tries) >= self._kept:
            del self._tries[next(iter(self._tries))]
        self._tries[key] = tries

    def succeeded(self, key: Hashable) -> None:
        """The last try was right, and all before it is forgiven."""
        self._tries.pop(key, None)

    def taken_back(self, key: Hashable, share: int = 1) -> None:
        """A try was right, which forgives nothing else: for a key that stands for many, some of them perhaps evil."""
        tries = self._tries.get(key)
        if tries is None:
            return
        tries.count = max(0, tries.count - 1)
        if tries.until and tries.count < self._limit * share:  # it was this one that began the pause
            tries.until, tries.last = 0, tries.last // 2 if tries.last > self._pause_ms else 0

    def _quiet_ms(self, tries: _Tries) -> int:
        return max(_FORGOTTEN_MS, 2 * tries.last) if self._longest_ms > self._pause_ms else _FORGOTTEN_MS
