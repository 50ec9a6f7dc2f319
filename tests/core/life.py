"""A small relay and its screens in memory: what the contract promises, told plainly, around the core's real rules.

Nothing here waits and nothing is written: time is a number that is moved by hand, the disk is a dictionary that holds
what has been committed, and a client is what the contract's client rule makes of what it is sent. A promise that is
broken is an `AssertionError` at the moment it happens.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from appliance.core.delivery import Delivery, Event, Happening, HistoryEntry, State, apply, decide
from appliance.core.lanes import Lane
from appliance.core.retry import RetryPolicy

POLICY = RetryPolicy()
PROOF = {"display": {"index": 0}, "url": "http://screen"}
START = 1_700_000_000_000
IN_FLIGHT = (State.SENT, State.RECEIVED)


@dataclass
class Client:
    """A screen's program by the contract's rule: never the same (id, round) twice, never an older `seq`."""

    capable: bool = True
    newest: dict[int, int] = field(default_factory=dict)
    shown: list[tuple[int, int]] = field(default_factory=list)
    """(key, round) in the order in which the monitor showed them."""
    opening: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By display, what it was sent last and has neither shown nor failed."""
    got: set[int] = field(default_factory=set)

    def navigate(self, delivery: Delivery, seq: int) -> None:
        display, sent = delivery.display_index, (delivery.pk, delivery.round)
        if sent not in self.shown:
            assert seq >= self.newest.get(display, 0), f"{delivery.id} is stale: the screen ignores it"
            self.newest[display] = seq
        self.opening[display] = sent
        self.got.add(delivery.pk)

    def show(self, display: int) -> int:
        """Shows what it was sent, unless it has before; returns its key."""
        sent = self.opening.pop(display)
        if sent not in self.shown:
            self.shown.append(sent)
        return sent[0]


class Standing:
    """An open delivery in its lane, with what a restart forgets."""

    def __init__(self, delivery: Delivery, deadline: int) -> None:
        self.delivery = delivery
        self.deadline = deadline
        self.waits_until = 0
        self.held = False
        self.session = 0


