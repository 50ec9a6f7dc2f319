"""Connection state recovery: who a client was, kept for a while after its connection was cut.

What is kept is the identity and what the client had said of itself. Events carry no offset, for none is ever sent
again from here: what a screen has not acknowledged comes from the outbox.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

KEPT_SECONDS = 120.0
MAX_KEPT = 20_000
MAX_BYTES = 32 << 20
"""Of them all. That is enough for as many screens; only watchers have topics, and those may be long."""
_OWN_BYTES = 1_000
"""What one takes without its strings."""


class Later(Protocol):
    """A loop's `call_later`."""

    def __call__(self, delay: float, callback: Callable[[], None], /) -> asyncio.TimerHandle: ...


@dataclass(slots=True)
class Kept:
    """`actor` says whom the credential stands for; `auth` is the last CONNECT's payload with the token of last use."""

    sid: str
    session_id: str
    actor: str
    auth: dict[str, Any]
    topics: frozenset[str]
    until: float = 0.0
    bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.bytes = _OWN_BYTES + sys.getsizeof(self.auth.get("token")) + sum(map(sys.getsizeof, self.topics))


class Recovery:
    """Cut connections by `pid`, which only their client knows. Oldest first, bounded in time, number and bytes.

    `later` is the loop's `call_later`, `now` its clock: nothing is kept for longer because nobody else is cut.
    """

    def __init__(self, now: Callable[[], float], later: Later) -> None:
        self._now = now
        self._later = later
        self._kept: dict[str, Kept] = {}
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """What all of them take, about."""
        return self._bytes

    def keep(self, pid: str, kept: Kept) -> None:
        kept.until = self._now() + KEPT_SECONDS
        self.forget(pid)
        self._kept[pid] = kept
        self._bytes += kept.bytes
        while len(self._kept) > MAX_KEPT or self._bytes > MAX_BYTES:
            self.forget(next(iter(self._kept)))
        if self._timer is None:
            self._timer = self._later(KEPT_SECONDS, self._weed)

    def find(self, pid: Any) -> Kept | None:
        """What is kept under this pid."""
        kept = self._kept.get(pid) if isinstance(pid, str) else None
        return kept if kept is not None and kept.until >= self._now() else None

    def forget(self, pid: str) -> None:
        """Its client is back, or its time is over."""
        kept = self._kept.pop(pid, None)
        if kept is not None:
            self._bytes -= kept.bytes

    def _weed(self) -> None:
        """Forgets whose time is over, and looks again when the next one's is."""
        now, self._timer = self._now(), None
        while self._kept:
            pid, oldest = next(iter(self._kept.items()))
            if oldest.until > now:
                self._timer = self._later(oldest.until - now, self._weed)
                return
            self.forget(pid)
