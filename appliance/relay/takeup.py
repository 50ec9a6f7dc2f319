"""Dead letters that begin a new round by themselves: their retries were used up, and now their screen is back."""

from __future__ import annotations

import asyncio

from appliance.core.delivery import Delivery, Event, Happening
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.opened import Key, Row, key_of
from appliance.relay.sessions import Session, Sessions
from appliance.storage import deadletters, rows
from appliance.storage.database import Database

MAX_AT_ONCE = 1_000
"""Dead letters of one screen that are remembered."""
STORAGE_SECONDS = 1.0
"""How long a storage that refuses is left alone."""
BUSY_SECONDS = 0.02
"""How long a lane is left alone that is about to get something newer."""


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
        screen_id = session.screen_id
        if screen_id is not None and screen_id in self._deadlines:
            task = self._loop.create_task(self._take_up(session, screen_id), name="take-up")
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _take_up(self, session: Session, screen_id: str) -> None:
        """Tries until all that may come back has begun its round, for as long as the screen stays."""
        while not session.closed and not self._dispatcher.stopping:
            now = self._loop.time()
            known = self._deadlines.get(screen_id, {})
            for key in [key for key, deadline in known.items() if deadline <= now]:
                del known[key]
            if not known:
                self._deadlines.pop(screen_id, None)
                return
            try:
                busy = await self._begin(session, known)
            except Problem:  # the storage refuses; they stay on the list meanwhile
                await asyncio.sleep(STORAGE_SECONDS)
            else:
                if busy:
                    await asyncio.sleep(BUSY_SECONDS)

    async def _begin(self, session: Session, known: dict[Key, float]) -> bool:
        """Begins what can begin; True where lanes have to be asked again, as something is on its way to the disk."""
        keys = list(known)
        async with self._dispatcher.claims.of(keys):
            await self._database.flush()
            found = await self._database.read(lambda connection: deadletters.to_take_up(connection, keys))
            if session.closed or self._dispatcher.stopping:
                return False
            # From here to the writer's queue nothing is awaited: what was not accepted by now is newer than these.
            busy = {key_of(delivery.id) for delivery in found if self._dispatcher.is_expecting(delivery)}
            deadlines = dict(known)
            ready = [d for d in found if key_of(d.id) not in busy and not self._dispatcher.overtaken(d)]
            now = self._loop.time()
            begun = [
                (delivery, ttl_ms)
                for delivery, ttl_ms in ((d, round((deadlines[key_of(d.id)] - now) * 1000)) for d in ready)
                if self._new_round(delivery, ttl_ms)
            ]
            await self._save_and_open(begun)
            for key in keys:
                if key not in busy:
                    known.pop(key, None)
        return bool(busy)

    def _new_round(self, delivery: Delivery, ttl_ms: int) -> bool:
        """A new round, with a place kept in its lane."""
        if ttl_ms <= 0 or not self._dispatcher.reserve(*delivery.lane):
            return False
        begun = self._dispatcher.endings.new_round(delivery, Happening(Event.SESSION_NEW), ttl_ms=ttl_ms)
        if not begun:
            self._dispatcher.release(delivery)
        return begun

    async def _save_and_open(self, begun: list[tuple[Delivery, int]]) -> None:
        """Nothing is sent before its round is on disk: a crash would give the same round to something else."""
        if not begun:
            return
        try:
            await self._database.write(rows.saving(delivery for delivery, _ in begun))
        finally:
            for delivery, _ in begun:
                self._dispatcher.release(delivery)
        self._dispatcher.reopened(begun)
