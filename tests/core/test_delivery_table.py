"""The contract's section 2 written down once more, as data, and the core held against it in every cell there is.

`ROWS` is the contract's table: a row an event (several where a condition splits it), a column a state. Every state is
then met by every event under every combination of what matters to that event, and the whole delivery is compared, not
only its state.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.core.delivery import (
    FINAL_CODES,
    MAX_AUTO_ROUNDS,
    MAX_LOSSES,
    TEMPORARY_CODES,
    Decision,
    Delivery,
    Event,
    Happening,
    HistoryEntry,
    State,
    apply,
    decide,
)
from appliance.core.retry import RetryPolicy

COLUMNS = ("awaitingOrder", "pending", "sent", "received", "received final", "shown", "superseded", "dead", "discarded")
OPEN = COLUMNS[:4]
CLOSED = COLUMNS[4:7]
PROOF = {"display": {"index": 1}, "url": "http://screen/1"}
OLD_PROOF = {"display": {"index": 0}, "url": "http://screen/0"}

TEMPORARY = ("DOCUMENT_LOAD_FAILED", "CLIENT_FAILED", "INTERNAL_ERROR")
FINAL = ("DISPLAY_PERMISSION_DENIED", "DOCUMENT_URL_REFUSED", "DOCUMENT_NOT_FRAMEABLE", "DOCUMENT_TYPE_UNSUPPORTED")
REFUSALS = ("ORDER_NOT_FOUND", "ORDER_OUT_OF_STOCK", "DOCUMENT_TYPE_UNSUPPORTED", "DOCUMENT_URL_REFUSED")
DELAYS = {1: 1_000, 2: 2_000, 3: 4_000}
"""Back-off in ms after each attempt with the settings a plant starts with: three retries, doubling from a second."""


@dataclass(frozen=True)
class Cell:
    """One combination: where the delivery is, and what happens to it with what along."""

    event: Event
    column: str
    mode: str = "latest"
    online: bool = False
    overtaken: bool = False
    capable: bool = True
    awaiting: bool = False
    said: str | None = None
    proof: bool = False
    attempt: int = 1
    losses: int = 0
    auto_rounds: int = 0
    died_of: str = "RETRIES_EXHAUSTED"
    retries: int = 3

    def delivery(self) -> Delivery:
        dead = self.column in {"dead", "discarded"}
        return Delivery(
            pk=7, trigger_pk=6, trigger_id="0b0e6f9c-0000-4000-8000-000000000001", sender="key:1", order_id="ORD-1",
            target="screen:S-1", screen_id="S-1", display_index=2, mode=self.mode, seq=9, accepted_at=1_000,
            ttl_ms=600_000, expires_at=601_000, round=2, attempt=self.attempt, losses=self.losses,
            auto_rounds=self.auto_rounds, ref="folder:1", title="1", content_type="text/html",
            state=State.DEAD if dead else State(self.column.partition(" ")[0]), final=self.column not in OPEN,
            listed=self.column == "dead", code=self.died_of if dead else None, cause="SHOWN_TIMEOUT" if dead else None,
            evidence=OLD_PROOF if self.column == "shown" else None, history=[HistoryEntry(900, "pending", 2, 1)],
        )  # fmt: skip

    def happening(self) -> Happening:
        return Happening(
            self.event, code=self.said, detail="by whom", evidence=PROOF if self.proof else None, online=self.online,
            shown_capable=self.capable, awaiting=self.awaiting, overtaken=self.overtaken,
        )  # fmt: skip


Condition = Callable[[Cell], bool]


def always(_cell: Cell) -> bool:
    return True


def last_attempt(cell: Cell) -> bool:
    return cell.attempt > cell.retries


def temporary(cell: Cell) -> bool:
    """A missing or unknown code is `CLIENT_FAILED`, temporary."""
    return cell.said not in (*FINAL, "DISPLAY_NOT_AVAILABLE")


# What each word of the table means: the members that change, everything else stays as it was.
OPENED = {"final": False, "listed": False, "code": None, "cause": None}
HISTORY = "history"
PENDING = {**OPENED, "state": State.PENDING}
SENT = {**OPENED, "state": State.SENT}
RECEIVED = {**OPENED, "state": State.RECEIVED}
RECEIVED_FINAL = {**OPENED, "state": State.RECEIVED, "final": True}
SUPERSEDED = {**OPENED, "state": State.SUPERSEDED, "final": True}
SHOWN = {**OPENED, "state": State.SHOWN, "final": True, "evidence": "its proof"}
RETRY = {**PENDING, "cause": "its cause", "attempt": "+1", "backoff": "doubling"}
HELD = {**PENDING, "cause": "DISPLAY_NOT_AVAILABLE", "held": True}
LOST = {**PENDING, "cause": "SESSION_LOST", "losses": "+1"}
ROUND = {**PENDING, "round": "+1", "attempt": 1, "losses": 0}
AUTOMATIC = {**ROUND, "auto_rounds": "+1"}
REPLAYED = {**ROUND, "auto_rounds": 0}
REPLAYED_AWAITING = {**REPLAYED, "state": State.AWAITING_ORDER}


def dead(code: str, cause: str | None = None, **more: Any) -> dict[str, Any]:
    return {"state": State.DEAD, "final": True, "listed": True, "code": code, "cause": cause, **more}


EXHAUSTED = dead("RETRIES_EXHAUSTED", "its cause")
Word = dict[str, Any] | str
A, P, S, R = OPEN
FINALS = dict.fromkeys(CLOSED, HISTORY)
DEAD = dict.fromkeys(("dead", "discarded"), HISTORY)


def both(word: Word) -> dict[str, Word]:
    return {"dead": word, "discarded": word}


ROWS: list[tuple[Event, Condition, dict[str, Word]]] = [
    (Event.ORDER_FOUND, lambda c: c.overtaken and c.mode == "latest", {A: SUPERSEDED}),
    (Event.ORDER_FOUND, always, {A: PENDING}),
    (Event.ORDER_REFUSED, always, {A: dead("its code")}),
    (Event.URL_REFUSED, always, {P: dead("DOCUMENT_URL_REFUSED")}),
    (Event.DISPATCHED, always, {P: SENT}),
    (Event.ACK_RECEIVED, lambda c: c.column == P and not c.online, {}),
    (Event.ACK_RECEIVED, lambda c: c.capable, {P: RECEIVED, S: RECEIVED, **FINALS, **DEAD}),
    (Event.ACK_RECEIVED, always, {P: RECEIVED_FINAL, S: RECEIVED_FINAL, **FINALS, **DEAD}),
    (Event.ACK_SHOWN, lambda c: c.overtaken, {P: SHOWN, S: SHOWN, R: SHOWN, **FINALS, **DEAD}),
    (Event.ACK_SHOWN, always, {P: SHOWN, S: SHOWN, R: SHOWN, **FINALS, **both(SHOWN)}),
    (Event.FAILED, lambda c: c.said == "DISPLAY_NOT_AVAILABLE", {S: HELD, R: HELD, **FINALS, **DEAD}),
    (Event.FAILED, lambda c: temporary(c) and last_attempt(c), {S: EXHAUSTED, R: EXHAUSTED, **FINALS, **DEAD}),
    (Event.FAILED, temporary, {S: RETRY, R: RETRY, **FINALS, **DEAD}),
    (Event.FAILED, always, {S: dead("its code"), R: dead("its code"), **FINALS, **DEAD}),
    (Event.TIMED_OUT, last_attempt, {S: EXHAUSTED, R: EXHAUSTED}),
    (Event.TIMED_OUT, always, {S: RETRY, R: RETRY}),
    (Event.SESSION_LOST, lambda c: c.losses >= 19, dict.fromkeys((S, R), dead("RETRIES_EXHAUSTED", "SESSION_LOST"))),
    (Event.SESSION_LOST, always, {S: LOST, R: LOST}),
    (
        Event.SESSION_NEW,
        lambda c: c.died_of == "RETRIES_EXHAUSTED" and not c.overtaken and c.auto_rounds < 3,
        {"dead": AUTOMATIC},
    ),
    (Event.SESSION_NEW, always, {}),
    (Event.NEWER, lambda c: c.mode == "latest", dict.fromkeys(OPEN, SUPERSEDED)),
    (Event.NEWER, always, {}),
    (Event.EXPIRED, lambda c: c.online, {A: dead("ORDER_SOURCE_UNAVAILABLE"), P: dead("EXPIRED")}),
    (Event.EXPIRED, always, {A: dead("ORDER_SOURCE_UNAVAILABLE"), P: dead("SCREEN_OFFLINE")}),
    (Event.RESTARTED, always, {S: PENDING, R: PENDING}),
    (Event.RESTORED, always, dict.fromkeys(OPEN, dead("RESTORED"))),
    (Event.REPLAYED, lambda c: c.awaiting, both(REPLAYED_AWAITING)),
    (Event.REPLAYED, always, both(REPLAYED)),
    (
        Event.CANCELLED,
        always,
        {
            **dict.fromkeys((A, P), dead("CANCELLED")),
            **dict.fromkeys((S, R), dead("CANCELLED", clear=True)),
        },
    ),
    (Event.SCREEN_REVOKED, always, {S: PENDING, R: PENDING}),
    (Event.SCREEN_REMOVED, always, dict.fromkeys(OPEN, dead("SCREEN_REMOVED"))),
    (Event.DISCARDED, always, {"dead": {"listed": False, "note": "discarded"}}),
]

SIDES = {"mode": ("latest", "queue"), "online": (False, True), "overtaken": (False, True), "capable": (False, True)}
"""These are tried with every event, for they must matter to nobody but those whose row says so."""
MATTERS: dict[Event, dict[str, tuple[Any, ...]]] = {
    Event.ORDER_REFUSED: {"said": REFUSALS},
    Event.ACK_SHOWN: {"proof": (True, False), "attempt": (1, 4), "losses": (0, 19), "died_of": ("EXPIRED", *FINAL)},
    Event.ACK_RECEIVED: {"attempt": (1, 4), "losses": (0, 19), "said": (None, "CLIENT_FAILED")},
    Event.FAILED: {
        "said": (None, "NEVER_HEARD_OF", "SCREEN_OFFLINE", "", "DISPLAY_NOT_AVAILABLE", *TEMPORARY, *FINAL),
        "attempt": (1, 2, 3, 4),
        "losses": (0, 19),
        "retries": (0, 3),
    },
    Event.TIMED_OUT: {"attempt": (1, 2, 3, 4), "losses": (0, 19, 20), "retries": (0, 1, 3)},
    Event.SESSION_LOST: {"losses": tuple(range(21)), "attempt": (1, 2, 3, 4)},
    Event.SESSION_NEW: {
        "auto_rounds": (0, 1, 2, 3, 4),
        "died_of": ("RETRIES_EXHAUSTED", "SCREEN_OFFLINE", "EXPIRED", "CANCELLED", "RESTORED", *FINAL),
        "attempt": (1, 4),
        "losses": (0, 20),
    },
    Event.REPLAYED: {
        "awaiting": (False, True),
        "auto_rounds": (0, 3),
        "died_of": ("RETRIES_EXHAUSTED", "CANCELLED", "ORDER_NOT_FOUND"),
        "attempt": (1, 4),
        "losses": (0, 20),
    },
}
EVERYWHERE: dict[str, tuple[Any, ...]] = {"attempt": (1, 4), "losses": (0, 19, 20), "auto_rounds": (0, 3)}


def cells(event: Event, column: str) -> Iterator[Cell]:
    axes = {**SIDES, **MATTERS.get(event, EVERYWHERE)}
    for values in itertools.product(*axes.values()):
        cell = Cell(event, column, **dict(zip(axes, values, strict=True)))
        if cell.attempt <= cell.retries + 1:
            yield cell


def words(cell: Cell) -> Word | None:
    """What the contract says of this cell: the first row whose condition holds."""
    for event, condition, columns in ROWS:
        if event is cell.event and condition(cell):
            return columns.get(cell.column)
    raise AssertionError(f"the table has no row for {cell.event}")


def expected(cell: Cell, word: dict[str, Any]) -> tuple[Delivery, dict[str, Any]]:
    """The delivery as the contract wants it afterwards, and what else has to follow."""
    before = cell.delivery()
    cause = {
        Event.FAILED: cell.said if cell.said in TEMPORARY else "CLIENT_FAILED",
        Event.TIMED_OUT: "ACK_TIMEOUT" if cell.column == "sent" else "SHOWN_TIMEOUT",
    }.get(cell.event)
    meanings = {"its cause": cause, "its code": cell.said, "doubling": DELAYS.get(cell.attempt)}
    members: dict[str, Any] = {}
    for name, value in word.items():
        if value == "+1":
            members[name] = getattr(before, name) + 1
        elif value == "its proof":
            members[name] = PROOF if cell.proof else before.evidence
        else:
            members[name] = meanings.get(value, value) if isinstance(value, str) else value
    follows = {name: members.pop(name, nothing) for name, nothing in FOLLOWS.items()}
    return replace(before, **members), follows


FOLLOWS: dict[str, Any] = {"backoff": 0, "held": False, "clear": False, "note": None}
NOW = 5_000


def wrong(cell: Cell) -> str | None:
    """What of this cell the core does otherwise than the contract; None when nothing."""
    delivery, word = cell.delivery(), words(cell)
    decision = decide(delivery, cell.happening(), RetryPolicy(cell.retries, 1_000))
    if delivery != cell.delivery():
        return "deciding changed it"
    if word is None or decision is None:
        return None if word is None and decision is None else f"{decision} instead of {word}"
    if word == HISTORY:
        wanted, follows = cell.delivery(), {**FOLLOWS, "note": "late"}
    else:
        assert isinstance(word, dict)
        wanted, follows = expected(cell, word)
    apply(delivery, decision, NOW)
    line = delivery.history[-1]
    if (len(delivery.history), line.at) != (2, NOW):
        return "not exactly one line of history"
    if (line.state, line.round, line.attempt) != (follows["note"] or wanted.state, wanted.round, wanted.attempt):
        return f"the history says {line}"
    if follows["note"] is None and (line.code, line.cause) != (wanted.code, wanted.cause):
        return f"the history says {line}"
    delivery.history.pop()
    found = {
        "backoff": decision.backoff_ms,
        "held": decision.held,
        "clear": decision.clear,
        "note": decision.note,
    }
    if delivery != wanted or found != follows:
        return f"{delivery} with {found} instead of {wanted} with {follows}"
    return None


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
def test_the_core_is_the_contracts_table_in_every_cell(event: Event, column: str) -> None:
    found = [(cell, wrong(cell)) for cell in cells(event, column)]
    assert found
    amiss = [f"{cell}: {what}" for cell, what in found if what is not None]
    assert not amiss, f"{len(amiss)} of {len(found)} cells, the first: " + "\n".join(amiss[:3])


def test_every_event_has_its_row_and_every_state_its_column() -> None:
    assert {event for event, _, _ in ROWS} == set(Event)
    assert {column for _, _, columns in ROWS for column in columns} <= set(COLUMNS)
    assert {Cell(Event.NEWER, column).delivery().state for column in COLUMNS} == set(State)
    for event in Event:
        conditions = [condition for row, condition, _ in ROWS if row is event]
        assert conditions[-1] is always, f"{event} isn't covered whatever comes along"


def test_there_are_as_many_cells_as_the_contract_has() -> None:
    assert sum(1 for event in Event for column in COLUMNS for _ in cells(event, column)) > 80_000


def test_the_numbers_and_codes_are_the_contracts() -> None:
    assert (MAX_LOSSES, MAX_AUTO_ROUNDS) == (20, 3)
    assert (frozenset(TEMPORARY), frozenset(FINAL)) == (TEMPORARY_CODES, FINAL_CODES)
    policy = RetryPolicy()
    assert [policy.delay_ms(attempt) for attempt in (1, 2, 3, 4)] == [1_000, 2_000, 4_000, None]


def _held_back(decision: Decision) -> Decision:
    return replace(decision, held=False)


@pytest.mark.parametrize(
    ("change", "cell"),
    [
        (lambda d: replace(d, backoff_ms=d.backoff_ms + 1), Cell(Event.TIMED_OUT, "sent")),
        (_held_back, Cell(Event.FAILED, "received", said="DISPLAY_NOT_AVAILABLE")),
        (lambda d: replace(d, clear=False), Cell(Event.CANCELLED, "sent")),
        (lambda d: replace(d, losses=None), Cell(Event.SESSION_LOST, "received", losses=3)),
        (lambda d: replace(d, automatic=False), Cell(Event.SESSION_NEW, "dead")),
        (lambda d: replace(d, evidence=None), Cell(Event.ACK_SHOWN, "dead", proof=True)),
        (lambda d: None, Cell(Event.ACK_SHOWN, "superseded")),
    ],
)
def test_a_cell_that_is_otherwise_is_found(
    change: Callable[[Decision], Decision | None], cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wrong(cell) is None
    right = decide

    def otherwise(delivery: Delivery, happening: Happening, policy: RetryPolicy) -> Decision | None:
        decision = right(delivery, happening, policy)
        return decision and change(decision)

    monkeypatch.setitem(globals(), "decide", otherwise)
    assert wrong(cell) is not None
