"""The dead-letter list: deliveries that are dead and neither sent again nor discarded."""

from __future__ import annotations

import sqlite3

from appliance.core.delivery import Delivery
from appliance.storage.outbox import read_deliveries


def listing(connection: sqlite3.Connection, limit: int, before: int | None = None) -> list[Delivery]:
    """The newest first; `before` is the key (pk) of the last one seen."""
    return read_deliveries(
        connection,
        "WHERE d.listed = 1 AND d.pk < ? ORDER BY d.pk DESC LIMIT ?",
        (before if before is not None else 1 << 62, limit),
    )


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM deliveries WHERE listed = 1").fetchone()[0]
    return found
