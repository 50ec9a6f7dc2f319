"""Connection state recovery: who a client was, kept for a while after its connection was cut.

What is kept is the identity and what the client had said of itself. Events carry no offset, for none is ever sent
again from here: what a screen has not acknowledged comes from the outbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

KEPT_SECONDS = 120.0
MAX_KEPT = 20_000


@dataclass(slots=True)
class Kept:
    """`actor` says whom the credential stands for; `auth` is the last CONNECT's payload with the token of last use."""

    sid: str
    actor: str
    auth: dict[str, Any]
    topics: frozenset[str]
    until: float = 0.0


class Recovery:
    """Cut connections by `pid`, which only their client knows. Oldest first, bounded in time and number."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[str, Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, pid: str, kept: Kept) -> None:
        now = self._now()
        kept.until = now + KEPT_SECONDS
        self._kept.pop(pid, None)
        self._kept[pid] = kept
        while (oldest := next(iter(self._kept))) and (len(self._kept) > MAX_KEPT or self._kept[oldest].until < now):
            del self._kept[oldest]

    def find(self, pid: Any) -> Kept | None:
        """What is kept under this pid."""
        kept = self._kept.get(pid) if isinstance(pid, str) else None
        return kept if kept is not None and kept.until >= self._now() else None

    def forget(self, pid: str) -> None:
        """Its client is back."""
        self._kept.pop(pid, None)
