"""A factory floor for the browser tests: the program as a process, and a Chromium with a context a person."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.forked import Running, starter
from tests.support.passwords import CHEAP
from tests.support.process import vooster

PASSWORD = "correct horse battery"
PLANT = "정밀가공 2공장"
RED, BLUE, GREEN = (192, 32, 32), (32, 64, 192), (24, 128, 64)
SAMPLES = Path(__file__).parents[2] / "appliance" / "samples" / "orders"

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Whom a page's own mistakes would reach: anything else on the console fails the test.
_EXPECTED_ON_CONSOLE = re.compile(r"Failed to load resource|WebSocket connection to|ERR_CONNECTION_REFUSED")

_PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36"

Pixel = tuple[int, int, int]


class Floor:
    """The appliance's process on a directory of its own, and what a technician does at its command line."""

    def __init__(self, root: Path) -> None:
        # The README's pictures name a folder as a plant would have it.
        self.data, self.orders = root / "data", Path(os.environ.get("VOOSTER_PICTURES_ORDERS", root / "orders"))
        self.orders.mkdir(parents=True)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port: int = found.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.settings: dict[str, str] = {}
        """Environment variables of the program: `VOOSTER_<SECTION>_<KEY>`."""
        self.trusting: ssl.SSLContext | None = None
        """What a call of the tests trusts, where `base` is https."""
        self._log = root / "serve.log"
        self._process: Running | None = None

    def start(self) -> None:
        """Starts the program and returns when it answers."""
        command = ["serve", "--data-dir", str(self.data), "--port", str(self.port), "--no-mdns"]
        with self._log.open("ab") as log:
            self._process = starter().start(
                *command, "--documents", str(self.orders),
                stdout=log, stderr=log, env=os.environ | self.settings, before=CHEAP,
            )  # fmt: skip
        until(self._answers, 20)

    def kill(self) -> None:
        """Pulls the plug."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As a service manager stops it; the log then holds no traceback."""
        if self._process is not None:
            assert self._end(signal.SIGTERM) == 0
        assert "Traceback" not in self.log, self.log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def vooster(self, *arguments: str, stdin: str = "") -> str:
        """One command of the technician; its standard output."""
        done = vooster(*arguments, "--data-dir", str(self.data), stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def get(self, path: str, key: str) -> Any:
        return self._call(path, key)

    def post(self, path: str, key: str, body: dict[str, Any]) -> Any:
        return self._call(path, key, json.dumps(body).encode())

    def patch(self, path: str, key: str, body: dict[str, Any]) -> Any:
        return self._call(path, key, json.dumps(body).encode(), "PATCH")

    def _call(self, path: str, key: str, body: bytes | None = None, method: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=40, context=self.trusting) as response:
            return json.load(response) if response.status != 204 else None

    def here(self, link: str) -> str:
        """A link the program printed for the LAN, by the address of this test."""
        return re.sub(r"^http://[^/]+", self.base, link)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            urllib.request.urlopen(f"{self.base}/api/health/ready", timeout=5).close()
        except urllib.error.HTTPError as error:
            return error.code == 403  # it serves over TLS
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(15)


class People:
    """Browser contexts by who sits before them. What pages say on the console that they shouldn't is in `wrong`, unless
    nobody `listens`."""

    def __init__(self, browser: Browser, language: str = "ko-KR", *, listens: bool = True) -> None:
        self._browser = browser
        self._language = language
        self._listens = listens
        self.wrong: list[str] = []

    def station(self, width: int = 1920, height: int = 1080) -> Page:
        return self._page(viewport={"width": width, "height": height})

    def phone(self) -> Page:
        return self._page(
            viewport={"width": 390, "height": 844},
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            user_agent=_PHONE,
        )

    def desk(self) -> Page:
        return self._page(viewport={"width": 1280, "height": 860})

    def _page(self, **options: Any) -> Page:
        context: BrowserContext = self._browser.new_context(locale=self._language, **options)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if not self._listens:
            return page
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._hear(page, message.type, message.text))
        return page

    def _hear(self, page: Page, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not _EXPECTED_ON_CONSOLE.search(text):
            self.wrong.append(f"{page.url}: {kind}: {text}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "no Chromium: run tests/install_browser.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        try:
            yield browser
        finally:
            browser.close()


def until(found: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What `found` gives as soon as it is true. Fails when it isn't within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {found}"
        time.sleep(0.05)


def pixel(page: Page, x: float = 0.5, y: float = 0.5) -> Pixel:
    """The colour a person would see at this share of the page's width and height."""
    size = page.viewport_size or page.evaluate("({ width: innerWidth, height: innerHeight })")
    clip = {"x": int(x * size["width"]), "y": int(y * size["height"]), "width": 1, "height": 1}
    picture = page.screenshot(clip=clip)  # type: ignore[arg-type]
    # One pixel: whatever filter the PNG has chosen, its neighbours are zero and the bytes are the colour.
    data, place = b"", 8
    while place < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, place)
        data += picture[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += length + 12
    row = zlib.decompress(data)
    return row[1], row[2], row[3]


def near(seen: Pixel, wanted: Pixel) -> bool:
    return all(abs(a - b) <= 12 for a, b in zip(seen, wanted, strict=True))


def pdf(colour: Pixel) -> bytes:
    """A PDF of one landscape page filled with a colour."""
    red, green, blue = (f"{part / 255:.3f}" for part in colour)
    content = f"{red} {green} {blue} rg 0 0 842 595 re f".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


def png(colour: Pixel, width: int = 800, height: int = 600) -> bytes:
    """A PNG filled with a colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def html(colour: Pixel, text: str) -> str:
    """An HTML order whose own script sets the heading, so that it is seen to run, in its sandbox."""
    background = "#" + bytes(colour).hex()
    return (
        f"<!doctype html><meta charset='utf-8'><body style='background:{background};color:#fff'>"
        f"<h1 id='order'>–</h1><script>document.getElementById('order').textContent = '{text}'</script>"
    )


def copied(path: Path, content: bytes) -> None:
    """A file that has lain in the folder for a while: no need to wait whether it is still being written."""
    path.write_bytes(content)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
