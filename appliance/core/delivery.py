"""The life of a delivery: its states, what can happen to it, and the one table that says what follows.

`decide(delivery, event)` is the contract's table (section 2) and nothing else: it changes nothing, knows no clock and
answers with a `Decision`, or None where an event has no effect. Whoever asked applies it with `apply`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Any

import msgspec

from appliance.core.retry import RetryPolicy


class State(StrEnum):
    """Where a delivery is. `received` is final only for a session without the capability `shown`."""

    AWAITING_ORDER = "awaitingOrder"
    """The order source could not answer; the look-up is repeated."""
    PENDING = "pending"
    """On disk, not on its way: the screen is offline, backing off, or its lane is busy."""
    SENT = "sent"
    """Written to a session, waiting for an ack."""
    RECEIVED = "received"
    """The client holds it."""
    SHOWN = "shown"
    """On the monitor, with evidence."""
    SUPERSEDED = "superseded"
    """A newer delivery of its lane took its place before it was shown."""
    DEAD = "dead"
    """In the dead-letter list, with a code, a cause and its history."""


TEMPORARY_CODES = frozenset({"DOCUMENT_LOAD_FAILED", "CLIENT_FAILED", "INTERNAL_ERROR"})
FINAL_CODES = frozenset(
    {"DISPLAY_PERMISSION_DENIED", "DOCUMENT_URL_REFUSED", "DOCUMENT_NOT_FRAMEABLE", "DOCUMENT_TYPE_UNSUPPORTED"}
)
MISSING_DISPLAY = "DISPLAY_NOT_AVAILABLE"
MAX_LOSSES = 20
"""Sessions lost in one round before the delivery is given up."""
MAX_HISTORY = 200
"""Lines of a history. Past it what stands in the middle makes room: how it began and how it ended say most."""
MAX_AUTO_ROUNDS = 3
"""Rounds that begin by themselves when a screen comes back."""


class HistoryEntry(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    at: int
    state: str
    round: int
    attempt: int
    code: str | None = None
    cause: str | None = None
    detail: str | None = None


class Delivery(msgspec.Struct, kw_only=True):
    """One trigger on one screen. Times are ms since the epoch; everything here is stored."""

    pk: int
    trigger_pk: int
    trigger_id: str
    sender: str
    order_id: str | None
    target: str
    screen_id: str
    display_index: int
    mode: str
    seq: int
    accepted_at: int
    ttl_ms: int
    expires_at: int
    state: State = State.PENDING
    final: bool = False
    listed: bool = False
    round: int = 1
    attempt: int = 1
    losses: int = 0
    auto_rounds: int = 0
    ref: str | None = None
    title: str | None = None
    content_type: str | None = None
    code: str | None = None
    cause: str | None = None
    evidence: dict[str, Any] | None = None
    history: list[HistoryEntry] = []

    @property
    def id(self) -> str:
        return f"{self.trigger_id}:{self.screen_id}"

    @property
    def single(self) -> bool:
        """Whether its trigger was meant for this one screen alone, by name."""
        return self.target == f"screen:{self.screen_id}"

    @property
    def lane(self) -> tuple[str, int]:
        return (self.screen_id, self.display_index)

    @property
    def entered(self) -> HistoryEntry:
        """The line of the history with which it came into its present state; notes may have been added since."""
        last = self.history[-1]
        if last.state == self.state:
            return last
        return next((line for line in reversed(self.history) if line.state == self.state.value), self.history[-1])


class Event(Enum):
    """What can happen to a delivery."""

    ORDER_FOUND = "order found"
    ORDER_REFUSED = "order unknown, out of stock or of a type that can't be shown"
    URL_REFUSED = "its document's address is not allowed any more"
    DISPATCHED = "written to a session"
    ACK_RECEIVED = "the client holds it"
    ACK_SHOWN = "the client shows it"
    FAILED = "the client says it failed"
    TIMED_OUT = "no ack in time"
    SESSION_LOST = "its session ended"
    SESSION_NEW = "its screen is back"
    NEWER = "a newer one of its lane became pending"
    EXPIRED = "its time to live is over"
    RESTARTED = "the appliance was started again"
    REPLAYED = "a person sends it again"
    CANCELLED = "a person cancelled it"
    SCREEN_REVOKED = "its screen's pairing ended"
    SCREEN_REMOVED = "its screen was deleted"
    RESTORED = "the stored state was replaced by an older or a salvaged one"
    DISCARDED = "a person needs it no more"


class Happening(msgspec.Struct, frozen=True):
    """An event with what came along: a code, whether the screen is online, the proof of an ack."""

    event: Event
    code: str | None = None
    cause: str | None = None
    detail: str | None = None
    evidence: dict[str, Any] | None = None
    online: bool = False
    shown_capable: bool = True
    awaiting: bool = False
    """For `REPLAYED`: the order has to be looked up first."""
    overtaken: bool = False
    """A newer one of its lane is past awaiting, or was shown."""
    in_time: bool = True
    """For an attempt that failed or ran out: its time to live isn't over yet."""


