"""Who may do what, written down by hand from the wire contract's column "who" (sections 3 to 5), call by call."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tests.corpus.estate import NEAR, PASSWORD

RANKS: Final = {"viewer": 1, "operator": 2, "supervisor": 3, "admin": 4}
DENIED: Final = "403 PERMISSION_DENIED"


class Who(NamedTuple):
    """`least` is the role that the contract names, `screen` what a screen's own token gets. `far` is how somebody
    limited is kept from what he doesn't reach; empty where there is nothing to reach. `makes` is set where something
    new is made, which whoever is limited to named screens can't reach. `always` is what everybody gets: here a screen
    speaks of itself, and nobody of these is it."""

    least: str
    path: str = ""
    body: Any = None
    screen: str = DENIED
    far: str = ""
    makes: bool = False
    always: str = ""


class Proof(NamedTuple):
    """A call that asks for something of its own: whoever calls without it gets this."""

    refusal: str
    body: Any = None
    path: str = ""


OPEN: Final = frozenset({
    "/", "/setup", "/login", "/screens", "/screens/{rest}", "/approve", "/pair", "/dead-letters", "/display", "/scan",
    "/viewer", "/trust", "/assets/{path}", "/{path}", "/.well-known/vooster", "/trust/about.json",
    "/trust/vooster-ca.crt",
    "/trust/vooster-ca.pem", "/discovery", "/extension", "/extension/vooster-extension.zip", "/extension/policy.json",
    "/extension/policy.reg", "/extension/policy.mobileconfig", "/api/asyncapi.json", "/api/openapi.json",
    "/api/health", "/api/health/live", "/api/health/ready",
})  # fmt: skip
"""For anyone to read; `POST /api/pairing/device` and signing out change nothing that was there."""
OPEN_POSTS: Final[dict[str, Any]] = {"/api/pairing/device": {}, "/api/auth/logout": None}
ALLOWED: Final = ""
NO_SUCH: Final = "404 NOT_FOUND"
EMPTY: Final = "200 nothing"

_TRIGGER: Final[dict[str, Any]] = {"orderId": "ORD-1001", "screenId": "{screen}", "mode": "queue"}

CALLERS: Final[dict[tuple[str, str], Who]] = {
    ("GET", "/api/me"): Who("viewer", screen=ALLOWED),
    # Pairing is the supervisor's; for IT, which does it without looking, the administrator's.
    ("GET", "/api/pairing/device/{user_code}"): Who("supervisor", "/api/pairing/device/BCDF-GHJK"),
    ("GET", "/api/pairing/devices"): Who("supervisor"),
    ("GET", "/api/pairing/labels"): Who("supervisor", "/api/pairing/labels?screenId={screen}", far=DENIED),
    ("POST", "/api/pairing/approve"): Who(
        "supervisor", body={"user_code": "BCDF-GHJK", "confirm": "GHJK", "screenId": "{screen}"}, far=DENIED),
    ("POST", "/api/pairing/deny"): Who("supervisor", body={"user_code": "BCDF-GHJK"}),
    ("POST", "/api/pairing/offers"): Who("supervisor", body={"screenId": "{screen}", "replace": True}, far=DENIED),
    ("POST", "/api/pairing/provision"): Who("admin", body={"screenIds": ["{screen}"]}),
    # Scans.
    ("POST", "/api/trigger"): Who("operator", body=_TRIGGER, screen=ALLOWED, far=DENIED),
    ("POST", "/api/triggers"): Who("operator", body={"triggers": [_TRIGGER]}, screen=ALLOWED, far=DENIED),
    ("GET", "/api/triggers/{id}"): Who("viewer", "/api/triggers/{trigger}", screen=NO_SUCH, far=NO_SUCH),
    ("POST", "/api/triggers/{id}/cancel"): Who("operator", "/api/triggers/{trigger}/cancel", far=NO_SUCH),
    ("POST", "/api/deliveries/{deliveryId}/cancel"): Who(
        "operator", "/api/deliveries/{trigger}:{screen}/cancel", far=NO_SUCH),
    ("GET", "/api/deliveries"): Who("viewer", "/api/deliveries?screenId={screen}", far=EMPTY),
    ("GET", "/api/dead-letters"): Who("viewer", "/api/dead-letters?screenId={screen}", far=EMPTY),
    ("GET", "/api/dead-letters/{deliveryId}"): Who("viewer", "/api/dead-letters/{letter}", far=DENIED),
    ("DELETE", "/api/dead-letters/{deliveryId}"): Who("supervisor", "/api/dead-letters/{letter}", far=DENIED),
    ("POST", "/api/dead-letters/{deliveryId}/replay"): Who(
        "supervisor", "/api/dead-letters/{letter}/replay", far=DENIED),
    ("POST", "/api/dead-letters/replay"): Who("supervisor", body={"ids": ["{letter}"]}, far=DENIED),
    ("POST", "/api/dead-letters/discard"): Who("supervisor", body={"ids": ["{letter}"]}, far=DENIED),
    # Screens.
    ("GET", "/api/screens"): Who("viewer"),
    ("POST", "/api/screens"): Who(
        "supervisor", body={"screenId": "S-MADE", "groups": ["{line}"]}, far=DENIED, makes=True),
    ("GET", "/api/screens/{screenId}"): Who("viewer", "/api/screens/{screen}", far=DENIED),
    ("PATCH", "/api/screens/{screenId}"): Who("supervisor", "/api/screens/{screen}", {"displayIndex": 7}, far=DENIED),
    ("DELETE", "/api/screens/{screenId}"): Who("supervisor", "/api/screens/{screen}", far=DENIED),
    ("POST", "/api/screens/{screenId}/identify"): Who("supervisor", "/api/screens/{screen}/identify", far=DENIED),
    ("POST", "/api/screens/{screenId}/clear"): Who("supervisor", "/api/screens/{screen}/clear", far=DENIED),
    ("POST", "/api/screens/{screenId}/revoke"): Who("supervisor", "/api/screens/{screen}/revoke", far=DENIED),
    # People and keys.
    ("GET", "/api/users"): Who("admin"),
    ("POST", "/api/users"): Who("admin", body={"username": "mallory", "password": PASSWORD, "role": "admin"}),
    ("GET", "/api/users/{id}"): Who("admin", "/api/users/viewer"),
    ("PATCH", "/api/users/{id}"): Who("admin", "/api/users/viewer", {"role": "admin"}),
    ("DELETE", "/api/users/{id}"): Who("admin", "/api/users/viewer"),
    ("GET", "/api/keys"): Who("admin"),
    ("POST", "/api/keys"): Who("admin", body={"name": "mallory", "role": "admin"}),
    ("POST", "/api/keys/rotate"): Who("admin"),
    ("GET", "/api/keys/{id}"): Who("admin", "/api/keys/{key}"),
    ("DELETE", "/api/keys/{id}"): Who("admin", "/api/keys/{key}"),
    # Watching.
    ("GET", "/api/metrics"): Who("viewer"),
    ("GET", "/api/discovery"): Who("viewer"),
    ("POST", "/api/discovery/listen"): Who("viewer"),
    ("GET", "/api/monitoring/dashboard"): Who("viewer"),
    ("GET", "/api/monitoring/stream"): Who("viewer"),
    ("GET", "/api/audit"): Who("admin"),
    # Wires.
    ("POST", "/api/events/ticket"): Who("viewer", screen=ALLOWED),
    ("POST", "/api/events/ack"): Who(
        "viewer", body={"type": "ack", "id": "{trigger}:{screen}", "status": "received"}, always=NO_SUCH),
    ("POST", "/api/events/send"): Who("viewer", body={"type": "status"}, screen=ALLOWED),
}  # fmt: skip

HARMLESS: Final[dict[tuple[str, str], Who]] = {
    ("POST", "/api/pairing/offers"): Who("", body={"screenId": "{screen}"}),
    ("POST", "/api/pairing/provision"): Who("", body={"screenIds": ["not a name"]}),
    ("POST", "/api/triggers/{id}/cancel"): Who("", "/api/triggers/{over}/cancel"),
    ("POST", "/api/deliveries/{deliveryId}/cancel"): Who("", "/api/deliveries/{letter}/cancel"),
    ("DELETE", "/api/dead-letters/{deliveryId}"): Who("", "/api/dead-letters/{trigger}:{screen}"),
    ("POST", "/api/dead-letters/{deliveryId}/replay"): Who("", "/api/dead-letters/{trigger}:{screen}/replay"),
    ("POST", "/api/dead-letters/replay"): Who("", body={"ids": ["{trigger}:{screen}"]}),
    ("POST", "/api/dead-letters/discard"): Who("", body={"ids": ["{trigger}:{screen}"]}),
    ("POST", "/api/screens"): Who("", body={"screenId": "{screen}", "groups": ["{line}"]}),
    ("PATCH", "/api/screens/{screenId}"): Who("", "/api/screens/{screen}", {"displayIndex": 0}),
    ("DELETE", "/api/screens/{screenId}"): Who("", "/api/screens/S-ABSENT"),
    ("POST", "/api/screens/{screenId}/revoke"): Who("", "/api/screens/S-ABSENT/revoke"),
    ("POST", "/api/users"): Who("", body={}),
    ("PATCH", "/api/users/{id}"): Who("", "/api/users/viewer", {"role": "none"}),
    ("DELETE", "/api/users/{id}"): Who("", "/api/users/absent"),
    ("POST", "/api/keys"): Who("", body={}),
    ("DELETE", "/api/keys/{id}"): Who("", "/api/keys/00000000"),
}
"""In place of the call itself, where whoever may do it would use up what others need: he gets as far as hearing that
it is nothing to be done."""
NEVER: Final = ("POST", "/api/keys/rotate")
"""It would end every token there is. That an administrator may is tested beside it."""

PROOFS: Final[dict[tuple[str, str], Proof]] = {
    ("GET", "/documents/{path}"): Proof(NO_SUCH, path="/documents/AAAA/ORD-7001.html"),
    ("GET", "/api/setup"): Proof("409 SETUP_COMPLETE"),
    ("POST", "/api/setup"): Proof("409 SETUP_COMPLETE", {"username": "mallory", "password": PASSWORD}),
    ("POST", "/api/setup/link"): Proof(NO_SUCH),
    ("POST", "/api/auth/login"): Proof("401 CREDENTIALS_INVALID", {"username": "admin", "password": "guessed wrongly"}),
    ("POST", "/api/auth/refresh"): Proof("401 TOKEN_INVALID", {"refreshToken": "A" * 43}),
    ("POST", "/api/auth/device"): Proof("401 TOKEN_INVALID", {"screenId": NEAR, "deviceSecret": "A" * 43}),
    ("GET", "/api/csrf"): Proof("401 TOKEN_INVALID"),
    ("POST", "/api/pairing/token"): Proof("400 invalid_grant", {"device_code": "A" * 43}),
    ("POST", "/api/pairing/claim"): Proof("410 PAIRING_EXPIRED", {"screenId": NEAR, "token": "A" * 43}),
    ("GET", "/ws"): Proof("400 VALIDATION_ERROR"),
    ("*", "/socket.io/"): Proof("400", path="/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA"),
    ("GET", "/api/events/subscribe"): Proof("401 TOKEN_INVALID", path="/api/events/subscribe?ticket=AAAA"),
}  # fmt: skip
