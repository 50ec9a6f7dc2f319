"""Forged access tokens wherever one is asked for, and every credential in every place where another belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import NEAR, OWN, PASSWORD, Estate
from tests.corpus.forgeries import forgeries
from tests.corpus.wires import Ask, ask, bearer, hello, http, socket_io, streams, with_ticket

_SCHEMES: Final = (
    "Basic", "Token", "JWT", "Digest", "Negotiate", "Bearer,", "Bearer:", "bearertoken", "", "Bearer\xa0",
)  # fmt: skip
_HEADERS: Final = (
    "X-Authorization", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "Token", "X-Access-Token",
    "X-Forwarded-User",
)  # fmt: skip
_MEMBERS: Final = (
    "token", "access_token", "auth", "jwt", "key", "api_key", "bearer", "authorization", "ticket", "session",
)  # fmt: skip
_IN_JSON_ALONE: Final = [
    ("a line break behind", "{}\n"), ("a line break before", "\n{}"), ("a space behind", "{} "),
    ("a space before", " {}"),
    ("a zero behind", "{}\0"), ("a carriage return within", "{0}\r{1}"), ("nothing", ""),
]  # fmt: skip


def cases(estate: Estate) -> Iterator[Case]:
    for at, (name, token, code) in enumerate(forgeries(estate)):
        header = bearer(token)
        yield refused(f"{name}: as bearer", http(Ask("GET", "/api/me", (header,))), f"401 {code}")
        turn = [
            refused(f"{name}: in the socket's header", hello(None, header), f"4401 {code}"),
            refused(f"{name}: to change something", http(_changes(header)), f"401 {code}"),
            refused(f"{name}: for a stream", streams(header), f"401 {code}"),
        ]
        yield turn[at % len(turn)]
        if "\udcff" not in token:
            by_message = [
                refused(f"{name}: in hello", hello(token), f"4401 {code}"),
                refused(f"{name}: in Socket.IO's auth", socket_io(token), f"connect_error {code}"),
            ]
            yield by_message[at % len(by_message)]
    good = estate.tokens["admin"]
    for name, pattern in _IN_JSON_ALONE:
        token = pattern.format(good[:30], good[30:]) if "{0}" in pattern else pattern.replace("{}", good)
        yield refused(f"{name}: in hello", hello(token), "4401 TOKEN_INVALID")
        yield refused(f"{name}: in Socket.IO's auth", socket_io(token), "connect_error TOKEN_INVALID")
    yield from _other_places(good)
    yield from _others_in_its_place(estate)
    yield control("a token as bearer", http(Ask("GET", "/api/me", (bearer(good),))))
    yield control("a token for a stream", streams(bearer(good)))
    yield control("a token in the socket's header", hello(None, bearer(good)))
    yield control("a token in hello", hello(good))
    yield control("a token in Socket.IO's auth", socket_io(good))


def _changes(header: tuple[str, str]) -> Ask:
    return ask("POST", "/api/screens", {"screenId": "S-FORGED"}, header)


def _other_places(good: str) -> Iterator[Case]:
    """A good token, where tokens aren't looked for."""
    for scheme in _SCHEMES:
        header = ("Authorization", f"{scheme} {good}")
        yield refused(f"behind the scheme {scheme!r}", http(Ask("GET", "/api/me", (header,))), "401 TOKEN_INVALID")
    for name in _HEADERS:
        for said, value in (("it", good), ("it behind its scheme", f"Bearer {good}"), ("a name", "admin")):
            yield refused(f"{said} in {name}", http(Ask("GET", "/api/me", ((name, value),))), "401 TOKEN_INVALID")
    for name in _MEMBERS:
        query = f"?{name}={good}"
        yield refused(f"as {name} in an address", http(Ask("GET", f"/api/me{query}")), "401 TOKEN_INVALID")
        yield refused(f"as {name} in a stream's", streams(query=query), "401 TOKEN_INVALID")
        yield refused(f"as {name} in a body", http(ask("POST", "/api/screens", {name: good})), "401 TOKEN_INVALID")
        socket = hello(None, target=f"/ws{query}")
        yield refused(f"as {name} in a socket's address", socket, "4401 TOKEN_INVALID")
    for name in ("Bearer", "token", "access_token", "vooster", "vooster_00000000", "__Host-vooster_00000000"):
        yield refused(
            f"as the cookie {name}", http(Ask("GET", "/api/me", (("Cookie", f"{name}={good}"),))), "401 TOKEN_INVALID"
        )


