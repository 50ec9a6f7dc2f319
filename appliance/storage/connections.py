"""The two connections to the data file: how each is set up, and what is done on one alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TypeVar

import aiosqlite

from appliance.storage.chain import Keyed
from appliance.storage.groups import Job

T = TypeVar("T")

WAL_BYTES = 16 << 20
"""A log that has grown longer than this is cut back to it when SQLite begins it anew."""
CHECKPOINT_PAGES = 3_500
"""So many pages (of 4 KB) in the log, a commit copies them into the file. It takes that commit some 60 ms once the file
is large: the rarer, the fewer scans wait for it, and as long as `WAL_BYTES` isn't reached it needs no more of the disk.
"""
BUSY_MS = 5_000
"""How long a statement waits for another program that has the file open."""


class Connection(aiosqlite.Connection):
    """aiosqlite's connection with one more door: run a whole function on its thread, in a single hop."""

    async def run(self, job: Job[T]) -> T:
        result: T = await self._execute(job, self._conn)  # type: ignore[no-untyped-call]
        return result


def connect(path: Path, kind: type[Keyed] = Keyed) -> Keyed:
    # Transactions are begun by hand: the module's own implicit ones would begin too late for reads that decide writes.
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256, factory=kind
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    return connection


def checkpoint(connection: sqlite3.Connection) -> bool:
    connection.execute("PRAGMA busy_timeout=0")  # a reader that takes long mustn't hold up the writer
    try:
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return not busy
