"""What the HTTP API answers, as its description tells it. Times are ms since the epoch; unknown members may be added.

The handlers build their answers from what is at hand; the tests hold every one of them to these shapes.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from appliance.api.setup import Check
from appliance.core.delivery import HistoryEntry
from appliance.core.screens import Client, Display, Program, ScreenState
from appliance.errors import Texts
from appliance.relay.events import RecentError
from appliance.relay.pairing import Pairing

Role = Literal["viewer", "operator", "supervisor", "admin"]
State = Literal["awaitingOrder", "pending", "sent", "received", "shown", "superseded", "dead"]
Mode = Literal["latest", "queue"]
Word = Literal["ok", "degraded", "fail"]


class _Answer(msgspec.Struct, rename="camel", kw_only=True):
    pass


# --- about the appliance --------------------------------------------------------------------------------------------


class Urls(_Answer):
    http: str
    ws: str
    socketio: str
    events: str
    asyncapi: str
    openapi: str


class WellKnown(_Answer):
    """Who answers here. Identity is `instanceId`, never a name or an address."""

    product: Literal["vooster"]
    protocol: int
    version: str
    instance_id: str
    name: str
    urls: Urls
    tls: bool
    setup_complete: bool
    address: str


class Health(_Answer):
    """`checks` has states and names for anyone, details for viewers; `uptime` is in seconds."""

    status: Word
    timestamp: str
    uptime: float
    checks: dict[str, dict[str, Any]]


class Readiness(_Answer):
    status: Literal["ok", "fail"]


class Figures(_Answer):
    """Shares in percent since the start, times in ms; null where nothing was measured yet."""

    success_rate: float
    error_rate: float
    loss_rate: float
    recovery_rate: float
    average_latency: float | None
    p50_latency: float | None = msgspec.field(name="p50Latency")
    p95_latency: float | None = msgspec.field(name="p95Latency")
    p99_latency: float | None = msgspec.field(name="p99Latency")
    messages_per_minute: int


class Minute(_Answer):
    at: int
    scans: int
    p50_shown_ms: float | None = msgspec.field(name="p50ShownMs")
    p95_shown_ms: float | None = msgspec.field(name="p95ShownMs")


class ScreenCounts(_Answer):
    total: int
    paired: int
    online: int


class Today(_Answer):
    accepted: int
    dead: int


class RecentScan(_Answer):
    """A scan with where its time went, in ms since it was accepted."""

    delivery_id: str
    trigger_id: str
    order_id: str | None
    title: str | None
    screen_id: str
    screen_name: str
    state: State
    code: str | None
    accepted_at: int
    sent_ms: int | None
    received_ms: int | None
    shown_ms: int | None


class Dashboard(_Answer):
    """What the live page shows."""

    total_connections: int
    active_screens: int
    messages_per_minute: int
    average_latency: float | None
    error_rate: float
    uptime: float
    recent_errors: list[RecentError]
    time: int
    storage: Literal["ok", "fail"]
    screens: ScreenCounts
    p50_shown_ms: float | None = msgspec.field(name="p50ShownMs")
    p95_shown_ms: float | None = msgspec.field(name="p95ShownMs")
    today: Today
    dead_letters: int
    minutes: list[Minute]
    plant: str
    recent_scans: list[RecentScan]


# --- scans ----------------------------------------------------------------------------------------------------------


class Summary(_Answer, omit_defaults=True):
    id: str
    screen_id: str
    state: State
    final: bool
    code: str | None = None


class Receipt(_Answer, omit_defaults=True):
    """On disk, synced. `result` (the worst of all ends) comes with `?wait=shown`."""

    id: str
    status: Literal["accepted"]
    duplicate: bool
    deliveries: list[Summary]
    result: Literal["dead", "timeout", "superseded", "received", "shown"] | None = None


class BatchResult(_Answer):
    """`body` is what a call of its own would have been answered: a receipt or a problem."""

    status: int
    body: dict[str, Any]


class BatchResults(_Answer):
    results: list[BatchResult]


class Cancelled(_Answer):
    id: str
    status: Literal["cancelled"]
    deliveries: list[Summary]


class DeliveryView(_Answer, omit_defaults=True):
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


class TriggerView(_Answer):
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


class Record(_Answer):
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


class Records(_Answer):
    items: list[Record]
    cursor: str | None


# --- dead letters ---------------------------------------------------------------------------------------------------


class DeadLetter(_Answer):
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


class DeadLetters(_Answer):
    items: list[DeadLetter]
    cursor: str | None


class Replayed(_Answer):
    id: str
    state: State
    round: int


class IdResult(_Answer, omit_defaults=True):
    id: str
    status: int
    code: str | None = None


class _Many(_Answer, omit_defaults=True, kw_only=True):
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


# --- screens and pairing --------------------------------------------------------------------------------------------


class CurrentDocument(_Answer):
    order_id: str | None
    title: str | None
    shown_at: int


class Warned(_Answer):
    """What somebody must put right about a screen; `address` is where a second PC with its key was seen."""

    code: str
    at: int
    address: str | None


class ScreenView(_Answer):
    screen_id: str
    name: str
    groups: list[str]
    display_index: int
    user: str | None
    permission: Role
    paired: bool
    online: bool
    last_seen_at: int | None
    displays: list[Display]
    current_document: CurrentDocument | None
    client: Client | None
    state: ScreenState
    warnings: list[Warned]


class Screens(_Answer):
    items: list[ScreenView]
    cursor: None


class Svg(_Answer):
    svg: str


class DeviceCode(msgspec.Struct, kw_only=True):
    """RFC 8628's answer, with the QR code to show and the plant's name."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int
    qr: Svg
    plant: str


