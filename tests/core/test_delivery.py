"""The contract's table, cell by cell, written from its section 2: a row an event, a column a phase of a delivery."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.delivery import Delivery, Event, Happening, State, apply, decide
from appliance.core.retry import RetryPolicy

POLICY = RetryPolicy(max_retries=3, base_ms=1_000)
EVIDENCE = {"display": {"index": 1}, "url": "http://x/1"}
COLUMNS = ("awaitingOrder", "pending", "sent", "received", "shown", "received final", "superseded", "dead")


def delivery(column: str, **members: object) -> Delivery:
    """A delivery in the phase of that column, at its first attempt."""
    state = State(column.partition(" ")[0])
    final = column in {"shown", "received final", "superseded", "dead"}
    values: dict[str, object] = {
        "pk": 7,
        "trigger_pk": 7,
        "trigger_id": "0b0e6f9c-0000-4000-8000-000000000001",
        "sender": "key:1",
        "order_id": "ORD-1",
        "target": "screen:S-1",
        "screen_id": "S-1",
        "display_index": 0,
        "mode": "latest",
        "seq": 7,
        "accepted_at": 1_000,
        "ttl_ms": 600_000,
        "expires_at": 601_000,
        "state": state,
        "final": final,
        "listed": column == "dead",
        "code": "RETRIES_EXHAUSTED" if column == "dead" else None,
    }
    return Delivery(**{**values, **members, "history": []})  # type: ignore[arg-type]


def after(before: Delivery, happening: Happening) -> str:
    """What the event made of the delivery, in the words of the table below."""
    now = copy.deepcopy(before)
    decision = decide(now, happening, POLICY)
    assert now == before, "decide changes nothing by itself"
    if decision is None:
        return "same"
    apply(now, decision, 5_000)
    assert len(now.history) == 1
    line = now.history[0]
    assert (line.at, line.round, line.attempt) == (5_000, now.round, now.attempt)
    if decision.unlisted:
        assert (now.state, now.final, now.listed, now.code) == (State.DEAD, True, False, before.code)
        assert line.state == "discarded"
        return "leaves the list"
    if decision.state is None:
        unchanged = (now.state, now.final, now.listed, now.code, now.round, now.attempt)
        assert unchanged == (before.state, before.final, before.listed, before.code, before.round, before.attempt)
        assert line.state == "late"
        return "history"
    assert line.state == now.state
    assert (line.code, line.cause) == (now.code, now.cause)
    assert now.listed == (now.state is State.DEAD)
    assert now.final or now.state not in {State.SHOWN, State.SUPERSEDED, State.DEAD}
    words = [now.state.value]
    if now.final and now.state is State.RECEIVED:
        words.append("final")
    if now.code:
        words.append(now.code)
    if now.cause:
        words.append(f"cause {now.cause}")
    if now.attempt != before.attempt:
        words.append(f"attempt {now.attempt}")
    if decision.backoff_ms:
        words.append(f"after {decision.backoff_ms}")
    if decision.held:
        words.append("held")
    if decision.clear:
        words.append("clear")
    if now.losses != before.losses:
        words.append(f"losses {now.losses}")
    if now.round != before.round:
        words.append(f"round {now.round}")
    if now.evidence != before.evidence:
        assert now.evidence == EVIDENCE
        words.append("evidence")
    return ", ".join(words)


def failed(code: str | None) -> Happening:
    return Happening(Event.FAILED, code=code, detail="said so")


def retried(cause: str) -> str:
    return f"pending, cause {cause}, attempt 2, after 1000"


REMEMBERED = dict.fromkeys(("shown", "received final", "superseded", "dead"), "history")
ROWS: dict[str, tuple[Happening, dict[str, str]]] = {
    "order found": (Happening(Event.ORDER_FOUND), {"awaitingOrder": "pending"}),
    "order found, a newer one past awaiting": (
        Happening(Event.ORDER_FOUND, overtaken=True),
        {"awaitingOrder": "superseded"},
    ),
    "its document's address isn't allowed any more": (
        Happening(Event.URL_REFUSED),
        {"pending": "dead, DOCUMENT_URL_REFUSED"},
    ),
    "order unknown": (
        Happening(Event.ORDER_REFUSED, code="ORDER_NOT_FOUND"),
        {"awaitingOrder": "dead, ORDER_NOT_FOUND"},
    ),
    "out of stock": (
        Happening(Event.ORDER_REFUSED, code="ORDER_OUT_OF_STOCK"),
        {"awaitingOrder": "dead, ORDER_OUT_OF_STOCK"},
    ),
    "type not shown": (
        Happening(Event.ORDER_REFUSED, code="DOCUMENT_TYPE_UNSUPPORTED"),
        {"awaitingOrder": "dead, DOCUMENT_TYPE_UNSUPPORTED"},
    ),
    "its turn": (Happening(Event.DISPATCHED), {"pending": "sent"}),
    "ack received": (
        Happening(Event.ACK_RECEIVED, online=True),
        {"pending": "received", "sent": "received", **REMEMBERED},
    ),
    "ack received, no session": (Happening(Event.ACK_RECEIVED, online=False), {"sent": "received", **REMEMBERED}),
    "ack received from a client that can't tell shown": (
        Happening(Event.ACK_RECEIVED, online=True, shown_capable=False),
        {"pending": "received, final", "sent": "received, final", **REMEMBERED},
    ),
    "ack shown": (
        Happening(Event.ACK_SHOWN, evidence=EVIDENCE),
        {
            "pending": "shown, evidence",
            "sent": "shown, evidence",
            "received": "shown, evidence",
            **REMEMBERED,
            "dead": "shown, evidence",
        },
    ),
    "ack shown, a newer one was shown": (
        Happening(Event.ACK_SHOWN, evidence=EVIDENCE, overtaken=True),
        {"pending": "shown, evidence", "sent": "shown, evidence", "received": "shown, evidence", **REMEMBERED},
    ),
    **{
        f"failed {said}": (failed(said), {"sent": retried(code), "received": retried(code), **REMEMBERED})
        for said, code in {
            "DOCUMENT_LOAD_FAILED": "DOCUMENT_LOAD_FAILED",
            "CLIENT_FAILED": "CLIENT_FAILED",
            "INTERNAL_ERROR": "INTERNAL_ERROR",
            None: "CLIENT_FAILED",
            "NEVER_HEARD_OF": "CLIENT_FAILED",
            "SCREEN_OFFLINE": "CLIENT_FAILED",
        }.items()
    },
    "failed for a missing display": (
        failed("DISPLAY_NOT_AVAILABLE"),
        {
            "sent": "pending, cause DISPLAY_NOT_AVAILABLE, held",
            "received": "pending, cause DISPLAY_NOT_AVAILABLE, held",
            **REMEMBERED,
        },
    ),
    **{
        f"failed {code}": (failed(code), {"sent": f"dead, {code}", "received": f"dead, {code}", **REMEMBERED})
        for code in (
            "DISPLAY_PERMISSION_DENIED",
            "DOCUMENT_URL_REFUSED",
            "DOCUMENT_NOT_FRAMEABLE",
            "DOCUMENT_TYPE_UNSUPPORTED",
        )
    },
    "time-out": (
        Happening(Event.TIMED_OUT),
        {"sent": retried("ACK_TIMEOUT"), "received": retried("SHOWN_TIMEOUT")},
    ),
    "session lost": (
        Happening(Event.SESSION_LOST),
        {"sent": "pending, cause SESSION_LOST, losses 1", "received": "pending, cause SESSION_LOST, losses 1"},
    ),
    "new session": (Happening(Event.SESSION_NEW), {"dead": "pending, round 2"}),
    "new session, overtaken": (Happening(Event.SESSION_NEW, overtaken=True), {}),
    "newer one of the lane": (
        Happening(Event.NEWER),
        {"awaitingOrder": "superseded", "pending": "superseded", "sent": "superseded", "received": "superseded"},
    ),
    "time to live over, offline": (
        Happening(Event.EXPIRED, online=False),
        {"awaitingOrder": "dead, ORDER_SOURCE_UNAVAILABLE", "pending": "dead, SCREEN_OFFLINE"},
    ),
    "time to live over, online": (
        Happening(Event.EXPIRED, online=True),
        {"awaitingOrder": "dead, ORDER_SOURCE_UNAVAILABLE", "pending": "dead, EXPIRED"},
    ),
    "restart": (Happening(Event.RESTARTED), {"sent": "pending", "received": "pending"}),
    "replay": (Happening(Event.REPLAYED), {"dead": "pending, round 2"}),
    "replay, order still to be found": (Happening(Event.REPLAYED, awaiting=True), {"dead": "awaitingOrder, round 2"}),
    "cancel": (
        Happening(Event.CANCELLED),
        {
            "awaitingOrder": "dead, CANCELLED",
            "pending": "dead, CANCELLED",
            "sent": "dead, CANCELLED, clear",
            "received": "dead, CANCELLED, clear",
        },
    ),
    "screen revoked": (Happening(Event.SCREEN_REVOKED), {"sent": "pending", "received": "pending"}),
    "screen deleted": (
        Happening(Event.SCREEN_REMOVED),
        dict.fromkeys(("awaitingOrder", "pending", "sent", "received"), "dead, SCREEN_REMOVED"),
    ),
    "backup restored": (
        Happening(Event.RESTORED),
        dict.fromkeys(("awaitingOrder", "pending", "sent", "received"), "dead, RESTORED"),
    ),
    "discard": (Happening(Event.DISCARDED), {"dead": "leaves the list"}),
}


def cells() -> Iterator[tuple[str, str, str]]:
    for row, (_, known) in ROWS.items():
        assert not known.keys() - set(COLUMNS)
        for column in COLUMNS:
            yield row, column, known.get(column, "same")


@pytest.mark.parametrize(("row", "column", "expected"), list(cells()))
def test_every_cell_of_the_table(row: str, column: str, expected: str) -> None:
    assert after(delivery(column), ROWS[row][0]) == expected


def test_the_table_has_a_row_for_every_event() -> None:
    assert {happening.event for happening, _ in ROWS.values()} == set(Event)


@pytest.mark.parametrize("column", ["awaitingOrder", "pending", "sent", "received"])
def test_a_queued_delivery_is_never_superseded(column: str) -> None:
    assert after(delivery(column, mode="queue"), Happening(Event.NEWER)) == "same"


def test_a_queued_order_that_is_found_late_still_waits_for_its_turn() -> None:
    found = Happening(Event.ORDER_FOUND, overtaken=True)
    assert after(delivery("awaitingOrder", mode="queue"), found) == "pending"


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (1, "pending, cause ACK_TIMEOUT, attempt 2, after 1000"),
        (2, "pending, cause ACK_TIMEOUT, attempt 3, after 2000"),
        (3, "pending, cause ACK_TIMEOUT, attempt 4, after 4000"),
        (4, "dead, RETRIES_EXHAUSTED, cause ACK_TIMEOUT"),
    ],
)
def test_retries_double_their_delay_and_then_end(attempt: int, expected: str) -> None:
    assert after(delivery("sent", attempt=attempt), Happening(Event.TIMED_OUT)) == expected


@pytest.mark.parametrize(
    ("column", "happening", "cause"),
    [
        ("received", Happening(Event.TIMED_OUT), "SHOWN_TIMEOUT"),
        ("sent", failed("DOCUMENT_LOAD_FAILED"), "DOCUMENT_LOAD_FAILED"),
        ("received", failed(None), "CLIENT_FAILED"),
    ],
)
def test_the_last_failure_names_its_cause(column: str, happening: Happening, cause: str) -> None:
    assert after(delivery(column, attempt=4), happening) == f"dead, RETRIES_EXHAUSTED, cause {cause}"


@pytest.mark.parametrize("attempt", [1, 4])
@pytest.mark.parametrize(
    ("column", "happening", "cause"),
    [
        ("sent", Happening(Event.TIMED_OUT, in_time=False), "ACK_TIMEOUT"),
        ("received", Happening(Event.TIMED_OUT, in_time=False), "SHOWN_TIMEOUT"),
        ("sent", Happening(Event.FAILED, code="DOCUMENT_LOAD_FAILED", in_time=False), "DOCUMENT_LOAD_FAILED"),
    ],
)
def test_an_attempt_that_runs_out_behind_its_time_was_the_last(
    column: str, happening: Happening, cause: str, attempt: int
) -> None:
    assert after(delivery(column, attempt=attempt), happening) == f"dead, EXPIRED, cause {cause}"


def test_a_final_failure_is_told_whatever_the_time() -> None:
    refused = Happening(Event.FAILED, code="DOCUMENT_URL_REFUSED", in_time=False)
    assert after(delivery("sent"), refused) == "dead, DOCUMENT_URL_REFUSED"


def test_what_waited_for_its_display_says_so_when_its_time_is_over() -> None:
    over = Happening(Event.EXPIRED, online=True, cause="DISPLAY_NOT_AVAILABLE")
    assert after(delivery("pending"), over) == "dead, EXPIRED, cause DISPLAY_NOT_AVAILABLE"


def test_a_missing_display_uses_up_no_retry() -> None:
    held = after(delivery("sent", attempt=4), failed("DISPLAY_NOT_AVAILABLE"))
    assert held == "pending, cause DISPLAY_NOT_AVAILABLE, held"


@pytest.mark.parametrize("column", ["sent", "received"])
def test_the_twentieth_lost_session_of_a_round_is_the_last(column: str) -> None:
    assert after(delivery(column, losses=18), Happening(Event.SESSION_LOST)).startswith("pending")
    last = after(delivery(column, losses=19), Happening(Event.SESSION_LOST))
    assert last.startswith("dead, RETRIES_EXHAUSTED, cause SESSION_LOST")


def test_a_new_round_begins_with_everything_anew() -> None:
    dead = delivery("dead", round=2, attempt=4, losses=19, auto_rounds=3)
    decision = decide(dead, Happening(Event.REPLAYED), POLICY)
    assert decision is not None
    apply(dead, decision, 5_000)
    assert (dead.round, dead.attempt, dead.losses, dead.auto_rounds) == (3, 1, 0, 0)
    assert (dead.state, dead.final, dead.listed, dead.code, dead.cause) == (State.PENDING, False, False, None, None)


def test_a_screen_that_comes_back_begins_three_rounds_at_most_by_itself() -> None:
    dead = delivery("dead")
    for expected in (2, 3, 4):
        decision = decide(dead, Happening(Event.SESSION_NEW), POLICY)
        assert decision is not None
        apply(dead, decision, 5_000)
        assert (dead.state, dead.round) == (State.PENDING, expected)
        dead.state, dead.final, dead.listed, dead.code = State.DEAD, True, True, "RETRIES_EXHAUSTED"
    assert decide(dead, Happening(Event.SESSION_NEW), POLICY) is None


@pytest.mark.parametrize("code", ["SCREEN_OFFLINE", "EXPIRED", "CANCELLED", "DOCUMENT_URL_REFUSED", "SCREEN_REMOVED"])
def test_no_other_death_is_undone_by_a_screen_that_comes_back(code: str) -> None:
    assert after(delivery("dead", code=code), Happening(Event.SESSION_NEW)) == "same"


@pytest.mark.parametrize("again", [Event.SESSION_NEW, Event.DISCARDED])
def test_a_discarded_dead_letter_stays_where_it_is(again: Event) -> None:
    assert after(delivery("dead", listed=False), Happening(again)) == "same"


def test_a_discarded_dead_letter_that_is_shown_after_all_was_shown() -> None:
    shown = Happening(Event.ACK_SHOWN, evidence=EVIDENCE)
    assert after(delivery("dead", listed=False), shown) == "shown, evidence"


happenings = st.builds(
    Happening,
    event=st.sampled_from(Event),
    code=st.sampled_from([None, "ORDER_NOT_FOUND", "DISPLAY_NOT_AVAILABLE", "DOCUMENT_URL_REFUSED", "CLIENT_FAILED"]),
    online=st.booleans(),
    shown_capable=st.booleans(),
    awaiting=st.booleans(),
    overtaken=st.booleans(),
    evidence=st.just(EVIDENCE),
)
starts = st.tuples(st.sampled_from(["awaitingOrder", "pending"]), st.sampled_from(["latest", "queue"]))


@given(starts, st.lists(happenings, max_size=60))
def test_what_has_ended_opens_again_by_the_contracts_rules_alone(
    start: tuple[str, str], events: list[Happening]
) -> None:
    one = delivery(start[0], mode=start[1])
    automatic = 0
    for number, happening in enumerate(events):
        before = copy.deepcopy(one)
        decision = decide(one, happening, POLICY)
        if decision is None:
            continue
        apply(one, decision, number)
        if before.final and before.state is not State.DEAD:
            assert (one.state, one.final, one.round) == (before.state, True, before.round)
        if before.state is State.DEAD and not one.final:
            assert happening.event in {Event.REPLAYED, Event.SESSION_NEW}
            assert (one.round, one.attempt) == (before.round + 1, 1)
            if happening.event is Event.REPLAYED:
                automatic = 0
            else:
                assert before.code == "RETRIES_EXHAUSTED"
                automatic += 1
        assert automatic <= 3
        if before.state is State.DEAD and one.state is not State.DEAD and one.final:
            assert (happening.event, one.state, happening.overtaken) == (Event.ACK_SHOWN, State.SHOWN, False)
        assert 1 <= one.attempt <= 4
        assert one.losses <= 20
        discarded = one.state is State.DEAD and one.history[-1].state == "discarded"
        assert not one.listed or one.state is State.DEAD
        assert one.listed or one.state is not State.DEAD or discarded or not before.listed
        assert one.code is not None or one.state is not State.DEAD
        assert len(one.history) == len(before.history) + 1
