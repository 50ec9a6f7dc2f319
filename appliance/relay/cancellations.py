"""Deliveries that a person, or the program that sent them, needs no more."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

from appliance.core.delivery import Delivery, Event, Happening
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.opened import Key, Row, key_of
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

        What happens to them between the two waits until it is known whether they are cancelled, so that the disk never
        tells of two ends. A screen's proof that it shows one then comes behind the cancelling, and counts.
        """
        claims, keys = self._dispatcher.claims, [row.key for row in rows]
        await claims.take_all(keys)
        before, rows = rows, [row for row in rows if not row.delivery.final]
        if not rows:
            claims.give_all(keys)
            raise _not_open([row.delivery for row in before])
        try:
            committed = self._save(rows, keys, principal)
        except Problem:
            claims.give_all(keys)
            raise
        refusal = await committed
        if refusal is not None:
            raise refusal
        if not any(row.delivery.code == "CANCELLED" for row in rows):
            raise _not_open([row.delivery for row in rows])

    def _save(self, rows: list[Row], keys: list[Key], principal: Principal) -> asyncio.Future[Exception | None]:
        """What keeps it from the disk, once that is known. The rows follow then and the claims on them end, whether or
        not whoever asked still waits. Raises `STORAGE_UNAVAILABLE` with nothing begun."""
        self._database.require()
        at, ids = now_ms(), [row.delivery.id for row in rows]
        happening = Happening(Event.CANCELLED, detail=principal.byline)
        committed: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        def entries(tx: sqlite3.Connection) -> None:
            for delivery_id in ids:
                audit.append(tx, at, principal.actor, "delivery.cancel", delivery_id, screen=key_of(delivery_id)[1])

        def saved(_nothing: None, refusal: Exception | None) -> None:
            try:
                for row in rows:
                    if refusal is None:
                        self._dispatcher.cancelled(row, happening, at)
                    else:
                        self._dispatcher.not_cancelled(row)
            finally:
                self._dispatcher.claims.give_all(keys)
                if not committed.done():
                    committed.set_result(refusal)

        copies = [self._dispatcher.cancelling(row, happening, at) for row in rows]
        self._database.hand(saving(copies, entries), saved)
        return committed


def _not_open(deliveries: list[Delivery]) -> Problem:
    states = sorted({delivery.state.value for delivery in deliveries})
    return Problem("NOT_OPEN", values={"state": ", ".join(states)})
