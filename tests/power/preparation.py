"""Puts a process behind the shim, with seeded flaws, before it becomes the appliance: what finds losses must find them.

Three are no flaws but save time: with `small-wal` checkpoints come often, so that a short run sees many of them, with
`upkeep` the log is cut short as often, and with `soon` a storage that has refused is tried again after a moment.
"""

from __future__ import annotations

import ctypes
import functools
import sqlite3
import threading
from pathlib import Path
from typing import Any

from appliance.relay.upkeep import Upkeep
from appliance.storage import connections, database
from appliance.storage.chain import Keyed

PRAGMAS = {
    "sync-off": "PRAGMA synchronous=OFF",
    "sync-normal": "PRAGMA synchronous=NORMAL",
    "small-wal": "PRAGMA wal_autocheckpoint=40",
}
RECEIPT_FIRST = "receipt-first"
ERRORS_IGNORED = "errors-ignored"
UPKEEP = "upkeep"
SOON = "soon"
SOON_SECONDS = 0.1
LATE_SECONDS = 0.5
"""Until after whoever got a receipt has noted it, on a busy machine, too; the next transaction ends it before that."""


class Late(Keyed):
    """Says that a commit is done and does it a moment later: receipts go out before anything is on disk."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._lock = threading.RLock()
        self._owed = False

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        with self._lock:
            if statement == "COMMIT":
                self._owed = True
                threading.Timer(LATE_SECONDS, self._pay).start()
                return self.cursor()
            if statement.startswith("BEGIN"):
                self._pay()
            return super().execute(statement, *parameters)

    def _pay(self) -> None:
        with self._lock:
            if self._owed:
                self._owed = False
                super().execute("COMMIT")


class Careless(Keyed):
    """Takes a commit that has failed for done."""

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        if statement != "COMMIT":
            return super().execute(statement, *parameters)
        try:
            return super().execute(statement)
        except sqlite3.OperationalError:
            if self.in_transaction:
                super().execute("ROLLBACK")
            return self.cursor()


def seed(flaws: list[str]) -> None:
    """Lets the writing connection be opened with these flaws."""
    opened = connections.connect
    kinds = {RECEIPT_FIRST: Late, ERRORS_IGNORED: Careless}
    kind = next((kinds[flaw] for flaw in flaws if flaw in kinds), Keyed)

    def flawed(path: Path, kind: type[Keyed] = kind) -> Keyed:
        connection = opened(path, kind)
        for flaw in flaws:
            if flaw in PRAGMAS:
                connection.execute(PRAGMAS[flaw])
        return connection

    connections.connect = flawed
    if UPKEEP in flaws:
        partial = functools.partialmethod(Upkeep.__init__, every=0.1, long_wal=20_000)
        Upkeep.__init__ = partial  # type: ignore[method-assign, assignment]
    if SOON in flaws:
        database.RETRY_SECONDS = SOON_SECONDS


def prepare(shim: str, flaws: list[str]) -> None:
    """What the new process does first. The shim is loaded already; now it hears whom and what to watch."""
    ctypes.CDLL(shim).shim_start()
    seed(flaws)
