"""The audit record: who did what to which thing, written in the same transaction as the change itself."""

from __future__ import annotations

import sqlite3

import msgspec


def append(
    tx: sqlite3.Connection, at: int, actor: str, action: str, target: str = "", detail: dict[str, object] | None = None
) -> None:
    """Adds one entry. `actor` is `user:NAME`, `key:NAME`, `screen:ID` or `local:NAME`; never a secret in `detail`."""
    tx.execute(
        "INSERT INTO audit (at, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)",
        (at, actor, action, target or None, msgspec.json.encode(detail).decode() if detail else None),
    )
