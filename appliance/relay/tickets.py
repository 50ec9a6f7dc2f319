"""Tickets: a credential good for one connect, for clients that can't send a header (a browser's `EventSource`).

They go into an address, so they are worth nothing a moment later: single use, ten seconds, only in memory.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.errors import Problem
from appliance.relay.grants import digest
from appliance.relay.principal import Ended, Principal
from appliance.relay.secrets import new_token

TICKET_SECONDS = 10
MAX_TICKETS = 20_000
"""Tickets that may wait to be used: ten thousand screens that come back at once, and as many again."""
MAX_OF_ONE = 16
"""Of one caller, whose oldest make room: nobody's can take everybody's place."""


class Tickets:
    """Those that wait to be used. `clock` gives seconds that never jump, `now` milliseconds since the epoch."""

    def __init__(self, *, clock: Callable[[], float], now: Callable[[], int]) -> None:
        self._clock = clock
        self._now = now
        self._waiting: dict[bytes, tuple[float, Principal]] = {}
        """By digest, oldest first: when it ends and whose it is."""
        self._of: dict[tuple[str, str], dict[bytes, None]] = {}
        """The same by caller."""

    def __len__(self) -> int:
        return len(self._waiting)

    def issue(self, principal: Principal) -> str:
        """A new ticket for the same caller; one that has too many loses the oldest. Raises `RATE_LIMITED` while too
        many of all wait to be used."""
        self._forget_ended()
        own = self._of.get(_caller(principal), {})
        if len(own) >= MAX_OF_ONE:
            self._take(next(iter(own)))
        if len(self._waiting) >= MAX_TICKETS:
            raise Problem(
                "RATE_LIMITED", "Too many tickets wait.", values={"seconds": TICKET_SECONDS}, retry_after=TICKET_SECONDS
            )
        ticket = new_token()
        key = digest(ticket)
        self._waiting[key] = self._clock() + TICKET_SECONDS, principal
        self._of.setdefault(_caller(principal), {})[key] = None
        return ticket

    def redeem(self, ticket: str) -> Principal:
        """Whose it is; it is used up. Raises `TOKEN_INVALID`, or `TOKEN_EXPIRED` where the credential has ended."""
        ends, principal = self._take(digest(ticket))
        if principal is None or ends <= self._clock():
            raise Problem("TOKEN_INVALID", f"A ticket is good once, for {TICKET_SECONDS} s: get a new one.")
        if principal.expires_at is not None and principal.expires_at <= self._now():
            raise Problem("TOKEN_EXPIRED")
        return principal

    def revoked(self, what: Ended) -> None:
        """The credential behind some has ended: so have they."""
        for key in [key for key, (_, principal) in self._waiting.items() if what.covers(principal)]:
            self._take(key)

    def _forget_ended(self) -> None:
        now = self._clock()
        while self._waiting:
            oldest = next(iter(self._waiting))
            if self._waiting[oldest][0] > now:
                return
            self._take(oldest)

    def _take(self, key: bytes) -> tuple[float, Principal | None]:
        found = self._waiting.pop(key, None)
        if found is None:
            return 0.0, None
        caller = _caller(found[1])
        own = self._of[caller]
        del own[key]
        if not own:
            del self._of[caller]
        return found


def _caller(principal: Principal) -> tuple[str, str]:
    return principal.kind, principal.subject
