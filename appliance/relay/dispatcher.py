"""Brings every accepted delivery to its screen, one in flight a lane, until it is shown, superseded or dead.

What follows from what is `core.delivery`'s; here are the clocks, the sessions and the order in which things are told.
Waiting uses the event loop's monotonic clock, so that a wall clock that jumps neither loses nor ends anything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any

import msgspec
import structlog

from appliance.core.delivery import Delivery, Event, Happening, State, apply, decide
from appliance.core.lanes import MAX_OPEN, Lane
from appliance.core.messages import Ack, Clear, Navigate
from appliance.core.retry import RetryPolicy
from appliance.errors import FieldError, Problem
from appliance.metrics import Metrics
from appliance.relay.clock import now_ms
from appliance.relay.documents import Documents
from appliance.relay.orders import Document
from appliance.relay.outcomes import Outcomes
from appliance.relay.sessions import Session, Sessions
from appliance.settings import Delivery as DeliverySettings
from appliance.storage.outbox import Outbox

MAX_DETAIL = 500
MAX_HISTORY = 200
"""Lines of a delivery's history; past it late words, which a client may repeat for ever, are no longer noted."""
_SWEEP_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class Row:
    """An open delivery with what only matters while the appliance runs."""

    __slots__ = (
        "accepted",
        "arrived",
        "backing_off",
        "deadline",
        "delivery",
        "held",
        "origin",
        "sends",
        "session",
        "timer",
    )

    def __init__(self, delivery: Delivery, arrived: float, deadline: float) -> None:
        self.delivery = delivery
        self.arrived = arrived
        """Loop time at which its trigger came in; "scan to shown" counts from here."""
        self.deadline = deadline
        self.accepted: float | None = None
        """Loop time of the accepting commit, where that was in this run."""
        self.origin: Session | None = None
        """The session that sent the trigger; it hears how the delivery ends."""
        self.session: Session | None = None
        self.sends = 0
        self.timer: asyncio.TimerHandle | None = None
        self.backing_off = False
        self.held = False


