"""The extension's built pages away from their worker: served as Chrome would, told what the test says, and heard."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from appliance import errors
from appliance.relay import qr

BUILT = Path(__file__).parents[2] / "appliance" / "static" / "extension"
WORKER_NOW = 1_700_000_000_000
"""The worker's clock stands years before the page's: a figure told by the page's own would be seen at once."""

View = dict[str, Any]

_CATALOGUE = json.loads((Path(errors.__file__).parent / "catalogue.json").read_text())

# Chrome's own for extensions, to which a manifest adds nothing here.
_POLICY = "script-src 'self'; object-src 'self'"
_STUB = """
  const listeners = [];
  let view = null;
  window.asked = [];
  window.told = (next) => { view = next; for (const hear of listeners) hear(view); };
  window.chrome = { runtime: {
    connect: () => ({
      onMessage: { addListener: (hear) => { listeners.push(hear); if (view) hear(view); } },
      onDisconnect: { addListener: () => {} },
      postMessage: (command) => { if (command.do !== "beat") window.asked.push(command); },
    }),
    openOptionsPage: () => { window.asked.push({ do: "options" }); },
  } };
"""

# Text against what is behind it, in the browser's own colours; buttons and fields by their size and name.
_MEASURE = """async (view) => {
  window.told(view);
  await new Promise((resolve) => setTimeout(resolve, 0));
  const wrong = [];
  const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest(".vh") || !element.offsetParent) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgba(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`${ratio.toFixed(1)}: ${walker.currentNode.data}`);
    if (parseFloat(style.fontSize) < 13) wrong.push(`${style.fontSize}: ${walker.currentNode.data}`);
  }
  for (const element of document.querySelectorAll("button, a, input, summary")) {
    const { width, height } = element.getBoundingClientRect();
    if (width < 44 || height < 44) wrong.push(`${width}x${height}: ${element.outerHTML}`);
    const name = element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.[0]?.textContent;
    if (!name) wrong.push(`no name: ${element.outerHTML}`);
  }
  for (const image of document.images) if (!image.alt) wrong.push(`no words: ${image.outerHTML.slice(0, 80)}`);
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  const whole = document.documentElement;
  const height = document.getElementById("app").scrollHeight;
  return [document.body.innerText, wrong, height, whole.scrollWidth > innerWidth];
}"""


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", _POLICY)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of the built extension's files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(BUILT))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class ExtensionPage:
    """One of the pages, and its worker played by the test."""

    def __init__(self, browser: Browser, address: str, width: int, height: int = 600, **options: Any) -> None:
        self.wrong: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type != "log" else None)
        self.page.on("request", lambda asked: self.wrong.append(asked.url) if not _is_own(asked.url, address) else None)
        self.page.add_init_script(_STUB)
        self.page.goto(address)

    def tell(self, view: View) -> None:
        self.page.evaluate("view => window.told(view)", view)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """Commands since the last look."""
        commands: list[dict[str, Any]] = self.page.evaluate("window.asked.splice(0)")
        return commands

    def measured(self, view: View) -> tuple[str, list[str], int, bool]:
        """Tells it, and before a second is gone reads what stands there as one line, what of it can't be read or
        pressed, how high it is in px, whether it is too wide."""
        text, unreadable, height, is_wide = self.page.evaluate(_MEASURE, view)
        return " ".join(text.split()), unreadable, height, is_wide


def _is_own(url: str, address: str) -> bool:
    return url.startswith((address.rsplit("/", 1)[0] + "/", "data:image/svg+xml"))


# What the worker tells


def wall(seconds_ago: float = 0) -> float:
    return (time.time() - seconds_ago) * 1000


def monitor(index: int, *, left: int, top: int = 0, width: int = 1920, height: int = 1080, name: str = "") -> View:
    bounds = {"left": left, "top": top, "width": width, "height": height}
    return {
        "id": f"m{index}",
        "index": index,
        "name": name or f"{width}×{height}",
        "bounds": bounds,
        "primary": not index,
    }


