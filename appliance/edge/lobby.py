"""Sockets that are open and haven't said yet who they are: few enough that they can't be the end of anybody else's."""

from __future__ import annotations

import ipaddress
from typing import Final

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
        self._of: dict[str, int] = {}
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def enter(self, address: str) -> None:
        """One more of this address; `leave` is called once it has said who it is, or is gone. Raises `RATE_LIMITED`."""
        waiting = self._of.get(address, 0)
        if self._limited and (
            self._waiting >= MAX_WAITING or (waiting >= MAX_OF_ONE and not _is_this_machine(address))
        ):
            reason = "Too many sockets are open that haven't said yet who they are."
            raise Problem("RATE_LIMITED", reason, values={"seconds": _RETRY_SECONDS}, retry_after=_RETRY_SECONDS)
        self._of[address] = waiting + 1
        self._waiting += 1

    def leave(self, address: str) -> None:
        self._waiting -= 1
        if self._of[address] == 1:
            del self._of[address]
        else:
            self._of[address] -= 1


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address == "local"
