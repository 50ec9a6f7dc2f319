"""The dead-letter list: deliveries that are dead and neither sent again nor discarded."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.core.delivery import Delivery
from appliance.storage.clauses import array, narrowed
from appliance.storage.outbox import newest_past_awaiting
from appliance.storage.rows import read_deliveries

Lane = tuple[str, int]
Place = tuple[int, int]
"""Where in the list, the newest first: when the letter died (ms), and its key."""

_LIVE = frozenset({"pending", "sent", "received", "shown"})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which dead letters are meant; None is no condition. `since` and `until` are when they died, ms, inclusive;
    `screens` are the only ones that whoever asks may see; those of `except_code` are left out."""

    screen_id: str | None = None
    code: str | None = None
    since: int | None = None
    until: int | None = None
    screens: Collection[str] | None = None
    except_code: str | None = None


def listing(connection: sqlite3.Connection, wanted: Filter, limit: int, below: Place | None = None) -> list[Delivery]:
    """The newest first, by when they died; `below` is the place of the last one seen.

    A letter keeps its place for as long as it is on the list, so pages neither skip nor repeat one, whatever dies, is
    sent again or discarded between them. One that dies again is a new letter, and stands above them all.
    """
    where, values = _where(wanted)
    if below is not None:
        where += " AND (d.updated_at, d.pk) < (?, ?)"
        values += below
    keys = f"SELECT d.pk FROM deliveries d INDEXED BY deliveries_listed {where} "  # noqa: S608 - constant clauses
    return read_deliveries(
        connection,
        f"WHERE d.pk IN ({keys} ORDER BY d.updated_at DESC, d.pk DESC LIMIT ?) ORDER BY d.updated_at DESC, d.pk DESC",
        (*values, limit),
    )


def place(delivery: Delivery) -> Place:
    return delivery.entered.at, delivery.pk


@dataclass(frozen=True, slots=True)
class Letter:
    """As much of a dead letter as it takes to choose it."""

    pk: int
    trigger_id: str
    screen_id: str
    display_index: int


def oldest(connection: sqlite3.Connection, wanted: Filter, limit: int, above: int = 0) -> list[Letter]:
    """In the order they were accepted, from the one behind the key `above`."""
    where, values = _where(wanted)
    keys = f"SELECT d.pk FROM deliveries d INDEXED BY deliveries_listed {where} AND d.pk > ? "  # noqa: S608
    found = connection.execute(
        "SELECT d.pk, t.id, d.screen_id, d.display_index FROM deliveries d JOIN triggers t ON t.pk = d.trigger_pk "  # noqa: S608
        f"WHERE d.pk IN ({keys} ORDER BY d.pk LIMIT ?) ORDER BY d.pk",
        (*values, above, limit),
    )
    return [Letter(*row) for row in found]


def count(connection: sqlite3.Connection, wanted: Filter | None = None, above: int = 0) -> int:
    """How many are on the list; with `above` only those accepted behind that key."""
    where, values = _where(wanted or Filter())
    found: int = connection.execute(
        f"SELECT count(*) FROM deliveries d INDEXED BY deliveries_listed {where} AND d.pk > ?",  # noqa: S608
        (*values, above),
    ).fetchone()[0]
    return found


def of_ids(connection: sqlite3.Connection, ids: Sequence[tuple[str, str]]) -> list[Delivery]:
    """The deliveries of these triggers on these screens, dead or not, in the order they were accepted."""
    found = connection.execute(
        "SELECT d.pk FROM json_each(?) j JOIN triggers t ON t.id = j.value ->> 0 "
        "JOIN deliveries d ON d.trigger_pk = t.pk AND d.screen_id = j.value ->> 1",
        (array(ids),),
    )
    return of_keys(connection, [pk for (pk,) in found])


def of_keys(connection: sqlite3.Connection, keys: Sequence[int]) -> list[Delivery]:
    return read_deliveries(connection, "WHERE d.pk IN (SELECT value FROM json_each(?)) ORDER BY d.pk", (array(keys),))


def exhausted(connection: sqlite3.Connection, now: int) -> list[tuple[str, str, int, int]]:
    """Those whose retries are used up, inside their time to live: trigger id, screen, when that ends, how long it was
    (ms)."""
    return connection.execute(
        "SELECT t.id, d.screen_id, d.expires_at, t.ttl_ms FROM deliveries d INDEXED BY deliveries_exhausted "
        "JOIN triggers t ON t.pk = d.trigger_pk "
        "WHERE d.listed = 1 AND d.code = 'RETRIES_EXHAUSTED' AND d.expires_at > ? ORDER BY d.pk",
        (now,),
    ).fetchall()


def to_take_up(connection: sqlite3.Connection, ids: Sequence[tuple[str, str]]) -> list[Delivery]:
    """Those of `ids` whose retries are used up and that nothing newer of their lane has overtaken, in the order they
    were accepted.

    For mode `latest` that is anything whose turn has come; for mode `queue` only what is open, or was shown.
    """
    found = [d for d in of_ids(connection, ids) if d.listed and d.code == "RETRIES_EXHAUSTED"]
    lanes = {delivery.lane for delivery in found}
    newest = {lane: newest_past_awaiting(connection, lane) for lane in lanes}
    live = {lane: newest_live(connection, lane) for lane in lanes}
    return [d for d in found if (newest[d.lane] <= d.seq if d.mode == "latest" else live[d.lane] < d.pk)]


def newest_live(connection: sqlite3.Connection, lane: Lane) -> int:
    """The key of the one of the lane that was accepted last among those shown, received, or open past awaiting."""
    best = 0
    for seq, pk, state in connection.execute(
        "SELECT seq, pk, state FROM deliveries WHERE screen_id = ? AND display_index = ? ORDER BY seq DESC", lane
    ):
        if seq <= best:  # a key is never above its `seq`: nothing further down can be newer
            break
        if state in _LIVE:
            best = max(best, pk)
    return best


def _where(wanted: Filter) -> tuple[str, list[Any]]:
    within = None if wanted.screens is None else array(wanted.screens)
    conditions = [
        ("d.screen_id = ?", wanted.screen_id),
        ("d.code = ?", wanted.code),
        ("d.code IS NOT ?", wanted.except_code),
        ("d.updated_at >= ?", wanted.since),
        ("d.updated_at <= ?", wanted.until),
        ("d.screen_id IN (SELECT value FROM json_each(?))", within),
    ]
    return narrowed("WHERE d.listed = 1", [], conditions)
