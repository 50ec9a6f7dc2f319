"""Searching all deliveries, finished or open: who was shown what, where and when. Newest first, in short reads.

`search` walks down the keys, which are in the order of acceptance, and gives up after a bounded number of rows, so that
no single read lasts, however many millions are kept and however little is found: whoever calls goes on where it ended.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from appliance.core.delivery import Delivery
from appliance.storage.clauses import array, narrowed
from appliance.storage.rows import read_deliveries

WALK = 20_000
"""Keys that one read goes through where no index leads to what is wanted."""
_MANY = 50_000
"""Triggers of a time past which it is no quicker to look their keys up than to walk."""
_FEW_SCREENS = 8


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries are meant; None is no condition. `since` and `until` are when they were accepted, ms, inclusive;
    `screens` are the only ones that whoever asks may see."""

    screen_id: str | None = None
    order_id: str | None = None
    states: Collection[str] | None = None
    since: int | None = None
    until: int | None = None
    screens: Collection[str] | None = None

    @property
    def places(self) -> Collection[str] | None:
        """The only screens that come into question."""
        if self.screen_id is None:
            return self.screens
        return [self.screen_id] if self.screens is None or self.screen_id in self.screens else []


@dataclass(frozen=True, slots=True)
class Span:
    """The keys between which everything lies that is meant: `low` is the first, `high` one more than the last."""

    low: int
    high: int


def span(connection: sqlite3.Connection, wanted: Filter) -> Span:
    """Where to search. Wall clocks jump, so the keys of a time are looked up, never guessed."""
    if wanted.since is None and wanted.until is None:
        return _everything(connection)
    low, last, number = connection.execute(
        "SELECT min(pk), max(pk), count(*) FROM (SELECT pk FROM triggers INDEXED BY triggers_accepted "
        "WHERE accepted_at BETWEEN ? AND ? LIMIT ?)",
        (wanted.since or 0, 1 << 62 if wanted.until is None else wanted.until, _MANY),
    ).fetchone()
    if number == _MANY:
        return _everything(connection)
    if low is None:
        return Span(0, 0)
    high = connection.execute("SELECT max(pk) FROM deliveries WHERE trigger_pk = ?", (last,)).fetchone()[0]
    return Span(low, (high or last) + 1)


def _everything(connection: sqlite3.Connection) -> Span:
    # Asked one by one, as only that looks at the ends alone.
    low, high = (
        connection.execute(end).fetchone()[0]
        for end in ("SELECT min(pk) FROM deliveries", "SELECT max(pk) FROM deliveries")
    )
    return Span(low or 0, (high or 0) + 1)


def search(
    connection: sqlite3.Connection, wanted: Filter, limit: int, within: Span
) -> tuple[list[Delivery], Span | None]:
    """Up to `limit` deliveries, the newest first, and where to go on; None at the end."""
    if within.low >= within.high:
        return [], None
    source, low = _source(wanted, within)
    where, values = _where(wanted, low, within.high)
    keys = [pk for (pk,) in connection.execute(f"SELECT d.pk FROM {source} {where} LIMIT ?", (*values, limit))]  # noqa: S608
    found = read_deliveries(
        connection, "WHERE d.pk IN (SELECT value FROM json_each(?)) ORDER BY d.pk DESC", (array(keys),)
    )
    rest = Span(within.low, keys[-1] if len(keys) == limit else low)
    return found, rest if rest.low < rest.high else None


def _source(wanted: Filter, within: Span) -> tuple[str, int]:
    """The tables to read, by the index that leads there quickest, and the key down to which this read goes."""
    timed = wanted.since is not None or wanted.until is not None
    places = wanted.places
    if wanted.order_id is not None:
        return "triggers t INDEXED BY triggers_order JOIN deliveries d ON d.trigger_pk = t.pk", within.low
    triggers = " JOIN triggers t ON t.pk = d.trigger_pk" if timed else ""
    if places is not None and len(places) <= _FEW_SCREENS:
        return f"deliveries d INDEXED BY deliveries_lane{triggers}", within.low
    return f"deliveries d NOT INDEXED{triggers}", max(within.low, within.high - WALK)


def _where(wanted: Filter, low: int, high: int) -> tuple[str, list[Any]]:
    places = wanted.places
    conditions: list[tuple[str, Any]] = [
        ("d.screen_id IN (SELECT value FROM json_each(?))", None if places is None else array(places)),
        ("d.state IN (SELECT value FROM json_each(?))", None if wanted.states is None else array(wanted.states)),
        ("t.accepted_at >= ?", wanted.since),
        ("t.accepted_at <= ?", wanted.until),
    ]
    order = "ORDER BY d.pk DESC"
    if wanted.order_id is not None:
        conditions += [("t.order_id = ?", wanted.order_id), ("t.pk < ?", high)]
        order = "ORDER BY t.pk DESC, d.pk DESC"
    clause, values = narrowed("WHERE d.pk >= ? AND d.pk < ?", [low, high], conditions)
    return f"{clause} {order}", values
