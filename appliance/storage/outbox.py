"""Triggers and their deliveries on disk: accepted in one commit, changed in gathered ones, read back at the start."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from appliance.core.delivery import Delivery
from appliance.core.triggers import NONCE_WINDOW_MS
from appliance.errors import Problem
from appliance.storage import rows
from appliance.storage.database import Database
from appliance.storage.groups import Bulk, Told
from appliance.storage.rows import TriggerRecord, read_deliveries
from appliance.storage.sources import Gathered

_SEQ_BLOCK = 10_000
_IDS_AT_ONCE = 500

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an attempt to accept: the record on disk, and whether it was there before."""

    record: TriggerRecord
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One trigger to be accepted, with its deliveries as rows."""

    record: TriggerRecord
    deliveries: list[rows.Row]


class Outbox:
    """The deliveries' store. Changes are marked in memory; the newest state of each goes with the next commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed: dict[int, Delivery] = {}
        self._committing: list[dict[int, Delivery]] = []
        self._reading: list[dict[int, Delivery]] = []
        self._after: list[Callable[[], None]] = []
        self._next_seq = 0
        self._reserved = 0
        self._accepting = Bulk(_accept_all)
        database.attach(self._gather)

    async def start(self) -> list[Delivery]:
        """Reads what is open, oldest first."""

        def job(connection: sqlite3.Connection) -> tuple[int, list[Delivery]]:
            row = connection.execute("SELECT value FROM meta WHERE key = 'seq'").fetchone()
            return int(row[0]) if row else 1, read_deliveries(connection, "WHERE d.final = 0 ORDER BY d.seq")

        self._next_seq, found = await self._database.read(job)
        self._reserved = self._next_seq
        return found

    def next_seq(self) -> int:
        """The next number of the one counter behind `seq` and the rows' keys. Reserved on disk in blocks, so that it
        never goes back, whatever is pruned or crashes."""
        if self._next_seq >= self._reserved:
            self._reserved = self._next_seq + _SEQ_BLOCK
            value = str(self._reserved)
            self._database.post(lambda tx: _set_seq(tx, value))
        seq = self._next_seq
        self._next_seq += 1
        return seq

    def accept(self, triggers: list[tuple[TriggerRecord, list[Delivery]]], told: Told) -> None:
        """Writes triggers with their deliveries, all in one commit; `told` gets one result each after it.

        A repeat of the same request gives the record on disk with `duplicate`; `IDEMPOTENCY_CONFLICT` and
        `DUPLICATE_NONCE` are that one's alone. It gets `STORAGE_UNAVAILABLE` instead, with nothing kept, where that is
        so; perhaps at once. Those of one commit are told in the order in which they were given.
        """
        entries = [Entry(record, [rows.inserted(each) for each in deliveries]) for record, deliveries in triggers]
        weight = sum(1 + len(entry.deliveries) for entry in entries)
        try:
            self._database.hand_to(self._accepting, entries, told, weight=weight)
        except Problem as problem:
            told(None, problem)

    def require(self, deliveries: int) -> None:
        """Raises what a trigger of so many deliveries would be refused with now."""
        self._database.require(1 + deliveries)

    async def check(self, record: TriggerRecord) -> Accepted | None:
        """What `accept` would answer to a repeat, without accepting anything new; raises as it does."""
        return await self._database.write(lambda tx: _check(tx, record))

    async def recall(self, records: list[TriggerRecord]) -> list[Accepted | Problem | None]:
        """`check` for each of them by reading alone, as far as it is committed: also while writing fails."""
        return await self._database.read(lambda connection: [_recall(connection, record) for record in records])

    async def find(self, trigger_id: str) -> TriggerRecord | None:
        """The accepted trigger of this id, as far as it is committed."""
        return await self._database.read(lambda connection: rows.find_trigger(connection, trigger_id))

    def mark(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        """Notes that `delivery` has changed; `then` is called after the commit that holds the change."""
        self._changed[delivery.pk] = delivery
        for newer in self._reading:
            newer[delivery.pk] = delivery
        if then is not None:
            self._after.append(then)
        self._database.wake()

    async def of_trigger(self, trigger_id: str, *, saved: bool = True) -> list[Delivery]:
        """All deliveries of a trigger; unless it is told otherwise, with the changes that are not committed yet."""
        if saved:
            await self._database.flush()
        return await self._database.read(
            lambda connection: read_deliveries(connection, "WHERE t.id = ? ORDER BY d.pk", (trigger_id,))
        )

    async def ended(self, trigger_id: str, screen_id: str) -> tuple[Delivery, bool] | None:
        """One delivery that isn't open, to be changed before anything else is awaited, and whether a newer one of its
        lane has been shown.

        Whatever was not on disk yet when this was called, or has changed since, replaces what was read: no two changes
        begin from the same state, even where the newer one is committed before the caller gets its turn.
        """
        self._database.require()

        def job(connection: sqlite3.Connection) -> tuple[Delivery, bool] | None:
            found = read_deliveries(connection, "WHERE t.id = ? AND d.screen_id = ?", (trigger_id, screen_id))
            return (found[0], shown_after(connection, found[0])) if found else None

        newer: dict[int, Delivery] = {}
        for changes in (*self._committing, self._changed):
            newer.update(changes)
        self._reading.append(newer)
        try:
            found = await self._database.write(job)
        finally:
            self._reading[:] = [other for other in self._reading if other is not newer]
        if found is None:
            return None
        delivery, newer_shown = found
        return newer.get(delivery.pk, delivery), newer_shown

    async def latest(self, limit: int) -> list[Delivery]:
        """The newest deliveries, newest first."""
        return await self._database.read(
            lambda connection: read_deliveries(connection, "ORDER BY d.pk DESC LIMIT ?", (limit,))
        )

    async def newest_of_lanes(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], tuple[int, int]]:
        """The highest `seq` of each lane whose order was known, and the highest of all, whatever became of them."""

        def job(connection: sqlite3.Connection) -> dict[tuple[str, int], tuple[int, int]]:
            return {lane: (newest_past_awaiting(connection, lane), _newest(connection, lane)) for lane in lanes}

        return await self._database.read(job)

    def _gather(self) -> Gathered:
        if not self._changed:
            return None
        changed, self._changed = self._changed, {}
        after, self._after = self._after, []
        self._committing.append(changed)

        def done() -> None:
            self._committing.remove(changed)
            for call in after:
                try:
                    call()
                except Exception:
                    _log.exception("storage.answer_failed", job=call.__qualname__)

        return rows.saving(changed.values()), done


