"""Any life a delivery can have: the core's rules under crashes, late and lying clients, clocks and people."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from appliance.core.delivery import Delivery, Event, Happening, State, apply, decide
from tests.core import life
from tests.core.life import IN_FLIGHT, PROOF, Standing, World
from tests.support.machines import run

LANES = [("S-1", 0), ("S-1", 1), ("S-2", 0)]
SCREENS = ("S-1", "S-2")
YEAR = 365 * 86_400_000
MOMENTS = (1, 1_000, 4_000, 15_000, 60_000, 700_000)
CODES = (None, "NEVER_HEARD_OF", "CLIENT_FAILED", "DOCUMENT_LOAD_FAILED", "DISPLAY_NOT_AVAILABLE")
ENDS = {State.SHOWN, State.SUPERSEDED, State.DEAD}

lanes = st.sampled_from(LANES)
screens = st.sampled_from(SCREENS)
modes = st.sampled_from(("latest", "queue"))
which = st.integers(0, 10)


def pick(found: list[Any], number: int) -> Any:
    return found[number % len(found)]


class Life(RuleBasedStateMachine):
    """Everything that can happen to a plant of two screens and three lanes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(LANES)

    # --- triggers, the disk, crashes --------------------------------------------------------------------------------

    @rule(lane=lanes, mode=modes, awaiting=st.booleans(), ttl_ms=st.sampled_from((5_000, 600_000, 86_400_000)))
    def accept(self, lane: tuple[str, int], mode: str, awaiting: bool, ttl_ms: int) -> None:
        if lane[0] not in self.world.removed:
            self.world.accept(lane, mode, awaiting=awaiting, ttl_ms=ttl_ms)

    @rule(lane=lanes, mode=modes, is_opened=st.booleans())
    def somebody_scans(self, lane: tuple[str, int], mode: str, is_opened: bool) -> None:
        """The usual, without which lives would seldom get beyond their beginnings: the screen is on, the order is known
        and is on disk, and may stand on the monitor before a word of that has arrived."""
        screen, display = lane
        if screen in self.world.removed:
            return
        if screen not in self.world.sessions:
            self.world.connect(screen)
        self.world.accept(lane, mode, awaiting=False, ttl_ms=600_000)
        self.world.commit()
        if is_opened and display in self.world.clients[screen].opening:
            self.world.clients[screen].show(display)

    @rule()
    def commit(self) -> None:
        self.world.commit()

    @rule(down_ms=st.sampled_from((0, 5_000, 700_000)))
    def crash(self, down_ms: int) -> None:
        self.world.now += down_ms
        self.world.wall += down_ms
        self.world.crash()

    @rule(jump=st.sampled_from((-YEAR, -3_600_000, 3_600_000, YEAR)))
    def wall_clock_jumps(self, jump: int) -> None:
        self.world.pass_time(0)
        before = [standing.delivery.state for standing in self.world.open()]
        self.world.wall += jump
        self.world.pass_time(0)
        assert [standing.delivery.state for standing in self.world.open()] == before

    @rule(milliseconds=st.sampled_from(MOMENTS))
    def time_passes(self, milliseconds: int) -> None:
        self.world.pass_time(milliseconds)

    @rule()
    def backup_restored(self) -> None:
        self.world.backup_restored()

    # --- the order source -------------------------------------------------------------------------------------------

    def awaiting(self) -> list[Standing]:
        return [s for s in self.world.open() if s.delivery.state is State.AWAITING_ORDER]

    @precondition(lambda self: self.awaiting())
    @rule(number=which, refused=st.booleans())
    def order_source_answers(self, number: int, refused: bool) -> None:
        standing = pick(self.awaiting(), number)
        if refused:
            self.world.happen(standing, Happening(Event.ORDER_REFUSED, code="ORDER_NOT_FOUND"))
        else:
            self.world.order_found(standing)

    # --- screens ----------------------------------------------------------------------------------------------------

    @rule(screen=screens, capable=st.booleans())
    def connect(self, screen: str, capable: bool) -> None:
        if screen not in self.world.removed:
            self.world.connect(screen, capable=capable)

    @rule(screen=screens)
    def disconnect(self, screen: str) -> None:
        self.world.disconnect(screen)

    def opening(self) -> list[tuple[str, int]]:
        return [(s, d) for s, client in self.world.clients.items() for d in client.opening if s in self.world.sessions]

    @precondition(lambda self: self.opening())
    @rule(number=which)
    def client_holds_it(self, number: int) -> None:
        screen, display = pick(self.opening(), number)
        client = self.world.clients[screen]
        key = client.opening[display][0]
        self.world.ack(screen, key, Happening(Event.ACK_RECEIVED, online=True, shown_capable=client.capable))

    @precondition(lambda self: self.opening())
    @rule(number=which, ack=st.sampled_from(("arrives", "arrives", "is late", "is lost with the link")))
    def client_shows_it(self, number: int, ack: str) -> None:
        screen, display = pick(self.opening(), number)
        key = self.world.clients[screen].show(display)
        if ack == "arrives":
            self.say_shown(screen, key)
        elif ack == "is lost with the link":
            self.world.disconnect(screen)

    @precondition(lambda self: self.opening())
    @rule(number=which, code=st.sampled_from((*CODES, "DISPLAY_PERMISSION_DENIED", "DOCUMENT_URL_REFUSED")))
    def client_fails(self, number: int, code: str | None) -> None:
        screen, display = pick(self.opening(), number)
        key = self.world.clients[screen].opening.pop(display)[0]
        self.world.ack(screen, key, Happening(Event.FAILED, code=code))

    @rule(screen=screens)
    def displays_change(self, screen: str) -> None:
        self.world.displays_changed(screen)

    @rule(screen=screens, number=which, word=st.sampled_from(("received", "shown", "failed")))
    def client_says_it_again(self, screen: str, number: int, word: str) -> None:
        """Late, twice, or about an earlier round: what it once got, or once showed."""
        client = self.world.clients[screen]
        truly = [key for key, _ in client.shown] if word == "shown" else sorted(client.got)
        if not truly:
            return
        if word == "shown":  # what nobody has heard of first: the same once more changes nothing
            truly = [key for key in truly if self.world.known[key].state is not State.SHOWN] or truly
        key = pick(truly, number)
        if word == "shown":
            self.say_shown(screen, key)
        elif word == "failed":
            self.world.ack(screen, key, Happening(Event.FAILED, code="CLIENT_FAILED"))
        else:
            self.world.ack(screen, key, Happening(Event.ACK_RECEIVED, online=True, shown_capable=client.capable))

    @precondition(lambda self: self.world.known)
    @rule(screen=screens, number=which)
    def client_speaks_of_anothers(self, screen: str, number: int) -> None:
        foreign = [d.pk for d in self.world.known.values() if d.screen_id != screen]
        before = [(d.pk, d.state, len(d.history)) for d in self.world.known.values()]
        if foreign:
            self.world.ack(screen, pick(foreign, number), Happening(Event.ACK_SHOWN, evidence=PROOF))
        assert [(d.pk, d.state, len(d.history)) for d in self.world.known.values()] == before

    def say_shown(self, screen: str, key: int) -> None:
        delivery = self.world.known[key]
        overtaken = delivery.state is State.DEAD and self.world.shown_after(delivery)
        self.world.ack(screen, key, Happening(Event.ACK_SHOWN, evidence=PROOF, overtaken=overtaken))

    def in_flight(self) -> list[Standing]:
        return [s for s in self.world.open() if s.delivery.state in IN_FLIGHT]

    @precondition(lambda self: self.in_flight())
    @rule(number=which)
    def no_ack_in_time(self, number: int) -> None:
        self.world.happen(pick(self.in_flight(), number), Happening(Event.TIMED_OUT))

    # --- people -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.open())
    @rule(number=which)
    def cancel(self, number: int) -> None:
        standing = pick(self.world.open(), number)
        self.world.happen(standing, Happening(Event.CANCELLED))
        assert standing.delivery.code == "CANCELLED"

    def letters(self) -> list[Delivery]:
        return [d for d in self.world.known.values() if d.listed and d.screen_id not in self.world.removed]

    @precondition(lambda self: self.letters())
    @rule(number=which, awaiting=st.booleans())
    def replay(self, number: int, awaiting: bool) -> None:
        delivery = pick(self.letters(), number)
        self.world.reopen(delivery, Happening(Event.REPLAYED, awaiting=awaiting), delivery.ttl_ms)

    @precondition(lambda self: self.letters())
    @rule(number=which)
    def discard(self, number: int) -> None:
        delivery = pick(self.letters(), number)
        decision = decide(delivery, Happening(Event.DISCARDED), life.POLICY)
        assert decision is not None
        apply(delivery, decision, self.world.wall)
        self.world.changed.add(delivery.pk)

    @rule(screen=screens)
    def revoke(self, screen: str) -> None:
        self.world.disconnect(screen)
        for standing in self.world.of_screen(screen):
            self.world.happen(standing, Happening(Event.SCREEN_REVOKED))

    @rule(really=st.integers(0, 9))
    def remove(self, really: int) -> None:
        if really == 0:
            self.world.remove("S-2")
            assert not self.world.of_screen("S-2")

    # --- what holds at every moment ---------------------------------------------------------------------------------

    @invariant()
    def promises(self) -> None:
        self.nothing_promised_is_lost()
        self.no_lane_stands_still()
        self.at_most_one_latest_waits_in_a_lane()
        self.histories_go_forward()
        self.supersession_is_never_undone()
        self.the_dead_rise_in_a_new_round()
        self.nothing_is_shown_twice()

    def nothing_promised_is_lost(self) -> None:
        world = self.world
        assert world.promised <= world.disk.keys()
        standing = [s.delivery.pk for s in world.open()]
        assert len(standing) == len(set(standing)), "one stands in two places"
        assert set(standing) == {key for key, d in world.known.items() if not d.final}, "one is open and nowhere"
        for d in world.known.values():
            ends = d.state in ENDS or (d.state is State.RECEIVED and d.final)
            assert d.final == ends
            assert not d.listed or d.state is State.DEAD
            assert (d.code is not None) == (d.state is State.DEAD)
            assert d.state is not State.SHOWN or d.evidence == PROOF
            assert 1 <= d.attempt <= 4
            assert d.losses <= 20
            assert d.auto_rounds <= 3

    def no_lane_stands_still(self) -> None:
        """What could go out has gone out."""
        for (screen, _), lane in self.world.lanes.items():
            head = lane.head()
            if head is not None and head.delivery.state is State.PENDING and screen in self.world.sessions:
                assert head.held or head.waits_until > self.world.now

    def at_most_one_latest_waits_in_a_lane(self) -> None:
        for lane in self.world.lanes.values():
            known = [s.delivery for s in lane.rows if s.delivery.state is not State.AWAITING_ORDER]
            assert [d for d in known if d.mode == "latest"] in ([], known[-1:])

    def histories_go_forward(self) -> None:
        for d in self.world.known.values():
            steps = [(line.round, line.attempt) for line in d.history]
            assert steps == sorted(steps)

    def supersession_is_never_undone(self) -> None:
        for d in self.world.known.values():
            assert d.state is State.SUPERSEDED or all(line.state != State.SUPERSEDED for line in d.history)

    def the_dead_rise_in_a_new_round(self) -> None:
        for d in self.world.known.values():
            died_in = 0
            for line in d.history:
                if line.state == State.DEAD:
                    died_in = line.round
                elif line.state in {State.PENDING, State.AWAITING_ORDER}:
                    assert line.round > died_in

    def nothing_is_shown_twice(self) -> None:
        for client in self.world.clients.values():
            assert len(client.shown) == len(set(client.shown))

    def teardown(self) -> None:
        """Once everything is connected and answers, all that was promised has come to an end that can be told."""
        world = self.world
        world.commit()
        for screen in SCREENS:
            if screen not in world.removed:
                world.connect(screen)
        for _ in range(300):
            if not world.open():
                break
            for standing in self.awaiting():
                world.order_found(standing)
            for screen, display in self.opening():
                self.say_shown(screen, world.clients[screen].show(display))
            world.pass_time(1_000)
        assert not world.open(), "something never came to an end"
        for key in world.promised:
            d = world.known[key]
            assert d.state in {State.SHOWN, State.SUPERSEDED} or d.final
            assert d.state is not State.DEAD or d.code


def test_any_life_keeps_what_was_promised() -> None:
    run(Life, 120, 40)


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_any_long_life_keeps_what_was_promised() -> None:
    run(Life, 4_000, 80)


def test_an_order_found_late_waits_for_what_has_gone_out_meanwhile() -> None:
    world = World(LANES)
    world.accept(LANES[0], "queue", awaiting=True, ttl_ms=600_000)
    world.accept(LANES[0], "queue", awaiting=False, ttl_ms=600_000)
    world.connect("S-1")
    world.commit()
    late, known = sorted(world.known.values(), key=lambda d: d.pk)
    assert known.state is State.SENT
    world.order_found(world.open()[0])
    assert (late.state, known.state) == (State.PENDING, State.SENT)
    world.ack("S-1", world.clients["S-1"].show(0), Happening(Event.ACK_SHOWN, evidence=PROOF))
    assert (late.state, known.state) == (State.SENT, State.SHOWN)
    assert world.clients["S-1"].opening[0] == (late.pk, late.round)
