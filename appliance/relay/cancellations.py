"""Deliveries that a person, or the program that sent them, needs no more."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable

import msgspec

from appliance.core.delivery import Delivery, Event, Happening
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.opened import Row, key_of
from appliance.relay.principal import Principal
from appliance.storage import audit
from appliance.storage.database import Database
from appliance.storage.outbox import Outbox
from appliance.storage.rows import saving


class Cancellations:
    """Ends open deliveries as `CANCELLED`. The answer follows the commit that holds the change and its audit entry."""

    def __init__(self, database: Database, outbox: Outbox, dispatcher: Dispatcher) -> None:
        self._database = database
        self._outbox = outbox
        self._dispatcher = dispatcher

    async def delivery(self, delivery_id: str, principal: Principal, may: Callable[[Delivery], bool]) -> Delivery:
        """Cancels one. Raises `NOT_FOUND` where there is none that `principal` may see, or `NOT_OPEN`."""
        key = key_of(delivery_id)
        row = self._dispatcher.opened.get(key)
        if row is None:
            found = [d for d in await self._outbox.of_trigger(key[0]) if d.screen_id == key[1]]
            row = self._dispatcher.opened.get(key)
        known = [row.delivery] if row is not None else found
        if not known or not may(known[0]):
            raise Problem("NOT_FOUND", f"There is no delivery {delivery_id[:200]}.")
        if row is None:
            raise _not_open(known)
        await self._cancel([row], principal)
        return row.delivery

    async def trigger(self, trigger_id: str, principal: Principal, may: Callable[[Delivery], bool]) -> list[Delivery]:
        """Cancels what is still open of a trigger; all of it that `principal` may see. Raises as `delivery`."""
        known = [d for d in await self._outbox.of_trigger(trigger_id) if may(d)]
        if not known:
            raise Problem("NOT_FOUND", f"There is no trigger {trigger_id[:100]}.")
        rows = [row for row in (self._dispatcher.opened.get(key_of(d.id)) for d in known) if row is not None]
        if not rows:
            raise _not_open(known)
        await self._cancel(rows, principal)
        now = {row.delivery.pk: row.delivery for row in rows}
        return [now.get(delivery.pk, delivery) for delivery in known]

    async def _cancel(self, rows: list[Row], principal: Principal) -> None:
        """On disk first, as copies, then in memory and on the screens: a storage that refuses leaves everything as it
        was. Raises `STORAGE_UNAVAILABLE` then, or `NOT_OPEN` when all of them have ended by themselves meanwhile.

        A newer one of the lane that is on its way to the disk is waited for: it would supersede them just after. What
        else happens to a row in between is marked behind the copies and wins on disk too. One that is open after all
        is cancelled as it is now, and flushed, for its last mark may have gone over the copy. When that flush fails it
        is cancelled all the same, in memory, on its screen, and on disk as far as the first commit: the answer says
        what is so, and the mark stays until the storage takes it.
        """
        while any(self._is_about_to_end(row) for row in rows):
            await self._database.flush()
        before, rows = rows, [row for row in rows if not row.delivery.final]
        if not rows:
            raise _not_open([row.delivery for row in before])
        at, ids = now_ms(), [row.delivery.id for row in rows]
        copies = [msgspec.structs.replace(row.delivery, history=[*row.delivery.history]) for row in rows]
        for copy in copies:
            self._dispatcher.alter(copy, Happening(Event.CANCELLED, detail=principal.byline))

        def entries(tx: sqlite3.Connection) -> None:
            for delivery_id in ids:
                audit.append(tx, at, principal.actor, "delivery.cancel", delivery_id, screen=key_of(delivery_id)[1])

        committed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        def saved(_nothing: None, refusal: Exception | None) -> None:
            """Follows the commit itself, whether or not whoever asked still waits, and before anything newer does."""
            try:
                for row in rows:
                    if refusal is None and not row.delivery.final:
                        self._dispatcher.cancel(row, principal.byline)
            finally:
                if not committed.done():
                    committed.set_result(refusal)

        self._database.hand(saving(copies, entries), saved)
        refusal = await committed
        if refusal is not None:
            raise refusal
        with contextlib.suppress(Problem):
            await self._database.flush()
        if not any(row.delivery.code == "CANCELLED" for row in rows):
            raise _not_open([row.delivery for row in rows])

    def _is_about_to_end(self, row: Row) -> bool:
        delivery = row.delivery
        return not delivery.final and delivery.mode == "latest" and self._dispatcher.is_expecting(delivery)


def _not_open(deliveries: list[Delivery]) -> Problem:
    states = sorted({delivery.state.value for delivery in deliveries})
    return Problem("NOT_OPEN", values={"state": ", ".join(states)})
