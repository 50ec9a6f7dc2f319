"""Who keeps a name that two answer for: rules alone, the time comes in.

Between appliances the lower address keeps it, which both sides see alike. Whoever is no appliance has rules of its own,
which begin when it hears that the name is ours: it is told, and if it stays nevertheless, the name is left to it.
"""

from __future__ import annotations

import ipaddress
from collections import deque
from enum import Enum
from typing import NamedTuple

_AGAIN_SECONDS = 1.0
"""A record is told to all at most once a second (RFC 6762, section 6), so no sooner can it have been heeded."""
_FORGET_SECONDS = 60.0
_PATIENCE = {True: 5, False: 1}
"""How often the name is defended, against an appliance that should give way and against anybody else."""
_RENAMES = 10
_RENAMES_SECONDS = 60.0


class Claim(NamedTuple):
    """Somebody's addresses for a host name, and the port of its service where it said one (else 0)."""

    addresses: frozenset[str]
    port: int = 0

    @property
    def rank(self) -> tuple[tuple[int, int], int]:
        """The lower one keeps the name. IPv4 before IPv6; the port tells two on one machine apart."""
        return min(map(_rank, self.addresses), default=(9, 0)), self.port


class Verdict(Enum):
    WAIT = "what was said is still on its way"
    DEFEND = "say again whose name it is"
    RENAME = "leave the name"


class Contest:
    """The quarrel over the name that is announced now."""

    def __init__(self) -> None:
        self._defended: deque[float] = deque()

    def judge(self, ours: Claim, theirs: Claim, *, appliance: bool, now: float) -> Verdict:
        """What to do about `theirs`, heard at `now` (seconds)."""
        if appliance and theirs.rank < ours.rank:
            return Verdict.RENAME
        while self._defended and now - self._defended[0] > _FORGET_SECONDS:
            self._defended.popleft()
        if self._defended and now - self._defended[-1] < _AGAIN_SECONDS:
            return Verdict.WAIT
        if len(self._defended) >= _PATIENCE[appliance]:
            return Verdict.RENAME
        self._defended.append(now)
        return Verdict.DEFEND


class Renames:
    """Counts them: whoever claims every name that is taken gets a pause for an answer, not a storm."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_RENAMES)

    def may(self, now: float) -> bool:
        """Whether there may be one more; then it counts."""
        if len(self._times) == _RENAMES and now - self._times[0] < _RENAMES_SECONDS:
            return False
        self._times.append(now)
        return True


def _rank(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)
