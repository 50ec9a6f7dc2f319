"""The table of what each lane shows now."""

from __future__ import annotations

import sqlite3

import msgspec


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """A lane's current document; `at` (ms) is when it was shown."""

    screen_id: str
    display_index: int
    delivery_pk: int
    trigger_id: str
    order_id: str | None
    title: str
    ref: str
    content_type: str
    seq: int
    round: int
    attempt: int
    accepted_at: int
    expires_at: int
    at: int


def load(connection: sqlite3.Connection) -> list[Current]:
    rows = connection.execute(
        "SELECT c.screen_id, c.display_index, c.delivery_pk, t.id, t.order_id, d.title, d.ref, d.content_type, d.seq, "
        "d.round, d.attempt, t.accepted_at, d.expires_at, c.at FROM current_documents c "
        "JOIN deliveries d ON d.pk = c.delivery_pk JOIN triggers t ON t.pk = d.trigger_pk WHERE d.ref IS NOT NULL"
    )
    return [Current(**dict(zip(Current.__struct_fields__, row, strict=True))) for row in rows]


def save(tx: sqlite3.Connection, current: Current) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO current_documents (screen_id, display_index, delivery_pk, at) VALUES (?, ?, ?, ?)",
        (current.screen_id, current.display_index, current.delivery_pk, current.at),
    )


def delete(tx: sqlite3.Connection, screen_id: str, display_index: int) -> None:
    tx.execute("DELETE FROM current_documents WHERE screen_id = ? AND display_index = ?", (screen_id, display_index))
