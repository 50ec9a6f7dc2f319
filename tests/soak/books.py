"""The books of a long run: what was promised, and what became of it on disk."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

ENDS = frozenset({"shown", "received", "superseded"})
"""States that a delivery may end in here: nobody cancels anything, and every screen comes back in time."""


class Books:
    """Accepted triggers are entered as they come, and crossed out once the data file says that they have ended."""

    def __init__(self, data: Path) -> None:
        self._file = data / "vooster.db"
        self._owed: set[bytes] = set()
        self._looked = 0
        self._open: set[int] = set()
        self.accepted = 0
        self.ends: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()

    def enter(self, accepted: list[bytes]) -> None:
        self._owed.update(accepted)
        self.accepted += len(accepted)

    @property
    def owed(self) -> int:
        """Accepted, and not known to have ended."""
        return len(self._owed)

    def reckon(self) -> None:
        """Looks up everything that is new on disk or was open when last looked at."""
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        columns = "SELECT triggers.pk, id, state, code FROM triggers JOIN deliveries ON trigger_pk = triggers.pk"
        try:
            newest = connection.execute("SELECT coalesce(max(pk), 0) FROM triggers").fetchone()[0]
            for pk in list(self._open):
                for row in connection.execute(f"{columns} WHERE triggers.pk = ?", (pk,)):
                    self._note(*row)
            for row in connection.execute(
                f"{columns} WHERE triggers.pk > ? AND triggers.pk <= ?", (self._looked, newest)
            ):
                self._note(*row)
            self._looked = newest
        finally:
            connection.close()

    def _note(self, pk: int, trigger: str, state: str, code: str | None) -> None:
        self._open.discard(pk)
        if state in ENDS or state == "dead":
            self._owed.discard(trigger.encode())
            self.ends[state] += 1
            if state == "dead":
                self.dead[str(code)] += 1
        else:
            self._open.add(pk)
