"""Names under which an attacker's page would come to the appliance, on every way in: all are 421, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import PASSWORD, Estate
from tests.corpus.wires import SOCKET_IO, STREAM, Ask, ask, bearer, http, shake, upgrade

STRANGERS: Final = [
    # DNS rebinding: names of the attacker's that lead here.
    "evil.example", "EVIL.example", "evil.example.", "evil.example:{port}", "evil.example:80", "127.0.0.1.nip.io",
    "7f000001.nip.io", "localtest.me", "lvh.me", "a.localhost.run", "rebind.network",
    "1time.127.0.0.1.1.rebind.example",
    # What begins or ends like ours.
    "127.0.0.1.evil.example", "evil-127.0.0.1", "127.0.0.1-evil.example", "localhost.evil.example", "evil.localhost",
    "x.localhost", "localhost.localdomain", "localhostx", "xlocalhost", "local.host", "localhost.example:{port}",
    "127.0.0.1x", "x127.0.0.1", "127.0.0.1.example:{port}", "vooster.local.evil.example", "xn--localhost-.example",
    # Names of the link that nobody has settled.
    "vooster.local", "vooster.local.", "vooster.local:{port}", "vooster-2.local", "VOOSTER.LOCAL", "printer.local",
    "plc-1.local", "evil.local", "local", ".local", "vooster", "wpad", "wpad.local", "router", "fritz.box",
    # Other addresses, and odd spellings of this one.
    "127.0.0.2", "127.0.0.1.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001",
    "127.000.000.001", "127.0.0.01", "0.0.0.0", "0", "255.255.255.255", "10.0.0.1", "192.168.0.1", "169.254.169.254",
    "8.8.8.8", "１２７.0.0.1", "127。0。0。1", "127%2e0%2e0%2e1", "%31%32%37.0.0.1",
    "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::1%25lo]", "[::1%lo]",
    "[fe80::1]",
    "[::2]", "[2001:db8::1]", "[::1", "::1", "[127.0.0.1]", "[localhost]", "[v1.x]", "[]", "[::1]evil.example",
    # Userinfo, ports and what else is in a URL.
    "user@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example", "evil.example@127.0.0.1:{port}", "user:pw@localhost",
    "@localhost",
    "localhost@", "127.0.0.1:{port}:80", "127.0.0.1:http", "127.0.0.1:999999", "127.0.0.1:-1", "127.0.0.1:{port}x",
    "127.0.0.1:+80",
    "127.0.0.1:0x50", "127.0.0.1: 80", "127.0.0.1 evil.example", "127.0.0.1,evil.example", "127.0.0.1, evil.example",
    "127.0.0.1;evil.example", "127.0.0.1/evil.example", "127.0.0.1\\evil.example", "127.0.0.1?evil", "127.0.0.1#evil",
    "http://127.0.0.1:{port}", "//127.0.0.1", "localhost..", "..localhost", "localhost%00.evil.example",
    "localhost%2eevil",
    # Letters that look alike.
    "ⓛocalhost", "ｌocalhost", "lοcalhost", "localhoѕt", "LOCALHOſT", "localhost\u200b", "localhost\u00ad",
    "\u200blocalhost", "localhost\udcff",
    "'localhost'", '"localhost"', "<localhost>", "{localhost}", "*", "-", ".", "_", "null", "undefined", "$HOST",
]  # fmt: skip

ALL_WAYS: Final = 12
"""The first of them are tried on every way in, the others on four each, in turn."""
Way = tuple[str, Ask]


def ways(estate: Estate) -> list[Way]:
    """Every kind of way in, each one that would be open by another name."""
    browser = estate.browsers["admin"]
    fetched = (*browser.headers, ("Sec-Fetch-Site", "same-origin"))
    signed_in = (("Cookie", browser.cookie),)
    return [
        ("a page", Ask("GET", "/")),
        ("who one is", Ask("GET", "/api/me", fetched)),
        ("a token's call", Ask("GET", "/api/screens", (bearer(estate.tokens["admin"]),))),
        ("a change", ask("POST", "/api/screens", {"screenId": "S-REBOUND"}, *fetched)),
        ("a deletion", Ask("DELETE", "/api/users/viewer", fetched)),
        ("a sign-in", ask("POST", "/api/auth/login", {"username": "admin", "password": PASSWORD})),
        ("a pairing", ask("POST", "/api/pairing/device", {})),
        ("what anyone may know", Ask("GET", "/.well-known/vooster")),
        ("a document", Ask("GET", estate.link)),
        ("figures", Ask("GET", "/metrics")),
        ("nothing there", Ask("GET", "/nothing/there")),
        (
            "a preflight",
            Ask("OPTIONS", "/api/me", (("Origin", "http://evil.example"), ("Access-Control-Request-Method", "GET"))),
        ),
        ("a stream", Ask("GET", "/api/events/subscribe", (*STREAM, *signed_in))),
        ("the live page's stream", Ask("GET", "/api/monitoring/stream", signed_in)),
        ("a poll", Ask("GET", "/socket.io/?EIO=4&transport=polling")),
    ]


def cases(estate: Estate) -> Iterator[Case]:
    cookie = ("Cookie", estate.browsers["admin"].cookie)
    all_ways = ways(estate)
    change = dict(all_ways)["a change"]
    for at, pattern in enumerate(STRANGERS):
        host = pattern.replace("{port}", str(estate.port))
        turn = all_ways if at < ALL_WAYS else [all_ways[(at + 4 * step) % len(all_ways)] for step in range(4)]
        for way, asked in turn:
            yield refused(f"{way} by {host!r}", http(replace(asked, hosts=(host,))), "421 HOST_NOT_ALLOWED")
        origin = ("Origin", f"http://{host}")
        own_page = replace(change.also(origin), hosts=(host,))
        yield refused(f"a change by {host!r} as its own page", http(own_page), "421 HOST_NOT_ALLOWED")
        for target in ("/ws", SOCKET_IO):
            asked = shake(target, cookie, origin, hosts=(host,))
            yield refused(f"{target} by {host!r}", upgrade(asked), "421 HOST_NOT_ALLOWED")
    yield from _odd_requests(estate)
    yield from _rightful(estate)


def _odd_requests(estate: Estate) -> Iterator[Case]:
    """Requests that name two places or none."""
    own, evil = f"127.0.0.1:{estate.port}", "evil.example"
    malformed, other = "400 VALIDATION_ERROR", "421 HOST_NOT_ALLOWED"
    nameless: list[tuple[str, tuple[str, ...]]] = [("no name", ()), ("an empty name", ("",)), ("a blank", (" \t",))]
    for way, asked in ways(estate):
        for hosts in ((own, evil), (evil, own), (evil, evil), (own, own), (own, ""), ("", own), (own, own, evil)):
            yield refused(f"{way} by {' and '.join(hosts)}", http(replace(asked, hosts=hosts)), malformed, other)
        for name, given in nameless:
            yield refused(f"{way} by {name}", http(replace(asked, hosts=given)), malformed, other)
        old = replace(asked, hosts=(), version="HTTP/1.0")
        yield refused(f"{way} by no name, of old", http(old), malformed, other)
        for scheme in ("http", "https", "HTTP", "ftp"):
            whole = replace(asked, target=f"{scheme}://{evil}{asked.target}")
            yield refused(f"{way}, all of it at {scheme}://{evil}", http(whole), malformed, other)
            whole = replace(asked, target=f"{scheme}://{own}{asked.target}", hosts=(evil,))
            yield refused(f"{way} by {evil}, all of it at {scheme}://{own}", http(whole), malformed, other)
        forwarded = (("X-Forwarded-Host", own), ("Forwarded", f"host={own}"), ("X-Host", own), ("X-Original-Host", own))
        yield refused(
            f"{way} by {evil}, sent on for {own}", http(replace(asked.also(*forwarded), hosts=(evil,))), other
        )


def _rightful(estate: Estate) -> Iterator[Case]:
    for host in ("127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}", "127.0.0.1"):
        yield control(f"a page by {host}", http(Ask("GET", "/", hosts=(host.replace("{port}", str(estate.port)),))))
        yield control(f"/ws by {host}", upgrade(shake(hosts=(host.replace("{port}", str(estate.port)),))))
