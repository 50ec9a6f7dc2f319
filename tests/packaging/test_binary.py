"""The single binary as a factory gets it: one file, nothing beside it, nothing in the environment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.lan import until

ROOT = Path(__file__).parents[2]
BINARY = ROOT / "dist" / ("vooster.exe" if sys.platform == "win32" else "vooster")

pytestmark = [pytest.mark.release, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def binary() -> Path:
    """`dist/vooster`, built if it is missing."""
    if not BINARY.is_file():
        subprocess.run(
            (sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN", "packaging/vooster.spec"),
            cwd=ROOT,
            check=True,
            timeout=500,
        )
    return BINARY


class Installed:
    """The binary on a machine that has nothing else: no variables, an empty home, a temporary folder of its own."""

    def __init__(self, binary: Path, folder: Path) -> None:
        for name in ("home", "tmp", "orders"):
            folder.joinpath(name).mkdir()
        self.folder = folder
        self.program = shutil.copy(binary, folder / binary.name)  # no repository beside it
        self.environ = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def call(self, *arguments: str) -> str:
        """One verb, run to its end; what it printed."""
        done = subprocess.run(
            (self.program, *arguments, "--data-dir", str(self.folder / "data")),
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def serve(self) -> subprocess.Popen[str]:
        data, orders = str(self.folder / "data"), str(self.folder / "orders")
        address = ("--host", "127.0.0.1", "--port", str(self.port))
        return subprocess.Popen(
            (self.program, "serve", "--data-dir", data, "--documents", orders, *address, "--no-mdns"),
            env=self.environ,
            cwd=self.folder,
            stdout=self.folder.joinpath("out").open("w"),
            stderr=subprocess.STDOUT,
            text=True,
        )

    def said(self) -> str:
        return self.folder.joinpath("out").read_text()


@pytest.fixture
def installed(binary: Path, tmp_path: Path) -> Installed:
    return Installed(binary, tmp_path)


@pytest.fixture
def serving(installed: Installed) -> Iterator[Installed]:
    began = time.monotonic()
    with installed.serve() as process:
        try:
            until(lambda: process.poll() is not None or answers(installed.port), "the binary listens", 30)
            assert process.poll() is None, installed.said()
            print(f"size {BINARY.stat().st_size / 1e6:.1f} MB, listens after {time.monotonic() - began:.2f} s")
            yield installed
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            finally:
                process.kill()
    assert process.returncode == 0, installed.said()
    assert not any(installed.folder.joinpath("tmp").iterdir()), "what was unpacked is gone again"
    assert not any(installed.folder.joinpath("home").iterdir()), "nothing is written outside the data directory"


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_it_answers_and_brings_its_pages(serving: Installed) -> None:
    async with aiohttp.ClientSession(serving.url) as http:
        async with http.get("/api/health") as answer:
            assert answer.status == 200
            assert (await answer.json())["status"] == "ok"
        async with http.get("/display") as answer:
            page = await answer.text()
            assert answer.status == 200
            assert answer.content_type == "text/html"
        scripts = [part.split('"', 1)[0] for part in page.split('src="')[1:]]
        assert scripts
        for script in scripts:
            async with http.get(script) as answer:
                assert answer.status == 200, script
                assert len(await answer.read()) > 100


async def test_an_order_reaches_a_screen(serving: Installed) -> None:
    """The main job, with the binary's own verbs for the credentials and a plain WebSocket as the screen."""
    serving.folder.joinpath("orders", "ORD-1001.txt").write_text("제작의뢰서 1001\n", encoding="utf-8")
    pairing = json.loads(serving.call("screens", "provision", "SCREEN-001"))
    key = serving.call("keys", "add", "--name", "binary test", "--role", "operator")
    order = {"id": str(uuid.uuid4()), "timestamp": int(time.time() * 1000), "orderId": "ORD-1001"}

    async with aiohttp.ClientSession(serving.url) as http, http.ws_connect("/ws", protocols=("vooster.v1",)) as screen:
        await screen.send_json(
            {
                "type": "hello",
                "token": pairing["accessToken"],
                "client": {"name": "binary test", "version": "1"},
                "capabilities": ["shown"],
            }
        )
        assert (await message(screen, "welcome"))["screenId"] == "SCREEN-001"

        bearer = {"Authorization": f"Bearer {key}"}
        async with http.post("/api/trigger", json=order | {"screenId": "SCREEN-001"}, headers=bearer) as answer:
            assert answer.status == 202, await answer.text()
        navigate = await message(screen, "navigate")
        async with http.get(navigate["url"]) as answer:
            assert "제작의뢰서 1001" in await answer.text()
        evidence = {"display": {"index": navigate["displayIndex"]}, "url": navigate["url"]}
        await screen.send_json({"type": "ack", "id": navigate["id"], "status": "shown", **evidence})
        assert (await message(screen, "delivery"))["state"] == "shown"


async def message(screen: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of that type; the others are not this test's."""
    while True:
        received: dict[str, Any] = await screen.receive_json(timeout=10)
        if received["type"] == kind:
            return received


def test_the_service_unit_fits_the_built_file(binary: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze (package systemd)")
    unit = tmp_path / "vooster.service"
    text = ROOT.joinpath("systemd", "vooster.service").read_text()
    unit.write_text(text.replace("ExecStart=/usr/bin/vooster ", f"ExecStart={binary} "))
    verified = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", str(unit)), capture_output=True, text=True, timeout=30, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_the_service_manager_is_told(installed: Installed) -> None:
    """The server is the launcher's child, and still systemd hears that it is ready, alive and stopping."""
    address = installed.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.settimeout(30)
        installed.environ |= {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "1000000"}
        with installed.serve() as process:
            try:
                assert manager.recv(4096).startswith(b"READY=1\n")
                assert manager.recv(4096) == b"WATCHDOG=1"
            finally:
                process.send_signal(signal.SIGTERM)
            heard = [manager.recv(4096)]
            while heard[-1] != b"STOPPING=1":
                heard.append(manager.recv(4096))
            assert process.wait(20) == 0


def test_version(installed: Installed) -> None:
    done = subprocess.run(
        (installed.program, "version"), env=installed.environ, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip()
    assert os.listdir(installed.folder / "home") == []  # noqa: PTH208 - names are what a failure should show
