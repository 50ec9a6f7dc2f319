"""Every call of the HTTP API in a sentence: what it takes, what it answers, what it may be refused with.

The source of the OpenAPI description, by method and path as the routes and the permissions name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from appliance.api.answers import (
    about,
    audit,
    coming_in,
    discovery,
    events,
    pairing,
    people,
    scans,
    screens,
    undelivered,
)
from appliance.api.auth import LogIn, LogOut, Refresh
from appliance.api.deadletters import Selection
from appliance.api.labels import MAX_LABELS
from appliance.api.listing import MAX_PAGE, PAGE
from appliance.api.pairing import Approve, Begin, Claim, Deny, NewOffer, Poll, Provision, Renew
from appliance.api.people import NewKey, NewUser, UserChange
from appliance.api.screens import NewScreen, ScreenChange
from appliance.api.setup import SetUp
from appliance.api.triggers import MAX_BATCH, MAX_WAIT_MS
from appliance.core.messages import Ack, ClientMessage, ServerMessage
from appliance.core.triggers import TriggerBody
from appliance.relay.pairing import Pairing

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value behind the question mark."""

    name: str
    schema: Schema
    description: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """`answers` by status: None for an empty one, a tuple for one of several; `also` are more content types of the 200.
    `refusals` are the codes that belong to this call; those that any may get are added where it is described. `name` is
    the operation's, where its address makes none of its own."""

    tag: str
    summary: str
    answers: Mapping[int, Any]
    body: Any = None
    body_optional: bool = False
    query: tuple[Parameter, ...] = ()
    also: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    media: str = "application/json"
    description: str = ""
    name: str = ""
    samples: Mapping[str, str] = field(default_factory=dict)
    """Of the values in the path."""


class Batch:
    """Stands for the body of `POST /api/triggers`, whose triggers are read one by one."""


BATCH: Final[Schema] = {
    "type": "object",
    "required": ["triggers"],
    "properties": {
        "triggers": {
            "type": "array",
            "maxItems": MAX_BATCH,
            "items": {"description": "As for one trigger; one that doesn't fit is its own problem."},
        }
    },
}

_TIME: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 1 << 53}
_SCREEN: Final[Schema] = {"type": "string", "pattern": r"^[A-Za-z0-9._-]{1,64}$"}
_ORDER: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 128}
_CURSOR: Final = Parameter("cursor", {"type": "string"}, "As given by the page before.")
_LIMIT: Final = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE})
_FILES: Final = ("text/csv", "application/x-ndjson")
_STREAM: Final = "text/event-stream"

