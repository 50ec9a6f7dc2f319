"""Starts the appliance without syncing (`python -m tests.bench.careless serve …`), to make ready what is benched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from appliance.cli.main import main
from appliance.storage import connections

_connect = connections.connect


def _unsynced(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


if __name__ == "__main__":
    connections.connect = _unsynced
    main()
