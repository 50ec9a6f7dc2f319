"""What was refused to somebody who isn't let in: in the audit record, and never more of it than a few entries a minute.

The first refusal of an account from an address is written at once. Those that follow within the minute are counted and
written as one at its end. Only so many pairs have entries of their own in a minute; what else comes is counted
together. A power cut loses the counts of its own minute, and nothing of the minutes before.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.errors import Problem
from appliance.storage import audit
from appliance.storage.audit import came_from
from appliance.storage.database import Database

WINDOW_SECONDS = 60.0
STRANGER = "stranger"
OWN_ENTRIES = 16
"""What is told apart within one minute."""

Key = tuple[str, str, str, str | None, str | None]
"""Actor, action, target, screen and address."""


@dataclass(slots=True)
class _Window:
    since: int
    counts: dict[Key, int] = field(default_factory=dict)
    """How many came after the first one of each."""
    others: int = 0


class Refusals:
    """`now` gives milliseconds since the epoch."""

    def __init__(self, database: Database, *, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now
        self._window: _Window | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def note(self, action: str, target: str = "", *, screen: str | None = None, actor: str = STRANGER) -> None:
        """Counts one refusal; `target` is what somebody tried to be, empty where there is none of that name. Returns
        once it is on disk where it is the first of its kind; a storage that refuses makes no difference."""
        window = self._window
        if window is not None and self._now() - window.since >= WINDOW_SECONDS * 1000:
            self.flush()
            window = None
        if window is None:
            window = self._window = _Window(self._now())
            self._timer = asyncio.get_running_loop().call_later(WINDOW_SECONDS, self.flush)
        key = (actor, action, target, screen, came_from.get())
        if key in window.counts:
            window.counts[key] += 1
        elif len(window.counts) >= OWN_ENTRIES:
            window.others += 1
        else:
            window.counts[key] = 0
            with contextlib.suppress(Problem):
                await self._database.write(_entries(self._now(), [(key, {})]))

    def flush(self) -> None:
        """Ends the minute: what was counted is written with the next commit."""
        if self._timer is not None:
            self._timer.cancel()
        window, self._window, self._timer = self._window, None, None
        if window is None:
            return
        now = self._now()
        lines: list[tuple[Key, dict[str, object]]] = [
            (key, {"more": count, "since": window.since}) for key, count in window.counts.items() if count
        ]
        if window.others:
            lines.append(((STRANGER, "auth.refused", "", None, None), {"others": window.others, "since": window.since}))
        if not lines:
            return
        here = came_from.set(None)  # these are of many, not of whoever happens to ask just now
        try:
            self._database.post(_entries(now, lines))
        finally:
            came_from.reset(here)


def _entries(now: int, lines: list[tuple[Key, dict[str, object]]]) -> Callable[[sqlite3.Connection], None]:
    def job(tx: sqlite3.Connection) -> None:
        for (actor, action, target, screen, address), detail in lines:
            audit.append(tx, now, actor, action, target, detail, screen=screen, address=address)

    return job
