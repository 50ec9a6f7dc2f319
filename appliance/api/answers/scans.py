"""Triggers, what becomes of them, and who was shown what."""

from __future__ import annotations

from typing import Any, Literal

from appliance.api.answers.shape import Answer, Mode, State
from appliance.core.delivery import HistoryEntry


class Summary(Answer, omit_defaults=True):
    id: str
    screen_id: str
    state: State
    final: bool
    code: str | None = None


class Receipt(Answer, omit_defaults=True):
    """On disk, synced. `result` (the worst of all ends) comes with `?wait=shown`."""

    id: str
    status: Literal["accepted"]
    duplicate: bool
    deliveries: list[Summary]
    result: Literal["dead", "timeout", "superseded", "received", "shown"] | None = None


class BatchResult(Answer):
    """`body` is what a call of its own would have been answered: a receipt or a problem."""

    status: int
    body: dict[str, Any]


class BatchResults(Answer):
    results: list[BatchResult]


class Cancelled(Answer):
    id: str
    status: Literal["cancelled"]
    deliveries: list[Summary]


class DeliveryView(Answer, omit_defaults=True):
    id: str
    screen_id: str
    display_index: int
    state: State
    final: bool
    seq: int
    round: int
    attempt: int
    title: str | None
    expires_at: int
    history: list[HistoryEntry]
    code: str | None = None
    cause: str | None = None
    evidence: dict[str, Any] | None = None


class TriggerView(Answer):
    id: str
    order_id: str | None
    url: str | None
    title: str | None
    target: str
    display_index: int | None
    mode: Mode
    accepted_at: int
    sender: str
    sender_name: str | None
    deliveries: list[DeliveryView]


class Record(Answer):
    """Who was shown what, where and when."""

    delivery_id: str
    trigger_id: str
    order_id: str | None
    title: str | None
    screen_id: str
    screen_name: str
    display_index: int
    state: State
    final: bool
    code: str | None
    cause: str | None
    mode: Mode
    sender: str
    sender_name: str | None
    target: str
    round: int
    attempt: int
    accepted_at: int
    sent_at: int | None
    received_at: int | None
    shown_at: int | None
    ended_at: int | None
    evidence: dict[str, Any] | None


class Records(Answer):
    items: list[Record]
    cursor: str | None
