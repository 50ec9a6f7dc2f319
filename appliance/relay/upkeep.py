"""What the data file needs once a minute: that it is still there, that old things go, that its log stays short, and
that there is room for the next start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from appliance.errors import Problem
from appliance.relay.retention import Retention
from appliance.storage import aside, spare
from appliance.storage.database import Database

EVERY_SECONDS = 60.0
LONG_WAL_BYTES = 16 << 20
"""A log longer than this is copied into the file and cut short as soon as nothing else is written."""

_log = structlog.get_logger(__name__)


class Upkeep:
    """The task. It does one thing after the other, then sleeps; a storage that refuses is simply tried again."""

    def __init__(
        self,
        database: Database,
        retention: Retention,
        spare_room: Path,
        *,
        every: float = EVERY_SECONDS,
        long_wal: int = LONG_WAL_BYTES,
    ) -> None:
        self._database = database
        self._retention = retention
        self._spare_room = spare_room
        self._every = every
        self._long_wal = long_wal
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="storage-upkeep")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def round(self) -> None:
        """One look. Raises `STORAGE_UNAVAILABLE` while nothing can be done."""
        await self.watch()
        await self._retention.prune()
        await self.shorten()

    async def watch(self) -> None:
        """Stops the acceptance when the file that is written to is no longer the one at its place: what would be
        accepted now would be gone at the next start. What there is is saved beside it, as a damaged file would be."""
        path, mine = self._database.path, self._database.identity
        if mine is None or self._database.damage is not None or aside.identity(path) == mine:
            return
        kept = aside.name_aside(path)
        self._database.condemn("The data file was taken away or replaced while Vooster was running.", kept)
        try:
            await self._database.read(lambda connection: aside.copy(connection, kept))
        except (Problem, OSError) as error:
            _log.error("storage.not_saved", file=str(kept), reason=str(error))

    async def shorten(self) -> bool:
        """Empties a long log while nobody waits for the writer; whether it did."""
        if not self._database.idle or aside.size_of(aside.wal_of(self._database.path)) <= self._long_wal:
            return False
        return await self._database.checkpoint()

    async def _run(self) -> None:
        while True:
            try:
                await self.round()
            except Problem as problem:
                _log.debug("upkeep.later", reason=problem.detail)
            await asyncio.sleep(self._every)
            # Only now: whatever is over within a minute leaves nothing behind.
            await asyncio.to_thread(spare.keep, self._spare_room)
