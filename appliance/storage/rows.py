"""Triggers and deliveries as rows: how they are packed, and the statements that write and read many at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.storage.faults import GarbledError
from appliance.storage.groups import Job

Row = tuple[Any, ...]


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


_TRIGGER_COLUMNS = (
    "pk", "id", "sender", "order_id", "target", "display_index", "url", "title", "mode", "ttl_ms", "nonce",
    "accepted_at",
)  # fmt: skip
_FIXED_COLUMNS = ("pk", "trigger_pk", "screen_id", "display_index")
_STATE_COLUMNS = (
    "seq", "state", "final", "listed", "round", "attempt", "losses", "auto_rounds", "ref", "title", "content_type",
    "code", "cause", "evidence", "expires_at", "updated_at", "history",
)  # fmt: skip
_SELECT = (
    "SELECT d.pk, d.trigger_pk, t.id, t.sender, t.order_id, t.target, d.screen_id, d.display_index, t.mode, d.seq, "
    "t.accepted_at, t.ttl_ms, d.expires_at, d.state, d.final, d.listed, d.round, d.attempt, d.losses, d.auto_rounds, "
    "d.ref, d.title, d.content_type, d.code, d.cause, d.evidence, d.history "
    "FROM deliveries d JOIN triggers t ON t.pk = d.trigger_pk "
)
# ruff: noqa: S608 - what these statements are put together from is constant
_INSERT_TRIGGERS = "INSERT INTO triggers (" + ", ".join(_TRIGGER_COLUMNS) + ") VALUES "
_INSERT_DELIVERIES = "INSERT INTO deliveries (" + ", ".join(_FIXED_COLUMNS + _STATE_COLUMNS) + ") VALUES "
# Each `VALUES` row of an update is the key and then the columns, which SQLite names column1, column2 and so on.
_UPDATE_DELIVERIES = (
    "UPDATE deliveries SET "
    + ", ".join(name + f" = v.column{number}" for number, name in enumerate(_STATE_COLUMNS, start=2))
    + " FROM (VALUES "
)
_AT_ONCE = 64
"""Rows in one statement. Only powers of two up to this are used, so that few different statements are prepared."""


class _Line(msgspec.Struct, array_like=True, omit_defaults=True):
    """A history entry as it is packed: without names, and with its time counted from the line before."""

    after: int
    state: str
    round: int
    attempt: int
    code: str | None = None
    cause: str | None = None
    detail: str | None = None


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[_Line]).decode


def insert_triggers(tx: sqlite3.Connection, records: Sequence[TriggerRecord]) -> None:
    _many(tx, _INSERT_TRIGGERS, "", [msgspec.structs.astuple(record) for record in records])


def insert_if_new(tx: sqlite3.Connection, record: TriggerRecord) -> bool:
    """Whether there was no trigger of this id yet; it is one now."""
    statement = _statement(_INSERT_TRIGGERS, " ON CONFLICT (id) DO NOTHING", len(_TRIGGER_COLUMNS), 1)
    return bool(tx.execute(statement, msgspec.structs.astuple(record)).rowcount)


def insert_deliveries(tx: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """`rows` as `inserted` makes them."""
    _many(tx, _INSERT_DELIVERIES, "", rows)


def update_deliveries(tx: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """`rows` as `updated` makes them; those that are gone are left out."""
    _many(tx, _UPDATE_DELIVERIES, ") AS v WHERE deliveries.pk = v.column1", rows)


def saving(deliveries: Iterable[Delivery], also: Job[None] | None = None) -> Job[None]:
    """A job that writes these deliveries as they are at this moment, whatever becomes of them before it runs, and in
    the same transaction `also` (an audit entry)."""
    lines = [updated(delivery) for delivery in deliveries]

    def job(tx: sqlite3.Connection) -> None:
        update_deliveries(tx, lines)
        if also is not None:
            also(tx)

    return job


def inserted(delivery: Delivery) -> Row:
    """A new delivery as a row of its own."""
    d = delivery
    return (d.pk, d.trigger_pk, d.screen_id, d.display_index, *_state_of(d))


def updated(delivery: Delivery) -> Row:
    """Everything of a delivery that can change, behind its key."""
    return (delivery.pk, *_state_of(delivery))


def find_trigger(connection: sqlite3.Connection, trigger_id: str) -> TriggerRecord | None:
    row = connection.execute(
        f"SELECT {', '.join(_TRIGGER_COLUMNS)} FROM triggers WHERE id = ?",
        (trigger_id,),
    ).fetchone()
    return TriggerRecord(**dict(zip(_TRIGGER_COLUMNS, row, strict=True))) if row else None


def read_deliveries(connection: sqlite3.Connection, clause: str, values: Row = ()) -> list[Delivery]:
    """Deliveries as stored; `clause` is a constant `WHERE … ORDER BY …` over `d` (deliveries) and `t` (triggers)."""
    return [_delivery(row) for row in connection.execute(_SELECT + clause, values)]


def chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """`rows` in parts of `_AT_ONCE`, then of the powers of two below."""
    start, size = 0, _AT_ONCE
    while start < len(rows):
        while size > len(rows) - start:
            size >>= 1
        yield rows[start : start + size]
        start += size


_statements: dict[tuple[str, int], str] = {}


def _many(tx: sqlite3.Connection, head: str, tail: str, rows: Sequence[Row]) -> None:
    for some in chunks(rows):
        statement = _statement(head, tail, len(some[0]), len(some))
        tx.execute(statement, [value for row in some for value in row])


def _statement(head: str, tail: str, width: int, rows: int) -> str:
    found = _statements.get((head + tail, rows))
    if found is None:
        one = "(" + ", ".join("?" * width) + ")"
        found = _statements[head + tail, rows] = head + ", ".join([one] * rows) + tail
    return found


def _state_of(d: Delivery) -> Row:
    evidence = msgspec.json.encode(d.evidence).decode() if d.evidence is not None else None
    return (
        d.seq, d.state.value, d.final, d.listed, d.round, d.attempt, d.losses, d.auto_rounds, d.ref, d.title,
        d.content_type, d.code, d.cause, evidence, d.expires_at, d.entered.at, _packed(d.history),
    )  # fmt: skip


def _packed(history: list[HistoryEntry]) -> bytes:
    lines, before = [], 0
    for entry in history:
        lines.append(
            _Line(entry.at - before, entry.state, entry.round, entry.attempt, entry.code, entry.cause, entry.detail)
        )
        before = entry.at
    return _pack(lines)


def _unpacked(packed: bytes) -> list[HistoryEntry]:
    entries, at = [], 0
    for line in _unpack(packed):
        at += line.after
        entries.append(HistoryEntry(at, line.state, line.round, line.attempt, line.code, line.cause, line.detail))
    return entries


def _delivery(row: Iterable[Any]) -> Delivery:
    values = dict(zip(Delivery.__struct_fields__, row, strict=True))
    try:
        values["state"] = State(values["state"])
    except ValueError:
        raise GarbledError(f"delivery {values['pk']} has no state that there is") from None
    values["final"] = bool(values["final"])
    values["listed"] = bool(values["listed"])
    # What only tells of the past may be unreadable: nothing that is still to be done hangs on it.
    try:
        values["evidence"] = msgspec.json.decode(values["evidence"]) if values["evidence"] else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        values["evidence"] = None
    try:
        values["history"] = _unpacked(values["history"])
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        values["history"] = []
    if not values["history"]:
        line = HistoryEntry(values["accepted_at"], values["state"].value, values["round"], values["attempt"])
        values["history"] = [line]
    return Delivery(**values)
