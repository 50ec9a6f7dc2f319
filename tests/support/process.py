"""The program as a person starts it: `vooster` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.support.answers import Answer, new_trigger, request
from tests.support.forked import Running, starter
from tests.support.passwords import CHEAP
from tests.support.wire import Wire

INTERPRETER = (sys.executable, "-m", "appliance.cli.main")
"""`vooster` in an interpreter of its own: for tests of the start itself. The others are forked (`starter`)."""
START_SECONDS = 20.0
COMMAND_SECONDS = 40.0
OWN_PORTS = (16_000, 32_000)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of the appliance's, in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOOSTER_")}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **more}


def free_port() -> int:
    """A port for a server that is yet to start. It isn't one of those that the system hands out by itself meanwhile,
    to the tests that run at the same time or to anybody's outgoing connection."""
    for _ in range(100):
        port = random.randrange(*OWN_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError(f"no port of {OWN_PORTS} is free")


def vooster(*arguments: str, stdin: str = "", before: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end. `before` ("module:function") is called in its process first."""
    with contextlib.ExitStack() as stack:
        given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(stdin.encode())
        given.seek(0)
        process = starter().start(
            *arguments, stdin=given, stdout=out, stderr=err, env=environment(**env), before=before
        )
        try:
            status = process.wait(COMMAND_SECONDS)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(("vooster", *arguments), status, out.read().decode(), err.read().decode())


def vooster_afresh(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The same in an interpreter that has imported nothing yet."""
    return subprocess.run(
        [*INTERPRETER, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=COMMAND_SECONDS,
        check=False,
        env=environment(**env),
    )


class Served:
    """`vooster serve` on a data directory. What it logs goes to `log`, start after start."""

    def __init__(self, root: Path, *, port: int | None = None, data: Path | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.data = data or root / "data"
        self.orders = root / "orders"
        self.log = root / "log.txt"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.wires: list[Wire] = []
        self._process: Running | None = None
        self.orders.mkdir(exist_ok=True)

    @property
    def arguments(self) -> list[str]:
        return [
            "serve", "--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.data),
            "--documents", str(self.orders), "--no-mdns", "--log", "json",
        ]  # fmt: skip

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, *more: str, **env: str) -> Self:
        """Starts it and returns once it answers."""
        self._process = self._spawn(more, env)
        deadline = time.monotonic() + START_SECONDS
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"{self.url}/api/health/ready") as answer:
                        if answer.status == 200:
                            return self
                except aiohttp.ClientError:
                    pass
                assert self._process.poll() is None, self.log.read_text("utf-8")
                assert time.monotonic() < deadline, self.log.read_text("utf-8")
                await asyncio.sleep(0.02)

    def _spawn(self, more: tuple[str, ...], env: dict[str, str]) -> Running:
        with self.log.open("ab") as log:
            return starter().start(*self.arguments, *more, stderr=log, env=environment(**env), before=CHEAP)

    async def stop(self, within: float = 15.0) -> int:
        """Asks it to stop, as a service manager does; returns its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, within)

    async def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def close(self) -> None:
        """Ends whatever is left of the test."""
        for wire in self.wires:
            await wire.close()
        if self._process is not None and self._process.poll() is None:
            await self.kill()

    async def call(self, method: str, path: str, body: Any = None, *, bearer: str | None = None) -> Answer:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            return await request(http, method, self.url + path, body, bearer=bearer)

    async def local(self, method: str, path: str, body: Any = None) -> Answer:
        """A call over the control socket, as the local administrator."""
        connector = aiohttp.UnixConnector(str(self.data / "control.sock"))
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
            return await request(http, method, "http://localhost" + path, body)

    async def new_key(self, name: str = "erp") -> str:
        answer = await self.local("POST", "/api/keys", {"name": name, "role": "operator"})
        assert answer.status == 201, answer.text
        return str(answer.json["key"])

    async def pair(self, screen_id: str = "S-1") -> str:
        await self.local("POST", "/api/screens", {"screenId": screen_id})
        answer = await self.local("POST", "/api/pairing/provision", {"screenIds": [screen_id]})
        return str(answer.json["items"][0]["accessToken"])

    async def screen(self, token: str, **hello: Any) -> Wire:
        wire = Wire()
        self.wires.append(wire)
        await wire.connect(self.url)
        await wire.hello(token, **hello)
        return wire

    async def trigger(self, key: str, order_id: str = "ORD-1001", *, query: str = "", **members: Any) -> Answer:
        return await self.call("POST", f"/api/trigger{query}", new_trigger(order_id, **members), bearer=key)
