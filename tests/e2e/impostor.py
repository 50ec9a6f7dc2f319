"""A stranger on the network that says it is an appliance, for the tests of whom the extension trusts."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Impostor(ThreadingHTTPServer):
    """Answers as an appliance of that identity would, takes nothing (500) and keeps whatever is sent to it."""

    daemon_threads = True

    def __init__(self, port: int = 0, instance_id: str = "another-instance") -> None:
        super().__init__(("127.0.0.1", port), _Answers)
        self.instance_id = instance_id
        self.got: list[str] = []
        self.looked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Nobody is at its port any more."""
        self.shutdown()
        self.server_close()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Impostor

    def do_GET(self) -> None:
        if self.path == "/.well-known/vooster":
            self.server.looked += 1
            said = {"product": "vooster", "instanceId": self.server.instance_id, "name": "정밀가공 2공장"}
            self._answer(200, "application/json", json.dumps(said | {"version": "9"}))
        else:
            self._answer(200, "text/html", "<h1>pair</h1>")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.got.append(f"{self.path} {body}")
        self._answer(500, "application/json", '{"code": "INTERNAL_ERROR"}')

    def _answer(self, status: int, kind: str, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass
