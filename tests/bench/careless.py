"""Starts the appliance without syncing (`python -m tests.bench.careless serve …`), to make ready what is benched."""

from __future__ import annotations

from pathlib import Path

from appliance.cli.main import main
from appliance.storage import connections
from appliance.storage.chain import Keyed

_connect = connections.connect


def _unsynced(path: Path, kind: type[Keyed] = Keyed) -> Keyed:
    connection = _connect(path, kind)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


if __name__ == "__main__":
    connections.connect = _unsynced
    main()