def today(connection: sqlite3.Connection, since: int) -> tuple[int, int]:
    """Triggers accepted since `since` (ms), and how many of their deliveries are dead."""
    first = connection.execute(
        "SELECT min(pk) FROM triggers WHERE pk > coalesce((SELECT max(pk) FROM triggers WHERE accepted_at < ?), -1)",
        (since,),
    ).fetchone()[0]
    if first is None:
        return 0, 0
    accepted = connection.execute("SELECT count(*) FROM triggers WHERE pk >= ?", (first,)).fetchone()[0]
    dead = connection.execute("SELECT count(*) FROM deliveries WHERE pk >= ? AND state = 'dead'", (first,)).fetchone()[
        0
    ]
    return accepted, dead


def newest_past_awaiting(connection: sqlite3.Connection, lane: tuple[str, int]) -> int:
    """The highest `seq` of the lane that stood in it with its order known, whatever became of it."""
    row = connection.execute(
        "SELECT seq FROM deliveries WHERE screen_id = ? AND display_index = ? AND state <> 'awaitingOrder' "
        "AND ref IS NOT NULL AND coalesce(code, '') <> 'QUEUE_FULL' ORDER BY seq DESC LIMIT 1",
        lane,
    ).fetchone()
    return int(row[0]) if row else 0


def _newest(connection: sqlite3.Connection, lane: tuple[str, int]) -> int:
    found = connection.execute("SELECT max(seq) FROM deliveries WHERE screen_id = ? AND display_index = ?", lane)
    return int(found.fetchone()[0] or 0)


