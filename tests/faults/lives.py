"""The appliance as a process with many short lives on one data directory, and what a power cut takes away with each."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Self

import aiohttp

from tests.support.forked import Running, starter
from tests.support.process import START_SECONDS, Served, environment

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


class Lives(Served):
    """One appliance that is killed again and again."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.fault: str | None = None
        """What is broken in it on purpose (`seeds`), from the next start on."""
        self.cut_off = 0
        """Bytes of the write-ahead log that were not synced when a kill came, and went with it."""
        self._note = root / "synced"
        self._bites = root / "bites"

    def begin(self) -> None:
        """Starts it; `ready` waits until it answers."""
        self._process = self._spawn((), {})

    def _spawn(self, more: tuple[str, ...], env: dict[str, str]) -> Running:
        wal = self.data / "vooster.db-wal"
        given = {"note": str(self._note), "wal": str(wal), "fault": self.fault, "bites": str(self._bites)}
        with self.log.open("ab") as log:
            return starter().start(
                *self.arguments,
                stderr=log,
                env=environment(**FAST),
                before="tests.faults.preparation:prepare",
                given=given,
            )

    async def ready(self, http: aiohttp.ClientSession) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                async with http.get(f"{self.url}/api/health/ready") as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, ConnectionError):
                pass
            assert self._process is not None and self._process.poll() is None, (
                f"It has ended by itself: {self.last_words()}"
            )
            assert time.monotonic() < deadline, self.last_words()
            await asyncio.sleep(0.004)

    async def start(self, *_more: str, **_env: str) -> Self:
        self.begin()
        async with aiohttp.ClientSession() as http:
            await self.ready(http)
        return self

    async def kill(self) -> None:
        """Ends it as a power cut would: at once, and what no sync has covered is gone."""
        await super().kill()
        self._cut()

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
