"""What Schemathesis is told beside the description: a key that lives, as one of its calls may end the one it has."""

from __future__ import annotations

import http.client
import json
import os
import socket
import uuid
from typing import Any

import schemathesis

ROLE, SOCKET = os.environ["VOOSTER_TEST_ROLE"], os.environ["VOOSTER_TEST_SOCKET"]


class _Control(http.client.HTTPConnection):
    """HTTP over the appliance's control socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(SOCKET)


@schemathesis.auth(refresh_interval=1)
class Key:
    """An API key, a new one every second."""

    def get(self, case: Any, context: Any) -> str:
        control = _Control("localhost")
        body = json.dumps({"name": uuid.uuid4().hex, "role": ROLE})
        control.request("POST", "/api/keys", body, {"Content-Type": "application/json"})
        answer = json.loads(control.getresponse().read())
        control.close()
        return str(answer["key"])

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
