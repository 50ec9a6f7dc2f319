"""Rows as they come back: unchanged, and where something wrote over them, as far as they can be read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.storage import rows
from appliance.storage.faults import GarbledError
from appliance.storage.files import prepare
from appliance.storage.rows import TriggerRecord

ACCEPTED_AT = 1_764_000_000_000


def one(pk: int, **members: object) -> tuple[TriggerRecord, Delivery]:
    trigger_id = f"0b0e6f9c-0000-4000-8000-{pk:012d}"
    record = TriggerRecord(
        pk=pk, id=trigger_id, sender="key:erp", order_id="제작-1", target="*", display_index=None, url=None, title=None,
        mode="queue", ttl_ms=600_000, nonce=None, accepted_at=ACCEPTED_AT,
    )  # fmt: skip
    values: dict[str, object] = {
        "pk": pk, "trigger_pk": pk, "trigger_id": trigger_id, "sender": "key:erp", "order_id": "제작-1", "target": "*",
        "screen_id": "S-1", "display_index": 1, "mode": "queue", "seq": pk, "accepted_at": ACCEPTED_AT,
        "ttl_ms": 600_000, "expires_at": ACCEPTED_AT + 600_000,
        "history": [HistoryEntry(ACCEPTED_AT, "pending", 1, 1)],
    }  # fmt: skip
    return record, Delivery(**{**values, **members})  # type: ignore[arg-type]


@pytest.fixture
def disk(tmp_path: Path) -> sqlite3.Connection:
    prepare(tmp_path / "vooster.db")
    return sqlite3.connect(tmp_path / "vooster.db", isolation_level=None)


def store(disk: sqlite3.Connection, *all_of: tuple[TriggerRecord, Delivery]) -> None:
    rows.insert_triggers(disk, [record for record, _ in all_of])
    rows.insert_deliveries(disk, [rows.inserted(delivery) for _, delivery in all_of])


def stored(disk: sqlite3.Connection) -> list[Delivery]:
    return rows.read_deliveries(disk, "ORDER BY d.pk")


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
def test_any_number_of_rows_comes_back_as_it_went(disk: sqlite3.Connection, count: int) -> None:
    made = [one(pk) for pk in range(1, count + 1)]
    store(disk, *made)
    assert stored(disk) == [delivery for _, delivery in made]
    for _, delivery in made:
        delivery.state, delivery.final, delivery.code = State.DEAD, True, "EXPIRED"
        delivery.evidence = {"display": {"index": 1}, "url": "http://x/1"}
        delivery.history.append(HistoryEntry(ACCEPTED_AT - 50, "dead", 1, 1, code="EXPIRED", detail="시계"))
    rows.update_deliveries(disk, [rows.updated(delivery) for _, delivery in made])
    assert stored(disk) == [delivery for _, delivery in made]


def test_an_update_of_what_is_gone_brings_nothing_back(disk: sqlite3.Connection) -> None:
    kept, gone = one(1), one(2)
    store(disk, kept)
    rows.update_deliveries(disk, [rows.updated(gone[1]), rows.updated(kept[1])])
    assert stored(disk) == [kept[1]]


@pytest.mark.parametrize(
    "change", ["history = x'c1ff00'", "history = x''", "history = 'text'", "evidence = '{'", "history = x'90'"]
)
def test_a_past_that_is_unreadable_is_left_out(disk: sqlite3.Connection, change: str) -> None:
    store(disk, one(1))
    disk.execute(f"UPDATE deliveries SET {change}")
    (found,) = stored(disk)
    assert (found.state, found.evidence) == (State.PENDING, None)
    assert [(line.at, line.state) for line in found.history] == [(ACCEPTED_AT, "pending")]


def test_a_state_that_there_is_not_is_damage(disk: sqlite3.Connection) -> None:
    store(disk, one(1))
    disk.execute("UPDATE deliveries SET state = 'sh0wn'")
    with pytest.raises(GarbledError):
        stored(disk)
