"""Repeats the look-ups of deliveries that wait for their order: when the source has changed, and every few seconds."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from appliance.errors import Problem
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.lookups import Lookups
from appliance.relay.opened import Row
from appliance.relay.orders import Document

RETRY_SECONDS = 2.0
AT_ONCE = 16

_log = structlog.get_logger(__name__)


class Awaiting:
    """One task that looks up what waits, each order once, a bounded number at a time."""

    def __init__(self, dispatcher: Dispatcher, lookups: Lookups) -> None:
        self._dispatcher = dispatcher
        self._lookups = lookups
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        lookups.source.on_change(self._changed.set)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="awaiting-orders")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            waiting: dict[str, list[Row]] = {}
            for row in self._dispatcher.opened.awaiting():
                waiting.setdefault(row.delivery.order_id or "", []).append(row)
            orders = list(waiting)
            for start in range(0, len(orders), AT_ONCE):
                batch = orders[start : start + AT_ONCE]
                for order_id, found in zip(batch, await asyncio.gather(*map(self._find, batch)), strict=True):
                    self._settle(waiting[order_id], found)

    async def _find(self, order_id: str) -> Document | Problem:
        try:
            return await self._lookups.find(order_id)
        except Problem as problem:
            problem.values.setdefault("orderId", order_id)
            return problem
        except Exception:
            # A fault of the source must not end the one task that everything that waits depends on.
            _log.exception("orders.look_up_failed", order=order_id)
            return Problem("ORDER_SOURCE_UNAVAILABLE")

    def _settle(self, rows: list[Row], found: Document | Problem) -> None:
        for row in rows:
            if isinstance(found, Document):
                self._dispatcher.order_found(row, found)
            elif found.code != "ORDER_SOURCE_UNAVAILABLE":
                self._dispatcher.order_refused(row, found)
