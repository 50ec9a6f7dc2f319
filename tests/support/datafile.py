"""A data file with something in it, written by the same functions as in service."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.core.screens import Screen
from appliance.storage import audit, currents, pairings, people, rows, screens
from appliance.storage.chain import Keyed
from appliance.storage.files import prepare
from appliance.storage.rows import TriggerRecord

Content = dict[str, set[tuple[object, ...]]]
BEGAN = 1_790_000_000_000
SEAL_KEY = b"seal" * 8
"""When the first trigger was accepted, ms."""
ENDS = (State.SHOWN, State.SUPERSEDED, State.DEAD, State.SHOWN)


def trigger(pk: int, at: int) -> TriggerRecord:
    return TriggerRecord(
        pk=pk,
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(pk))),
        sender="key:erp",
        order_id=f"ORD-{pk}",
        target="screen:S-1",
        display_index=None,
        url=None,
        title=None,
        mode="latest",
        ttl_ms=600_000,
        nonce=None,
        accepted_at=at,
    )


def delivery(pk: int, record: TriggerRecord, state: State, screen_id: str = "S-1", title: str = "") -> Delivery:
    """Open or ended, as `state` says."""
    final = state in ENDS
    history = [HistoryEntry(record.accepted_at, "pending", 1, 1), HistoryEntry(record.accepted_at + 40, "sent", 1, 1)]
    if final:
        history.append(HistoryEntry(record.accepted_at + 90, state.value, 1, 1))
    return Delivery(
        pk=pk,
        trigger_pk=record.pk,
        trigger_id=record.id,
        sender=record.sender,
        order_id=record.order_id,
        target=record.target,
        screen_id=screen_id,
        display_index=0,
        mode=record.mode,
        seq=pk,
        accepted_at=record.accepted_at,
        ttl_ms=record.ttl_ms,
        expires_at=record.accepted_at + record.ttl_ms,
        state=state,
        final=final,
        listed=state is State.DEAD,
        ref=f"{record.order_id}.pdf",
        title=title or f"제작의뢰서 {record.pk}",
        content_type="application/pdf",
        code="SCREEN_OFFLINE" if state is State.DEAD else None,
        history=history,
    )


def fill(connection: sqlite3.Connection, count: int, **how: int) -> None:
    """`put` in a transaction of its own."""
    connection.execute("BEGIN")
    put(connection, count, **how)
    connection.execute("COMMIT")


def put(
    tx: sqlite3.Connection, count: int, *, first: int = 1, at: int = BEGAN, every_ms: int = 1000, open_last: int = 0
) -> None:
    """`count` triggers of one delivery each, one every `every_ms`; the last `open_last` are still pending."""
    records, deliveries = [], []
    for number in range(count):
        pk = first + 2 * number
        record = trigger(pk, at + number * every_ms)
        state = State.PENDING if number >= count - open_last else ENDS[number % len(ENDS)]
        long = "길다 " * 2500 if number % 97 == 5 else ""  # one that doesn't fit on a page
        records.append(record)
        deliveries.append(delivery(pk + 1, record, state, f"S-{number % 5}", long))
    rows.insert_triggers(tx, records)
    rows.insert_deliveries(tx, [rows.inserted(d) for d in deliveries])
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('seq', ?)", (str(first + 2 * count + 10_000),))


def filled(path: Path, count: int = 600, *, open_last: int = 10, logged: bool = False) -> Content:
    """A data file with triggers, people, screens and their keys; `logged` leaves half of it in the log, as a kill does.
    Returns what is in it, by table."""
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None, factory=Keyed)
    connection.seal_key = SEAL_KEY
    connection.execute("PRAGMA wal_autocheckpoint=0")
    for key in ("instance_id", "epoch"):
        connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, str(uuid.uuid4())))
    people.save_user(connection, people.User("kim", "admin", "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA", BEGAN))
    people.save_session(connection, people.Session(b"c" * 32, "kim", BEGAN, BEGAN))
    people.save_key(connection, people.Key("k1", b"k" * 32, "erp", "operator", BEGAN))
    for number in range(5):
        screen_id = f"S-{number}"
        screens.add(connection, Screen(screen_id=screen_id, name=f"조립 {number}", groups=["line-1"], created_at=BEGAN))
        grant = pairings.Grant(f"g{number}", "screen", screen_id, BEGAN, BEGAN + 10**9, bytes([number]) * 32)
        pairings.save_grant(connection, grant)
        for token in range(60):
            digest = uuid.uuid5(uuid.NAMESPACE_URL, f"{number}-{token}").bytes * 2
            pairings.save_refresh_token(connection, pairings.RefreshToken(digest, grant.id, BEGAN + 10**9))
        pairings.save_device_secret(connection, pairings.DeviceSecret(bytes([number]) * 32, screen_id, BEGAN))
    for number in range(150):
        audit.append(connection, BEGAN + number, "local:root", "screens.add", f"S-{number}", {"note": "x" * 60})
    fill(connection, count // 2)
    if not logged:
        fill(connection, count - count // 2, first=count + 1, at=BEGAN + 10**7, open_last=open_last)
        content = contents(connection)
        connection.close()
        return content
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fill(connection, count - count // 2, first=count + 1, at=BEGAN + 10**7, open_last=open_last)
    content = contents(connection)
    for suffix in ("", "-wal"):
        file = path.with_name(path.name + suffix)
        file.with_name(f"kept{suffix}").write_bytes(file.read_bytes())
    connection.close()
    for suffix in ("", "-wal"):
        path.with_name(f"kept{suffix}").replace(path.with_name(path.name + suffix))
    return content


TABLES = (
    "meta", "screens", "users", "cookie_sessions", "api_keys", "grants", "refresh_tokens", "device_secrets",
    "triggers", "deliveries", "audit",
)  # fmt: skip


def contents(connection: sqlite3.Connection) -> Content:
    """All rows; audit entries without their seals, which salvage makes anew."""
    found = {name: set(connection.execute(f"SELECT * FROM {name}")) for name in TABLES}
    found["audit"] = {row[:-2] for row in found["audit"]}
    return found


def show(tx: sqlite3.Connection, record: TriggerRecord, shown: Delivery) -> None:
    """Makes `shown` its lane's current document."""
    currents.save(
        tx,
        currents.Current(
            screen_id=shown.screen_id,
            display_index=shown.display_index,
            delivery_pk=shown.pk,
            trigger_id=record.id,
            order_id=record.order_id,
            title=shown.title or "",
            ref=shown.ref or "",
            content_type="",
            seq=shown.seq,
            round=1,
            attempt=1,
            accepted_at=record.accepted_at,
            expires_at=shown.expires_at,
            at=record.accepted_at,
        ),
    )