FIRST = monitor(0, left=0, name="삼성 S24")
SECOND = monitor(1, left=1920, top=-180, width=2560, height=1440, name="LG 27UL")
UNREADABLE = "http://10.1.0.4:8480;http://10.1.0.5:8480/" + 80 * "0"
"""An address of IT's that is none, and doesn't fit on a line."""
PLANT = {
    "base": "http://192.168.10.20:8480",
    "instanceId": "b" * 32,
    "name": "정밀가공 2공장",
    "version": "1.4.0",
    "host": "vooster.local",
    "by": "name",
}
PLACE = {"screenId": "SCREEN-001", "name": "절단 1", "groups": ["line-1"], "displayIndex": 1, "plant": PLANT["name"]}
WELCOME = {"type": "welcome", "plant": PLANT["name"], "role": "operator"}
SHEET = {
    "id": "d1",
    "round": 0,
    "attempt": 1,
    "orderId": "ORD-20459",
    "title": "ORD-20459",
    "url": "http://192.168.10.20:8480/d/1",
    "contentType": "application/pdf",
    "acceptedAt": 0,
    "name": "ORD-20459",
    "restored": False,
}


def unpaired(**changes: Any) -> View:
    """Before anything was found."""
    return {
        "now": WORKER_NOW,
        "lang": "ko",
        "version": "1.4.0",
        "phase": {"kind": "looking", "nothing": False},
        "appliance": None,
        "byPolicy": False,
        "place": None,
        "last": None,
        "link": {"kind": "connecting"},
        "lostAt": WORKER_NOW,
        "asking": None,
        "revokedUntil": 0,
        "monitors": [FIRST, SECOND],
        "target": 1,
        "stages": {},
        "papers": {},
        "shown": None,
        "identify": None,
        "notice": None,
        "doing": None,
        "problem": None,
        "tested": None,
        "tried": ["http://vooster.local:8480"],
        "untrusted": [],
        "log": [],
    } | changes


def asking(**state: Any) -> View:
    return unpaired(phase={"kind": "pairing", "appliance": PLANT}, appliance=PLANT, asking=state)


def code(**changes: Any) -> View:
    uri = f"{PLANT['base']}/approve"
    picture = qr.svg(f"{uri}?code=BCDF")
    shown = {"userCode": "BCDF-GHJK", "uri": uri, "qr": picture, "plant": PLANT["name"], "totalMs": 600_000}
    return asking(kind="code", **shown, endsAt=WORKER_NOW + 492_900) | changes


def paired(**changes: Any) -> View:
    """A screen with nothing on it yet."""
    return (
        unpaired(
            phase={"kind": "paired"},
            appliance=PLANT | {"by": "pairing"},
            place=PLACE,
            link={"kind": "open", "welcome": WELCOME, "wire": "websocket"},
            lostAt=None,
            last={"name": "ORD-20457", "acceptedAt": wall(400)},
        )
        | changes
    )


def staged(**stage: Any) -> View:
    return {"1": {"stage": stage, "strip": None, "tagUntil": 0, "skipped": None}}


SHOWN = {"sheet": SHEET, "url": None, "tookMs": 290}


def showing(**changes: Any) -> View:
    stages = staged(kind="showing", sheet=SHEET, next=None)
    return paired(stages=stages, shown=SHOWN | {"shownAt": wall(130)}) | changes


def cut(seconds: float, **changes: Any) -> View:
    waiting = {"kind": "waiting", "retryAt": WORKER_NOW + 3_900, "code": "CONNECTION_TIMEOUT"}
    return paired(link=waiting, lostAt=WORKER_NOW - seconds * 1000) | changes


def problem(code: str, **values: Any) -> View:
    """As the worker makes one of a code of the catalogue."""
    known = errors.entry(code)
    words = {"message": known.messages(**values), "action": known.actions(**values)}
    nothing: View = {"status": None, "traceId": None, "retryAfterSeconds": None, "fields": []}
    return {"code": code, "tone": _CATALOGUE[code]["tone"], "retryable": known.retryable} | words | nothing


