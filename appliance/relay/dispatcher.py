"""Brings every accepted delivery to its screen, one in flight a lane, until it is shown, superseded or dead.

What follows from what is `core.delivery`'s; here are the clocks, the sessions and the order in which things are told.
Waiting uses the event loop's monotonic clock, so that a wall clock that jumps neither loses nor ends anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from appliance.core.delivery import (
    MISSING_DISPLAY,
    Decision,
    Delivery,
    Event,
    Happening,
    State,
    apply,
    decide,
)
from appliance.core.lanes import MAX_OPEN, Lane
from appliance.core.messages import Ack, Clear
from appliance.core.retry import RetryPolicy
from appliance.errors import Problem
from appliance.metrics import Metrics
from appliance.relay.acks import happening_of
from appliance.relay.claims import Claims
from appliance.relay.clock import now_ms
from appliance.relay.documents import Documents
from appliance.relay.dwell import Dwell
from appliance.relay.endings import Endings
from appliance.relay.navigation import navigate
from appliance.relay.opened import Key, Opened, Row, key_of
from appliance.relay.orders import Document
from appliance.relay.outcomes import Outcomes
from appliance.relay.sessions import Session, Sessions
from appliance.settings import Delivery as DeliverySettings
from appliance.storage.outbox import Outbox

_SWEEP_SECONDS = 0.5
_AT_ONCE = 200
"""Lanes that are looked at before others get their turn, some milliseconds' work."""


