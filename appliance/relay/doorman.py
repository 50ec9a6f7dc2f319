"""Who may try a password now: guessing is made pointless, and nobody can keep the rightful owner out by it.

A pause is for one name from one address. What goes by the name alone, against guesses from many addresses at once,
holds back strangers only: not this machine, and no address that has signed in to the name before.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from appliance.core.lockout import Lockout
from appliance.core.networks import THIS_MACHINE, counted
from appliance.core.rate import Rate
from appliance.errors import too_many

_PAUSE_MS: Final = 60_000
_WRONG_OF_ADDRESS: Final = 30
"""In a row, whatever the names."""
_GUESSES: Final = (1 / 30, 40)
"""A second and at once, at one name, of all strangers together: 2,900 a day find no password of 12 characters."""
_AT_ONCE: Final = 4
"""Passwords of one address that are looked at side by side: each costs 64 MB and a core."""
_FAMILIAR: Final = 2_000


class Doorman:
    """`now` is in ms. The names must be folded."""

    def __init__(self) -> None:
        self._by_account = Lockout(limit=5, pause_ms=_PAUSE_MS)
        self._by_address = Lockout(limit=_WRONG_OF_ADDRESS, pause_ms=_PAUSE_MS)
        self._guesses = Rate(per_second=_GUESSES[0], burst=_GUESSES[1])
        self._familiar: dict[tuple[str, str], None] = {}
        self._trying: Counter[str] = Counter()

    def is_familiar(self, name: str, address: str) -> bool:
        """Whether the name's owner has come from here before, or sits at the machine itself."""
        return address in THIS_MACHINE or (name, address) in self._familiar

    @contextlib.contextmanager
    def trying(self, name: str, address: str, now: int) -> Iterator[None]:
        """While one password is looked at; `succeeded` once it was right. Raises `RATE_LIMITED`."""
        account, familiar = (name, address), self.is_familiar(name, address)
        networks = [key for key, _ in counted(address)]
        pause = self._by_account.pause(account, now)
        if not familiar:
            pause = max(pause, *(self._by_address.pause(key, now) for key in networks))
        if pause:
            raise too_many(math.ceil(pause / 1000))
        if address not in THIS_MACHINE and any(
            self._trying[key] >= _AT_ONCE * share for key, share in counted(address)
        ):
            raise too_many(1)
        if not familiar and (wait := self._guesses.take(name, now / 1000)):
            raise too_many(math.ceil(wait))
        self._by_account.tried(account, now)
        for key in networks:
            self._by_address.tried(key, now)
        self._trying.update(networks)
        try:
            yield
        finally:
            self._trying.subtract(networks)
            self._trying += Counter()  # forgets those at 0

    def succeeded(self, name: str, address: str) -> None:
        """The password was right."""
        self._by_account.succeeded((name, address))
        for key, _ in counted(address):
            self._by_address.succeeded(key)
        self._familiar.pop((name, address), None)
        if len(self._familiar) >= _FAMILIAR:
            del self._familiar[next(iter(self._familiar))]
        self._familiar[name, address] = None