class PollRefusal(msgspec.Struct, kw_only=True):
    """RFC 8628's error."""

    error: Literal["authorization_pending", "slow_down", "expired_token", "access_denied", "invalid_grant"]


class _Facts(_Answer):
    client: Program
    displays: list[Display]
    address: str
    created_at: int
    expires_at: int


class Waiting(_Facts):
    """What shows the code. The second half of the code only where the caller had it already."""

    user_code: str = msgspec.field(name="user_code")


class WaitingItem(_Facts):
    user_code_prefix: str = msgspec.field(name="user_code_prefix")


class WaitingList(_Answer):
    items: list[WaitingItem]
    cursor: None


class Approved(_Answer):
    screen_id: str
    name: str


class Codes(_Answer):
    """`png` is a data URL."""

    svg: str
    png: str


class Label(_Answer):
    screen_id: str
    url: str
    qr: Svg


class Labels(_Answer):
    """`address` is the host and port that the codes lead to."""

    items: list[Label]
    cursor: None
    address: str


class Offer(_Answer):
    url: str
    token: str
    expires_at: int
    qr: Codes


class Pairings(_Answer):
    items: list[Pairing]
    cursor: None


# --- people and keys ------------------------------------------------------------------------------------------------


class SetupState(_Answer):
    complete: bool
    checks: list[Check]


class SetupLink(_Answer):
    url: str
    expires_at: int


class SignedIn(_Answer, omit_defaults=True):
    """A cookie comes with it; over the control socket none does, and no CSRF token either."""

    username: str
    role: Role
    csrf_token: str | None = None


class Tokens(_Answer):
    access_token: str
    refresh_token: str
    expires_in: int
    role: Role


class CsrfToken(_Answer):
    csrf_token: str


class Me(_Answer, omit_defaults=True):
    kind: Literal["user", "screen", "key", "local"]
    role: Role
    plant: str
    version: str
    address: str
    tls: bool
    username: str | None = None
    screen_id: str | None = None
    key_id: str | None = None


class UserView(_Answer):
    """`groups` null: every line."""

    id: str
    username: str
    role: Role
    groups: list[str] | None
    created_at: int
    signed_in_at: int | None


class Users(_Answer):
    items: list[UserView]
    cursor: None


class KeyView(_Answer):
    id: str
    name: str
    role: Role
    screens: list[str] | None
    groups: list[str] | None
    created_at: int
    last_used_at: int | None
    expires_at: int | None


class NewKeyView(KeyView):
    """`key` is told this once."""

    key: str


class SigningKeyView(_Answer):
    """`kid` names the key that signs from now on."""

    kid: str


class Keys(_Answer):
    items: list[KeyView]
    cursor: None


# --- the audit record -----------------------------------------------------------------------------------------------


class AuditEntry(_Answer):
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


class BrokenChain(_Answer):
    """The first entry that doesn't fit."""

    number: int
    at: int | None
    reason: Literal["changed", "missing", "cut"]


class Chain(_Answer, omit_defaults=True):
    """Whether the record is whole, as far as it was looked through."""

    intact: bool
    checked: int
    entries: int
    broken: BrokenChain | None = None


class AuditRecord(_Answer):
    items: list[AuditEntry]
    cursor: str | None
    chain: Chain


# --- wires ----------------------------------------------------------------------------------------------------------


class Ticket(_Answer):
    """Opens one stream within `expiresIn` seconds."""

    ticket: str
    expires_in: int


# --- errors ---------------------------------------------------------------------------------------------------------


class WrongField(_Answer):
    field: str
    reason: str


class ProblemView(_Answer, omit_defaults=True):
    """RFC 9457, with the code of the catalogue, what happened and what to do in both languages."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    messages: Texts
    action: Texts
    retryable: bool
    trace_id: str
    errors: list[WrongField] | None = None
