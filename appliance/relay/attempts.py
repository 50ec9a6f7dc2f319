"""Wrong tries with something that has to be guessed: after some of them whoever tries has to pause, and nobody else.

Many may share an address. So a pause answers only for what is unknown there: who holds something that we have given out
is never kept waiting for the wrong tries of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from appliance.core.lockout import Lockout
from appliance.errors import Problem, too_many


class Attempts:
    """Counts those alone that were wrong, so that however many come at once with the right one, none is held up.
    `now` gives milliseconds. Without `limited` nobody has to pause."""

    def __init__(self, *, wrong: int, pause_ms: int, now: Callable[[], int], limited: bool) -> None:
        self._lockout = Lockout(limit=wrong, pause_ms=pause_ms)
        self._now = now
        self._limited = limited

    def paused(self, key: Hashable) -> bool:
        """Whether `key` has to pause, so that it pays to look first whether what is tried is `known`."""
        return self._limited and self._lockout.pause(key, self._now()) > 0

    @contextmanager
    def counted(self, key: Hashable, *codes: str, known: bool = False) -> Iterator[None]:
        """A try is made inside; it was a wrong one if it raises a problem of `codes`. Raises `RATE_LIMITED` instead
        while `key` has to pause, unless what is tried is `known`: one of ours, good or not any more."""
        pause = self._lockout.pause(key, self._now()) if self._limited and not known else 0
        if pause:
            raise too_many(math.ceil(pause / 1000))
        try:
            yield
        except Problem as problem:
            if problem.code in codes:
                self._lockout.tried(key, self._now())
            raise
