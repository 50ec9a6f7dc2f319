"""Other sites' pages in a supervisor's browser, which adds its cookie: by `Origin`, and by Fetch Metadata alone.

The attacker is even given the CSRF token, so that nothing but the page's origin can be what is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.edge.origins import EXTENSION
from tests.corpus.calls import unsafe
from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import SISTER, Estate
from tests.corpus.wires import SOCKET_IO, STREAM, Ask, ask, hello, http, shake, upgrade

ANOTHER: Final = "403 ORIGIN_NOT_ALLOWED"

STRANGERS: Final = [
    "null", "Null", "NULL", "", "http://evil.example", "https://evil.example", "HTTP://EVIL.EXAMPLE",
    "http://evil.example:{port}",
    # Almost the appliance's own.
    "http://127.0.0.1", "http://127.0.0.1:80", "http://127.0.0.1:1", "http://127.0.0.1:{port}0",
    "http://127.0.0.1:0{port}",
    "http://127.0.0.1:{port}/", "http://127.0.0.1:{port}/x", "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}@evil.example",
    "http://evil.example#http://127.0.0.1:{port}", "http://evil.example?http://127.0.0.1:{port}",
    "http://x.127.0.0.1:{port}",
    "http://user@127.0.0.1:{port}", "http://127.0.0.1.:{port}", "http://127.1:{port}", "http://2130706433:{port}",
    "http://localhost:{port}", "http://[::1]:{port}", "http://[::ffff:127.0.0.1]:{port}", "http://vooster.local:{port}",
    "127.0.0.1:{port}", "//127.0.0.1:{port}", "http:127.0.0.1:{port}", "http:/127.0.0.1:{port}",
    "http:///127.0.0.1:{port}",
    "ws://127.0.0.1:{port}", "wss://127.0.0.1:{port}", "ftp://127.0.0.1:{port}", "file://", "file:///C:/x.html",
    "data:", "blob:null",
    "about:blank", "javascript:", "view-source:http://127.0.0.1:{port}", "app://127.0.0.1:{port}",
    "capacitor://localhost",
    "http://127.0.0.1:{port} http://evil.example", "http://127.0.0.1:{port}, http://evil.example",
    "http://evil.example,http://127.0.0.1:{port}",
    "http://127.0.0.1:{port}\u200b", "http://127。0。0。1:{port}", "*",
    # Almost the one that is listed.
    "http://mes.example", "https://mes.example.evil.example", "https://evil-mes.example", "https://evilmes.example",
    "https://x.mes.example",
    "https://mes.example:8443", "https://mes.example:443", "https://mes.example/", "https://mes.exampl",
    "https://mes.example.",
    "https://mes_example", "https://user@mes.example", "https://mes.example@evil.example",
    "https://mes.example,https://evil.example",
    "https://mеs.example", "wss://mes.example", "mes.example",
    # Almost our extension.
    "chrome-extension://mholgcmfdlciakgmnmldhhpgldnhcohi", "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "chrome-extension://mholgcmfdlciakgmnmldhhpgldnhcohj.evil.example",
    "chrome-extension://mholgcmfdlciakgmnmldhhpgldnhcohj/",
    "chrome-extension://MHOLGCMFDLCIAKGMNMLDHHPGLDNHCOHJ", "Chrome-Extension://mholgcmfdlciakgmnmldhhpgldnhcohj",
    "moz-extension://mholgcmfdlciakgmnmldhhpgldnhcohj", "safari-web-extension://mholgcmfdlciakgmnmldhhpgldnhcohj",
    "http://mholgcmfdlciakgmnmldhhpgldnhcohj", "chrome-extension://", "chrome://extensions", "edge://settings",
    "devtools://devtools",
    EXTENSION,
]  # fmt: skip
"""The last is our extension's own: with a cookie in the request it is somebody who uses it."""
WORST: Final = ("null", "http://evil.example", "http://127.0.0.1:1", EXTENSION)
"""Tried on every call; the others on a few each, in turn."""
AT_A_TIME: Final = 4


def cases(estate: Estate) -> Iterator[Case]:
    browser = estate.browsers["supervisor"]
    admin = estate.browsers["admin"].headers
    all_calls = unsafe(estate, admin)
    for at, pattern in enumerate(STRANGERS):
        origin = pattern.replace("{port}", str(estate.port))
        header = ("Origin", origin)
        worst = pattern in WORST
        turn = all_calls if worst else [all_calls[(at + 9 * step) % len(all_calls)] for step in range(AT_A_TIME)]
        for name, asked in turn:
            yield refused(f"{name} from {origin!r}", http(asked.also(header)), ANOTHER)
        for target in ("/api/events/subscribe", "/%61pi/events/subscribe"):
            stream = Ask("GET", target, (*STREAM, ("Cookie", browser.cookie), header))
            yield refused(f"{target} from {origin!r}", http(stream), ANOTHER)
        cookie = ("Cookie", browser.cookie)
        if origin != EXTENSION:
            for target in ("/ws", "/%77s", SOCKET_IO):
                yield refused(f"{target} from {origin!r}", upgrade(shake(target, cookie, header)), ANOTHER)
            poll = Ask("GET", "/socket.io/?EIO=4&transport=polling", (cookie, header))
            yield refused(f"a poll from {origin!r}", http(poll), ANOTHER)
        else:
            yield refused(
                "a socket of our extension's with a cookie", hello(None, cookie, header), "4401 TOKEN_INVALID"
            )
    for target in ("/api/me", "/api/screens", estate.link):
        headers = (("Cookie", browser.cookie), ("Origin", "null"))
        yield refused(f"a sandboxed page reads {target[:12]}", http(Ask("GET", target, headers)), ANOTHER)
    yield from _two_origins(estate)
    yield from _fetched(estate)
    yield from _rightful(estate)