class World:
    """The appliance, its disk and its screens."""

    def __init__(self, lanes: list[tuple[str, int]]) -> None:
        self.now = 0
        self.wall = START
        self.disk: dict[int, Delivery] = {}
        self.known: dict[int, Delivery] = {}
        """Every delivery as this run knows it."""
        self.changed: set[int] = set()
        self.asked: list[tuple[Delivery, int]] = []
        """Triggers that wait for their commit, with their deadlines: nobody was promised anything yet."""
        self.promised: set[int] = set()
        self.lanes: dict[tuple[str, int], Lane[Standing]] = {key: Lane() for key in lanes}
        self.clients = {screen: Client() for screen, _ in lanes}
        self.sessions: dict[str, int] = {}
        self.removed: set[str] = set()
        self._seq = 0
        self._session = 0

    # --- accepting and the disk -------------------------------------------------------------------------------------

    def accept(self, lane: tuple[str, int], mode: str, *, awaiting: bool, ttl_ms: int) -> None:
        self._seq += 1
        state = State.AWAITING_ORDER if awaiting else State.PENDING
        line = HistoryEntry(at=self.wall, state=state.value, round=1, attempt=1)
        delivery = Delivery(
            pk=self._seq, trigger_pk=self._seq, trigger_id=str(self._seq), sender="key:1", order_id="ORD-1",
            target=f"screen:{lane[0]}", screen_id=lane[0], display_index=lane[1], mode=mode, seq=self._seq,
            accepted_at=self.wall, ttl_ms=ttl_ms, expires_at=self.wall + ttl_ms, state=state, history=[line],
            ref=None if awaiting else "folder:1",
        )  # fmt: skip
        self.asked.append((delivery, self.now + ttl_ms))

    def commit(self) -> None:
        """What was asked for is accepted, what has changed is on disk; only then is anything new sent."""
        asked, self.asked = self.asked, []
        for delivery, _ in asked:
            self.known[delivery.pk] = delivery
        for key in self.changed | {delivery.pk for delivery, _ in asked}:
            self._save(self.known[key])
        self.changed.clear()
        for delivery, deadline in asked:
            self.promised.add(delivery.pk)
            self._stand(delivery, deadline)
            if delivery.screen_id in self.removed:
                self.remove(delivery.screen_id)

    def _save(self, delivery: Delivery) -> None:
        before = self.disk.get(delivery.pk)
        if before is not None and before.final and before.state is not State.DEAD:
            same = (delivery.state, delivery.round, delivery.evidence) == (before.state, before.round, before.evidence)
            assert same, f"{before.state} changed to {delivery.state}"
        if before is not None:
            assert delivery.history[: len(before.history)] == before.history, "the history was rewritten"
        self.disk[delivery.pk] = copy.deepcopy(delivery)

    def crash(self) -> None:
        """Everything that is not on disk is gone; the appliance starts again."""
        self.asked.clear()
        self.changed.clear()
        self.known = copy.deepcopy(self.disk)
        self.lanes = {key: Lane() for key in self.lanes}
        self.sessions.clear()
        for client in self.clients.values():
            client.opening.clear()
        self.recover()
        self.pass_time(0)

    def recover(self) -> None:
        for key, lane in self.lanes.items():
            mine = [d for d in self.known.values() if (d.screen_id, d.display_index) == key]
            lane.newest = max((d.seq for d in mine if was_pending(d)), default=0)
            lane.sent = max((d.seq for d in mine), default=0)
            for delivery in sorted((d for d in mine if not d.final), key=lambda d: d.seq):
                standing = Standing(delivery, self.now + delivery.expires_at - self.wall)
                lane.add(standing)
                self.happen(standing, Happening(Event.RESTARTED))
                if lane.overtaken(delivery):
                    self.happen(standing, Happening(Event.NEWER))
        for screen in sorted(self.removed):  # the crash came between its end and that of what was for it
            self.remove(screen)

    # --- what happens -----------------------------------------------------------------------------------------------

    def happen(self, standing: Standing, happening: Happening) -> None:
        """One event for an open delivery, and what follows."""
        delivery, lane = standing.delivery, self.lane(standing.delivery)
        before = delivery.state
        decision = decide(delivery, happening, POLICY)
        if decision is None:
            return
        apply(delivery, decision, self.wall)
        self.changed.add(delivery.pk)
        if decision.state is None:
            return
        standing.waits_until = self.now + decision.backoff_ms if decision.backoff_ms else 0
        standing.held = decision.held
        if decision.clear and standing.session == self.sessions.get(delivery.screen_id):
            self.clients[delivery.screen_id].opening.pop(delivery.display_index, None)
        if delivery.final:
            lane.remove(standing)
        elif before is State.AWAITING_ORDER and delivery.state is State.PENDING:
            self._became_pending(standing)
        self.turn(lane)

    def order_found(self, standing: Standing) -> None:
        """The look-up of one that waited for its order has succeeded."""
        delivery, lane = standing.delivery, self.lane(standing.delivery)
        delivery.ref = "folder:1"
        self.happen(standing, Happening(Event.ORDER_FOUND, overtaken=lane.overtaken(delivery)))

    def turn(self, lane: Lane[Standing]) -> None:
        """The lane's head goes out, if it can."""
        head = lane.head()
        if head is None or head.delivery.state is not State.PENDING:
            return
        delivery, session = head.delivery, self.sessions.get(head.delivery.screen_id)
        if self.now >= head.deadline:
            self.happen(head, Happening(Event.EXPIRED, online=session is not None))
        elif session is not None and self.now >= head.waits_until and not head.held:
            assert not [s for s in lane.rows if s.delivery.state in IN_FLIGHT], "two in flight in one lane"
            older = [s for s in lane.older(head) if s.delivery.state is not State.AWAITING_ORDER]
            assert not older, "an older one of the lane was passed over"
            overtaken = delivery.mode == "latest" and lane.newest > delivery.seq
            assert not overtaken, "one that was overtaken went out"
            decision = decide(delivery, Happening(Event.DISPATCHED), POLICY)
            assert decision is not None
            apply(delivery, decision, self.wall)
            self.changed.add(delivery.pk)
            head.session = session
            lane.sent = max(lane.sent, delivery.seq)
            self.clients[delivery.screen_id].navigate(delivery, lane.sent)

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _stand(self, delivery: Delivery, deadline: int) -> None:
        standing = Standing(delivery, deadline)
        self.lane(delivery).add(standing)
        if delivery.state is State.PENDING:
            self._became_pending(standing)

    def _became_pending(self, standing: Standing) -> None:
        lane = self.lane(standing.delivery)
        for older in lane.older(standing):
            self.happen(older, Happening(Event.NEWER))
        lane.newest = max(lane.newest, standing.delivery.seq)
        self.turn(lane)

    def lane(self, delivery: Delivery) -> Lane[Standing]:
        return self.lanes[delivery.screen_id, delivery.display_index]

    def open(self) -> list[Standing]:
        return [standing for lane in self.lanes.values() for standing in lane.rows]

    def of_screen(self, screen: str) -> list[Standing]:
        return [standing for standing in self.open() if standing.delivery.screen_id == screen]

    def standing(self, key: int) -> Standing | None:
        return next((standing for standing in self.open() if standing.delivery.pk == key), None)

    # --- screens ----------------------------------------------------------------------------------------------------

    def connect(self, screen: str, *, capable: bool = True) -> None:
        """A new session, which replaces an older one and takes up what had used up its retries."""
        self.disconnect(screen)
        self._session += 1
        self.sessions[screen] = self._session
        self.clients[screen].capable = capable
        for standing in self.of_screen(screen):
            standing.waits_until, standing.held = 0, False
        for lane in self._lanes_of(screen):
            self.turn(lane)
        for delivery in sorted(self.known.values(), key=lambda d: d.seq):
            if delivery.screen_id == screen and delivery.listed and delivery.expires_at > self.wall:
                overtaken = self.lane(delivery).overtaken(delivery)
                self.reopen(
                    delivery, Happening(Event.SESSION_NEW, overtaken=overtaken), delivery.expires_at - self.wall
                )

    def disconnect(self, screen: str) -> None:
        session = self.sessions.pop(screen, None)
        self.clients[screen].opening.clear()
        for standing in self.of_screen(screen):
            if session is not None and standing.session == session:
                self.happen(standing, Happening(Event.SESSION_LOST))

    def ack(self, screen: str, key: int, happening: Happening) -> None:
        """A client's word. One about a foreign delivery is `NOT_FOUND`; `failed` counts from where it was sent last."""
        delivery = self.known.get(key)
        if delivery is None or delivery.screen_id != screen or screen not in self.sessions:
            return
        standing = self.standing(key)
        if standing is not None:
            if happening.event is Event.FAILED and standing.session != self.sessions[screen]:
                return
            if delivery.state is State.PENDING:
                standing.session = self.sessions[screen]
            self.happen(standing, happening)
            return
        decision = decide(delivery, happening, POLICY)
        if decision is not None:
            apply(delivery, decision, self.wall)
            self.changed.add(key)

    def shown_after(self, delivery: Delivery) -> bool:
        """Whether a newer one of its lane has been shown."""
        ended = (d for d in self.known.values() if d.final and d.state in (State.SHOWN, State.RECEIVED))
        return any(d.lane == delivery.lane and d.seq > delivery.seq for d in ended)

    def displays_changed(self, screen: str) -> None:
        for lane in self._lanes_of(screen):
            for standing in lane.rows:
                standing.held = False
            self.turn(lane)

    def remove(self, screen: str) -> None:
        self.disconnect(screen)
        for standing in self.of_screen(screen):
            self.happen(standing, Happening(Event.SCREEN_REMOVED))
        self.removed.add(screen)

    def _lanes_of(self, screen: str) -> list[Lane[Standing]]:
        return [lane for (owner, _), lane in self.lanes.items() if owner == screen]

    # --- people and time --------------------------------------------------------------------------------------------

    def reopen(self, delivery: Delivery, happening: Happening, ttl_ms: int) -> None:
        """A new round of a dead one, at the end of its lane: on disk before it is sent, like anything accepted."""
        decision = decide(delivery, happening, POLICY)
        if decision is None:
            return
        self._seq += 1
        delivery.seq, delivery.expires_at = self._seq, self.wall + ttl_ms
        apply(delivery, decision, self.wall)
        self.changed.add(delivery.pk)
        self.commit()
        self._stand(delivery, self.now + ttl_ms)

    def backup_restored(self) -> None:
        """The stored state was replaced: nothing of it is sent by itself, and clients forget (a new epoch)."""
        self.crash()
        for standing in self.open():
            self.happen(standing, Happening(Event.RESTORED))
        self.commit()
        for client in self.clients.values():
            client.newest.clear()
            client.shown.clear()

    def pass_time(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.wall += milliseconds
        for standing in self.open():
            if standing.deadline <= self.now and not standing.delivery.final:
                online = standing.delivery.screen_id in self.sessions
                self.happen(standing, Happening(Event.EXPIRED, online=online))
        for lane in self.lanes.values():
            self.turn(lane)


def was_pending(delivery: Delivery) -> bool:
    """Whether its order was known in this round."""
    known = {"pending", "sent", "received", "shown"}
    return any(line.round == delivery.round and line.state in known for line in delivery.history)