_GONE = ("PAIRING_EXPIRED", "PAIRING_DENIED")
_ORDERS = ("ORDER_NOT_FOUND", "ORDER_OUT_OF_STOCK", "DOCUMENT_TYPE_UNSUPPORTED")
_TRIGGER = (
    *_ORDERS, "SCREEN_NOT_FOUND", "REQUEST_EXPIRED", "DUPLICATE_NONCE", "IDEMPOTENCY_CONFLICT", "QUEUE_FULL",
)  # fmt: skip

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = MappingProxyType({
    ("GET", "/.well-known/vooster"): Operation("About", "Who answers here", {200: about.WellKnown}),
    ("GET", "/api/health"): Operation(
        "About", "How the appliance is", {200: about.Health, 503: about.Health},
        description="States and names for anyone; details for viewers. 503: scans can't be saved."),
    ("GET", "/api/health/live"): Operation("About", "It runs", {200: about.Readiness}),
    ("GET", "/api/health/ready"): Operation("About", "It takes scans", {200: about.Readiness, 503: about.Readiness}),
    ("GET", "/api/openapi.json"): Operation("About", "This description", {200: Schema}),
    ("GET", "/api/asyncapi.json"): Operation("About", "The real-time messages, as AsyncAPI 3", {200: Schema}),
    ("GET", "/api/metrics"): Operation("About", "The figures", {200: about.Figures}),
    ("GET", "/api/monitoring/dashboard"): Operation("About", "What the live page shows", {200: about.Dashboard}),
    ("GET", "/api/monitoring/stream"): Operation(
        "About", "The same as a stream: a snapshot, then changes", {200: None}, media=_STREAM),
    ("GET", "/metrics"): Operation("About", "For Prometheus", {200: None}, media="text/plain", name="getExposition"),
    ("GET", "/api/discovery"): Operation(
        "About", "What is announced on the network, where, and whether it is heard", {200: discovery.Finding},
        description="By mDNS. What others announce is hearsay: anybody on the network can say anything."),
    ("POST", "/api/discovery/listen"): Operation(
        "About", "Listens anew, for three seconds, and answers the same", {200: discovery.Finding}),
    # Coming in.
    ("GET", "/api/setup"): Operation(
        "Coming in", "What was checked before set-up", {200: coming_in.SetupState},
        refusals=("SETUP_COMPLETE", "SETUP_LINK_EXPIRED", "TOKEN_INVALID")),
    ("POST", "/api/setup"): Operation(
        "Coming in", "The first administrator", {201: coming_in.SignedIn}, body=SetUp,
        refusals=("SETUP_COMPLETE", "SETUP_LINK_EXPIRED", "TOKEN_INVALID", "PASSWORD_GUESSABLE")),
    ("POST", "/api/setup/link"): Operation(
        "Coming in", "A fresh set-up link, over the control socket", {201: coming_in.SetupLink},
        refusals=("NOT_FOUND", "SETUP_COMPLETE", "PERMISSION_DENIED")),
    ("POST", "/api/auth/login"): Operation(
        "Coming in", "Sign in", {200: (coming_in.SignedIn, coming_in.Tokens)}, body=LogIn,
        refusals=("CREDENTIALS_INVALID",), description="A browser gets a cookie; with `tokens` a program gets tokens."),
    ("POST", "/api/auth/refresh"): Operation(
        "Coming in", "The next tokens", {200: coming_in.Tokens}, body=Refresh,
        refusals=("TOKEN_INVALID", "TOKEN_EXPIRED"),
        description="A refresh token is good once; showing an old one ends the whole family."),
    ("POST", "/api/auth/logout"): Operation(
        "Coming in", "Sign out", {204: None}, body=LogOut, body_optional=True, refusals=("CSRF_INVALID",)),
    ("POST", "/api/auth/device"): Operation(
        "Coming in", "A screen that was off for longer comes back", {200: Pairing}, body=Renew,
        refusals=("TOKEN_INVALID",)),
    ("GET", "/api/csrf"): Operation(
        "Coming in", "What pages send as `X-CSRF-Token`", {200: coming_in.CsrfToken},
        refusals=("TOKEN_INVALID", "TOKEN_EXPIRED")),
    ("GET", "/api/me"): Operation("Coming in", "Who I am", {200: coming_in.Me}),
    # Pairing.
    ("POST", "/api/pairing/device"): Operation(
        "Pairing", "A code for the monitor to show (RFC 8628)", {200: pairing.DeviceCode}, body=Begin),
    ("POST", "/api/pairing/token"): Operation(
        "Pairing", "Asks whether it was approved (RFC 8628)", {200: Pairing, 400: pairing.PollRefusal}, body=Poll),
    ("GET", "/api/pairing/device/{user_code}"): Operation(
        "Pairing", "What shows this code", {200: pairing.Waiting}, refusals=(*_GONE, "VALIDATION_ERROR"),
        samples={"user_code": "BCDF-GHJK"}),
    ("GET", "/api/pairing/devices"): Operation("Pairing", "What waits to be paired", {200: pairing.WaitingList}),
    ("GET", "/api/pairing/labels"): Operation(
        "Pairing", "QR codes of stations' pages, to print", {200: pairing.Labels},
        query=(
            Parameter(
                "screenId",
                {"type": "array", "items": _SCREEN, "minItems": 1, "maxItems": MAX_LABELS},
                "The stations, a `screenId=` each.",
            ),
        ),
        refusals=("VALIDATION_ERROR", "SCREEN_NOT_FOUND")),
    ("POST", "/api/pairing/approve"): Operation(
        "Pairing", "Makes what shows the code this screen", {200: pairing.Approved}, body=Approve,
        refusals=(*_GONE, "CONFIRM_MISMATCH", "SCREEN_ALREADY_PAIRED")),
    ("POST", "/api/pairing/deny"): Operation(
        "Pairing", "Refuses what shows the code", {204: None}, body=Deny, refusals=(*_GONE, "CONFIRM_MISMATCH")),
    ("POST", "/api/pairing/offers"): Operation(
        "Pairing", "A link that makes a browser this screen, once", {201: pairing.Offer}, body=NewOffer,
        refusals=("SCREEN_ALREADY_PAIRED",)),
    ("POST", "/api/pairing/claim"): Operation(
        "Pairing", "Takes an offer up", {200: Pairing}, body=Claim,
        refusals=("PAIRING_EXPIRED", "SCREEN_ALREADY_PAIRED")),
    ("POST", "/api/pairing/provision"): Operation(
        "Pairing", "Pairs screens without a QR code", {201: pairing.Pairings}, body=Provision),
    # Scans.
    ("POST", "/api/trigger"): Operation(
        "Scans", "Shows an order's document on screens", {202: scans.Receipt, 200: scans.Receipt}, body=TriggerBody,
        query=(
            Parameter("wait", {"enum": ["shown"]}, "Holds the answer until all deliveries are final."),
            Parameter("timeoutMs", {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_MS, "default": 5000}),
        ),
        refusals=_TRIGGER, description="200 for one that came before, or that has ended while it was waited for."),
    ("POST", "/api/triggers"): Operation(
        "Scans", f"The same for up to {MAX_BATCH} in one commit", {200: scans.BatchResults}, body=Batch),
    ("GET", "/api/triggers/{id}"): Operation(
        "Scans", "A trigger with all that happened to it", {200: scans.TriggerView}, refusals=("NOT_FOUND",)),
    ("POST", "/api/triggers/{id}/cancel"): Operation(
        "Scans", "Takes back what is still open of it", {200: scans.Cancelled}, refusals=("NOT_FOUND", "NOT_OPEN")),
    ("POST", "/api/deliveries/{deliveryId}/cancel"): Operation(
        "Scans", "Takes one delivery back", {200: scans.Summary}, refusals=("NOT_FOUND", "NOT_OPEN")),
    ("GET", "/api/deliveries"): Operation(
        "Scans", "Who was shown what, where and when", {200: scans.Records}, also=_FILES,
        query=(
            Parameter("screenId", _SCREEN), Parameter("orderId", _ORDER),
            Parameter("state", {"type": "string"}, "One or more states, with commas between them."),
            Parameter("from", _TIME), Parameter("to", _TIME), _LIMIT, _CURSOR,
        )),
    # Dead letters.
    ("GET", "/api/dead-letters"): Operation(
        "Undelivered", "What couldn't be delivered, newest first", {200: undelivered.DeadLetters}, also=_FILES,
        query=(
            Parameter("screenId", _SCREEN), Parameter("code", {"type": "string"}),
            Parameter("since", _TIME), Parameter("until", _TIME), _LIMIT, _CURSOR,
        )),
    ("GET", "/api/dead-letters/{deliveryId}"): Operation(
        "Undelivered", "One with its history", {200: undelivered.DeadLetterDetail}, refusals=("NOT_FOUND",)),
    ("DELETE", "/api/dead-letters/{deliveryId}"): Operation(
        "Undelivered", "Discards one", {204: None}, refusals=("NOT_FOUND", "NOT_DEAD")),
    ("POST", "/api/dead-letters/{deliveryId}/replay"): Operation(
        "Undelivered", "Sends one again", {202: undelivered.Replayed},
        refusals=("NOT_FOUND", "NOT_DEAD", "SCREEN_NOT_FOUND", "QUEUE_FULL")),
    ("POST", "/api/dead-letters/replay"): Operation(
        "Undelivered", "Sends many again", {200: undelivered.ReplayedMany}, body=Selection),
    ("POST", "/api/dead-letters/discard"): Operation(
        "Undelivered", "Discards many", {200: undelivered.DiscardedMany}, body=Selection),
    # Screens.
    ("GET", "/api/screens"): Operation("Screens", "All screens", {200: screens.Screens}),
    ("POST", "/api/screens"): Operation(
        "Screens", "Registers a screen", {201: screens.ScreenView}, body=NewScreen, refusals=("SCREEN_EXISTS",)),
    ("GET", "/api/screens/{screenId}"): Operation(
        "Screens", "One screen", {200: screens.ScreenView}, refusals=("SCREEN_NOT_FOUND",)),
    ("PATCH", "/api/screens/{screenId}"): Operation(
        "Screens", "Changes it", {200: screens.ScreenView}, body=ScreenChange, refusals=("SCREEN_NOT_FOUND",)),
    ("DELETE", "/api/screens/{screenId}"): Operation(
        "Screens", "Deletes it", {204: None}, refusals=("SCREEN_NOT_FOUND",)),
    ("POST", "/api/screens/{screenId}/identify"): Operation(
        "Screens", "Lets it flash its name", {204: None}, refusals=("SCREEN_NOT_FOUND", "SCREEN_OFFLINE")),
    ("POST", "/api/screens/{screenId}/clear"): Operation(
        "Screens", "Blanks it", {204: None}, refusals=("SCREEN_NOT_FOUND",)),
    ("POST", "/api/screens/{screenId}/revoke"): Operation(
        "Screens", "Ends its pairing", {204: None}, refusals=("SCREEN_NOT_FOUND",)),
    # People and keys.
    ("GET", "/api/users"): Operation("People", "All users", {200: people.Users}),
    ("POST", "/api/users"): Operation(
        "People", "Adds a user", {201: people.UserView}, body=NewUser, refusals=("PASSWORD_GUESSABLE",)),
    ("GET", "/api/users/{id}"): Operation("People", "One user", {200: people.UserView}, refusals=("NOT_FOUND",)),
    ("PATCH", "/api/users/{id}"): Operation(
        "People", "Changes a role, lines or a password", {200: people.UserView}, body=UserChange,
        refusals=("NOT_FOUND", "LAST_ADMIN", "PASSWORD_GUESSABLE")),
    ("DELETE", "/api/users/{id}"): Operation(
        "People", "Removes a user", {204: None}, refusals=("NOT_FOUND", "LAST_ADMIN")),
    ("GET", "/api/keys"): Operation("People", "All API keys", {200: people.Keys}),
    ("POST", "/api/keys"): Operation(
        "People", "Adds a key, which is told this once", {201: people.NewKeyView}, body=NewKey),
    ("POST", "/api/keys/rotate"): Operation(
        "People", "Makes the appliance's own keys anew", {200: people.SigningKeyView},
        description="For when somebody may have seen the old ones: access tokens and links to documents end at once."),
    ("GET", "/api/keys/{id}"): Operation("People", "One key", {200: people.KeyView}, refusals=("NOT_FOUND",)),
    ("DELETE", "/api/keys/{id}"): Operation("People", "Ends a key", {204: None}, refusals=("NOT_FOUND",)),
    ("GET", "/api/audit"): Operation(
        "People", "Who did what to which screen, when and from where, newest first", {200: audit.AuditRecord},
        also=_FILES, query=(
            Parameter("actor", {"type": "string", "minLength": 1, "maxLength": 200}),
            Parameter("action", {"type": "string"}, "As it is, or with a star behind what it begins with."),
            Parameter("screenId", _SCREEN), Parameter("since", _TIME), Parameter("until", _TIME), _LIMIT, _CURSOR,
            Parameter("verify", {"enum": ["full"]}, "Looks through the whole record, not only what is new."),
        )),
    # Wires.
    ("POST", "/api/events/ticket"): Operation("Events", "A ticket for one stream", {201: events.Ticket}),
    ("GET", "/api/events/subscribe"): Operation(
        "Events", "A session over server-sent events", {200: None}, media=_STREAM,
        query=(
            Parameter("ticket", {"type": "string"}, "In place of the header."),
            Parameter("capabilities", {"type": "string"}, "`shown`, where the client can tell."),
            Parameter("restore", {"type": "string"}),
            Parameter("client", {"type": "string"}, "`name/version`"),
            Parameter("displays", {"type": "string"}, "JSON"),
        ),
        refusals=("TOKEN_INVALID", "TOKEN_EXPIRED", "VALIDATION_ERROR", "SHUTTING_DOWN", "TOO_MANY_SESSIONS"),
        description="Its messages are described by AsyncAPI."),
    ("POST", "/api/events/ack"): Operation(
        "Events", "What became of a delivery", {204: None}, body=Ack, refusals=("NOT_FOUND",)),
    ("POST", "/api/events/send"): Operation(
        "Events", "Any other message of a session", {200: ServerMessage, 204: None}, body=ClientMessage,
        query=(Parameter("sessionId", {"type": "string"}, "Where the caller has several."),),
        refusals=(*_TRIGGER, "NOT_FOUND", "TOKEN_INVALID", "TOKEN_EXPIRED")),
})  # fmt: skip
