"""The audit record: who did what to which thing and which screen, when and from where, written in the same transaction
as the change itself. Nothing in it is ever changed or deleted, and `storage.chain` seals it."""

from __future__ import annotations

import sqlite3
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import msgspec

from appliance.storage import chain
from appliance.storage.chain import Head, Keyed
from appliance.storage.clauses import narrowed

WALK = 20_000
"""Entries that one read goes through, however few are meant."""

_SHOWN = "pk, at, actor, action, target, screen_id, address, detail, mac"

came_from: ContextVar[str | None] = ContextVar("came_from", default=None)
"""The network address whose request is being answered; None for this computer itself. Jobs take it along."""


class Entry(msgspec.Struct, frozen=True):
    """One entry, as it is on disk. `detail` is a JSON object, `mac` its seal in hex."""

    pk: int
    at: int
    actor: str
    action: str
    target: str | None
    screen_id: str | None
    address: str | None
    detail: dict[str, Any] | None
    mac: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are meant; None is no condition. `action` may end in `*`; `since` and `until` are ms,
    inclusive."""

    actor: str | None = None
    action: str | None = None
    screen_id: str | None = None
    since: int | None = None
    until: int | None = None


def append(
    tx: sqlite3.Connection,
    at: int,
    actor: str,
    action: str,
    target: str = "",
    detail: dict[str, object] | None = None,
    *,
    screen: str | None = None,
    address: str | None = None,
) -> None:
    """Adds one entry. `actor` is `user:NAME`, `key:ID`, `screen:ID`, `local:NAME` or `system`; `screen` the id of the
    one that it is about; `address` where it came from, when that isn't the job's; never a secret in `detail`."""
    if not isinstance(tx, Keyed):
        raise TypeError("This connection has no key to seal entries with.")
    last, pk = chain.end(tx, tx.seal_key)
    told = msgspec.json.encode(detail).decode() if detail else None
    members = (pk, at, actor, action, target or None, told, screen, address or tx.caller)
    mac = chain.seal_of(tx.seal_key, last.mac, members)
    tx.execute(
        "INSERT INTO audit (pk, at, actor, action, target, detail, screen_id, address, prev, mac) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*members, last.mac, mac),
    )
    chain.note_head(tx, tx.seal_key, Head(last.entries + 1, pk, mac))


def search(
    connection: sqlite3.Connection, wanted: Filter, limit: int, below: int | None = None
) -> tuple[list[Entry], int | None]:
    """Up to `limit` entries numbered below `below`, the newest first, and where to go on; None at the end."""
    if below is None:
        (last,) = connection.execute("SELECT max(pk) FROM audit").fetchone()
        below = (last or 0) + 1
    low = max(0, below - WALK)
    begins = (wanted.action or "").endswith("*")
    clause, values = narrowed(
        "WHERE pk >= ? AND pk < ?",
        [low, below],
        (
            ("actor = ?", wanted.actor),
            ("action = ?", None if begins else wanted.action),
            ("instr(action, ?) = 1", (wanted.action or "")[:-1] if begins else None),
            ("screen_id = ?", wanted.screen_id),
            ("at >= ?", wanted.since),
            ("at <= ?", wanted.until),
        ),
    )
    found = [
        _entry(row)
        for row in connection.execute(f"SELECT {_SHOWN} FROM audit {clause} ORDER BY pk DESC LIMIT ?", (*values, limit))  # noqa: S608
    ]
    rest = found[-1].pk if len(found) == limit else low
    return found, rest if rest > 1 else None


def _entry(row: tuple[Any, ...]) -> Entry:
    """Somebody may have put anything there; that is told of by the seal, and mustn't keep the rest from being read."""
    pk, at, *texts, detail, mac = row
    actor, action, target, screen_id, address = (str(text) if text is not None else None for text in texts)
    try:
        told = msgspec.json.decode(detail, type=dict[str, Any]) if detail else None
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError):
        told = {"unreadable": str(detail)}
    when = at if isinstance(at, int) and 0 <= at < 1 << 42 else 0
    sealed = mac.hex() if isinstance(mac, bytes) else ""
    return Entry(pk, when, actor or "", action or "", target, screen_id, address, told, sealed)