def every_state() -> dict[str, View]:
    """Each state of the popup by a name for its picture."""
    refused = problem("ORDER_NOT_FOUND", orderId="ORD-99999")
    broken = problem("DOCUMENT_LOAD_FAILED")
    other = PLANT | {"name": "정밀가공 5공장", "instanceId": "c" * 32}
    offer = {"kind": "offered", "appliance": PLANT, "screenId": "SCREEN-007", "instead": None, "offer": 1}
    found = unpaired(phase={"kind": "found", "appliance": PLANT})
    opening = {"kind": "opening", "sheet": SHEET, "since": WORKER_NOW, "broke": None, "until": WORKER_NOW + 30_000}
    failed = {"kind": "failed", "id": "d1", "name": "ORD-20459", "problem": broken, "attempts": 4, "kept": True}
    return {
        "looking": unpaired(),
        "nothing": unpaired(phase={"kind": "looking", "nothing": True}),
        "nothing-typed": unpaired(phase={"kind": "looking", "nothing": True}, problem=problem("CONNECTION_REFUSED")),
        "nothing-untrusted": unpaired(
            phase={"kind": "looking", "nothing": True}, untrusted=["http://vooster.local:8480"]
        ),
        "nothing-untrusted-policy": unpaired(
            phase={"kind": "looking", "nothing": True},
            byPolicy=True,
            tried=["https://10.1.0.4:8480"],
            untrusted=["http://10.1.0.4:8480"],
        ),
        "nothing-policy": unpaired(
            phase={"kind": "looking", "nothing": True}, byPolicy=True, tried=["http://10.1.0.4:8480"]
        ),
        "looking-policy-unreadable": unpaired(
            byPolicy=True,
            tried=[],
            problem=problem("SETTINGS_INVALID")
            | {
                "message": {
                    "ko": f"시스템 관리자가 정한 주소를 읽을 수 없습니다: {UNREADABLE}",
                    "en": f"The address that your administrator has set can't be read: {UNREADABLE}",
                },
                "action": {
                    "ko": "시스템 관리자에게 주소를 고쳐 달라고 해 주세요.",
                    "en": "Ask your administrator to correct the address.",
                },
            },
        ),
        "found": found,
        "found-one-monitor": found | {"monitors": [FIRST], "target": 0},
        "found-three-monitors": found
        | {"monitors": [FIRST, SECOND, monitor(2, left=-1080, top=-400, width=1080, height=1920)]},
        "offered": unpaired(phase=offer),
        "offered-instead": showing(phase=offer | {"instead": "SCREEN-001"}),
        "asking": asking(kind="asking"),
        "code": code(),
        "code-one-monitor": code(monitors=[FIRST], target=0),
        "revoked": code(revokedUntil=WORKER_NOW + 9_000),
        "denied": asking(kind="denied", endsAt=WORKER_NOW + 7_900),
        "unreachable": asking(kind="unreachable", since=WORKER_NOW - 42_000, retryAt=WORKER_NOW + 6_900),
        "different": cut(90, phase={"kind": "different", "appliance": other}),
        "connecting": paired(link={"kind": "connecting"}, lostAt=WORKER_NOW - 1_000),
        "ready": paired(),
        "ready-tested": paired(tested={"index": 1, "tookMs": 412, "at": WORKER_NOW - 1_000}),
        "opening": paired(stages=staged(**opening, attempt=2)),
        "showing": showing(),
        "showing-after-rest": showing(stages={}),
        "restored": showing(shown=SHOWN | {"shownAt": wall(3), "tookMs": None}),
        "problem": paired(stages=staged(**failed)),
        "refused": paired(stages=staged(kind="refused", name="ORD-99999", problem=refused, until=WORKER_NOW + 20_000)),
        "waiting": paired(
            stages=staged(
                kind="refused",
                name="ORD-20461",
                problem=problem("ORDER_SOURCE_UNAVAILABLE"),
                until=WORKER_NOW + 600_000,
            )
        ),
        "missing": paired(monitors=[FIRST]),
        "test-failed": paired(problem=problem("INTERNAL_ERROR", traceId="7f3a9c")),
        "cut": cut(38, shown=SHOWN | {"shownAt": wall(130)}),
        "cut-long": cut(
            312,
            link={"kind": "waiting", "retryAt": WORKER_NOW + 24_900, "code": "CONNECTION_REFUSED"},
        ),
        "cut-untrusted": cut(38, untrusted=["http://10.1.0.4:8480"]),
        "replaced": paired(link={"kind": "replaced"}, lostAt=WORKER_NOW - 9_000),
    }
