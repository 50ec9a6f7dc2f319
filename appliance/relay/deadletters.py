"""Dead letters sent again: by a person, and by themselves when their screen is back."""

from __future__ import annotations

import asyncio
import contextlib

from appliance.core.delivery import Delivery, Event, Happening
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.opened import key_of
from appliance.relay.sessions import Session, Sessions
from appliance.storage.outbox import Outbox


class DeadLetters:
    """New rounds for what had ended dead."""

    def __init__(self, outbox: Outbox, dispatcher: Dispatcher, sessions: Sessions) -> None:
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._taking_up: set[asyncio.Task[None]] = set()
        sessions.on_opened.append(self._session_opened)

    async def stop(self) -> None:
        for task in self._taking_up:
            task.cancel()
        await asyncio.gather(*self._taking_up, return_exceptions=True)

    async def replay(self, delivery_id: str, actor: str) -> Delivery:
        """Sends a dead delivery again, in a new round. Raises `NOT_FOUND` or `NOT_DEAD`."""
        key = key_of(delivery_id)
        delivery = await self._outbox.one(*key)
        if delivery is None:
            raise Problem("NOT_FOUND", f"There is no delivery {delivery_id[:200]}.")
        row = self._dispatcher.opened.get(key)
        if row is not None or not delivery.listed:
            state = (row.delivery if row else delivery).state
            raise Problem("NOT_DEAD", values={"state": state.value})
        happening = Happening(Event.REPLAYED, awaiting=delivery.ref is None, detail=actor)
        self._dispatcher.reopen(delivery, happening, ttl_ms=delivery.ttl_ms)
        return delivery

    def _session_opened(self, session: Session) -> None:
        if session.screen_id is not None:
            task = asyncio.get_running_loop().create_task(self._take_up(session), name="take-up")
            self._taking_up.add(task)
            task.add_done_callback(self._taking_up.discard)

    async def _take_up(self, session: Session) -> None:
        """Begins a new round of what used up its retries, now that its screen is back."""
        assert session.screen_id is not None
        with contextlib.suppress(Problem):  # a storage that refuses leaves them on the list
            for delivery in await self._outbox.exhausted(session.screen_id, now_ms()):
                if session.closed or self._dispatcher.stopping:
                    return
                if key_of(delivery.id) not in self._dispatcher.opened:
                    happening = Happening(Event.SESSION_NEW, overtaken=self._dispatcher.overtaken(delivery))
                    self._dispatcher.reopen(delivery, happening, ttl_ms=delivery.expires_at - now_ms())
