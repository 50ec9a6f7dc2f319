"""Stored state that was replaced by an older or a salvaged one: noted in the file, and taken into account by the next
start. What was open may have been shown, superseded or answered since, so none of it goes out again by itself."""

from __future__ import annotations

import sqlite3
import uuid

from appliance.core.delivery import Delivery, Event, Happening, apply, decide
from appliance.core.retry import RetryPolicy
from appliance.storage import audit
from appliance.storage.rows import read_deliveries, update_deliveries, updated

_KEY = "replaced_at"
_HOW = "replaced_how"
_NO_RETRIES = RetryPolicy(0, 1)


def note(tx: sqlite3.Connection, at: int, how: str) -> None:
    """Says that this state took another one's place at `at` (ms); `how` is one word for the history."""
    for key, value in ((_KEY, str(at)), (_HOW, how)):
        tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def take_up(tx: sqlite3.Connection, now: int) -> list[Delivery] | None:
    """Once after such a note, all in this one transaction: a new epoch, everything open becomes a dead letter with the
    code `RESTORED`, and no lane claims to know what it shows. Returns those letters; None when there was no note."""
    meta = dict(tx.execute("SELECT key, value FROM meta WHERE key IN (?, ?)", (_KEY, _HOW)))
    if _KEY not in meta:
        return None
    found = read_deliveries(tx, "WHERE d.final = 0 ORDER BY d.seq")
    for delivery in found:
        decision = decide(delivery, Happening(Event.RESTORED, detail=meta.get(_HOW)), _NO_RETRIES)
        if decision is not None:
            apply(delivery, decision, now)
    update_deliveries(tx, [updated(delivery) for delivery in found])
    tx.execute("DELETE FROM current_documents")
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('epoch', ?)", (str(uuid.uuid4()),))
    tx.execute("DELETE FROM meta WHERE key IN (?, ?)", (_KEY, _HOW))
    audit.append(tx, now, "system", "storage.replaced", meta.get(_HOW, ""), {"deadLetters": len(found)})
    return found
