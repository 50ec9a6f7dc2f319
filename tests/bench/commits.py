"""What the disk and SQLite allow: rows the size of a trigger, synced, with nothing of the appliance around them."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

from appliance.storage.connections import connect


def a_second(directory: Path, group: int, seconds: float) -> float:
    """Rows a second with one synced commit for each `group` of them, in a new file opened as the appliance does."""
    file = directory / f"commits-{group}.db"
    connection = connect(file)
    connection.execute("CREATE TABLE triggers (pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)")
    filler = "0" * 200
    written, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        rows = [(str(uuid.uuid4()), json.dumps({"orderId": "ORD-0001", "rest": filler})) for _ in range(group)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO triggers (id, body) VALUES (?, ?)", rows)
        connection.execute("COMMIT")
        written += group
    took = time.perf_counter() - started
    connection.close()
    for each in directory.glob(f"{file.name}*"):
        each.unlink()
    return written / took
