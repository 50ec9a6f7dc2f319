"""Sockets that are open and haven't said yet who they are: few enough that they can't be the end of anybody else's."""

from __future__ import annotations

from collections import Counter
from typing import Final

from appliance.core.networks import THIS_MACHINE, counted
from appliance.errors import Problem

MAX_WAITING: Final = 4096
"""Over all addresses: a restart brings every screen back within seconds, and each waits here for a moment."""
MAX_OF_ONE: Final = 256
"""From one address that isn't this machine."""
_RETRY_SECONDS: Final = 1


class Lobby:
    """Counts them by network address. Without `limited` nobody is turned away."""

    def __init__(self, *, limited: bool) -> None:
        self._limited = limited
        self._of: Counter[str] = Counter()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def enter(self, address: str) -> None:
        """One more of this address; `leave` is called once it has said who it is, or is gone. Raises `RATE_LIMITED`."""
        keys = counted(address)
        if self._limited and (
            self._waiting >= MAX_WAITING
            or (address not in THIS_MACHINE and any(self._of[key] >= MAX_OF_ONE * share for key, share in keys))
        ):
            reason = "Too many sockets are open that haven't said yet who they are."
            raise Problem("RATE_LIMITED", reason, values={"seconds": _RETRY_SECONDS}, retry_after=_RETRY_SECONDS)
        for key, _ in keys:
            self._of[key] += 1
        self._waiting += 1

    def leave(self, address: str) -> None:
        self._waiting -= 1
        for key, _ in counted(address):
            if self._of[key] == 1:
                del self._of[key]
            else:
                self._of[key] -= 1
