"""Ways to files and calls that aren't offered: traversal in every encoding, changed links, and other spellings.

A signed link is good letter for letter; files of pages are those in their folder; a call has one spelling.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from appliance.core.documents import sign
from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import Estate
from tests.corpus.wires import Ask, Headers, bearer, http
from tests.support.answers import now_ms

NO_SUCH: Final = "404 NOT_FOUND"
MALFORMED: Final = "400 VALIDATION_ERROR"

_UP: Final = [
    "..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e", "%u002e%u002e", "%c0%ae%c0%ae",
    "%c0%2e%c0%2e", "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae%f0%80%80%ae", "..%00", "%00..", "..%20", "..;", "..;x=y", "...", "....", "..%09",
    "%ef%bc%8e%ef%bc%8e", "．．", "..\udcff",
]  # fmt: skip
_SLASH: Final = [
    "/",
    "%2f",
    "%2F",
    "%252f",
    "\\",
    "%5c",
    "%255c",
    "%c0%af",
    "%e0%80%af",
    "%c1%9c",
    "%ef%bc%8f",
    "//",
    "/./",
    "/;/",
    "%2f%2f",
]
_WANTED: Final = ["vooster.db", "secrets.json", "etc/passwd", "windows/win.ini", "office.html", "orders/ORD-7001.html"]
_NAMES: Final = [
    "/etc/passwd", "//etc/passwd", "C:/windows/win.ini", "C:%5cwindows%5cwin.ini", "%5c%5chost%5cshare%5cx",
    "file:///etc/passwd", "~root/.bashrc",
    "con", "nul", "aux.html", "COM1", "office.html::$DATA", "x.js::$INDEX_ALLOCATION", "x.js:hidden",
    "office-DQVTeGl7.js%00.png", "%00", "%0a", "%0d%0aX:y",
    ".env", ".git/config", ".htaccess", "__init__.py", "../__init__.py", "web.config", "secrets.json", "", "/", "%2f",
    "pdfjs", "pdfjs/", "%", "%zz", "%2", "%e3%81",
    "x" * 3000, "/".join("a" * 400), "*", "?", "office*.js", "{a,b}",
]  # fmt: skip

_SPELLINGS: Final = [
    "/api/users", "/api//users", "//api/users", "/api/./users", "/api/../api/users", "/api/users/", "/api/users//",
    "/api/users/.", "/api/users/..", "/API/users", "/api/Users", "/%61pi/users", "/api%2fusers", "/api/%75sers",
    "/api/users%2f", "/api/users%00", "/api/users%20", "/api/users;x", "/api/users.json", "/api/users%3f",
    "/api/users%23", "/api\\users", "/api%5cusers", "/.;/api/users", "/assets/../api/users", "/assets/..%2fapi/users",
    "/documents/../api/users", "/.well-known/../api/users", "/api/health/../users", "/api/health/..;/users",
    "/api/health/%2e%2e/users", "/api/openapi.json/../users", "/trust/../api/users", "/api/users?", "/api/users#x",
    "/api/users?x=/api/health", "/x/../api/users", "/api/health%2f..%2fusers",
]  # fmt: skip


def _traversals() -> Iterator[str]:
    """Each way up with each slash, to something worth it, one after the other."""
    count = 0
    for up in _UP:
        for slash in _SLASH:
            count += 1
            if up in {"..", "%2e%2e", "%252e%252e", "%c0%ae%c0%ae"} or slash in {"/", "%5c"}:
                wanted = _WANTED[count % len(_WANTED)]
                yield slash.join([*[up] * (1 + count % 5), wanted])


def cases(estate: Estate) -> Iterator[Case]:
    admin = (bearer(estate.tokens["admin"]),)
    for at, path in enumerate(_traversals()):
        yield refused(f"a page's file {path!r}", http(Ask("GET", f"/assets/{path}")), NO_SUCH, MALFORMED)
        yield refused(f"a document {path!r}", http(Ask("GET", f"/documents/{path}")), NO_SUCH, MALFORMED)
        if at % 3 == 0:
            token = estate.link.split("/")[2]
            yield refused(f"behind a link {path!r}", http(Ask("GET", f"/documents/{token}/{path}")), NO_SUCH, MALFORMED)
            yield refused(f"a page {path!r}", http(Ask("GET", f"/{path}")), NO_SUCH, MALFORMED)
    for path in dict.fromkeys(_NAMES):
        yield refused(f"a page's file {path[:50]!r}", http(Ask("GET", f"/assets/{path}")), NO_SUCH, MALFORMED)
        yield refused(f"a document {path[:50]!r}", http(Ask("GET", f"/documents/{path}")), NO_SUCH, MALFORMED)
    yield from _links(estate)
    yield from _calls(admin)
    yield control("a signed link", http(Ask("GET", estate.link)))
    yield control("a page's file", http(Ask("GET", "/assets/pdfjs/6.5.438/pdf.worker.min.mjs")))
    yield control("a call", http(Ask("GET", "/api/users", admin)))


def _links(estate: Estate) -> Iterator[Case]:
    """A real link, changed in one thing."""
    _, _, token, name = estate.link.split("/")
    good = estate.link
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    mac, expiry, ref = raw[:24], raw[24:32], raw[32:]

    def packed(content: bytes, called: str = name) -> str:
        return f"/documents/{base64.urlsafe_b64encode(content).rstrip(b'=').decode()}/{called}"

    keys = estate.engine.keyring.present
    key: bytes = keys.documents
    source = ref.decode().partition(":")[0]
    later = (now_ms() + 10**9).to_bytes(8, "big")
    variants = {
        "a later end": packed(mac + later + ref),
        "the end of time": packed(mac + b"\xff" * 8 + ref),
        "no end": packed(mac + ref),
        "another document": packed(mac + expiry + ref.replace(b"7001", b"1001"), name.replace("7001", "1001")),
        "another document of the same name": packed(mac + expiry + ref.replace(b"7001", b"1001")),
        "another source": packed(mac + expiry + b"other:" + ref.partition(b":")[2]),
        "a way up": packed(mac + expiry + f"{source}:../data/vooster.db".encode(), "vooster.db"),
        "no mark": packed(expiry + ref),
        "a mark of zeros": packed(b"\0" * 24 + expiry + ref),
        "half a mark": packed(mac[:12] + expiry + ref),
        "nothing": packed(b""),
        "its mark alone": packed(mac),
        "its name's other capitals": good.replace(name, name.swapcase()),
        "its name cut": good[:-1],
        "its name longer": good + "x",
        "its name's letter encoded": good[:-4] + "%68tml",
        "its name encoded twice": good[:-5] + "%252ehtml",
        "another name": good.replace(name, "ORD-1001.pdf"),
        "another extension": good[:-5] + ".svg",
        "no name": f"/documents/{token}/",
        "no name and no slash": f"/documents/{token}",
        "a folder": f"{good}/",
        "a folder before": f"/documents/x/{token}/{name}",
        "a folder within": f"/documents/{token}/x/{name}",
        "a dot within": f"/documents/{token}/./{name}",
        "a way up and back": f"/documents/{token}/../{token}/{name}",
        "two slashes": f"/documents//{token}/{name}",
        "two slashes within": f"/documents/{token}//{name}",
        "two slashes before": f"//documents/{token}/{name}",
        "a semicolon": f"{good};x",
        "a question": f"{good}?x",
        "an empty question": f"{good}?",
        "a fragment": f"{good}#x",
        "a stream of its own": f"{good}::$DATA",
        "a dot behind": f"{good}.",
        "a space behind": f"{good}%20",
        "a zero behind": f"{good}%00",
        "a zero and an extension": f"{good}%00.pdf",
        "other capitals of the path": good.replace("/documents/", "/Documents/"),
        "an encoded letter of the path": good.replace("/documents/", "/%64ocuments/"),
        "an encoded slash": f"/documents/{token}%2f{name}",
        "an encoded mark": f"/documents/{quote(token[0])}%{ord(token[1]):02x}{token[2:]}/{name}",
        "padding": f"/documents/{token}=/{name}",
        "the other Base64": f"/documents/{token[:9]}+{token[10:]}/{name}",
        "a space in its mark": f"/documents/{token[:9]}%20{token[9:]}/{name}",
        "other capitals of its mark": f"/documents/{token.swapcase()}/{name}",
        "an ended link": sign(ref.decode(), key, now_ms() - 1),
        "a link of 1970": sign(ref.decode(), key, 0),
        "a link signed with another key": sign(ref.decode(), b"k" * 32, now_ms() + 10**6),
        "a link signed with the cookies' key": sign(ref.decode(), keys.cookies, now_ms() + 10**6),
        "a rightly signed way up": sign(f"{source}:../data/vooster.db", key, now_ms() + 10**6),
        "a rightly signed root": sign(f"{source}:/etc/passwd", key, now_ms() + 10**6),
        "a rightly signed backslash": sign(f"{source}:..\\data\\vooster.db", key, now_ms() + 10**6),
        "a rightly signed folder": sign(f"{source}:", key, now_ms() + 10**6),
        "a rightly signed other source": sign("http:127.0.0.1/x", key, now_ms() + 10**6),
        "a rightly signed address": sign("http://127.0.0.1/x", key, now_ms() + 10**6),
    }  # fmt: skip
    for at in range(0, len(token), 4):
        letter = "A" if token[at] != "A" else "B"
        variants[f"letter {at} changed"] = f"/documents/{token[:at]}{letter}{token[at + 1 :]}/{name}"
    for name_of, path in variants.items():
        yield refused(f"a link with {name_of}", http(Ask("GET", path)), NO_SUCH, MALFORMED)
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        yield refused(f"a link by {method}", http(Ask(method, good)), "405 METHOD_NOT_ALLOWED", MALFORMED)


def _calls(admin: Headers) -> Iterator[Case]:
    """Calls in other spellings, without a credential: whichever is found, it is the same guard's."""
    ends = (NO_SUCH, MALFORMED, "401 TOKEN_INVALID", "405 METHOD_NOT_ALLOWED")
    for path in _SPELLINGS:
        yield refused(f"{path} by nobody", http(Ask("GET", path)), *ends)
        yield refused(f"{path} deleted by nobody", http(Ask("DELETE", f"{path}/viewer")), *ends)
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Original-Uri", "X-Forwarded-Prefix"):
        sent = Ask("GET", "/api/users", ((name, "/api/health"),))
        yield refused(f"/api/users by nobody, with {name}", http(sent), *ends)
    for method in ("PUT", "TRACE", "CONNECT", "PROPFIND", "LOCK", "get", "GET\t", "X"):
        asked = Ask(method, "/api/users", admin)
        yield refused(f"/api/users by {method!r}", http(asked), "405 METHOD_NOT_ALLOWED", MALFORMED, NO_SUCH)
