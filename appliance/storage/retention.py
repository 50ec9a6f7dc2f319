"""Forgetting finished triggers: which may go, and the small jobs that delete them. Freed pages are used again.

A dead letter goes in two steps with time between them: first it leaves the list, from where alone it can be sent again,
and only a later look deletes it. So nobody can send again what is being deleted at that moment.
"""

from __future__ import annotations

import sqlite3

import msgspec

from appliance.core.retention import Chronicle
from appliance.storage.clauses import array

_KEY = "retention"
_CURRENT = (
    "EXISTS (SELECT 1 FROM current_documents c WHERE c.screen_id = d.screen_id AND c.display_index = d.display_index "
    "AND c.delivery_pk = d.pk)"
)


class Finished(msgspec.Struct, frozen=True, array_like=True):
    """One trigger with what decides whether it may go. `newest_seq` is its last replay's, `changed_at` in ms."""

    pk: int
    accepted_at: int
    deliveries: int
    newest_seq: int
    changed_at: int
    open: int
    listed: int
    current: int


def look(connection: sqlite3.Connection, after: int, below: int, limit: int) -> list[Finished]:
    """The next `limit` triggers with keys between `after` and `below`, oldest first, whatever their state."""
    rows = connection.execute(
        "SELECT t.pk, t.accepted_at, count(d.pk), coalesce(max(d.seq), 0), coalesce(max(d.updated_at), t.accepted_at), "  # noqa: S608 - constant
        f"coalesce(sum(d.final = 0), 0), coalesce(sum(d.listed), 0), coalesce(sum({_CURRENT}), 0) FROM (SELECT pk, "
        "accepted_at FROM triggers WHERE pk > ? AND pk < ? ORDER BY pk LIMIT ?) t "
        "LEFT JOIN deliveries d ON d.trigger_pk = t.pk GROUP BY t.pk ORDER BY t.pk",
        (after, below, limit),
    )
    return [Finished(*row) for row in rows]


def unlist(tx: sqlite3.Connection, pks: list[int]) -> int:
    """Takes the dead letters of these triggers off the list; returns how many."""
    return tx.execute(
        "UPDATE deliveries SET listed = 0 WHERE listed = 1 AND trigger_pk IN (SELECT value FROM json_each(?))",
        (array(pks),),
    ).rowcount


def remove(tx: sqlite3.Connection, pks: list[int], limit: int) -> tuple[int, int]:
    """Deletes of these triggers what is finished, off the list and no lane's current document, at most `limit`
    deliveries at a time, and the triggers that have none left. A trigger with an open one stays whole.

    Returns (deliveries, triggers); fewer deliveries than `limit` means that nothing is left to do.
    """
    busy = (
        "SELECT trigger_pk FROM deliveries WHERE trigger_pk IN (SELECT value FROM json_each(?1)) "
        "AND (final = 0 OR listed = 1)"
    )
    gone = tx.execute(
        "DELETE FROM deliveries WHERE pk IN (SELECT d.pk FROM deliveries d WHERE d.trigger_pk IN (SELECT value "  # noqa: S608 - constant
        f"FROM json_each(?1)) AND d.trigger_pk NOT IN ({busy}) AND NOT {_CURRENT} LIMIT ?2)",
        (array(pks), limit),
    ).rowcount
    triggers = tx.execute(
        "DELETE FROM triggers WHERE pk IN (SELECT value FROM json_each(?)) "
        "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE trigger_pk = triggers.pk)",
        (array(pks),),
    ).rowcount
    return gone, triggers


def next_key(connection: sqlite3.Connection) -> int:
    """One more than the highest key on disk."""
    found: int = connection.execute(
        "SELECT 1 + max(coalesce((SELECT max(pk) FROM triggers), 0), coalesce((SELECT max(pk) FROM deliveries), 0))"
    ).fetchone()[0]
    return found


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the stored rows take up; pages that are free to be used again don't count."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    used: int = (pages - free) * size
    return used


def chronicle(connection: sqlite3.Connection) -> Chronicle:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    try:
        return msgspec.json.decode(row[0], type=Chronicle) if row else Chronicle()
    except msgspec.DecodeError:
        return Chronicle()  # only keeps things longer


def save_chronicle(tx: sqlite3.Connection, kept: Chronicle) -> None:
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (_KEY, msgspec.json.encode(kept).decode()))