def shown_after(connection: sqlite3.Connection, delivery: Delivery) -> bool:
    """Whether a newer one of its lane has been shown."""
    found = connection.execute(
        "SELECT 1 FROM deliveries WHERE screen_id = ? AND display_index = ? AND seq > ? AND final = 1 "
        "AND state IN ('shown', 'received') LIMIT 1",
        (delivery.screen_id, delivery.display_index, delivery.seq),
    ).fetchone()
    return found is not None


def _set_seq(tx: sqlite3.Connection, value: str) -> None:
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('seq', ?)", (value,))


def _accept_all(tx: sqlite3.Connection, arguments: list[list[Entry]]) -> list[list[Accepted | Problem] | Exception]:
    """Accepts what came in many calls at once: what can't collide with anything in a few statements, the rest one by
    one behind it. Ids and nonces that come twice among them are the first one's."""
    entries = [entry for argument in arguments for entry in argument]
    if len(entries) == 1:
        results = [_accept(tx, entries[0])]
    else:
        apart = _suspects(tx, entries)
        together = [entry for number, entry in enumerate(entries) if number not in apart]
        rows.insert_triggers(tx, [entry.record for entry in together])
        rows.insert_deliveries(tx, [row for entry in together for row in entry.deliveries])
        results = [
            _accept(tx, entry) if number in apart else Accepted(entry.record, duplicate=False)
            for number, entry in enumerate(entries)
        ]
    taken = iter(results)
    return [[next(taken) for _ in argument] for argument in arguments]


def _suspects(tx: sqlite3.Connection, entries: list[Entry]) -> set[int]:
    """Which of them have an id or a nonce that is known, or that another one before them has too."""
    ids, nonces = [e.record.id for e in entries], [e.record.nonce for e in entries if e.record.nonce is not None]
    known = {found.lower() for found in _among(tx, "id", ids)}
    used = _among(tx, "nonce", nonces) if nonces else set()
    suspects = set()
    for number, entry in enumerate(entries):
        key, nonce = entry.record.id.lower(), entry.record.nonce
        if key in known or (nonce is not None and nonce in used):
            suspects.add(number)
        known.add(key)
        if nonce is not None:
            used.add(nonce)
    return suspects


def _among(tx: sqlite3.Connection, column: str, values: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(values), _IDS_AT_ONCE):
        some = values[start : start + _IDS_AT_ONCE]
        marks = ", ".join("?" * len(some))
        found.update(
            value
            for (value,) in tx.execute(f"SELECT {column} FROM triggers WHERE {column} IN ({marks})", some)  # noqa: S608
        )
    return found


def _accept(tx: sqlite3.Connection, entry: Entry) -> Accepted | Problem:
    # The usual case takes one statement for the trigger.
    record = entry.record
    try:
        repeat = _check(tx, record) if record.nonce is not None else None
        if repeat is None and not rows.insert_if_new(tx, record):
            repeat = _check(tx, record)
    except Problem as problem:
        return problem
    if repeat is not None:
        return repeat
    rows.insert_deliveries(tx, entry.deliveries)
    return Accepted(record, duplicate=False)


def _recall(connection: sqlite3.Connection, record: TriggerRecord) -> Accepted | Problem | None:
    try:
        return _check(connection, record)
    except Problem as problem:
        return problem


def _check(tx: sqlite3.Connection, record: TriggerRecord) -> Accepted | None:
    found = rows.find_trigger(tx, record.id)
    if found is not None:
        if not found.same_request(record):
            raise Problem("IDEMPOTENCY_CONFLICT", f"The id {record.id} was used for another request.")
        return Accepted(found, duplicate=True)
    if record.nonce is not None:
        used = tx.execute(
            "SELECT 1 FROM triggers WHERE nonce = ? AND accepted_at > ?",
            (record.nonce, record.accepted_at - NONCE_WINDOW_MS),
        ).fetchone()
        if used:
            raise Problem("DUPLICATE_NONCE", "The nonce was used by another trigger within the last hour.")
    return None
