"""Who may try a password now: guessing is made pointless, and nobody can keep the rightful owner out by it.

A pause is for one name from one address, or for an address; nothing goes by the name alone, or else whoever knows the
name could keep its owner out. An address that has signed in to the name before is familiar: it pauses for its own
wrong tries alone, and never for long. So does this machine itself. Yet people who don't trust each other may share an
address, so a browser that has signed in to the name before, as its cookie says, counts for itself wherever it is.

What guessing comes to. Strangers get 5 tries, then pauses of 1, 2, 4 … 60 minutes with 5 tries after each. Best for
them is to go on until the pauses are 8 minutes long and then keep quiet until all is forgotten: 20 tries in 23 minutes,
1,250 a day. The 254 addresses of a /24 make 318,000 a day at one name, and more addresses than anybody has no more than
1.2 million: two passwords are looked at at a time, each for 0.15 s. In ten years that is 4 * 10^9 at most. Of twelve
small letters there are 26^12 = 10^17, of four words from a list of 7,776 there are 4 * 10^15: of a million who try for
ten years one finds such a password. What is found is what is on the short list that everybody tries first. Whoever
sits at a familiar address, or has stolen such a cookie, gets 5 a minute, 7,200 a day.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from appliance.core.lockout import Lockout
from appliance.core.networks import THIS_MACHINE, counted
from appliance.errors import too_many

_WRONG: Final = 5
"""In a row, at one name."""
_WRONG_OF_ADDRESS: Final = 30
"""Whatever the names: a gateway's address may stand for many people."""
_PAUSE_MS: Final = 60_000
_LONGEST_MS: Final = 60 * 60_000
_AT_ONCE: Final = 4
"""Passwords of one address that are looked at side by side: each costs 64 MB and a core."""
FAMILIAR: Final = 100
"""Addresses of one name that are kept, the last. By name, so that no other user can push them out."""


class Doorman:
    """`now` is in ms. The names must be folded. `device` is which of the name's browsers it is, empty for none."""

    def __init__(self) -> None:
        self._owners = Lockout(limit=_WRONG, pause_ms=_PAUSE_MS)
        self._by_account = Lockout(limit=_WRONG, pause_ms=_PAUSE_MS, longest_ms=_LONGEST_MS)
        self._by_address = Lockout(limit=_WRONG_OF_ADDRESS, pause_ms=_PAUSE_MS, longest_ms=_LONGEST_MS)
        self._familiar: dict[str, dict[str, None]] = {}
        self._trying: Counter[str] = Counter()

    def remember(self, name: str, addresses: Iterable[str]) -> None:
        """Where the name's owner has signed in before, the last one last."""
        self._familiar[name] = dict.fromkeys(addresses)

    def forget(self, name: str) -> None:
        """The name is nobody's any more, or its password is a new one."""
        self._familiar.pop(name, None)

    def is_familiar(self, name: str, address: str, device: str = "") -> bool:
        """Whether the name's owner has come from here or with this before, or sits at the machine itself."""
        return bool(device) or address in THIS_MACHINE or _plain(address) in self._familiar.get(name, ())

    @contextlib.contextmanager
    def trying(self, name: str, address: str, now: int, device: str = "") -> Iterator[None]:
        """While one password is looked at; `succeeded` once it was right. Raises `RATE_LIMITED`."""
        sources = ((f"device {device}", 1),) if device else counted(address)
        place, _ = sources[0]
        familiar = self.is_familiar(name, address, device)
        if familiar:
            pause = self._owners.pause((name, place), now)
        else:
            pause = max(
                max(self._by_account.pause((name, key), now), self._by_address.pause(key, now)) for key, _ in sources
            )
        if pause:
            raise too_many(math.ceil(pause / 1000))
        if (device or address not in THIS_MACHINE) and any(
            self._trying[key] >= _AT_ONCE * share for key, share in sources
        ):
            raise too_many(1)
        if familiar:
            self._owners.tried((name, place), now)
        else:
            for key, share in sources:
                self._by_account.tried((name, key), now, share)
                self._by_address.tried(key, now, share)
        keys = [key for key, _ in sources]
        self._trying.update(keys)
        try:
            yield
        finally:
            self._trying.subtract(keys)
            self._trying += Counter()  # forgets those at 0

    def succeeded(self, name: str, address: str, device: str = "") -> list[str] | None:
        """The password was right, and the address is familiar now. The name's addresses to keep where it is a new one.

        A stranger's own count at the name is forgiven. What stands for others, too, only has this try taken back: or
        else whoever has some account could guess at all others for as long as he signs in to his own.
        """
        place = _plain(address)
        familiar = self.is_familiar(name, address)
        if device:
            self._owners.succeeded((name, f"device {device}"))
        elif familiar:
            self._owners.succeeded((name, place))
        else:
            for key, share in counted(address):
                if key == place:
                    self._by_account.succeeded((name, key))
                else:
                    self._by_account.taken_back((name, key), share)
                self._by_address.taken_back(key, share)
        known = self._familiar.get(name, {})
        if familiar:
            if place in known:  # the last one used is the last to go
                del known[place]
                known[place] = None
            return None
        self._familiar[name] = known
        known[place] = None
        while len(known) > FAMILIAR:
            del known[next(iter(known))]
        return list(known)


def _plain(address: str) -> str:
    """The address alone, an IPv4 one in its own form."""
    return counted(address)[0][0]
