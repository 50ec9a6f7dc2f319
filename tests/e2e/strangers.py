"""Another machine's web server: pages of the kinds that an order's address may lead to, `?wait=` seconds late."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.e2e.floor import BLUE, RED, pdf, png

_PAGE = b"<!doctype html><title>order</title><h1>order</h1>"

_KINDS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/page": (200, {}, _PAGE),
    "/unframeable": (200, {"X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'"}, _PAGE),
    "/attachment": (200, {"Content-Type": "application/pdf", "Content-Disposition": "attachment"}, b"%PDF-1.4\n"),
    "/archive": (200, {"Content-Type": "application/zip"}, b"PK\5\6" + bytes(18)),
    "/missing": (404, {}, _PAGE),
    "/broken": (500, {}, _PAGE),
    "/nothing": (204, {}, b""),
    "/leads-on": (302, {"Location": "/page"}, b""),
    "/leads-astray": (302, {"Location": "http://elsewhere.invalid/"}, b""),
    "/routes": (200, {}, _PAGE + b"<script>document.querySelector('h1').textContent = location.hash</script>"),
    "/moves-on": (
        200,
        {},
        _PAGE + b"<script>setTimeout(() => { location = 'http://elsewhere.invalid/' }, 300)</script>",
    ),
    "/renames": (200, {}, _PAGE + b"<script>history.replaceState(null, '', '/renamed')</script>"),
    "/asks-on": (200, {}, _PAGE + b"<script>for (;;) alert(1)</script>"),
    "/holds-on": (
        200,
        {},
        _PAGE + b"<script>onbeforeunload = (e) => { e.preventDefault(); return 'stay' }</script>",
    ),
    "/paper.pdf": (200, {"Content-Type": "application/pdf"}, pdf(RED)),
    "/picture.png": (200, {"Content-Type": "image/png"}, png(BLUE)),
    "/leads-to-paper": (302, {"Location": "/paper.pdf"}, b""),
    "/damaged.pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.4\nnothing of the kind"),
    "/damaged.png": (200, {"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\nnothing of the kind"),
    "/asks": (200, {}, _PAGE + b"<script>setTimeout(() => alert('stay'), 50)</script>"),
}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, wait = self.path.partition("?wait=")
        time.sleep(float(wait or 0))
        status, headers, body = _KINDS.get(path, (404, {}, _PAGE))
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def stranger() -> Iterator[str]:
    """Its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
