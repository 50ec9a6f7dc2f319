"""Dead letters, and what became of sending or discarding them."""

from __future__ import annotations

from typing import Any

from appliance.api.answers.shape import Answer, Mode, State
from appliance.core.delivery import HistoryEntry
from appliance.errors import Texts


class DeadLetter(Answer):
    delivery_id: str
    trigger_id: str
    order_id: str | None
    title: str | None
    screen_id: str
    screen_name: str
    display_index: int
    code: str
    cause: str | None
    messages: Texts
    cause_messages: Texts | None
    action: Texts
    died_at: int
    accepted_at: int
    round: int
    attempt: int
    mode: Mode
    sender: str
    sender_name: str | None
    target: str


class DeadLetterDetail(DeadLetter):
    """The same with all that has happened to it."""

    state: State
    final: bool
    seq: int
    content_type: str | None
    expires_at: int
    evidence: dict[str, Any] | None
    history: list[HistoryEntry]


class DeadLetters(Answer):
    items: list[DeadLetter]
    cursor: str | None


class Replayed(Answer):
    id: str
    state: State
    round: int


class IdResult(Answer, omit_defaults=True):
    id: str
    status: int
    code: str | None = None


class _Many(Answer, omit_defaults=True, kw_only=True):
    """What a call about many dead letters answers."""

    refused: int
    reasons: dict[str, int]
    results: list[IdResult] | None = None
    remaining: int | None = None
    cursor: str | None = None


class ReplayedMany(_Many, omit_defaults=True, kw_only=True):
    """`results` where ids were named, the rest where a filter was."""

    replayed: int
    stale: int | None = None


class DiscardedMany(_Many, omit_defaults=True, kw_only=True):
    """`results` where ids were named, the rest where a filter was."""

    discarded: int
