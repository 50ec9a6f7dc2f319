"""The appliance as a process with many short lives on one data directory, and what a power cut takes away with each."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.support.process import START_SECONDS, VOOSTER, Served, environment

ROOT = Path(__file__).parents[2]
FAST = {
    "VOOSTER_DELIVERY_ACK_TIMEOUT_MS": "120",
    "VOOSTER_DELIVERY_SHOWN_TIMEOUT_MS": "150",
    "VOOSTER_DELIVERY_RETRY_BASE_MS": "20",
    "VOOSTER_DELIVERY_QUEUE_DWELL_MS": "5",
    "VOOSTER_HEARTBEAT_INTERVAL_SECONDS": "0.4",
    "VOOSTER_HEARTBEAT_TIMEOUT_SECONDS": "0.4",
    "VOOSTER_TOKENS_ACCESS_SECONDS": "86400",
    "VOOSTER_LIMITS_ENABLED": "false",
}
"""So that time-outs, retries and dead links are a matter of tenths of a second. Time to live stays ten minutes."""


class Starter:
    """The process that forks appliances (`starter`), for any number of them one after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.starter"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Lives(Served):
    """One appliance that is killed again and again."""

    def __init__(self, root: Path, starter: Starter) -> None:
        super().__init__(root)
        self.fault: str | None = None
        """What is broken in it on purpose (`seeds`), from the next start on."""
        self.cut_off = 0
        """Bytes of the write-ahead log that were not synced when a kill came, and went with it."""
        self._starter = starter
        self._note = root / "synced"
        self._bites = root / "bites"
        self._child: int | None = None

    def begin(self) -> None:
        """Starts it; `ready` waits until it answers."""
        self._child = self._starter.ask(
            do="start",
            arguments=self.command[len(VOOSTER) :],
            environment=environment(**FAST),
            data=str(self.data),
            log=str(self.log),
            note=str(self._note),
            bites=str(self._bites),
            fault=self.fault,
        )["pid"]

    async def ready(self, http: aiohttp.ClientSession) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                async with http.get(f"{self.url}/api/health/ready") as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, ConnectionError):
                pass
            if self._starter.ask(do="look", pid=self._child)["status"] is not None:
                self._child = None
                raise AssertionError(f"It has ended by itself: {self.last_words()}")
            assert time.monotonic() < deadline, self.last_words()
            await asyncio.sleep(0.004)

    async def start(self, *_more: str, **_env: str) -> Self:
        self.begin()
        async with aiohttp.ClientSession() as http:
            await self.ready(http)
        return self

    async def kill(self) -> None:
        """Ends it as a power cut would: at once, and what no sync has covered is gone."""
        self._starter.ask(do="kill", pid=self._child)
        self._child = None
        self._cut()

    async def stop(self, within: float = 15.0) -> int:
        status: int = (await asyncio.to_thread(self._starter.ask, do="stop", pid=self._child))["status"]
        self._child = None
        return status

    async def close(self) -> None:
        if self._child is not None:
            await self.kill()

    def last_words(self) -> str:
        return self.log.read_text("utf-8")[-4000:] if self.log.exists() else "it has logged nothing"

    @property
    def bites(self) -> int:
        """How often the fault has come into play."""
        return self._bites.stat().st_size if self._bites.exists() else 0

    def _cut(self) -> None:
        wal = self.data / "vooster.db-wal"
        synced = int(self._note.read_text() or 0) if self._note.exists() else 0
        if wal.exists() and wal.stat().st_size > synced:
            self.cut_off += wal.stat().st_size - synced
            with wal.open("r+b") as file:
                file.truncate(synced)
            wal.with_name("vooster.db-shm").unlink(missing_ok=True)
