"""The audit record, and whether it is whole."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from appliance.api.answers.shape import Answer


class AuditEntry(Answer):
    """Who did what to which screen, when and from where. `seal` is an HMAC over it and the entry before it."""

    number: int
    at: int
    actor: str
    actor_name: str | None
    action: str
    target: str | None
    screen_id: str | None
    screen_name: str | None
    address: str | None = msgspec.field(name="from")
    detail: dict[str, Any] | None
    seal: str


class BrokenChain(Answer):
    """The first entry that doesn't fit."""

    number: int
    at: int | None
    reason: Literal["changed", "missing", "cut"]


class Chain(Answer, omit_defaults=True):
    """Whether the record is whole, as far as it was looked through."""

    intact: bool
    checked: int
    entries: int
    broken: BrokenChain | None = None


class AuditRecord(Answer):
    items: list[AuditEntry]
    cursor: str | None
    chain: Chain
