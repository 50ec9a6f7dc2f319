"""A data file with a past: as many finished and open deliveries as asked for, in the rows the appliance itself writes.

What happened to each is decided by `core.delivery`; each row is written first as it was accepted and then as it ended,
as a running appliance does, so that the pages of the file are as full as they would be. Only the syncing is left out.
"""

from __future__ import annotations

import random
import sqlite3
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import msgspec

from appliance.core import documents
from appliance.core.delivery import Delivery, Event, Happening, HistoryEntry, State, apply, decide
from appliance.core.retry import RetryPolicy
from appliance.storage import currents, rows
from appliance.storage.connections import connect
from appliance.storage.currents import Current
from appliance.storage.rows import TriggerRecord

DAYS = 29
SPARE_SEQS = 10_000
TOGETHER = 64
"""Deliveries that are accepted before the first of them ends."""
AHEAD = 16
"""Groups that may wait for SQLite."""
CACHE_KB = 1_000_000
"""Enough for the whole file, so that each of its pages is written once."""
ORDERS = 5_000
_SESSION = "q7Xk2mZt9LwA"
_KEY = b"\0" * 32
_MONITOR = {"index": 1, "bounds": {"left": 1920, "top": 0, "width": 1920, "height": 1080}}
_POLICY = RetryPolicy()

Life = list[tuple[int, Happening]]
"""What happens to a delivery, in ms after the moment before."""

_sent = (3, Happening(Event.DISPATCHED, detail=_SESSION))
_received = (40, Happening(Event.ACK_RECEIVED, online=True))
_shown = (900, Happening(Event.ACK_SHOWN, online=True))
_silent = (5_000, Happening(Event.TIMED_OUT))

FINISHED: dict[str, tuple[float, Life]] = {
    "shown": (0.93, [_sent, _received, _shown]),
    "shown after a retry": (0.01, [_sent, _silent, _sent, _received, _shown]),
    "superseded": (0.04, [_sent, (700, Happening(Event.NEWER, detail="ORD-20260417-0042"))]),
    "screen offline": (0.012, [(600_000, Happening(Event.EXPIRED))]),
    "retries exhausted": (0.006, [_sent, _silent] * 4),
    "cancelled": (0.002, [_sent, (2_000, Happening(Event.CANCELLED, detail="user:양석민"))]),
}
"""How finished deliveries came to their end, and the share of each."""


@dataclass
class Past:
    """What was written. `json_bytes` is the size of the same deliveries as one line of JSON each."""

    finished: int
    open: int
    dead: int
    json_bytes: int


def write(database: Path, screens: list[str], *, finished: int, opened: int, now: int, seed: int = 8480) -> Past:
    """Fills a data file that has its tables and no deliveries. `opened` are spread over the screens, in mode `queue`;
    `now` is in ms since the epoch. Nothing else may have the file open."""
    connection = connect(database)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KB}"):
        connection.execute(f"PRAGMA {pragma}")
    past = Past(finished, opened, 0, 0)
    newest: dict[str, Delivery] = {}
    every = chain(_finished(finished, screens, now, random.Random(seed)), _open(opened, screens, finished, now))
    connection.execute("BEGIN")
    writing: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as writer:  # SQLite works while the next rows are made
        while ended := list(islice(every, TOGETHER)):
            for delivery in ended:
                past.dead += delivery.listed
                past.json_bytes += len(_line(delivery)) + 1
                if delivery.state is State.SHOWN:
                    newest[delivery.screen_id] = delivery
            writing.append(writer.submit(_write, connection, *_rows(ended)))
            if len(writing) > AHEAD:
                writing.popleft().result()
        for each in writing:
            each.result()
    for delivery in newest.values():
        currents.save(connection, _current(delivery))
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('seq', ?)", (str(finished + opened + SPARE_SEQS),)
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return past


def _rows(ended: list[Delivery]) -> tuple[list[TriggerRecord], list[rows.Row], list[rows.Row]]:
    """The triggers, their deliveries as they were accepted, and what changed afterwards."""
    changed = [rows.updated(delivery) for delivery in ended if len(delivery.history) > 1]
    return [_record(each) for each in ended], [rows.inserted(_as_accepted(each)) for each in ended], changed


def _write(
    tx: sqlite3.Connection, records: list[TriggerRecord], accepted: list[rows.Row], changed: list[rows.Row]
) -> None:
    rows.insert_triggers(tx, records)
    rows.insert_deliveries(tx, accepted)
    rows.update_deliveries(tx, changed)


