"""Who answers here, how it is, and what the live page shows."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from appliance.api.answers.shape import Answer, State
from appliance.relay.events import RecentError


class Urls(Answer):
    http: str
    ws: str
    socketio: str
    events: str
    asyncapi: str
    openapi: str


class WellKnown(Answer):
    """Who answers here. Identity is `instanceId`, never a name or an address; `host` is its name on the LAN by mDNS
    (`vooster-2.local`), null while it has none."""

    product: Literal["vooster"]
    protocol: int
    version: str
    instance_id: str
    name: str
    urls: Urls
    tls: bool
    setup_complete: bool
    address: str
    host: str | None


class Health(Answer):
    """`checks` has states and names for anyone, details for viewers whom nothing limits; `uptime` is in seconds."""

    status: Literal["ok", "degraded", "fail"]
    timestamp: str
    uptime: float
    checks: dict[str, dict[str, Any]]


class Readiness(Answer):
    status: Literal["ok", "fail"]


class Figures(Answer):
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


class Minute(Answer):
    at: int
    scans: int
    p50_shown_ms: float | None = msgspec.field(name="p50ShownMs")
    p95_shown_ms: float | None = msgspec.field(name="p95ShownMs")


class ScreenCounts(Answer):
    total: int
    paired: int
    online: int


class Today(Answer):
    accepted: int
    dead: int


class RecentScan(Answer):
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


class Dashboard(Answer):
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
