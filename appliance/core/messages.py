"""Every message on the wire, as the contract's section 4 names it. Times are ms since the epoch, names camelCase."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from appliance.core.screens import Client, Display
from appliance.core.triggers import TriggerBody
from appliance.errors import Texts

AckStatus = Literal["received", "shown", "failed"]


class _Message(msgspec.Struct, rename="camel", tag_field="type", omit_defaults=True, kw_only=True):
    pass


class Evidence(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """Where a document is, as the client that shows it says."""

    index: int
    name: str | None = None
    bounds: dict[str, Any] | None = None


# --- from clients ---------------------------------------------------------------------------------------------------


class Hello(_Message, tag="hello"):
    token: str | None = None
    client: Client | None = None
    capabilities: list[str] = []
    restore: bool = False
    displays: list[Display] | None = None


class Ack(_Message, tag="ack"):
    id: str
    status: AckStatus
    code: str | None = None
    detail: str | None = None
    display: Evidence | None = None
    window_id: int | str | None = None
    url: str | None = None


class Displays(_Message, tag="displays"):
    displays: list[Display]


class Trigger(TriggerBody, tag_field="type", tag="trigger", kw_only=True):
    pass


class Subscribe(_Message, tag="subscribe"):
    topics: list[str]


class StatusRequest(_Message, tag="status"):
    pass


class Renew(_Message, tag="auth"):
    token: str


class Ping(_Message, tag="ping"):
    t: int | float | str | None = None


class ClientPong(_Message, tag="pong"):
    t: int | float | str | None = None


ClientMessage = Hello | Ack | Displays | Trigger | Subscribe | StatusRequest | Renew | Ping | ClientPong


# --- from the server ------------------------------------------------------------------------------------------------


class WelcomeScreen(msgspec.Struct, rename="camel"):
    name: str
    groups: list[str]
    display_index: int


class Welcome(_Message, tag="welcome", omit_defaults=False):
    session_id: str
    plant: str
    role: str
    server_time: int
    heartbeat_seconds: float
    token_expires_at: int | None
    epoch: str
    screen_id: str | msgspec.UnsetType = msgspec.UNSET
    screen: WelcomeScreen | msgspec.UnsetType = msgspec.UNSET


class Navigate(_Message, tag="navigate", omit_defaults=False):
    id: str
    trigger_id: str
    order_id: str | None
    url: str
    title: str
    content_type: str
    display_index: int
    seq: int
    round: int
    attempt: int
    accepted_at: int
    expires_at: int
    restored: bool | msgspec.UnsetType = msgspec.UNSET


class DeliveryUpdate(_Message, tag="delivery"):
    id: str
    trigger_id: str
    screen_id: str
    state: str
    final: bool
    code: str | None = None
    messages: Texts | None = None
    action: Texts | None = None
    display: Evidence | None = None
    window_id: int | str | None = None


class Clear(_Message, tag="clear"):
    display_index: int | None = None


class Identify(_Message, tag="identify"):
    label: str
    seconds: int


class Presence(_Message, tag="presence"):
    screen_id: str
    online: bool


class ServerPing(_Message, tag="ping"):
    t: int


class Pong(_Message, tag="pong", omit_defaults=False):
    t: int | float | str | None
    server_time: int


class Expiring(_Message, tag="auth:expiring"):
    in_seconds: int


class Renewed(_Message, tag="auth:ok", omit_defaults=False):
    token_expires_at: int | None


class ErrorMessage(_Message, tag="error"):
    code: str
    messages: Texts
    action: Texts
    retryable: bool
    order_id: str | None = None
    display_index: int | None = None


class Goodbye(_Message, tag="goodbye"):
    reason: str
    reconnect_after_ms: int


class TriggerResponse(_Message, tag="trigger:response"):
    id: str
    data: dict[str, Any]
    success: bool


class TriggerError(_Message, tag="trigger:error"):
    id: str | None
    error: str
    code: str
    messages: Texts
    action: Texts
    retryable: bool


class Status(_Message, tag="status", omit_defaults=False):
    online: bool
    open: int
    current_document: dict[str, Any] | None
    server_time: int
    screen_id: str | msgspec.UnsetType = msgspec.UNSET


ServerMessage = (
    Welcome
    | Navigate
    | DeliveryUpdate
    | Clear
    | Identify
    | Presence
    | ServerPing
    | Pong
    | Expiring
    | Renewed
    | ErrorMessage
    | Goodbye
    | TriggerResponse
    | TriggerError
    | Status
)