def _finished(amount: int, screens: list[str], now: int, chance: random.Random) -> Iterator[Delivery]:
    lives = {name: _lived(life) for name, (_, life) in FINISHED.items()}
    names = chance.choices(list(lives), [share for share, _ in FINISHED.values()], k=amount)
    first, step = now - DAYS * 86_400_000, DAYS * 86_400_000 / max(1, amount)
    for number, name in enumerate(names):
        screen = screens[number % len(screens)]
        yield _delivery(lives[name], number + 1, screen, int(first + number * step), chance)


def _open(amount: int, screens: list[str], before: int, now: int) -> Iterator[Delivery]:
    """The first of each lane is on its way, the others wait behind it."""
    chance = random.Random(amount)
    waiting, on_its_way = _lived([], mode="queue"), _lived([_sent], mode="queue")
    for number in range(amount):
        life = on_its_way if number < len(screens) else waiting
        yield _delivery(life, before + number + 1, screens[number % len(screens)], now, chance)


def _lived(life: Life, mode: str = "latest") -> Delivery:
    """A delivery that was accepted at 0 ms, after all of `life`."""
    delivery = Delivery(
        pk=0,
        trigger_pk=0,
        trigger_id="",
        sender="key:2f1c9ab03d77",
        order_id=None,
        target="",
        screen_id="",
        display_index=1,
        mode=mode,
        seq=0,
        accepted_at=0,
        ttl_ms=600_000 if mode == "latest" else 86_400_000,
        expires_at=0,
        content_type="application/pdf",
        history=[HistoryEntry(at=0, state=State.PENDING.value, round=1, attempt=1)],
    )
    at = 0
    for after, happening in life:
        at += after
        decision = decide(delivery, happening, _POLICY)
        assert decision is not None, (delivery, happening)
        apply(delivery, decision, at)
    return delivery


def _delivery(lived: Delivery, number: int, screen: str, at: int, chance: random.Random) -> Delivery:
    bits = f"{chance.getrandbits(128):032x}"
    order = f"ORD-{number % ORDERS:08d}"
    ref = f"folder:2026/{order}.pdf"
    evidence = {"display": _MONITOR, "url": _link(ref)} if lived.state is State.SHOWN else None
    return msgspec.structs.replace(
        lived,
        pk=number,
        trigger_pk=number,
        trigger_id=f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}",
        order_id=order,
        target=f"screen:{screen}",
        screen_id=screen,
        seq=number,
        accepted_at=at,
        expires_at=at + lived.ttl_ms,
        ref=ref,
        title=f"제작의뢰서 {order}",
        evidence=evidence,
        history=[msgspec.structs.replace(line, at=line.at + at) for line in lived.history],
    )


@lru_cache(ORDERS)
def _link(ref: str) -> str:
    return f"http://192.168.0.20:8480{documents.sign(ref, _KEY, 1_800_000_000_000)}"


def _as_accepted(delivery: Delivery) -> Delivery:
    """The same delivery before anything happened to it."""
    return msgspec.structs.replace(
        delivery,
        state=State.PENDING,
        final=False,
        listed=False,
        attempt=1,
        code=None,
        cause=None,
        evidence=None,
        history=delivery.history[:1],
    )


def _record(delivery: Delivery) -> TriggerRecord:
    return TriggerRecord(
        pk=delivery.trigger_pk,
        id=delivery.trigger_id,
        sender=delivery.sender,
        order_id=delivery.order_id,
        target=delivery.target,
        display_index=None,
        url=None,
        title=None,
        mode=delivery.mode,
        ttl_ms=delivery.ttl_ms,
        nonce=None,
        accepted_at=delivery.accepted_at,
    )


def _current(delivery: Delivery) -> Current:
    assert delivery.ref is not None
    return Current(
        screen_id=delivery.screen_id,
        display_index=delivery.display_index,
        delivery_pk=delivery.pk,
        trigger_id=delivery.trigger_id,
        order_id=delivery.order_id,
        title=delivery.title or "",
        ref=delivery.ref,
        content_type=delivery.content_type or "",
        seq=delivery.seq,
        round=delivery.round,
        attempt=delivery.attempt,
        accepted_at=delivery.accepted_at,
        expires_at=delivery.expires_at,
        at=delivery.history[-1].at,
    )


_line = msgspec.json.Encoder().encode
