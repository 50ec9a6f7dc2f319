"""What is done to an appliance's process before it begins: it may be given a fault (`seeds`), and the tail that no sync
has covered is watched, so that a kill can be made as bad as a power cut.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from appliance.adapters.orders_folder import FolderOrders
from appliance.storage import connections
from appliance.storage.chain import Keyed
from tests.faults import seeds

SETTLE_SECONDS = 0.01
FULL = 2
"""`PRAGMA synchronous`, from which on SQLite syncs the log at every commit."""


def watch_syncs(note: Path, wal: Path) -> None:
    """Writes down in `note` how much of the write-ahead log the writer's last synced commit covers, before anybody can
    hear of that commit."""
    original = seeds.seam(connections, "connect")
    file = os.open(note, os.O_WRONLY | os.O_CREAT, 0o600)

    def covered() -> None:
        os.pwrite(file, b"%020d" % (wal.stat().st_size if wal.exists() else 0), 0)

    class Watched(Keyed):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            done = super().execute(sql, *values)
            if sql == "COMMIT" and super().execute("PRAGMA synchronous").fetchone()[0] >= FULL:
                covered()
            return done

    def connect(path: Path, kind: type[Keyed] = Keyed) -> Any:
        assert kind is Keyed, "the writer's connection is of another kind"
        connection = original(path, Watched)
        covered()  # whatever the start has left of an earlier log was synced in its time
        return connection

    seeds.sew(connections, "connect", connect)


def hasten(settle: float) -> None:
    """An order's file counts as whole after this many seconds: no setting says so, and every life would wait anew."""
    defaults = seeds.seam(FolderOrders.__init__, "__kwdefaults__")
    assert "settle" in defaults, "the folder of orders has no `settle` any more"
    defaults["settle"] = settle


def prepare(note: str, wal: str, fault: str | None, bites: str) -> None:
    """What the new process does before it becomes the appliance."""
    hasten(SETTLE_SECONDS)
    watch_syncs(Path(note), Path(wal))
    if fault:
        seeds.install(fault, Path(bites))