def _two_origins(estate: Estate) -> Iterator[Case]:
    """What a browser never sends, but something between might make of it."""
    own, evil = f"http://127.0.0.1:{estate.port}", "http://evil.example"
    change = ask("POST", "/api/screens", {"screenId": "S-FOREIGN"}, *estate.browsers["supervisor"].headers)
    for origins in ((own, evil), (evil, own), (evil, evil), ("null", own)):
        both = change.also(*(("Origin", origin) for origin in origins))
        yield refused(f"a change from {' and '.join(origins)}", http(both), ANOTHER, "400 VALIDATION_ERROR")
    for sites in (("same-origin", "cross-site"), ("cross-site", "same-origin"), ("none", "same-site")):
        fetched = change.also(*(("Sec-Fetch-Site", site) for site in sites))
        yield refused(f"a change fetched {' and '.join(sites)}", http(fetched), ANOTHER, "400 VALIDATION_ERROR")
    for name in ("ORIGIN", "origin", "OrIgIn"):
        yield refused(f"a change whose {name} is evil", http(change.also((name, evil))), ANOTHER)


SITES: Final = ("cross-site", "same-site")
MODES: Final = ("cors", "no-cors", "navigate", "same-origin", "websocket", "nested-navigate", "")
_READ: Final = (
    "/api/me", "/api/monitoring/dashboard", "/api/monitoring/stream", "/api/csrf", "/metrics", "/api/dead-letters",
)  # fmt: skip
_AS: Final = (("no-cors", "script"), ("navigate", "iframe"), ("navigate", "document"), ("navigate", "embed"))
DESTS: Final = ("empty", "document", "iframe", "script", "image", "")


def _fetched(estate: Estate) -> Iterator[Case]:
    """No `Origin`, as with a link, a picture or an old form; but the browser says whose page it was."""
    browser = estate.browsers["supervisor"]
    for site in SITES:
        for name, asked in unsafe(estate, estate.browsers["admin"].headers):
            yield refused(f"{name}, fetched {site}", http(asked.also(("Sec-Fetch-Site", site))), ANOTHER)
        for mode in MODES:
            for dest in DESTS:
                said = f"{site} {mode or 'no mode'} {dest or 'no dest'}"
                fetch = (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest))
                change = ask("POST", "/api/screens", {"screenId": "S-FOREIGN"}, *browser.headers, *fetch)
                yield refused(f"a change, fetched {said}", http(change), ANOTHER)
                read = Ask("GET", "/api/screens", (("Cookie", browser.cookie), *fetch))
                yield refused(f"a reading, fetched {said}", http(read), ANOTHER)
                if (mode, dest) != ("navigate", "document"):
                    framed = Ask("GET", "/approve", (("Cookie", browser.cookie), *fetch))
                    yield refused(f"a page, fetched {said}", http(framed), ANOTHER)
        for target in _READ:
            for mode, dest in _AS:
                fetch = (("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest))
                asked = Ask("GET", target, (("Cookie", browser.cookie), *fetch))
                yield refused(f"{target} as a {dest}, {mode}, {site}", http(asked), ANOTHER)
        for target in ("/ws", SOCKET_IO):
            socket = shake(
                target, ("Cookie", browser.cookie), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "websocket")
            )
            yield refused(f"{target}, fetched {site}", upgrade(socket), ANOTHER)


def _rightful(estate: Estate) -> Iterator[Case]:
    browser = estate.browsers["supervisor"]
    own = ("Origin", f"http://127.0.0.1:{estate.port}")
    change = ask("PATCH", "/api/screens/S-NEAR", {"displayIndex": 0}, *browser.headers)
    yield control("a change from the appliance's own page", http(change.also(own, ("Sec-Fetch-Site", "same-origin"))))
    yield control("a change from the page that is listed", http(change.also(("Origin", SISTER))))
    yield control("a change of a program", http(change))
    yield control("a socket from its own page", hello(None, ("Cookie", browser.cookie), own))
    yield control("a Socket.IO from the listed page", upgrade(shake(SOCKET_IO, ("Origin", SISTER))))
    yield control("the extension asks for a code", http(ask("POST", "/api/pairing/device", {}, ("Origin", EXTENSION))))
    followed = (("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
    yield control("a link to a page", http(Ask("GET", "/screens", (("Cookie", browser.cookie), *followed))))
