"""`vooster demo` as a person would run it: a real process, its banner, its floor, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from appliance.cli.demo import DAMAGED, copy_orders, station_names
from appliance.cli.simulation import Document
from appliance.core.documents import content_type


class Demo:
    """One running demo: what it printed, and its HTTP API as its own administrator."""

    def __init__(self, process: asyncio.subprocess.Process, banner: str, http: aiohttp.ClientSession) -> None:
        self.process = process
        self.banner = banner
        self._http = http
        port = re.search(r"http://\S+?:(\d+)\s", banner)
        assert port is not None, banner
        self.address = f"http://127.0.0.1:{port[1]}"

    async def sign_in(self) -> None:
        found = re.search(r"demo / (\S+)", self.banner)
        assert found is not None, self.banner
        body = {"username": "demo", "password": found[1], "tokens": True}
        async with self._http.post(self.address + "/api/auth/login", json=body) as response:
            assert response.status == 200, await response.text()
            self._http.headers["Authorization"] = f"Bearer {(await response.json())['accessToken']}"

    async def get(self, path: str) -> Any:
        async with self._http.get(self.address + path) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def post(self, path: str, body: object) -> Any:
        async with self._http.post(self.address + path, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()


@asynccontextmanager
async def running(place: Path, *arguments: str) -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "appliance.cli.main", "demo", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(place), "LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8", "HOME": str(place)},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            banner = (await process.stdout.readuntil(b"Ctrl+C")).decode()
        async with aiohttp.ClientSession() as http:
            yield Demo(process, banner, http)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(ask: Callable[[], Awaitable[Any]], good: Callable[[Any], bool], seconds: float = 20) -> Any:
    """What `ask` answers, once it is good."""
    end = asyncio.get_running_loop().time() + seconds
    while not good(last := await ask()):
        assert asyncio.get_running_loop().time() < end, f"still {last} after {seconds} s"
        await asyncio.sleep(0.1)
    return last


def left(place: Path) -> list[Path]:
    """Files and sockets there, wherever the demo put them."""
    return [path for path in place.rglob("*") if not path.is_dir()]


async def test_a_floor_at_work_with_one_dead_letter_and_a_monitor_to_take(tmp_path: Path) -> None:
    async with running(tmp_path, "--port", "0", "--stations", "5", "--scans-per-minute", "600") as demo:
        await demo.sign_in()
        screens = (await demo.get("/api/screens"))["items"]
        names = {screen["screenId"]: screen["name"] for screen in screens}
        assert names["SCREEN-001"] == "절단 1"
        assert names["DEMO-MONITOR"] == "데모 모니터"
        assert len(names) == 6

        async def dashboard() -> Any:
            return await demo.get("/api/monitoring/dashboard")

        def at_work(now: Any) -> bool:
            shown = [scan for scan in now["recentScans"] if scan["state"] == "shown"]
            return now["screens"]["online"] == 5 and len(shown) >= 5

        now = await until(dashboard, at_work)
        took = [scan["shownMs"] for scan in now["recentScans"] if scan["state"] == "shown"]
        assert all(ms >= 150 for ms in took), took

        # The damaged file fails for good after four attempts and three pauses of 1, 2 and 4 s.
        now = await until(dashboard, lambda now: now["deadLetters"] == 1)
        dead = (await demo.get("/api/dead-letters"))["items"][0]
        assert (dead["orderId"], dead["code"], dead["attempt"]) == (DAMAGED, "RETRIES_EXHAUSTED", 4)

        offer = re.search(r"/pair\?screenId=DEMO-MONITOR#token=(\S+)", demo.banner)
        assert offer is not None, demo.banner
        assert f"{demo.address.rpartition(':')[2]}/display" in demo.banner
        body = {"screenId": "DEMO-MONITOR", "token": offer[1], "client": {"name": "test", "version": "1"}}
        assert (await demo.post("/api/pairing/claim", body))["screenId"] == "DEMO-MONITOR"


async def test_ctrl_c_ends_it_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, "--port", "0") as demo:
        assert left(tmp_path)
        demo.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(3):
            assert await demo.process.wait() == 0
    assert not left(tmp_path)


async def test_a_busy_port_is_said_with_a_command_that_works(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("0.0.0.0", 0))
        busy.listen()
        port = busy.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "appliance.cli.main", "demo", "--port", str(port)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        async with asyncio.timeout(20):
            said, _ = await process.communicate()
    assert process.returncode == 1
    assert "PORT_IN_USE" in said.decode()
    assert f"vooster demo --port {port + 1}" in said.decode()
    assert not left(tmp_path)


def test_the_samples_are_whole_but_for_the_damaged_one(tmp_path: Path) -> None:
    numbers = copy_orders(tmp_path / "orders")
    assert numbers == [f"ORD-{number}" for number in range(1001, 1008)]
    kinds = set()
    for file in (tmp_path / "orders").iterdir():
        body = file.read_bytes()
        assert len(body) < 150_000, file.name
        kind = content_type(file.name, body[:4096]).partition(";")[0]
        kinds.add(kind)
        assert Document(body, kind).whole == (file.stem != DAMAGED), file.name
    assert kinds == {"application/pdf", "image/png", "image/svg+xml", "text/html"}


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (7, 1), (8, 2), (12, 3), (13, 3), (200, 3)])
def test_stations_are_spread_over_lines_with_a_name_each(count: int, lines: int) -> None:
    found = station_names(count)
    assert len(found) == count
    assert len({name for name, _ in found.values()}) == count
    sizes = [sum(line == f"{number}라인" for _, line in found.values()) for number in range(1, lines + 1)]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
