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


class Lockout:
    """Counts tries by key, whatever the key is. After `limit` in a row the key pauses for `pause_ms`.

    A try counts as wrong until `succeeded` says otherwise, so that tries sent side by side gain nothing. At most
    `kept` keys are remembered, the newest.
    """

    def __init__(self, *, limit: int, pause_ms: int, kept: int = 10_000) -> None:
        self._limit = limit
        self._pause_ms = pause_ms
        self._kept = kept
        self._tries: dict[Hashable, _Tries] = {}

    def pause(self, key: Hashable, now: int) -> int:
        """Milliseconds until `key` may try again; 0 for now."""
        tries = self._tries.get(key)
        return max(0, tries.until - now) if tries else 0

    def tried(self, key: Hashable, now: int) -> None:
        """Counts a try."""
        tries = self._tries.pop(key, None)
        if tries is None or (tries.until and tries.until <= now) or now - tries.at > _FORGOTTEN_MS:
            tries = _Tries(0, now)
        tries.count += 1
        tries.at = now
        if tries.count >= self._limit:
            tries.until = now + self._pause_ms
        if len(self._tries) >= self._kept:
            del self._tries[next(iter(self._tries))]
        self._tries[key] = tries

    def succeeded(self, key: Hashable) -> None:
        self._tries.pop(key, None)