class Decision(msgspec.Struct, frozen=True):
    """What follows. `None` members stay as they are; `note` alone means an entry in the history and no change."""

    state: State | None = None
    final: bool = False
    code: str | None = None
    cause: str | None = None
    detail: str | None = None
    evidence: dict[str, Any] | None = None
    attempt: int | None = None
    losses: int | None = None
    new_round: bool = False
    automatic: bool = False
    backoff_ms: int = 0
    """Pending, but not before this long; the lane stays busy."""
    held: bool = False
    """Pending until the screen's displays change or it has a new session."""
    clear: bool = False
    """The client is to put the document away."""
    note: str | None = None
    unlisted: bool = False


_Rule = Callable[[Delivery, Happening, RetryPolicy], Decision | None]


def decide(delivery: Delivery, happening: Happening, policy: RetryPolicy) -> Decision | None:
    """The contract's table: what `happening` does to `delivery`; None when nothing."""
    rule = _TABLE[happening.event].get(_phase(delivery))
    return rule(delivery, happening, policy) if rule else None


def apply(delivery: Delivery, decision: Decision, now: int) -> None:
    """Writes a decision into the delivery, with its history entry at `now` (ms)."""
    if decision.state is not None:
        if decision.new_round:
            delivery.round += 1
            delivery.losses = 0
            delivery.auto_rounds = delivery.auto_rounds + 1 if decision.automatic else 0
        delivery.state = decision.state
        delivery.final = decision.final
        delivery.listed = decision.state is State.DEAD
        delivery.code = decision.code
        delivery.cause = decision.cause
        if decision.attempt is not None:
            delivery.attempt = decision.attempt
        if decision.losses is not None:
            delivery.losses = decision.losses
    if decision.evidence is not None:
        delivery.evidence = decision.evidence
    if decision.unlisted:
        delivery.listed = False
    if len(delivery.history) >= MAX_HISTORY:
        del delivery.history[MAX_HISTORY // 2]
    delivery.history.append(
        HistoryEntry(
            at=now,
            state=decision.note or delivery.state.value,
            round=delivery.round,
            attempt=delivery.attempt,
            code=decision.code,
            cause=decision.cause,
            detail=decision.detail,
        )
    )


# --- the rules ------------------------------------------------------------------------------------------------------


def _dead(code: str, cause: str | None = None, detail: str | None = None, *, clear: bool = False) -> Decision:
    return Decision(State.DEAD, final=True, code=code, cause=cause, detail=detail, clear=clear)


def _retry(delivery: Delivery, cause: str, h: Happening, policy: RetryPolicy) -> Decision:
    if not h.in_time:
        return _dead("EXPIRED", cause, h.detail)
    delay = policy.delay_ms(delivery.attempt)
    if delay is None:
        return _dead("RETRIES_EXHAUSTED", cause, h.detail)
    return Decision(State.PENDING, cause=cause, detail=h.detail, attempt=delivery.attempt + 1, backoff_ms=delay)


def _found(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return Decision(State.SUPERSEDED, final=True) if h.overtaken and _d.mode == "latest" else Decision(State.PENDING)


def _refused(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead(h.code or "ORDER_NOT_FOUND", detail=h.detail)


def _url_refused(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("DOCUMENT_URL_REFUSED", detail=h.detail)


def _dispatched(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return Decision(State.SENT, detail=h.detail)


def _received(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return Decision(State.RECEIVED, final=not h.shown_capable)


def _received_late(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision | None:
    return _received(_d, h, _p) if h.online else None


def _shown(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return Decision(State.SHOWN, final=True, evidence=h.evidence)


def _shown_when_dead(_d: Delivery, h: Happening, p: RetryPolicy) -> Decision:
    return _late(_d, h, p) if h.overtaken else _shown(_d, h, p)


def _late(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return Decision(note="late", code=h.code, detail=h.detail or h.event.value)


def _failed(d: Delivery, h: Happening, p: RetryPolicy) -> Decision:
    code = h.code or "CLIENT_FAILED"
    if code == MISSING_DISPLAY:
        return Decision(State.PENDING, cause=code, detail=h.detail, held=True)
    if code in FINAL_CODES:
        return _dead(code, detail=h.detail)
    return _retry(d, code if code in TEMPORARY_CODES else "CLIENT_FAILED", h, p)


def _timed_out(d: Delivery, h: Happening, p: RetryPolicy) -> Decision:
    return _retry(d, "ACK_TIMEOUT" if d.state is State.SENT else "SHOWN_TIMEOUT", h, p)


def _lost(d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    if d.losses + 1 >= MAX_LOSSES:
        return _dead("RETRIES_EXHAUSTED", "SESSION_LOST", h.detail)
    return Decision(State.PENDING, cause="SESSION_LOST", detail=h.detail, losses=d.losses + 1)


def _put_back(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return Decision(State.PENDING, detail=h.detail or h.event.value)


def _again(d: Delivery, h: Happening, _p: RetryPolicy) -> Decision | None:
    """A screen is back: what had used up its retries begins a round by itself, unless something newer was shown."""
    if d.code != "RETRIES_EXHAUSTED" or h.overtaken or d.auto_rounds >= MAX_AUTO_ROUNDS or not d.listed:
        return None
    return Decision(State.PENDING, attempt=1, new_round=True, automatic=True, detail=h.event.value)


def _superseded(d: Delivery, h: Happening, _p: RetryPolicy) -> Decision | None:
    return Decision(State.SUPERSEDED, final=True, detail=h.detail) if d.mode == "latest" else None


def _expired_awaiting(_d: Delivery, _h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("ORDER_SOURCE_UNAVAILABLE")


def _expired(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("EXPIRED", h.cause) if h.online else _dead("SCREEN_OFFLINE")


def _replayed(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    state = State.AWAITING_ORDER if h.awaiting else State.PENDING
    return Decision(state, attempt=1, new_round=True, detail=h.detail)


def _cancelled(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("CANCELLED", detail=h.detail)


def _cancelled_on_the_way(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("CANCELLED", detail=h.detail, clear=True)


def _removed(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("SCREEN_REMOVED", detail=h.detail)


def _restored(_d: Delivery, h: Happening, _p: RetryPolicy) -> Decision:
    return _dead("RESTORED", detail=h.detail)


def _discarded(d: Delivery, h: Happening, _p: RetryPolicy) -> Decision | None:
    return Decision(note="discarded", detail=h.detail, unlisted=True) if d.listed else None


# A row an event, a column a state, as in the contract. CLOSED is everything final that isn't dead; what is missing
# has no effect.
CLOSED = "closed"
_A, _P, _S, _R, _D, _C = State.AWAITING_ORDER, State.PENDING, State.SENT, State.RECEIVED, State.DEAD, CLOSED
_TABLE: dict[Event, dict[str, _Rule]] = {
    Event.ORDER_FOUND: {_A: _found},
    Event.ORDER_REFUSED: {_A: _refused},
    Event.URL_REFUSED: {_P: _url_refused},
    Event.DISPATCHED: {_P: _dispatched},
    Event.ACK_RECEIVED: {_P: _received_late, _S: _received, _C: _late, _D: _late},
    Event.ACK_SHOWN: {_P: _shown, _S: _shown, _R: _shown, _C: _late, _D: _shown_when_dead},
    Event.FAILED: {_S: _failed, _R: _failed, _C: _late, _D: _late},
    Event.TIMED_OUT: {_S: _timed_out, _R: _timed_out},
    Event.SESSION_LOST: {_S: _lost, _R: _lost},
    Event.SESSION_NEW: {_D: _again},
    Event.NEWER: {_A: _superseded, _P: _superseded, _S: _superseded, _R: _superseded},
    Event.EXPIRED: {_A: _expired_awaiting, _P: _expired},
    Event.RESTARTED: {_S: _put_back, _R: _put_back},
    Event.REPLAYED: {_D: _replayed},
    Event.CANCELLED: {_A: _cancelled, _P: _cancelled, _S: _cancelled_on_the_way, _R: _cancelled_on_the_way},
    Event.SCREEN_REVOKED: {_S: _put_back, _R: _put_back},
    Event.SCREEN_REMOVED: {_A: _removed, _P: _removed, _S: _removed, _R: _removed},
    Event.RESTORED: {_A: _restored, _P: _restored, _S: _restored, _R: _restored},
    Event.DISCARDED: {_D: _discarded},
}


def _phase(delivery: Delivery) -> str:
    if delivery.state is State.DEAD:
        return State.DEAD
    return CLOSED if delivery.final else delivery.state
