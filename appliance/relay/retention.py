"""Forgets finished deliveries in small steps: those older than 30 days, and the oldest past 2 GB. Open ones, what a
lane shows now, and anything of the last hour stay, whatever the clocks say.

By age two clocks have to agree. *Steady time* (`core.retention`), which a wall clock that leaps doesn't move, must say
that a trigger was accepted more than 30 days ago; and its newest stamp must not lie within the last 30 days of the wall
clock. A clock that leaps forward therefore deletes nothing early: the steady age doesn't change. One that leaps back
deletes nothing either, neither then nor when it is put right: what was stamped meanwhile looks years old, but its
steady age is young. A stamp in the future says nothing, so there steady time decides alone.
By size no clock is asked at all, but for the last hour, which is the monotonic clock's: in the first hour of a run
nothing is deleted, afterwards only what was neither accepted, sent again nor open within the last hour.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from appliance.core.retention import DAY_MS, HOUR_SECONDS, Ages
from appliance.metrics import Metrics
from appliance.relay.clock import now_ms
from appliance.storage import retention as table
from appliance.storage.database import Database
from appliance.storage.retention import Finished

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept, and how gently the rest goes."""

    keep_ms: int = 30 * DAY_MS
    keep_bytes: int = 2_000_000_000
    floor_seconds: float = HOUR_SECONDS
    """What is kept whatever happens."""
    age_seconds: float = HOUR_SECONDS
    """How often age is looked at; size is at every call."""
    step_rows: int = 50
    """Deliveries that one commit may delete: a scan that comes in just then waits for it."""
    pause_seconds: float = 0.05
    patience_seconds: float = 2.0
    """How long a step waits for a writer with nothing else to do before it goes ahead anyway."""


class Retention:
    """`prune` is called once a minute. `open_now` gives the keys of the triggers that have open deliveries."""

    def __init__(
        self,
        database: Database,
        open_now: Callable[[], Iterable[int]],
        metrics: Metrics,
        limits: Limits | None = None,
        *,
        wall: Callable[[], int] = now_ms,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._open_now = open_now
        self._metrics = metrics
        self._limits = limits or Limits()
        self._wall = wall
        self._mono = mono
        self._ages: Ages | None = None
        self._lately_open: dict[int, float] = {}
        self._saved_at = self._aged_at = float("-inf")

    async def start(self) -> None:
        """Reads what earlier runs knew of ages. Raises `STORAGE_UNAVAILABLE`."""
        kept = await self._database.read(table.chronicle)
        self._ages = Ages(
            kept,
            wall=self._wall(),
            mono=self._mono(),
            keep_ms=self._limits.keep_ms,
            floor=self._limits.floor_seconds,
        )

    async def prune(self) -> int:
        """Deletes what may go by now; returns how many deliveries. Raises `STORAGE_UNAVAILABLE`."""
        if self._ages is None:
            await self.start()
        assert self._ages is not None
        mono = self._mono()
        await self._note(self._ages, mono)
        settled, removed = self._ages.settled(mono), 0
        if not settled:
            return 0
        if mono - self._aged_at >= self._limits.age_seconds:
            self._aged_at = mono
            removed += await self._sweep("age", self._ages.expired(mono), self._limits.keep_ms)
        if await self._over():
            removed += await self._sweep("size", settled, int(self._limits.floor_seconds * 1000), until_small=True)
        return removed

    async def _note(self, ages: Ages, mono: float) -> None:
        for pk in self._open_now():
            self._lately_open[pk] = mono
        longest = self._limits.floor_seconds
        self._lately_open = {pk: at for pk, at in self._lately_open.items() if mono - at <= longest}
        news = ages.note(mono, await self._database.read(table.next_key))
        if news or mono - self._saved_at >= HOUR_SECONDS:
            self._saved_at = mono
            kept = ages.chronicle(mono, self._wall())
            self._database.post(lambda tx: table.save_chronicle(tx, kept))

    async def _sweep(self, reason: str, below: int, fresh_ms: int, *, until_small: bool = False) -> int:
        """From the oldest up, everything below the key `below` that may go."""
        after, deliveries, triggers, unlisted = -1, 0, 0, 0
        limit = self._limits.step_rows
        while found := await self._database.read(lambda c, after=after: table.look(c, after, below, limit)):  # type: ignore[misc]
            after = found[-1].pk
            old = [row for row in found if self._may_go(row, below, fresh_ms)]
            listed = [row.pk for row in old if row.listed]
            if listed:
                await self._quiet()
                unlisted += await self._database.write(lambda tx, pks=listed: table.unlist(tx, pks))  # type: ignore[misc]
            gone = await self._remove([row.pk for row in old if not row.listed])
            deliveries, triggers = deliveries + gone[0], triggers + gone[1]
            if until_small and not await self._over():
                break
            await asyncio.sleep(0)
        if deliveries or triggers or unlisted:
            _log.info("retention.pruned", reason=reason, deliveries=deliveries, triggers=triggers, unlisted=unlisted)
        return deliveries

    async def _remove(self, pks: list[int]) -> tuple[int, int]:
        deliveries = triggers = 0
        limit = self._limits.step_rows
        more = bool(pks)
        while more:
            await self._quiet()
            # Whoever sends one again between the look and now is found by the job itself: it is open then.
            gone = await self._database.write(lambda tx: table.remove(tx, pks, limit))
            deliveries, triggers = deliveries + gone[0], triggers + gone[1]
            self._metrics.pruned += gone[0]
            more = gone[0] == limit
            await asyncio.sleep(self._limits.pause_seconds)
        return deliveries, triggers

    def _may_go(self, row: Finished, below: int, fresh_ms: int) -> bool:
        if row.open or row.newest_seq >= below or row.pk in self._lately_open:
            return False
        if row.current and row.current == row.deliveries:
            return False
        return not 0 <= self._wall() - max(row.changed_at, row.accepted_at) < fresh_ms

    async def _over(self) -> bool:
        return await self._database.read(table.used_bytes) > self._limits.keep_bytes

    async def _quiet(self) -> None:
        """Waits until the writer has nothing to do, or for a while."""
        deadline = self._mono() + self._limits.patience_seconds
        while not self._database.idle and self._mono() < deadline:  # noqa: ASYNC110 - rarely, and for a moment
            await asyncio.sleep(0.01)
