"""Every message on the wire, as the contract's section 4 names it. Times are ms since the epoch, names camelCase."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from appliance.core.screens import Display, Program
from appliance.core.triggers import TriggerBody
from appliance.errors import FieldError, Texts

AckStatus = Literal["received", "shown", "failed"]
Millis = Annotated[int, msgspec.Meta(description="Milliseconds since the epoch, UTC.")]
DeliveryId = Annotated[str, msgspec.Meta(description="`<trigger id>:<screenId>`.")]


class _Message(msgspec.Struct, rename="camel", tag_field="type", omit_defaults=True, kw_only=True):
    pass


class Evidence(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """Where a document is, as the client that shows it says."""

    index: int
    name: str | None = None
    bounds: dict[str, Any] | None = None


# --- from clients ---------------------------------------------------------------------------------------------------


class Hello(_Message, tag="hello"):
    """The first message: who connects. `token` is an access token or API key; `capabilities` may name `shown`."""

    token: str | None = None
    client: Program | None = None
    capabilities: list[str] = []
    restore: bool = False
    displays: list[Display] | None = None


class Ack(_Message, tag="ack"):
    """What became of a delivery. `shown` needs evidence: `display.index` and `url`. `detail`: at most 500 letters."""

    id: DeliveryId
    status: AckStatus
    code: str | None = None
    detail: str | None = None
    display: Evidence | None = None
    window_id: int | str | None = None
    url: str | None = None


class Displays(_Message, tag="displays"):
    """Monitors came or went: all there are now."""

    displays: list[Display]


class Trigger(TriggerBody, tag_field="type", tag="trigger", kw_only=True):
    """Show this order's document on these screens. Answered by `trigger:response` or `trigger:error`."""


class Subscribe(_Message, tag="subscribe"):
    """Copies of how deliveries end (`delivery`) and of who is online; for viewers and up.

    A topic is `presence`, `screen:ID`, `screen:PREFIX*` or `group:NAME`. A new list replaces the one before.
    """

    topics: list[str]


class StatusRequest(_Message, tag="status"):
    """Asks for `status`."""


class Renew(_Message, tag="auth"):
    """A renewed token for the same subject."""

    token: str


class Ping(_Message, tag="ping"):
    """Asks for `pong` with the same `t`."""

    t: int | float | str | None = None


class ClientPong(_Message, tag="pong"):
    """The answer to the appliance's `ping`."""

    t: int | float | str | None = None


ClientMessage = Hello | Ack | Displays | Trigger | Subscribe | StatusRequest | Renew | Ping | ClientPong


# --- from the server ------------------------------------------------------------------------------------------------


class WelcomeScreen(msgspec.Struct, rename="camel"):
    """The screen that this session is, as a person named it."""

    name: str
    groups: list[str]
    display_index: int


class Welcome(_Message, tag="welcome", omit_defaults=False):
    """The session is open. A changed `epoch` means that stored state was lost or replaced."""

    session_id: str
    plant: str
    role: str
    server_time: Millis
    heartbeat_seconds: float
    token_expires_at: Millis | None
    epoch: str
    screen_id: str | msgspec.UnsetType = msgspec.UNSET
    screen: WelcomeScreen | msgspec.UnsetType = msgspec.UNSET
    document_hosts: Annotated[
        list[str] | msgspec.UnsetType,
        msgspec.Meta(description="Whose documents may be opened, as `documents.allowed_hosts` has it; else anyone's."),
    ] = msgspec.UNSET


class Navigate(_Message, tag="navigate", omit_defaults=False):
    """Show this document on this display. Answered by `ack`, else it is sent again; `id` and `round` tell repeats."""

    id: DeliveryId
    trigger_id: str
    order_id: str | None
    url: str
    title: str
    content_type: str
    display_index: int
    seq: int
    round: int
    attempt: int
    accepted_at: Millis
    expires_at: Millis
    restored: bool | msgspec.UnsetType = msgspec.UNSET


class DeliveryUpdate(_Message, tag="delivery"):
    """A delivery has become final (no other change is told); to its sender, its own screen and subscribers."""

    id: DeliveryId
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
    """Put the document away, on one display or on all."""

    display_index: int | None = None


class Identify(_Message, tag="identify"):
    """Show this label for so many seconds, so that a person finds the monitor."""

    label: str
    seconds: int


class Presence(_Message, tag="presence"):
    """A screen came or went."""

    screen_id: str
    online: bool


class ServerPing(_Message, tag="ping"):
    """The heartbeat. Anything the client sends within 5 s answers it; `pong` with the same `t` does."""

    t: int


class Pong(_Message, tag="pong", omit_defaults=False):
    """The answer to a client's `ping`, with its `t`."""

    t: int | float | str | None
    server_time: Millis


class Expiring(_Message, tag="auth:expiring"):
    """The token ends soon: send `auth` with a renewed one."""

    in_seconds: int


class Renewed(_Message, tag="auth:ok", omit_defaults=False):
    """The renewed token is good; null where it never ends."""

    token_expires_at: Millis | None


class ErrorMessage(_Message, tag="error"):
    """A message was refused: `errors` names the members that don't fit, `detail` says it for whoever writes the client.

    With `displayIndex`: a scan for this one screen can't be shown; put the old document of that display away.
    """

    code: str
    messages: Texts
    action: Texts
    retryable: bool
    order_id: str | None = None
    display_index: int | None = None
    detail: Annotated[str | None, msgspec.Meta(description="What is wrong, for whoever writes the client.")] = None
    errors: Annotated[list[FieldError] | None, msgspec.Meta(description="The members that don't fit.")] = None


class Notice(_Message, tag="notice"):
    """Something a person should know of; the session goes on."""

    code: str
    messages: Texts
    action: Texts


class Goodbye(_Message, tag="goodbye"):
    """A planned close follows. Come back after `reconnectAfterMs`."""

    reason: str
    reconnect_after_ms: int


class TriggerResponse(_Message, tag="trigger:response"):
    """Accepted: on disk, synced. `data` is the body that `POST /api/trigger` answers."""

    id: str
    data: dict[str, Any]
    success: bool


class TriggerError(_Message, tag="trigger:error"):
    """The trigger was refused, and nothing was kept of it. `errors` names the members that don't fit."""

    id: str | None
    error: str
    code: str
    messages: Texts
    action: Texts
    retryable: bool
    errors: Annotated[list[FieldError] | None, msgspec.Meta(description="The members that don't fit.")] = None


class Status(_Message, tag="status", omit_defaults=False):
    """How this session's screen is, and the appliance's clock."""

    online: bool
    open: int
    current_document: dict[str, Any] | None
    server_time: Millis
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
    | Notice
    | Goodbye
    | TriggerResponse
    | TriggerError
    | Status
)
