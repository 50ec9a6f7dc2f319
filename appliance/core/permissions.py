"""Who may do what: every call of the HTTP API and every message on a socket, in one table.

The guard in front of the API and the conversation of sockets ask it; a call that isn't in it doesn't start. What
somebody *reaches* (screens, lines) is a second question, asked where the screens are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from appliance.core import messages
from appliance.core.roles import Role, require
from appliance.errors import Problem

Holder = Literal["user", "screen", "key", "local"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`least` None: no credential is asked for, and the call itself looks at `proof`, where it names one.

    `screens`: a screen's own token is taken, too. `keys` is the role that an API key needs where it differs.
    """

    least: Role | None
    screens: bool = False
    proof: str = ""
    keys: Role | None = None

    def check(self, holder: Holder, role: Role) -> None:
        """Raises `PERMISSION_DENIED` unless a credential of this kind and role may."""
        if self.least is None:
            return
        if holder == "screen" and not self.screens:
            raise Problem("PERMISSION_DENIED", "A screen's own token can't do this.", values={"role": self.least.label})
        require(role, self.keys if holder == "key" and self.keys is not None else self.least)


ANYONE: Final = Rule(None)
_SIGNED_IN: Final = Rule(Role.VIEWER, screens=True)
_VIEWER: Final = Rule(Role.VIEWER)
_OPERATOR: Final = Rule(Role.OPERATOR)
_SUPERVISOR: Final = Rule(Role.SUPERVISOR)
_ADMIN: Final = Rule(Role.ADMIN)

PAGES: Final = (
    "/", "/setup", "/login", "/screens", "/screens/{rest}", "/approve", "/pair", "/dead-letters", "/display", "/scan",
    "/viewer", "/trust", "/discovery", "/extension", "/assets/{path}", "/{path}",
)  # fmt: skip
"""The same for everybody, with nothing of the plant in them: what they show they ask the API for."""