class Dispatcher:
    """Applies every event to the delivery it is about, and does what follows."""

    def __init__(
        self,
        outbox: Outbox,
        sessions: Sessions,
        documents: Documents,
        outcomes: Outcomes,
        metrics: Metrics,
        settings: DeliverySettings,
    ) -> None:
        self.opened = Opened()
        self.claims: Claims[Key] = Claims()
        """On deliveries that have ended, or that a person cancels."""
        self.stopping = False
        self._outbox = outbox
        self._sessions = sessions
        self._documents = documents
        self._outcomes = outcomes
        self._metrics = metrics
        self._ack_timeout = settings.ack_timeout_ms / 1000
        self._shown_timeout = settings.shown_timeout_ms / 1000
        self._dwell = Dwell(settings.queue_dwell_ms / 1000, lambda lane: self._pump(self.opened.lane(*lane)))
        self._policy = RetryPolicy(settings.max_retries, settings.retry_base_ms)
        self.endings = Endings(outbox, outcomes, metrics, self._policy)
        self._loop = asyncio.get_running_loop()
        self._sweeping: asyncio.Task[None] | None = None
        self.on_exhausted: list[Callable[[Row], None]] = []
        """Called with what has used up its retries."""
        sessions.on_opened.append(self._session_opened)
        sessions.on_closed.append(self._session_closed)

    async def start(self) -> None:
        """Takes up what was open when the appliance ended: what had been sent is put back, uncounted, and what a
        newer one has overtaken stays overtaken, whether or not that had reached the disk."""
        now, wall = self._loop.time(), now_ms()
        for delivery in await self._outbox.start():
            self._metrics.taken_up += 1
            arrived = now - (wall - delivery.accepted_at) / 1000
            # A clock that was set back meanwhile gives nothing more time than it had at first.
            delivery.expires_at = min(delivery.expires_at, wall + delivery.ttl_ms)
            self.opened.add(Row(delivery, arrived, now + (delivery.expires_at - wall) / 1000))
        lanes = self.opened.lanes()
        newest = await self._outbox.newest_of_lanes(list(lanes))
        for key, lane in lanes.items():
            past = [row.delivery.seq for row in lane.rows if row.delivery.state is not State.AWAITING_ORDER]
            known, lane.sent = newest[key]
            lane.newest = max(known, *past, 0)
            for row in list(lane.rows):
                self._happen(row, Happening(Event.RESTARTED))
                if lane.overtaken(row.delivery):
                    self._happen(row, Happening(Event.NEWER))
        self._sweeping = asyncio.create_task(self._sweep(), name="deadlines")

    async def stop(self) -> None:
        """No more sends or timers; what is in flight is put back by the next start."""
        self.stopping = True
        self._dwell.stop()
        for row in self.opened:
            row.stop_timer()
        if self._sweeping is not None:
            self._sweeping.cancel()

    # --- what comes in ----------------------------------------------------------------------------------------------

    def reserve(self, screen_id: str, display_index: int) -> bool:
        """Keeps a place in the lane for a delivery about to be committed; False when it takes no more."""
        lane = self.opened.lane(screen_id, display_index)
        if len(lane.rows) + lane.expected >= MAX_OPEN:
            return False
        lane.expected += 1
        return True

    def release(self, delivery: Delivery) -> None:
        """Gives a reserved place back: its delivery is on disk now, or never will be."""
        lane = self.opened.lane(delivery.screen_id, delivery.display_index)
        lane.expected = max(0, lane.expected - 1)  # its screen may have been removed meanwhile, and its lane with it

    def accepted(self, deliveries: list[Delivery], origin: Session | None, arrived: float) -> None:
        """New deliveries, committed just now; `arrived` is the loop's time when their trigger came in."""
        now = self._loop.time()
        rows = []
        origins = (origin.id,) if origin is not None else ()
        for delivery in deliveries:
            if delivery.final:
                self._outcomes.ended(delivery, origins, None)
                continue
            row = Row(delivery, arrived, arrived + delivery.ttl_ms / 1000)
            row.accepted, row.origins = now, origins
            rows.append(row)
        self._open(rows)

    def ack(self, session: Session, ack: Ack) -> Coroutine[Any, Any, None] | None:
        """A client's word about a delivery of its screen; what is left to be awaited where that isn't open. Both raise
        `NOT_FOUND` or `VALIDATION_ERROR`."""
        key = key_of(ack.id)
        if session.screen_id is None or key[1] != session.screen_id:
            raise Problem("NOT_FOUND", f"There is no delivery {ack.id[:200]} for this screen.")
        happening = happening_of(ack, session)
        row = self.opened.get(key)
        if row is None:
            return self._ack_ended(session, key, happening)
        self._acked(session, row, happening)
        return None

    async def _ack_ended(self, session: Session, key: Key, happening: Happening) -> None:
        async with self.claims.of([key]):  # it may be about to be sent again
            row = self.opened.get(key) or await self._ended(key, happening)
        if row is not None:
            self._acked(session, row, happening)

    def _acked(self, session: Session, row: Row, happening: Happening) -> None:
        if happening.event is Event.FAILED and row.session is not session:
            return
        if row.delivery.state is State.PENDING:
            row.session = session  # it lives by this session's word from now on
        if happening.event is Event.FAILED:
            happening = replace(happening, in_time=row.deadline > self._loop.time())
        self._happen(row, happening)

    def order_found(self, row: Row, document: Document) -> None:
        """The look-up of a waiting delivery has succeeded."""
        if row.withheld is not None:
            return  # it is repeated, should it not be cancelled after all
        delivery = row.delivery
        delivery.ref, delivery.content_type = document.ref, document.content_type
        delivery.title = delivery.title or document.title
        self._happen(row, Happening(Event.ORDER_FOUND, overtaken=self._lane(delivery).overtaken(delivery)))

    def order_refused(self, row: Row, problem: Problem) -> None:
        """The source has answered, but there is nothing to show."""
        if row.withheld is not None:
            return
        waiting = row.delivery.state is State.AWAITING_ORDER
        overtaken = self._lane(row.delivery).overtaken(row.delivery)
        self._happen(row, Happening(Event.ORDER_REFUSED, code=problem.code, detail=problem.detail))
        if waiting and row.delivery.single and not overtaken:
            self._outcomes.refused(problem, row.delivery)

    def reopened(self, begun: list[tuple[Delivery, int]]) -> None:
        """Sets going what `endings.new_round` has begun, each with its time to live in ms; one that has been superseded
        since has only to be told of."""
        self._metrics.taken_up += len(begun)
        now = self._loop.time()
        rows = []
        for delivery, ttl_ms in begun:
            if delivery.final:
                self._outcomes.ended(delivery, (), None)
            else:
                rows.append(Row(delivery, now, now + ttl_ms / 1000))
        self._open(rows)

    def cancelling(self, row: Row, happening: Happening, at: int) -> Delivery:
        """A copy of an open delivery as a person's cancelling ends it at `at` (ms), for the disk. Until `cancelled` or
        `not_cancelled` is called nothing else changes it, and nothing else of it is written: what happens meanwhile
        comes behind its end on disk, never in its place."""
        row.withheld = []
        copy = replace(row.delivery, history=[*row.delivery.history])
        self._cancel(copy, happening, at)
        return copy

    def cancelled(self, row: Row, happening: Happening, at: int) -> None:
        """The copy is on disk. What has happened meanwhile is mostly a line in the history; what the screen may show
        of it is put away, unless that screen has just proved that it is on show."""
        delivery, withheld = row.delivery, row.withheld or []
        row.withheld = None
        row.stop_timer()
        end = self._cancel(delivery, happening, at)
        for later in withheld:
            self.endings.alter(delivery, self.endings.afterwards(delivery, later))
        if end.clear and delivery.state is State.DEAD and row.session is not None:
            row.session.send(Clear(display_index=delivery.display_index))
            self._outcomes.put_away(delivery)
        self._finish(row)
        self._pump(self._lane(delivery))

    def not_cancelled(self, row: Row) -> None:
        """The copy will never be on disk: what has happened meanwhile happens now."""
        withheld, row.withheld = row.withheld or [], None
        for later in withheld:
            if row.delivery.final:
                self.endings.late(row.delivery, self.endings.afterwards(row.delivery, later))
            else:
                self._happen(row, later)
        self._pump(self._lane(row.delivery))

    def displays_changed(self, screen_id: str) -> None:
        """What was held for a missing display may go out."""
        self._resume(screen_id)

    def screen_removed(self, screen_id: str) -> None:
        self._tell_all(screen_id, Event.SCREEN_REMOVED)
        self.opened.forget_screen(screen_id)
        self._dwell.forget_screen(screen_id)

    def screen_revoked(self, screen_id: str) -> None:
        self._tell_all(screen_id, Event.SCREEN_REVOKED)

    # --- what can be asked ------------------------------------------------------------------------------------------

    def has_open(self, screen_id: str, display_index: int) -> bool:
        return bool(self.opened.lane(screen_id, display_index).rows)

    def overtaken(self, delivery: Delivery) -> bool:
        """Whether sending a dead one again would put it in front of one that was accepted later, as far as this run
        knows: open or on its way to the disk, on show, or, for mode `latest`, one whose turn has come since."""
        lane = self._lane(delivery)
        if lane.has_newer(delivery) or self._outcomes.newer_on_show(delivery):
            return True
        return delivery.mode == "latest" and lane.overtaken(delivery)

    def is_expecting(self, delivery: Delivery) -> bool:
        """Whether something of its lane is on its way to the disk."""
        return self._lane(delivery).expected > 0

    @property
    def unsettled(self) -> int:
        """Deliveries that are open, or whose end is not on disk yet."""
        return len(self.opened) + self.endings.under_way

    # --- the inside -------------------------------------------------------------------------------------------------

    def _lane(self, delivery: Delivery) -> Lane[Row]:
        return self.opened.lane(delivery.screen_id, delivery.display_index)

    def _open(self, rows: list[Row]) -> None:
        """Takes in what one commit has brought. Nothing is sent before all of it stands in its lanes, so that nothing
        goes out that something of the same commit has overtaken."""
        newest: dict[tuple[str, int], Row] = {}
        for row in rows:
            self.opened.add(row)
        for row in rows:
            if row.delivery.state is not State.PENDING:
                continue
            lane = self._lane(row.delivery)
            if lane.overtaken(row.delivery):  # while it was being saved
                self._change(row, Happening(Event.NEWER))
            if not row.delivery.final:
                newest[row.delivery.lane] = row
                lane.newest = max(lane.newest, row.delivery.seq)
        self._go_on(deque(newest.values()))
        self._outcomes.changed()

    def _go_on(self, rows: deque[Row]) -> None:
        """Lets those go that have become pending, some in each turn of the loop: a broadcast holds up nobody else."""
        for _ in range(min(len(rows), _AT_ONCE)):
            row = rows.popleft()
            if row.delivery.state is State.PENDING:  # nothing has happened to it since
                self._became_pending(row)
        if rows:
            self._loop.call_soon(self._go_on, rows)

    def _became_pending(self, row: Row) -> None:
        """One more of its lane is pending: those before it that are of mode `latest` are superseded."""
        lane = self._lane(row.delivery)
        lane.newest = max(lane.newest, row.delivery.seq)
        for older in lane.older(row):
            self._change(older, Happening(Event.NEWER, detail=row.delivery.order_id))
        self._pump(lane)

    def _happen(self, row: Row, happening: Happening) -> None:
        """One event for an open delivery, and all that follows from it."""
        was = row.delivery.state
        if not self._change(row, happening):
            return
        if row.delivery.state is State.PENDING and was is State.AWAITING_ORDER:
            self._became_pending(row)
        elif was is not State.PENDING or row.delivery.final:
            self._pump(self._lane(row.delivery))

    def _change(self, row: Row, happening: Happening) -> bool:
        """What the event makes of this delivery, and nothing for the others of its lane; False when its state stays."""
        if row.withheld is not None:
            row.withheld.append(happening)
            return False
        delivery = row.delivery
        decision = decide(delivery, happening, self._policy)
        if decision is None:
            return False
        apply(delivery, decision, now_ms())
        if decision.state is None:
            self._outbox.mark(delivery)
            return False
        row.stop_timer()
        row.backing_off, row.held = decision.backoff_ms > 0, decision.held
        self._metrics.retries += row.backing_off
        if delivery.final:
            self._finish(row)
            return True
        self._outbox.mark(delivery)
        if row.backing_off:
            self._after(row, decision.backoff_ms / 1000, self._backoff_over)
        elif delivery.state is State.RECEIVED:
            self._after(row, self._shown_timeout, self._ack_over)
        return True

    async def _ended(self, key: Key, happening: Happening) -> Row | None:
        """A word about a delivery that isn't open; its row where it is after all. Raises `NOT_FOUND`."""
        found = await self._outbox.ended(*key)
        if found is None:
            raise Problem("NOT_FOUND", f"There is no delivery {':'.join(key)[:200]}.")
        row = self.opened.get(key)
        if row is None:
            delivery, newer_shown = found
            self.endings.late(delivery, self.endings.afterwards(delivery, happening, overtaken=newer_shown))
        return row

    def _finish(self, row: Row) -> None:
        self.opened.remove(row)
        if row.delivery.mode == "queue" and row.delivery.state in (State.SHOWN, State.RECEIVED):
            self._dwell.begin(row.delivery.lane)
        if row.delivery.code == "RETRIES_EXHAUSTED":
            for call in self.on_exhausted:
                call(row)
        self.endings.end(row.delivery, row.origins, (self._loop.time() - row.arrived) * 1000, row.sent_at)

    def _cancel(self, delivery: Delivery, happening: Happening, at: int) -> Decision:
        decision = decide(delivery, happening, self._policy)
        assert decision is not None
        apply(delivery, decision, at)
        return decision

    def _pump(self, lane: Lane[Row]) -> None:
        """Sends the lane's head, if it can go now."""
        if self.stopping:
            return
        now = self._loop.time()
        row = lane.head()
        # In a loop and not from within each other: the time of all who stand in a lane may be over at once.
        while row is not None and row.waits and (end := self._end_before_send(row, now)):
            self._change(row, end)
            row = lane.head()
        if row is None or not row.waits:
            return
        session = self._sessions.of_screen(row.delivery.screen_id)
        if (
            row.delivery.lane in self._dwell
            or session is None
            or row.backing_off
            or row.held
            or session.lacks(row.delivery.display_index)
        ):
            return
        self._send(row, session)

    def _end_before_send(self, row: Row, now: float) -> Happening | None:
        """What keeps a pending delivery from ever being sent; `documents.allowed_hosts` may have changed since."""
        if row.deadline <= now:
            return self._over(row)
        return Happening(Event.URL_REFUSED) if self._documents.refuses(row.delivery.ref or "") else None

    def _send(self, row: Row, session: Session) -> None:
        delivery = row.delivery
        decision = decide(delivery, Happening(Event.DISPATCHED, detail=session.id), self._policy)
        assert decision is not None
        apply(delivery, decision, now_ms())
        row.session = session
        row.sends += 1
        row.sent_at = self._loop.time()
        lane = self._lane(delivery)
        lane.sent = max(lane.sent, delivery.seq)
        self._outbox.mark(delivery)
        self._after(row, self._ack_timeout, self._ack_over)
        session.send(navigate(delivery, self._documents.url(delivery.ref or "", session.base_url), seq=lane.sent))
        self._metrics.sent += 1
        if row.sends == 1 and row.accepted is not None:
            self._metrics.navigate.observe((self._loop.time() - row.accepted) * 1000)

    def _after(self, row: Row, seconds: float, call: Callable[[Row, int], None]) -> None:
        row.timer = self._loop.call_later(seconds, call, row, row.sends)

    def _backoff_over(self, row: Row, _sends: int) -> None:
        row.backing_off = False
        self._pump(self._lane(row.delivery))

    def _ack_over(self, row: Row, sends: int) -> None:
        """No ack in time: is the link dead, or only the client silent? Any sign of life tells."""
        if row.withheld is not None:  # its ack may be among that
            self._after(row, _SWEEP_SECONDS, self._ack_over)
            return
        session, state = row.session, row.delivery.state
        if session is None or session.closed:
            self._happen(row, Happening(Event.SESSION_LOST))
            return

        def alive() -> None:
            if row.sends != sends or row.delivery.state is not state:
                return
            if row.withheld is not None:
                self._ack_over(row, sends)
            else:
                self._happen(row, Happening(Event.TIMED_OUT, in_time=row.deadline > self._loop.time()))

        session.probe(alive)
        self._sessions.ping(session, lambda: self._sessions.drop(session, "HEARTBEAT_LOST"))

    def _session_opened(self, session: Session) -> None:
        if session.screen_id is None:
            return
        for row in self.opened.of_screen(session.screen_id):
            if row.backing_off:
                row.stop_timer()
                row.backing_off = False
        self._resume(session.screen_id)

    def _session_closed(self, session: Session, reason: str) -> None:
        if session.screen_id is None or self.stopping:
            return
        for row in self.opened.of_screen(session.screen_id):
            if row.session is session:
                self._happen(row, Happening(Event.SESSION_LOST, detail=reason))

    def _resume(self, screen_id: str) -> None:
        for lane in self.opened.lanes_of(screen_id):
            for row in lane.rows:
                row.held = False
            self._pump(lane)

    def _tell_all(self, screen_id: str, event: Event) -> None:
        for row in self.opened.of_screen(screen_id):
            self._happen(row, Happening(event))

    def _over(self, row: Row) -> Happening:
        session = self._sessions.of_screen(row.delivery.screen_id)
        missing = session is not None and (row.held or session.lacks(row.delivery.display_index))
        return Happening(Event.EXPIRED, online=session is not None, cause=MISSING_DISPLAY if missing else None)

    async def _sweep(self) -> None:
        """Ends what has waited longer than its time to live."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._end_expired()

    def _end_expired(self) -> None:
        now = self._loop.time()
        for row in self.opened.expired(now):
            self._happen(row, self._over(row))
            if not row.delivery.final:
                self.opened.expire_at(row, now + _SWEEP_SECONDS)  # an attempt is under way: it runs out first
