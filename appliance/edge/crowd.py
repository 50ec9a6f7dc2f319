"""Connections open now, of any kind, by the address they come from: one machine can't take the places of all others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container
from typing import Final

from appliance.core.networks import THIS_MACHINE, counted
from appliance.core.rate import Rate
from appliance.errors import Problem

MAX_OF_ONE: Final = 2_000
"""From one address: a station's browser has a handful, and a hall of some hundred stations may share one. For more than
that there is `limits.enabled`: whoever only translates addresses is no proxy to be trusted with them."""
NEW_A_SECOND: Final = 500.0
NEW_AT_ONCE: Final = 4_000
"""After a power cut all of such a hall's pages come at once."""
_RETRY_SECONDS: Final = 5


class Place:
    """One connection's; `leave` when it is over."""

    __slots__ = ("_address", "_crowd")

    def __init__(self, crowd: Crowd, address: str) -> None:
        self._crowd = crowd
        self._address = address

    def leave(self) -> None:
        self._crowd.leave(self._address)


class Crowd:
    """Counts them. This machine, trusted proxies and, without `limited`, everyone come and go uncounted.

    `most` connections that are counted may there be in all, None for any number; `refused` is called for each that was
    turned away.
    """

    def __init__(
        self,
        *,
        limited: bool,
        proxies: Container[str] = (),
        most: int | None = None,
        refused: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limited = limited
        self._proxies = proxies
        self._most = most
        self._refused = refused
        self._clock = clock
        self._of: Counter[str] = Counter()
        self._new = Rate(per_second=NEW_A_SECOND, burst=NEW_AT_ONCE)
        self._all = 0

    def __len__(self) -> int:
        return self._all

    def enter(self, address: str | None) -> Place | None:
        """The place of one connection more, None where it isn't counted. Raises `RATE_LIMITED`."""
        if not self._limited or address is None or address in THIS_MACHINE or address in self._proxies:
            return None
        now = self._clock()
        full = self._most is not None and self._all >= self._most
        for key, share in counted(address):
            if full or self._of[key] >= MAX_OF_ONE * share or self._new.take(key, now, 1 / share):
                self._refused()
                reason = "Too many connections from this address."
                raise Problem("RATE_LIMITED", reason, values={"seconds": _RETRY_SECONDS}, retry_after=_RETRY_SECONDS)
        for key, _ in counted(address):
            self._of[key] += 1
        self._all += 1
        return Place(self, address)

    def leave(self, address: str) -> None:
        self._all -= 1
        for key, _ in counted(address):
            if self._of[key] == 1:
                del self._of[key]
            else:
                self._of[key] -= 1
