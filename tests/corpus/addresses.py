"""Addresses of documents that a trigger may not bring: other schemes, odd spellings, and hosts that aren't listed.

The settings list a few hosts; the sender is a supervisor, who may send addresses.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from typing import Any, Final

from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import NEAR, Estate
from tests.corpus.wires import ask, bearer, http, says
from tests.support.answers import new_trigger

MALFORMED: Final = ("VALIDATION_ERROR", "DOCUMENT_URL_REFUSED")

_SCHEMES: Final = [
    "javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)",
    "java\rscript:alert(1)", " javascript:alert(1)",
    "\x01javascript:alert(1)", "javascript\t:alert(1)", "javascript://docs.example/%0aalert(1)",
    "javascript:/*http://docs.example/*/alert(1)",
    "jav&#x09;ascript:alert(1)", "ｊavascript:alert(1)", "vbscript:msgbox(1)", "livescript:x",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD4=", "data:,http://docs.example/", "DATA:text/html,x", "da\tta:text/html,x",
    "data://docs.example/x",
    "file:///etc/passwd", "file://docs.example/x.pdf", "file:/C:/x.pdf", "FILE:///x", "blob:http://docs.example/6b3f",
    "blob:null/6b3f",
    "filesystem:http://docs.example/temporary/x", "view-source:http://docs.example/", "chrome://settings",
    "chrome-extension://abc/x.html",
    "edge://flags", "about:blank", "about:srcdoc", "resource://x", "ftp://docs.example/a.pdf", "ftps://docs.example/a",
    "sftp://docs.example/a",
    "ws://docs.example/", "wss://docs.example/", "mailto:a@docs.example", "tel:1", "sms:1", "ldap://docs.example",
    "gopher://docs.example/_x",
    "dict://docs.example/x", "smb://docs.example/x", "jar:http://docs.example/x!/", "intent://docs.example#Intent;end",
    "ms-word:ofe|u|http://docs.example",
    "search-ms:query=x", "feed:http://docs.example/", "httpx://docs.example/", "xhttp://docs.example/",
    "http+unix://docs.example", "urn:uuid:x",
    "http", "http:", "http:/", "http://", "https://", "http:///", "http:docs.example/a", "http:/docs.example/a",
    "http:///docs.example/a",
    "http:\\\\docs.example\\a", "http:/\\docs.example/a", "http:\\/docs.example/a", "//docs.example/a",
    "/\\docs.example/a", "\\\\docs.example\\a",
    "/a.pdf", "a.pdf", "../a.pdf", "?x", "#x", "", " ", "docs.example/a", "docs.example:80/a", "localhost", "C:\\x.pdf",
    "C:/x.pdf",
]  # fmt: skip
_SPELLINGS: Final = [
    " http://docs.example/a", "http://docs.example/a ", "http://docs.example/a\n", "\nhttp://docs.example/a",
    "ht\ttp://docs.example/a",
    "http://docs.ex\tample/a", "http://docs.example\n/a", "http://docs.example/a b", "http://docs.example/\x00",
    "http://docs.example/\x7f",
    "http://docs.example/\u202ega.pdf", "http://docs.example/\u200b", "http://docs.example/\ufeff",
    "http://docs.example/\u2028x", "http://docs.example/\ud800",
    "http://user@docs.example/", "http://user:pw@docs.example/", "http://:@docs.example/", "http://@docs.example/",
    "http://docs.example@evil.example/",
    "http://docs.example:80@evil.example/", "http://evil.example\\@docs.example/",
    "http://docs.example\\@evil.example/", "http://docs.example%40evil.example/",
    "http://docs.example\\.evil.example/", "http://docs.example\\evil.example", "http://docs.example;evil.example/",
    "http://docs.example,evil.example/",
    "http://docs.example:8443@evil.example:80/", "http://[docs.example]/", "http://docs.example]/", "http://[::1/",
    "http://docs.example:/a:b@evil.example",
    "http://docs.example:http/", "http://docs.example:0/", "http://docs.example:65536/", "http://docs.example:99999/",
    "http://docs.example:-1/",
    "http://docs.example:+80/", "http://docs.example:080/", "http://docs.example:8 0/", "http://docs.example:/",
    "http://docs.example:80:80/",
    "http://docs..example/", "http://.docs.example/", "http://docs.example./", "http://docs.example../",
    "http://docs%2eexample/", "http://%64ocs.example/",
    "http://docs。example/", "http://docs．example/", "http://ｄocs.example/", "http://dосs.example/",
    "http://docs.exam\u00adple/", "http://docs.ex\u200dample/",
    "http://docs.example%00.evil.example/", "http://docs.example%2f@evil.example/",
    "http://docs.example%5c.evil.example/", "http://docs_.example:x/",
    "http://docs.example`/", "http://docs.example|x/", "http://docs.example<x>/", "http://do{cs.example/",
    "http://docs.example^/", "http://docs.example!/",
    "http://docs.example$/", "http://*/", "http://*.plant.example/", "http://docs.example#@evil.example:x y/",
]  # fmt: skip
_NUMBERS: Final = [
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
    "http://127.0.1/", "http://017700000001/",
    "http://0/", "http://0x/", "http://00000000177.0.0.1/", "http://127.0.0.1./", "http://127.0.0.01/",
    "http://256.0.0.1/", "http://1.2.3.4.5/",
    "http://192.168.50.0x7/", "http://192.168.12807/", "http://3232248327/", "http://0xc0a83207/",
    "http://192.168.050.7/", "http://１９２.168.50.7/",
    "http://192.168.50.7%00/", "http://[::ffff:192.168.50.7]/", "http://[::ffff:c0a8:3207]/",
    "http://[::192.168.50.7]/", "http://[fd12:0::5]/",
    "http://[FD12::0005]/", "http://[fd12::5%25eth0]/", "http://[fd12::5%eth0]/", "http://[fd12:0:0:0:0:0:0:5]/",
    "http://fd12::5/", "http://[v7.x]/",
    "http://[fd12::5]x/", "http://[fd12::5].evil.example/", "http://[[fd12::5]]/", "http://[]/",
]  # fmt: skip
_NOT_LISTED: Final = [
    "http://evil.example/", "https://evil.example/a.pdf", "http://docs.example.evil.example/",
    "http://evil-docs.example/", "http://xdocs.example/",
    "http://x.docs.example/", "http://docs.exampl/", "http://docs.examples/", "http://docs/", "http://example/",
    "http://plant.example/",
    "http://evilplant.example/", "http://plant.example.evil.example/", "http://a.plant.example.evil.example/",
    "http://a.plant-example/", "http://xn--docs-.example/",
    "http://xn--a-0ga.plant.example/", "http://a.xn--b-0ga.plant.example/", "http://xn--dcs-6cd.example/",
    "http://192.168.51.1/", "http://192.168.49.255/",
    "http://192.168.5.0/", "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/", "http://10.0.0.1/", "http://[fd12::6]/", "http://[fd12::]/",
    "http://[fe80::1]/", "http://[::]/",
    "http://192.168.50.7.evil.example/", "http://192.168.50.7.nip.io/", "http://evil.example/http://docs.example/",
    "http://evil.example/?docs.example",
    "http://evil.example/#docs.example", "http://evil.example:8443/", "http://docs.example.local/",
    "http://DOCS.EXAMPLE.EVIL/",
]  # fmt: skip


def cases(estate: Estate) -> Iterator[Case]:
    header, token = bearer(estate.tokens["supervisor"]), estate.keys["supervisor"]
    for url in itertools.chain(_SCHEMES, _SPELLINGS, _NUMBERS):
        yield from _each_way(url, header, token, MALFORMED)
    for url in _NOT_LISTED:
        yield from _each_way(url, header, token, ("DOCUMENT_URL_REFUSED",))
    for kind in (1, True, [], {}, ["http://docs.example/"], {"href": "http://docs.example/"}):
        body = {**scan("x"), "url": kind}
        yield refused(
            f"{kind!r} as an address", http(ask("POST", "/api/trigger", body, header)), "400 VALIDATION_ERROR"
        )
    both = {**scan("http://docs.example/a.pdf"), "orderId": "ORD-1001"}
    yield refused("an address and an order", http(ask("POST", "/api/trigger", both, header)), "400 VALIDATION_ERROR")
    for url in ("http://docs.example/a.pdf", "https://docs.example:8443/a?b#c", "HTTP://DOCS.EXAMPLE/", "http://a.plant.example/",
                "http://a.b.plant.example:81/", "http://192.168.50.7/", "http://[fd12::5]/"):  # fmt: skip
        yield control(f"{url} over HTTP", http(ask("POST", "/api/trigger", scan(url), header)))
        yield control(f"{url} over a socket", says(token, {"type": "trigger", **scan(url)}))


def _each_way(url: str, header: tuple[str, str], token: str, codes: tuple[str, ...]) -> Iterator[Case]:
    ends = tuple(f"{422 if code == 'DOCUMENT_URL_REFUSED' else 400} {code}" for code in codes)
    yield refused(f"{url!r} over HTTP", http(ask("POST", "/api/trigger", scan(url), header)), *ends)
    many = {"triggers": [scan(url)]}
    yield refused(f"{url!r} in a batch", http(ask("POST", "/api/triggers", many, header)), *ends)
    answers = tuple(f"trigger:error {code}" for code in codes)
    yield refused(
        f"{url!r} over a socket", says(token, {"type": "trigger", **scan(url)}), *answers, "error VALIDATION_ERROR"
    )


def scan(url: str) -> dict[str, Any]:
    return {**new_trigger(None, NEAR), "id": str(uuid.uuid4()), "url": url, "title": "Work order", "mode": "queue"}
