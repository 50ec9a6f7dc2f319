"""A PC on a LAN of its own: from a fresh browser to a paired screen with nothing typed, by the name `vooster.local`."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.e2e.floor import PASSWORD, RED, copied, pdf, until
from tests.e2e.workplace import Workplace
from tests.lan import Host, Lan, lan_of_namespaces, why_no_lan  # noqa: F401 - a fixture

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
SCREEN = "SCREEN-001"
PORT = 8480

_VOOSTER = Path(sys.executable).with_name("vooster")
_CALL = (
    "import sys, urllib.request as u; m, url, key, body = sys.argv[1:];"
    "print(u.urlopen(u.Request(url, body.encode() or None, {'Authorization': 'Bearer ' + key,"
    " 'Content-Type': 'application/json'}, method=m), timeout=40).read().decode())"
)


class Server:
    """The server's PC: an appliance that announces itself."""

    def __init__(self, host: Host, root: Path) -> None:
        self.host, self.address, self.data, self.orders = host, host.address, root / "data", root / "orders"
        self.orders.mkdir()
        copied(self.orders / "ORD-1.pdf", pdf(RED))
        self.start()
        self.vooster("setup", "--username", "boss", "--password-stdin", stdin=PASSWORD)
        self.vooster("screens", "add", SCREEN, "--name", "절단 1")
        self.key = self.vooster("keys", "add", "--name", "producer", "--role", "supervisor")

    @property
    def base(self) -> str:
        return f"http://{self.address}:{PORT}"

    def start(self) -> None:
        command = (str(_VOOSTER), "serve", "--data-dir", str(self.data), "--documents", str(self.orders))
        # So that a lost connection is noticed soon.
        self.process = self.host.start(*command, env={**os.environ, "VOOSTER_HEARTBEAT_INTERVAL_SECONDS": "2"})
        until(self._ready, 40)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def move(self, address: str) -> None:
        """The network gives the PC another address."""
        self.host.take(f"{self.address}/24")
        self.host.give(f"{address}/24")
        self.address = address

    def vooster(self, *arguments: str, stdin: str = "") -> str:
        process = self.host.start(str(_VOOSTER), *arguments, "--data-dir", str(self.data))
        out, err = process.communicate(stdin, timeout=60)
        assert process.returncode == 0, err
        return out.strip()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """An HTTP call from the server's own PC."""
        url = self.base + path
        done = self.host.run(sys.executable, "-c", _CALL, method, url, self.key, json.dumps(body) if body else "")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def scan(self, order: str) -> str:
        body = {"id": str(uuid.uuid4()), "timestamp": int(time.time() * 1000), "orderId": order, "screenId": SCREEN}
        return str(self.call("POST", "/api/trigger?wait=shown&timeoutMs=15000", body)["result"])

    def _ready(self) -> bool:
        ask = f"import urllib.request as u; u.urlopen('{self.base}/api/health/ready', timeout=3)"
        return self.host.run(sys.executable, "-c", ask).returncode == 0


def chromium_at(root: Path, enter: tuple[str, ...]) -> str:
    """A program that starts Chromium on another machine of the LAN, with that machine's names and network."""
    script = root / "chromium"
    script.write_text(f'#!/bin/sh\nexec {" ".join(enter)} chromium "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def test_a_fresh_pc_finds_the_appliance_by_its_name_and_finds_it_again_at_another_address(
    lan: Lan, player: Playwright, tmp_path: Path
) -> None:
    server = Server(lan.host(), tmp_path)
    station = lan.host()
    with station.avahi("station") as names:
        pc = Workplace(player, tmp_path / "profile", chromium=chromium_at(tmp_path, names.enter("env")))
        pc.start()
        try:
            found = pc.becomes("found", 60)["phase"]["appliance"]
            assert (found["base"], found["by"], found["host"]) == (server.base, "name", "vooster.local")
            assert "vooster-found" in pc.notifications()
            pc.tell(do="connect")
            until(lambda: (pc.view["asking"] or {}).get("kind") == "code", 20)
            code = pc.view["asking"]["userCode"]
            approval = {"user_code": code, "confirm": code[-4:], "screenId": SCREEN}
            server.call("POST", "/api/pairing/approve", approval)
            pc.connected()
            assert server.scan("ORD-1") == "shown"
            assert "/ORD-1." in pc.document_on(1)

            server.move("10.77.0.99")
            until(lambda: pc.view["link"]["kind"] != "open", 60)
            pc.connected(90)
            until(lambda: server.call("GET", f"/api/screens/{SCREEN}")["online"], 60)
            assert server.scan("ORD-1") == "shown"
            assert pc.view["appliance"]["base"] == server.base
        finally:
            pc.stop()
    server.stop()
