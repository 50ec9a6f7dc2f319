"""A writer that is held up in the middle of a job, for what happens meanwhile."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

from appliance.storage.database import Database


class Held:
    """Stops the writer in the middle of a job, so that what is submitted meanwhile becomes one group."""

    def __init__(self, database: Database) -> None:
        self._release = threading.Event()
        self._running = threading.Event()
        self._done = database.submit(self._job)

    def _job(self, _tx: sqlite3.Connection) -> None:
        self._running.set()
        assert self._release.wait(10)

    async def begun(self) -> None:
        await asyncio.to_thread(self._running.wait, 10)

    async def release(self) -> None:
        self._release.set()
        await self._done
