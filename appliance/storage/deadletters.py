"""The dead-letter list: deliveries that are dead and neither sent again nor discarded."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from appliance.core.delivery import Delivery
from appliance.storage.outbox import read_deliveries

_END = 1 << 62


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters are meant; None is no condition. `since` and `until` are when they died, ms, inclusive."""

    screen_id: str | None = None
    code: str | None = None
    since: int | None = None
    until: int | None = None


def listing(connection: sqlite3.Connection, wanted: Filter, limit: int, before: int | None = None) -> list[Delivery]:
    """The newest first; `before` is the key (pk) of the last one seen."""
    return read_deliveries(
        connection,
        "WHERE d.listed = 1 AND d.pk < ? AND d.screen_id = coalesce(?, d.screen_id) AND d.code = coalesce(?, d.code) "
        "AND d.updated_at BETWEEN coalesce(?, 0) AND coalesce(?, ?) ORDER BY d.pk DESC LIMIT ?",
        (
            _END if before is None else before,
            wanted.screen_id,
            wanted.code,
            wanted.since,
            wanted.until,
            _END,
            limit,
        ),
    )


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM deliveries WHERE listed = 1").fetchone()[0]
    return found
