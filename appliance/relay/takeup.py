"""Dead letters that begin a new round by themselves: their retries were used up, and now their screen is back."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

from appliance.core.delivery import Delivery, Event, Happening
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.opened import Key, Row, key_of
from appliance.relay.sessions import Session, Sessions
from appliance.storage import deadletters, rows
from appliance.storage.database import Database

MAX_AT_ONCE = 1_000
"""Dead letters that one return of a screen takes up."""


class TakeUp:
    """Remembers which letters may come back and until when, by the clock that doesn't jump."""

    def __init__(self, database: Database, dispatcher: Dispatcher, sessions: Sessions) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._deadlines: dict[str, dict[Key, float]] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        dispatcher.on_exhausted.append(self._exhausted)
        sessions.on_opened.append(self._session_opened)

    async def start(self) -> None:
        """Learns of those that died before this run; wall time counts for them, but never for more than they had."""
        wall, now = now_ms(), self._loop.time()
        for trigger_id, screen_id, expires_at, ttl_ms in await self._database.read(
            lambda connection: deadletters.exhausted(connection, wall)
        ):
            self._remember(screen_id, (trigger_id.lower(), screen_id), now + min(expires_at - wall, ttl_ms) / 1000)

    async def stop(self) -> None:
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    def _exhausted(self, row: Row) -> None:
        self._remember(row.delivery.screen_id, row.key, row.deadline)

    def _remember(self, screen_id: str, key: Key, deadline: float) -> None:
        known = self._deadlines.setdefault(screen_id, {})
        known[key] = deadline
        if len(known) > MAX_AT_ONCE:
            del known[next(iter(known))]

    def _session_opened(self, session: Session) -> None:
        now = self._loop.time()
        letters = self._deadlines.pop(session.screen_id or "", {})
        in_time = {key: deadline for key, deadline in letters.items() if deadline > now}
        if in_time:
            self._deadlines[session.screen_id or ""] = in_time
            task = self._loop.create_task(self._take_up(session, in_time), name="take-up")
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _take_up(self, session: Session, deadlines: dict[Key, float]) -> None:
        keys = list(deadlines)
        with contextlib.suppress(Problem):  # a storage that refuses leaves them on the list, for the next time
            async with self._dispatcher.claims.of(keys):
                await self._database.flush()
                found = await self._database.read(lambda connection: deadletters.to_take_up(connection, keys))
                if session.closed or self._dispatcher.stopping:
                    return
                # Asked of all before the first begins its round, which would overtake the others.
                overtaken = {delivery.pk for delivery in found if self._dispatcher.overtaken(delivery)}
                begun = [
                    (delivery, ttl_ms)
                    for delivery in found
                    if (ttl_ms := round((deadlines[key_of(delivery.id)] - self._loop.time()) * 1000)) > 0
                    and self._begin(delivery, ttl_ms, overtaken=delivery.pk in overtaken)
                ]
                await self._save_and_open(begun)

    def _begin(self, delivery: Delivery, ttl_ms: int, *, overtaken: bool) -> bool:
        """A new round, with a place kept in its lane."""
        if not self._dispatcher.reserve(*delivery.lane):
            return False
        happening = Happening(Event.SESSION_NEW, overtaken=overtaken)
        begun = self._dispatcher.new_round(delivery, happening, ttl_ms=ttl_ms)
        if not begun:
            self._dispatcher.release(delivery)
        return begun

    async def _save_and_open(self, begun: list[tuple[Delivery, int]]) -> None:
        """Nothing is sent before its round is on disk: a crash would give the same round to something else."""
        lines = [rows.updated(delivery) for delivery, _ in begun]

        def job(tx: sqlite3.Connection) -> None:
            rows.update_deliveries(tx, lines)

        saved = False
        try:
            await self._database.write(job)
            saved = True
        finally:
            for delivery, ttl_ms in begun:
                self._dispatcher.release(delivery)
                if saved:
                    self._dispatcher.reopened(delivery, ttl_ms=ttl_ms)
