"""Triggers and their deliveries on disk: accepted in one commit, changed in gathered ones, read back at the start."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.core.triggers import NONCE_WINDOW_MS
from appliance.errors import Problem
from appliance.storage.database import Database, Gathered, Job

_SEQ_BLOCK = 10_000

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[HistoryEntry]).decode

_SELECT = (
    "SELECT d.pk, d.trigger_pk, t.id, t.sender, t.order_id, t.target, d.screen_id, d.display_index, t.mode, d.seq, "
    "t.accepted_at, t.ttl_ms, d.expires_at, d.state, d.final, d.listed, d.round, d.attempt, d.losses, d.auto_rounds, "
    "d.ref, d.title, d.content_type, d.code, d.cause, d.evidence, d.history "
    "FROM deliveries d JOIN triggers t ON t.pk = d.trigger_pk "
)
_INSERT_TRIGGER = (
    "INSERT INTO triggers (pk, id, sender, order_id, target, display_index, url, title, mode, ttl_ms, nonce, "
    "accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)
_INSERT_DELIVERY = (
    "INSERT INTO deliveries (pk, trigger_pk, screen_id, display_index, seq, state, final, listed, round, attempt, "
    "losses, auto_rounds, ref, title, content_type, code, cause, evidence, expires_at, updated_at, history) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_DELIVERY = (
    "UPDATE deliveries SET seq = ?, state = ?, final = ?, listed = ?, round = ?, attempt = ?, losses = ?, "
    "auto_rounds = ?, ref = ?, title = ?, content_type = ?, code = ?, cause = ?, evidence = ?, expires_at = ?, "
    "updated_at = ?, history = ? WHERE pk = ?"
)


class TriggerRecord(msgspec.Struct, kw_only=True):
    """An accepted trigger; what a repeat of its id is compared with."""

    pk: int
    id: str
    sender: str
    order_id: str | None
    target: str
    display_index: int | None
    url: str | None
    title: str | None
    mode: str
    ttl_ms: int
    nonce: str | None
    accepted_at: int

    def same_request(self, other: TriggerRecord) -> bool:
        """Whether `other` asks for the same: sender, order, target and display."""
        mine = (self.sender, self.order_id, self.url, self.target, self.display_index)
        return mine == (other.sender, other.order_id, other.url, other.target, other.display_index)


@dataclass(slots=True)
class Accepted:
    """What became of an attempt to accept: the record on disk, and whether it was there before."""

    record: TriggerRecord
    duplicate: bool


class Outbox:
    """The deliveries' store. Changes are marked in memory; the newest state of each goes with the next commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed: dict[int, Delivery] = {}
        self._after: list[Callable[[], None]] = []
        self._along: list[Job[Any]] = []
        self._next_seq = 0
        self._reserved = 0
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

    def accept(self, record: TriggerRecord, deliveries: list[Delivery]) -> asyncio.Future[Accepted]:
        """Writes the trigger with its deliveries; the future ends after the synced commit.

        A repeat of the same request gives the record on disk with `duplicate`. Raises `IDEMPOTENCY_CONFLICT`,
        `DUPLICATE_NONCE`, or `STORAGE_UNAVAILABLE` with nothing kept.
        """
        rows = [_insert_row(delivery, record.accepted_at) for delivery in deliveries]
        return self._database.submit(lambda tx: _accept(tx, record, rows))

    async def check(self, record: TriggerRecord) -> Accepted | None:
        """What `accept` would answer to a repeat, without accepting anything new; raises as it does."""
        return await self._database.write(lambda tx: _check(tx, record))

    async def find(self, trigger_id: str) -> TriggerRecord | None:
        """The accepted trigger of this id, as far as it is committed."""
        return await self._database.read(lambda connection: _find(connection, trigger_id))

    def mark(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        """Notes that `delivery` has changed; `then` is called after the commit that holds the change."""
        self._changed[delivery.pk] = delivery
        if then is not None:
            self._after.append(then)
        self._database.wake()

    def along(self, job: Job[Any]) -> None:
        """Has `job` (an audit entry) run in the transaction that holds what is marked now."""
        self._along.append(job)
        self._database.wake()

    async def of_trigger(self, trigger_id: str) -> list[Delivery]:
        """All deliveries of a trigger, with the changes that are not committed yet."""
        await self._database.flush()
        return await self._database.read(
            lambda connection: read_deliveries(connection, "WHERE t.id = ? ORDER BY d.pk", (trigger_id,))
        )

    async def one(self, trigger_id: str, screen_id: str) -> Delivery | None:
        """One delivery, open or not."""
        found = [d for d in await self.of_trigger(trigger_id) if d.screen_id == screen_id]
        return found[0] if found else None

    async def latest(self, limit: int) -> list[Delivery]:
        """The newest deliveries, newest first."""
        return await self._database.read(
            lambda connection: read_deliveries(connection, "ORDER BY d.pk DESC LIMIT ?", (limit,))
        )

    async def shown_after(self, delivery: Delivery) -> bool:
        """Whether a newer one of its lane has been shown."""

        def job(connection: sqlite3.Connection) -> bool:
            found = connection.execute(
                "SELECT 1 FROM deliveries WHERE screen_id = ? AND display_index = ? AND seq > ? AND final = 1 "
                "AND state IN ('shown', 'received') LIMIT 1",
                (delivery.screen_id, delivery.display_index, delivery.seq),
            ).fetchone()
            return found is not None

        return await self._database.read(job)

    async def exhausted(self, screen_id: str, now: int) -> list[Delivery]:
        """Dead letters of a screen whose retries are used up, inside their time to live, the newest of their lane."""
        return await self._database.read(
            lambda connection: read_deliveries(
                connection,
                "WHERE d.listed = 1 AND d.screen_id = ? AND d.code = 'RETRIES_EXHAUSTED' AND d.expires_at > ? "
                "AND NOT EXISTS (SELECT 1 FROM deliveries n WHERE n.screen_id = d.screen_id "
                "AND n.display_index = d.display_index AND n.seq > d.seq AND n.state <> 'awaitingOrder') "
                "ORDER BY d.seq",
                (screen_id, now),
            )
        )

    async def newest_of_lanes(self, lanes: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """The highest `seq` of each lane whose order was known, whatever became of it."""

        def job(connection: sqlite3.Connection) -> dict[tuple[str, int], int]:
            return {
                lane: connection.execute(
                    "SELECT coalesce(max(seq), 0) FROM deliveries WHERE screen_id = ? AND display_index = ? "
                    "AND state <> 'awaitingOrder' AND coalesce(code, '') NOT IN ('ORDER_NOT_FOUND', "
                    "'ORDER_OUT_OF_STOCK', 'DOCUMENT_TYPE_UNSUPPORTED', 'ORDER_SOURCE_UNAVAILABLE', 'QUEUE_FULL')",
                    lane,
                ).fetchone()[0]
                for lane in lanes
            }

        return await self._database.read(job)

    def _gather(self) -> Gathered:
        if not self._changed and not self._along:
            return None
        now_rows = [_update_row(delivery) for delivery in self._changed.values()]
        after, self._after = self._after, []
        along, self._along = self._along, []
        self._changed = {}

        def job(tx: sqlite3.Connection) -> None:
            tx.executemany(_UPDATE_DELIVERY, now_rows)
            for more in along:
                more(tx)

        def done() -> None:
            for call in after:
                call()

        return job, done


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


def read_deliveries(connection: sqlite3.Connection, clause: str, values: tuple[Any, ...] = ()) -> list[Delivery]:
    """Deliveries as stored; `clause` is a constant `WHERE … ORDER BY …` over `d` (deliveries) and `t` (triggers)."""
    return [_delivery(row) for row in connection.execute(_SELECT + clause, values)]


def _set_seq(tx: sqlite3.Connection, value: str) -> None:
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('seq', ?)", (value,))


def _accept(tx: sqlite3.Connection, record: TriggerRecord, rows: list[tuple[Any, ...]]) -> Accepted:
    # The usual case takes one statement: each one more is another wait for the interpreter's lock.
    repeat = _check(tx, record) if record.nonce is not None else None
    if repeat is None and not tx.execute(_INSERT_TRIGGER, msgspec.structs.astuple(record)).rowcount:
        repeat = _check(tx, record)
    if repeat is not None:
        return repeat
    tx.executemany(_INSERT_DELIVERY, rows)
    return Accepted(record, duplicate=False)


def _check(tx: sqlite3.Connection, record: TriggerRecord) -> Accepted | None:
    found = _find(tx, record.id)
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


def _find(connection: sqlite3.Connection, trigger_id: str) -> TriggerRecord | None:
    row = connection.execute(
        "SELECT pk, id, sender, order_id, target, display_index, url, title, mode, ttl_ms, nonce, accepted_at "
        "FROM triggers WHERE id = ?",
        (trigger_id,),
    ).fetchone()
    return TriggerRecord(**dict(zip(TriggerRecord.__struct_fields__, row, strict=True))) if row else None


def _state_columns(d: Delivery, updated_at: int) -> tuple[Any, ...]:
    evidence = msgspec.json.encode(d.evidence).decode() if d.evidence is not None else None
    return (
        d.seq, d.state.value, d.final, d.listed, d.round, d.attempt, d.losses, d.auto_rounds, d.ref, d.title,
        d.content_type, d.code, d.cause, evidence, d.expires_at, updated_at, _pack(d.history),
    )  # fmt: skip


def _insert_row(d: Delivery, at: int) -> tuple[Any, ...]:
    return (d.pk, d.trigger_pk, d.screen_id, d.display_index, *_state_columns(d, at))


def _update_row(d: Delivery) -> tuple[Any, ...]:
    return (*_state_columns(d, d.history[-1].at), d.pk)


def _delivery(row: Iterable[Any]) -> Delivery:
    values = dict(zip(Delivery.__struct_fields__, row, strict=True))
    values["state"] = State(values["state"])
    values["final"] = bool(values["final"])
    values["listed"] = bool(values["listed"])
    values["evidence"] = msgspec.json.decode(values["evidence"]) if values["evidence"] else None
    values["history"] = _unpack(values["history"])
    return Delivery(**values)