def _others_in_its_place(estate: Estate) -> Iterator[Case]:
    """Each credential in each place, but for its own."""
    screen, browser = estate.screens[OWN], estate.browsers["admin"]
    kinds = {
        "access token": estate.tokens["admin"],
        "refresh token": estate.refreshes["admin"],
        "screen's access token": screen["accessToken"],
        "screen's refresh token": screen["refreshToken"],
        "device secret": screen["deviceSecret"],
        "API key": estate.keys["admin"],
        "offer": estate.others["offer"],
        "device code": estate.others["device code"],
        "ticket": estate.others["ticket"],
        "set-up token": estate.others["set-up token"],
        "cookie": browser.value,
        "CSRF token": browser.csrf,
        "password": PASSWORD,
        "document link": estate.link.split("/")[2],
        "instance id": screen["instanceId"],
        "screen's name": OWN,
    }
    bearers = {"access token", "screen's access token", "API key"}
    invalid, expired = "401 TOKEN_INVALID", "401 TOKEN_EXPIRED"
    for kind, value in kinds.items():
        if kind not in bearers:
            header = bearer(value)
            yield refused(f"{kind} as bearer", http(Ask("GET", "/api/me", (header,))), invalid)
            yield refused(f"{kind} for a stream", streams(header), invalid)
            yield refused(f"{kind} in hello", hello(value), "4401 TOKEN_INVALID")
            yield refused(f"{kind} in Socket.IO's auth", socket_io(value), "connect_error TOKEN_INVALID")
        if kind not in {"refresh token", "screen's refresh token"}:
            body = {"refreshToken": value}
            yield refused(f"{kind} as refresh token", http(ask("POST", "/api/auth/refresh", body)), invalid)
        for screen_id in (OWN, NEAR):
            if kind != "device secret" or screen_id != OWN:
                body = {"screenId": screen_id, "deviceSecret": value}
                name = f"{kind} as {screen_id}'s device secret"
                yield refused(name, http(ask("POST", "/api/auth/device", body)), invalid)
        if kind != "device code":
            body = {"device_code": value}
            name = f"{kind} as device code"
            yield refused(name, http(ask("POST", "/api/pairing/token", body)), "400 invalid_grant")
        for screen_id in ("S-NEW", NEAR):
            if kind != "offer" or screen_id != "S-NEW":
                body = {"screenId": screen_id, "token": value}
                name = f"{kind} as an offer of {screen_id}"
                yield refused(name, http(ask("POST", "/api/pairing/claim", body)), "410 PAIRING_EXPIRED")
        if kind != "cookie":
            cookie = ("Cookie", f"{estate.cookie_name}={value}")
            yield refused(f"{kind} as cookie", http(Ask("GET", "/api/me", (cookie,))), invalid, expired)
            csrf = ("Cookie", f"{estate.cookie_name}={value}")
            yield refused(
                f"{kind} as cookie for a CSRF token", http(Ask("GET", "/api/csrf", (csrf,))), invalid, expired
            )
        if kind != "CSRF token":
            headers = ("Cookie", browser.cookie), ("X-CSRF-Token", value)
            made = ask("POST", "/api/screens", {"screenId": "S-FORGED"}, *headers)
            yield refused(f"{kind} as CSRF token", http(made), "403 CSRF_INVALID")
        if kind != "ticket":
            yield refused(f"{kind} as ticket", with_ticket(value), invalid)
        if kind != "document link":
            target = f"/documents/{quote(value, safe='')}/ORD-7001.html"
            yield refused(f"{kind} as a document's link", http(Ask("GET", target)), "404 NOT_FOUND")
        setup = ask("POST", "/api/setup", {"token": value, "username": "mallory", "password": PASSWORD})
        yield refused(f"{kind} to set it up again", http(setup), "409 SETUP_COMPLETE")
        look = Ask("GET", "/api/setup", (bearer(value),))
        yield refused(f"{kind} to look at the set-up", http(look), "409 SETUP_COMPLETE")
        if kind != "password":
            body = {"username": "admin", "password": value}
            yield refused(f"{kind} as password", http(ask("POST", "/api/auth/login", body)), "401 CREDENTIALS_INVALID")
        body = {"username": value, "password": value}
        yield refused(f"{kind} as user", http(ask("POST", "/api/auth/login", body)), "401 CREDENTIALS_INVALID")