CALLS: Final[Mapping[tuple[str, str], Rule]] = MappingProxyType({
    **{("GET", path): ANYONE for path in PAGES},
    ("GET", "/.well-known/vooster"): ANYONE,
    # Read before anybody can trust the connection, and the same as each handshake tells.
    ("GET", "/trust/about.json"): ANYONE,
    ("GET", "/trust/vooster-ca.crt"): ANYONE,
    ("GET", "/trust/vooster-ca.pem"): ANYONE,
    # The same for every PC, and without a key of any screen.
    ("GET", "/extension/vooster-extension.zip"): ANYONE,
    ("GET", "/extension/policy.json"): ANYONE,
    ("GET", "/extension/policy.mobileconfig"): ANYONE,
    ("GET", "/extension/policy.reg"): ANYONE,
    ("GET", "/documents/{path}"): Rule(None, proof="signed link"),
    ("GET", "/metrics"): Rule(None, proof="from this machine, or a viewer's credential"),
    ("GET", "/api/asyncapi.json"): ANYONE,
    ("GET", "/api/openapi.json"): ANYONE,
    ("GET", "/api/health"): ANYONE,
    ("GET", "/api/health/live"): ANYONE,
    ("GET", "/api/health/ready"): ANYONE,
    # Coming in.
    ("GET", "/api/setup"): Rule(None, proof="set-up token"),
    ("POST", "/api/setup"): Rule(None, proof="set-up token"),
    ("POST", "/api/setup/link"): Rule(None, proof="from this machine"),
    ("POST", "/api/auth/login"): Rule(None, proof="password"),
    ("POST", "/api/auth/refresh"): Rule(None, proof="refresh token"),
    ("POST", "/api/auth/logout"): Rule(None, proof="what is to end"),
    ("POST", "/api/auth/device"): Rule(None, proof="device secret"),
    ("GET", "/api/csrf"): Rule(None, proof="session cookie"),
    ("GET", "/api/me"): _SIGNED_IN,
    # Pairing.
    ("POST", "/api/pairing/device"): ANYONE,
    ("POST", "/api/pairing/token"): Rule(None, proof="device code"),
    ("POST", "/api/pairing/claim"): Rule(None, proof="offer"),
    ("GET", "/api/pairing/device/{user_code}"): _SUPERVISOR,
    ("GET", "/api/pairing/devices"): _SUPERVISOR,
    ("GET", "/api/pairing/labels"): _SUPERVISOR,
    ("POST", "/api/pairing/approve"): _SUPERVISOR,
    ("POST", "/api/pairing/deny"): _SUPERVISOR,
    ("POST", "/api/pairing/offers"): _SUPERVISOR,
    ("POST", "/api/pairing/provision"): _ADMIN,
    # Scans.
    ("POST", "/api/trigger"): Rule(Role.OPERATOR, screens=True),
    ("POST", "/api/triggers"): Rule(Role.OPERATOR, screens=True),
    ("GET", "/api/triggers/{id}"): _SIGNED_IN,
    ("POST", "/api/triggers/{id}/cancel"): _OPERATOR,
    ("POST", "/api/deliveries/{deliveryId}/cancel"): _OPERATOR,
    ("GET", "/api/deliveries"): _VIEWER,
    ("GET", "/api/dead-letters"): _VIEWER,
    ("GET", "/api/dead-letters/{deliveryId}"): _VIEWER,
    ("DELETE", "/api/dead-letters/{deliveryId}"): _SUPERVISOR,
    ("POST", "/api/dead-letters/{deliveryId}/replay"): _SUPERVISOR,
    ("POST", "/api/dead-letters/replay"): _SUPERVISOR,
    ("POST", "/api/dead-letters/discard"): _SUPERVISOR,
    # Screens.
    ("GET", "/api/screens"): _VIEWER,
    ("POST", "/api/screens"): _SUPERVISOR,
    ("GET", "/api/screens/{screenId}"): _VIEWER,
    ("PATCH", "/api/screens/{screenId}"): _SUPERVISOR,
    ("DELETE", "/api/screens/{screenId}"): _SUPERVISOR,
    ("POST", "/api/screens/{screenId}/identify"): _SUPERVISOR,
    ("POST", "/api/screens/{screenId}/clear"): _SUPERVISOR,
    ("POST", "/api/screens/{screenId}/revoke"): _SUPERVISOR,
    # People and keys.
    ("GET", "/api/users"): _ADMIN,
    ("POST", "/api/users"): _ADMIN,
    ("GET", "/api/users/{id}"): _ADMIN,
    ("PATCH", "/api/users/{id}"): _ADMIN,
    ("DELETE", "/api/users/{id}"): _ADMIN,
    ("GET", "/api/keys"): _ADMIN,
    ("POST", "/api/keys"): _ADMIN,
    ("POST", "/api/keys/rotate"): _ADMIN,
    ("GET", "/api/keys/{id}"): _ADMIN,
    ("DELETE", "/api/keys/{id}"): _ADMIN,
    # Watching.
    ("GET", "/api/metrics"): _VIEWER,
    ("GET", "/api/monitoring/dashboard"): _VIEWER,
    ("GET", "/api/monitoring/stream"): _VIEWER,
    ("GET", "/api/discovery"): _VIEWER,
    ("POST", "/api/discovery/listen"): _VIEWER,
    ("GET", "/api/audit"): _ADMIN,
    # Wires.
    ("GET", "/ws"): Rule(None, proof="hello"),
    ("*", "/socket.io/"): Rule(None, proof="connect"),
    ("GET", "/api/events/subscribe"): Rule(None, proof="ticket, or any credential"),
    ("POST", "/api/events/ticket"): _SIGNED_IN,
    ("POST", "/api/events/ack"): _SIGNED_IN,
    ("POST", "/api/events/send"): _SIGNED_IN,
})  # fmt: skip
"""By method and path, as the routes name them."""

WITHOUT_TLS: Final[Mapping[tuple[str, str], Rule]] = MappingProxyType({
    **{("GET", path): ANYONE for path in ("/trust", "/assets/{path}")},
    **{call: rule for call, rule in CALLS.items() if call[1].startswith("/trust/")},
    ("*", "/{path}"): ANYONE,  # is sent on to https, or refused
})  # fmt: skip
"""The same for plain HTTP where TLS is on."""

MESSAGES: Final[Mapping[type, Rule]] = MappingProxyType({
    messages.Hello: _SIGNED_IN,
    messages.Ack: _SIGNED_IN,
    messages.Displays: _SIGNED_IN,
    messages.Trigger: CALLS["POST", "/api/trigger"],
    messages.Subscribe: _VIEWER,
    messages.StatusRequest: _SIGNED_IN,
    messages.Renew: _SIGNED_IN,
    messages.Ping: _SIGNED_IN,
    messages.ClientPong: _SIGNED_IN,
})  # fmt: skip
"""By what a session sends, over whichever wire."""

SEND_ADDRESS: Final = Rule(Role.SUPERVISOR, keys=Role.OPERATOR)
"""A trigger with a `url` of its own in place of an order's number."""