class Dispatcher:
    """All open deliveries, by id and by lane."""

    def __init__(
        self,
        outbox: Outbox,
        sessions: Sessions,
        documents: Documents,
        outcomes: Outcomes,
        metrics: Metrics,
        settings: DeliverySettings,
    ) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._documents = documents
        self._outcomes = outcomes
        self._metrics = metrics
        self._ack_timeout = settings.ack_timeout_ms / 1000
        self._shown_timeout = settings.shown_timeout_ms / 1000
        self._policy = RetryPolicy(settings.max_retries, settings.retry_base_ms)
        self._rows: dict[tuple[str, str], Row] = {}
        self._lanes: dict[tuple[str, int], Lane[Row]] = {}
        self._deadlines: list[tuple[float, int, Row]] = []
        self._loop = asyncio.get_running_loop()
        self._sweeping: asyncio.Task[None] | None = None
        self._taking_up: set[asyncio.Task[None]] = set()
        self._ending = 0
        self.stopping = False
        sessions.on_opened.append(self._session_opened)
        sessions.on_closed.append(self._session_closed)

    async def start(self) -> None:
        """Takes up what was open when the appliance ended: what had been sent is put back, uncounted."""
        now, wall = self._loop.time(), now_ms()
        for delivery in await self._outbox.start():
            self._metrics.taken_up += 1
            row = Row(delivery, now - (wall - delivery.accepted_at) / 1000, now + (delivery.expires_at - wall) / 1000)
            self._enter(row)
            self._happen(row, Happening(Event.RESTARTED))
            lane = self._lane(delivery)
            if delivery.state is not State.AWAITING_ORDER:
                lane.newest = max(lane.newest, delivery.seq)
        for lane_key, newest in (await self._outbox.newest_of_lanes(list(self._lanes))).items():
            self._lanes[lane_key].newest = max(self._lanes[lane_key].newest, newest)
        self._sweeping = asyncio.create_task(self._sweep(), name="deadlines")

    async def stop(self) -> None:
        """No more sends or timers; what is in flight is put back by the next start."""
        self.stopping = True
        for row in self._rows.values():
            if row.timer is not None:
                row.timer.cancel()
        for task in (self._sweeping, *self._taking_up):
            if task is not None:
                task.cancel()

    # --- what comes in ----------------------------------------------------------------------------------------------

    def accepted(self, deliveries: list[Delivery], origin: Session | None, arrived: float) -> None:
        """New deliveries, committed just now; `arrived` is the loop's time when their trigger came in."""
        now = self._loop.time()
        for delivery in deliveries:
            row = Row(delivery, arrived, arrived + delivery.ttl_ms / 1000)
            row.accepted, row.origin = now, origin
            self._enter(row)
            if delivery.state is State.PENDING:
                self._became_pending(row)
        self._outcomes.changed()

    def room(self, screen_id: str, display_index: int) -> None:
        """Raises `QUEUE_FULL` when the lane takes no more."""
        lane = self._lanes.get((screen_id, display_index))
        if lane is not None and len(lane.rows) >= MAX_OPEN:
            raise Problem("QUEUE_FULL", f"Over {MAX_OPEN} scans wait for {screen_id}.", retry_after=10)

    async def ack(self, session: Session, ack: Ack) -> None:
        """A client's word about a delivery of its screen. Raises `NOT_FOUND` or `VALIDATION_ERROR`."""
        trigger_id, _, screen_id = ack.id.rpartition(":")
        if session.screen_id is None or screen_id != session.screen_id:
            raise Problem("NOT_FOUND", f"There is no delivery {ack.id[:200]} for this screen.")
        happening = _happening(ack, session)
        row = self._rows.get((trigger_id.lower(), screen_id))
        if row is not None:
            if ack.status == "failed" and row.session is not session:
                return
            self._happen(row, happening)
            return
        delivery = await self._outbox.one(trigger_id, screen_id)
        if delivery is None:
            raise Problem("NOT_FOUND", f"There is no delivery {ack.id[:200]}.")
        if happening.event is Event.ACK_SHOWN and delivery.state is State.DEAD:
            happening = replace(happening, overtaken=await self._outbox.shown_after(delivery))
        row = self._rows.get((trigger_id.lower(), screen_id))
        if row is not None:  # sent again meanwhile
            self._happen(row, happening)
        else:
            self._late(delivery, happening)

    def order_found(self, row: Row, document: Document) -> None:
        """The look-up of a waiting delivery has succeeded."""
        delivery = row.delivery
        delivery.ref, delivery.content_type = document.ref, document.content_type
        delivery.title = delivery.title or document.title
        overtaken = self._lane(delivery).overtaken(delivery)
        self._happen(row, Happening(Event.ORDER_FOUND, overtaken=overtaken))

    def order_refused(self, row: Row, problem: Problem) -> None:
        """The source has answered, but there is nothing to show."""
        overtaken = self._lane(row.delivery).overtaken(row.delivery)
        self._happen(row, Happening(Event.ORDER_REFUSED, code=problem.code, detail=problem.detail))
        if row.delivery.single and not overtaken:
            self._outcomes.refused(problem, row.delivery)

    async def replay(self, delivery_id: str, actor: str) -> Delivery:
        """Sends a dead delivery again, in a new round. Raises `NOT_FOUND` or `NOT_DEAD`."""
        trigger_id, _, screen_id = delivery_id.rpartition(":")
        delivery = await self._outbox.one(trigger_id, screen_id)
        if delivery is None:
            raise Problem("NOT_FOUND", f"There is no delivery {delivery_id[:200]}.")
        open_row = self._rows.get((trigger_id.lower(), screen_id))
        if open_row is not None or not delivery.listed:
            state = (open_row.delivery if open_row else delivery).state
            raise Problem("NOT_DEAD", values={"state": state.value})
        now = self._loop.time()
        row = Row(delivery, now, now + delivery.ttl_ms / 1000)
        self._metrics.taken_up += 1
        delivery.seq = self._outbox.next_seq()
        delivery.expires_at = now_ms() + delivery.ttl_ms
        self._enter(row)
        self._happen(row, Happening(Event.REPLAYED, awaiting=delivery.ref is None, detail=actor))
        if delivery.state is State.PENDING:
            self._became_pending(row)
        return delivery

    def displays_changed(self, screen_id: str) -> None:
        """What was held for a missing display may go out."""
        self._release(screen_id)

    def screen_removed(self, screen_id: str) -> None:
        for row in self._of_screen(screen_id):
            self._happen(row, Happening(Event.SCREEN_REMOVED))

    def screen_revoked(self, screen_id: str) -> None:
        for row in self._of_screen(screen_id):
            self._happen(row, Happening(Event.SCREEN_REVOKED))

    # --- what can be asked ------------------------------------------------------------------------------------------

    def awaiting(self) -> Iterator[Row]:
        """Deliveries whose order is not known yet."""
        return iter([row for row in self._rows.values() if row.delivery.state is State.AWAITING_ORDER])

    def open_of(self, screen_id: str) -> int:
        return len(self._of_screen(screen_id))

    def has_open(self, screen_id: str, display_index: int) -> bool:
        lane = self._lanes.get((screen_id, display_index))
        return lane is not None and bool(lane.rows)

    @property
    def open(self) -> int:
        return len(self._rows)

    @property
    def unsettled(self) -> int:
        """Deliveries that are open, or whose end is not on disk yet."""
        return len(self._rows) + self._ending

    # --- the inside -------------------------------------------------------------------------------------------------

    def _lane(self, delivery: Delivery) -> Lane[Row]:
        lane = self._lanes.get(delivery.lane)
        if lane is None:
            lane = self._lanes[delivery.lane] = Lane()
        return lane

    def _of_screen(self, screen_id: str) -> list[Row]:
        return [row for key, lane in list(self._lanes.items()) if key[0] == screen_id for row in list(lane.rows)]

    def _reopen(self, delivery: Delivery, happening: Happening) -> None:
        """A new round of a dead delivery, in a new place of its lane, if the table says so."""
        if decide(delivery, happening, self._policy) is None:
            return
        now = self._loop.time()
        row = Row(delivery, now, now + (delivery.expires_at - now_ms()) / 1000)
        self._metrics.taken_up += 1
        delivery.seq = self._outbox.next_seq()
        self._enter(row)
        self._happen(row, happening)
        if delivery.state is State.PENDING:
            self._became_pending(row)

    def _enter(self, row: Row) -> None:
        delivery = row.delivery
        self._rows[delivery.trigger_id.lower(), delivery.screen_id] = row
        self._lane(delivery).add(row)
        heappush(self._deadlines, (row.deadline, id(row), row))

    def _became_pending(self, row: Row) -> None:
        lane = self._lane(row.delivery)
        for older in lane.older(row):
            self._happen(older, Happening(Event.NEWER, detail=row.delivery.order_id))
        lane.newest = max(lane.newest, row.delivery.seq)
        self._pump(lane)

    def _happen(self, row: Row, happening: Happening) -> None:
        """One event for an open delivery, and all that follows from it."""
        delivery = row.delivery
        decision = decide(delivery, happening, self._policy)
        if decision is None:
            return
        was = delivery.state
        apply(delivery, decision, now_ms())
        if decision.state is None:
            self._outbox.mark(delivery)
            return
        if row.timer is not None:
            row.timer.cancel()
            row.timer = None
        row.backing_off, row.held = decision.backoff_ms > 0, decision.held
        self._metrics.retries += row.backing_off
        if decision.clear and row.session is not None:
            row.session.send(Clear(display_index=delivery.display_index))
        if delivery.final:
            self._finish(row)
        else:
            self._outbox.mark(delivery)
            if row.backing_off:
                self._after(row, decision.backoff_ms / 1000, self._backoff_over)
            elif delivery.state is State.RECEIVED:
                self._after(row, self._shown_timeout, self._ack_over)
        if delivery.state is State.PENDING and was is State.AWAITING_ORDER:
            self._became_pending(row)
        elif was is not State.PENDING or delivery.final:
            self._pump(self._lane(delivery))

    def _late(self, delivery: Delivery, happening: Happening) -> None:
        """A word about a delivery that has ended already: mostly a line in its history."""
        decision = decide(delivery, happening, self._policy)
        if decision is None or (decision.state is None and len(delivery.history) >= MAX_HISTORY):
            return
        apply(delivery, decision, now_ms())
        if decision.state is None:
            self._outbox.mark(delivery)
            return
        self._metrics.taken_up += 1
        self._outcomes.shown(delivery)
        self._outbox.mark(delivery, lambda: self._outcomes.ended(delivery, None, None))

    def _finish(self, row: Row) -> None:
        delivery = row.delivery
        if delivery.state in (State.SHOWN, State.RECEIVED):
            self._outcomes.shown(delivery)
        self._rows.pop((delivery.trigger_id.lower(), delivery.screen_id), None)
        self._lane(delivery).remove(row)
        took = (self._loop.time() - row.arrived) * 1000
        self._ending += 1

        def saved() -> None:
            self._ending -= 1
            self._outcomes.ended(delivery, row.origin, took)

        self._outbox.mark(delivery, saved)

    def _pump(self, lane: Lane[Row]) -> None:
        """Sends the lane's head, if it can go now."""
        row = lane.head()
        if self.stopping or row is None or row.delivery.state is not State.PENDING:
            return
        if row.deadline <= self._loop.time():
            self._expire(row)
            return
        session = self._sessions.of_screen(row.delivery.screen_id)
        if session is None or row.backing_off or row.held or session.lacks(row.delivery.display_index):
            return
        self._send(row, session)

    def _send(self, row: Row, session: Session) -> None:
        delivery = row.delivery
        decision = decide(delivery, Happening(Event.DISPATCHED, detail=session.id), self._policy)
        assert decision is not None
        apply(delivery, decision, now_ms())
        row.session = session
        row.sends += 1
        self._outbox.mark(delivery)
        self._after(row, self._ack_timeout, self._ack_over)
        session.send(navigate(delivery, self._documents.url(delivery.ref or "", session.base_url)))
        self._metrics.sent += 1
        if row.sends == 1 and row.accepted is not None:
            self._metrics.navigate.observe((self._loop.time() - row.accepted) * 1000)

    def _after(self, row: Row, seconds: float, call: Any) -> None:
        row.timer = self._loop.call_later(seconds, call, row, row.sends)

    def _backoff_over(self, row: Row, _sends: int) -> None:
        row.backing_off = False
        self._pump(self._lane(row.delivery))

    def _ack_over(self, row: Row, sends: int) -> None:
        """No ack in time: is the link dead, or only the client silent? Any sign of life tells."""
        session, state = row.session, row.delivery.state
        if session is None or session.closed:
            return

        def alive() -> None:
            if row.sends == sends and row.delivery.state is state:
                self._happen(row, Happening(Event.TIMED_OUT))

        session.probe(alive)
        self._sessions.ping(session, lambda: self._sessions.drop(session, "HEARTBEAT_LOST"))

    def _session_opened(self, session: Session) -> None:
        if session.screen_id is None:
            return
        for row in self._of_screen(session.screen_id):
            if row.backing_off and row.timer is not None:
                row.timer.cancel()
                row.backing_off = False
        self._release(session.screen_id)
        task = self._loop.create_task(self._take_up(session), name="take-up")
        self._taking_up.add(task)
        task.add_done_callback(self._taking_up.discard)

    async def _take_up(self, session: Session) -> None:
        """Begins a new round of what used up its retries, now that its screen is back."""
        assert session.screen_id is not None
        with contextlib.suppress(Problem):  # a storage that refuses leaves them on the list
            for delivery in await self._outbox.exhausted(session.screen_id, now_ms()):
                if session.closed or self.stopping:
                    return
                if (delivery.trigger_id.lower(), delivery.screen_id) not in self._rows:
                    overtaken = self._lane(delivery).overtaken(delivery)
                    self._reopen(delivery, Happening(Event.SESSION_NEW, overtaken=overtaken))

    def _session_closed(self, session: Session, reason: str) -> None:
        if session.screen_id is None or self.stopping:
            return
        for row in self._of_screen(session.screen_id):
            if row.session is session:
                self._happen(row, Happening(Event.SESSION_LOST, detail=reason))

    def _release(self, screen_id: str) -> None:
        for key, lane in list(self._lanes.items()):
            if key[0] == screen_id:
                for row in lane.rows:
                    row.held = False
                self._pump(lane)

    def _expire(self, row: Row) -> None:
        online = self._sessions.of_screen(row.delivery.screen_id) is not None
        self._happen(row, Happening(Event.EXPIRED, online=online))

    async def _sweep(self) -> None:
        """Ends what has waited longer than its time to live."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = self._loop.time()
            again = []
            while self._deadlines and self._deadlines[0][0] <= now:
                _, _, row = heappop(self._deadlines)
                if row.delivery.final or row.deadline > now:
                    continue
                self._expire(row)
                if not row.delivery.final:
                    again.append(row)  # an attempt is under way: it runs out first
            for row in again:
                heappush(self._deadlines, (now + _SWEEP_SECONDS, id(row), row))


def navigate(delivery: Delivery, url: str) -> Navigate:
    """The message that shows a delivery's document."""
    return Navigate(
        id=delivery.id,
        trigger_id=delivery.trigger_id,
        order_id=delivery.order_id,
        url=url,
        title=delivery.title or delivery.order_id or url,
        content_type=delivery.content_type or "text/html",
        display_index=delivery.display_index,
        seq=delivery.seq,
        round=delivery.round,
        attempt=delivery.attempt,
        accepted_at=delivery.accepted_at,
        expires_at=delivery.expires_at,
    )


def _happening(ack: Ack, session: Session) -> Happening:
    detail = ack.detail[:MAX_DETAIL] if ack.detail else None
    if ack.status == "received":
        return Happening(Event.ACK_RECEIVED, shown_capable=session.shows, online=True)
    if ack.status == "failed":
        return Happening(Event.FAILED, code=ack.code, detail=detail)
    if ack.display is None or not ack.url:
        missing = [FieldError(name, "is the evidence") for name in ("display.index", "url")]
        raise Problem("VALIDATION_ERROR", "shown needs evidence: display.index and url.", errors=missing)
    evidence: dict[str, Any] = {"display": msgspec.to_builtins(ack.display), "url": ack.url[:2048]}
    if ack.window_id is not None:
        evidence["windowId"] = ack.window_id
    return Happening(Event.ACK_SHOWN, evidence=evidence, online=True)
