"""Any life of the real relay: its dispatcher, outbox and data file under crashes, clients, clocks and people."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from appliance.core.delivery import Delivery, State
from appliance.core.messages import Ack, Displays
from appliance.core.screens import Display
from appliance.errors import Problem
from appliance.relay.opened import Row
from tests.relay.plant import SOMEBODY, Client, Plant, shown
from tests.support.machines import run

SCREENS = ("S-1", "S-2")
LANES = (("S-1", 0), ("S-1", 1), ("S-2", 0))
YEAR = 365 * 86_400
WORDS = ("CLIENT_FAILED", "DOCUMENT_LOAD_FAILED", "DISPLAY_NOT_AVAILABLE", "DOCUMENT_URL_REFUSED", None, "WHAT")
VALUES: dict[str, dict[str, Any]] = {"orders": {"folder": "/nowhere"}, "delivery": {"queue_dwell_ms": 3_000}}

lanes = st.sampled_from(LANES)
screens = st.sampled_from(SCREENS)
modes = st.sampled_from(("latest", "queue"))
which = st.integers(0, 9)
turns = st.sampled_from((0, 1, 2, 4, 30))
"""How far the loop gets before the next thing happens; the last one lets everything settle."""


def pick(found: list[Any], number: int) -> Any:
    return found[number % len(found)]


async def refused(work: Coroutine[Any, Any, Any], code: str) -> None:
    """Does `work`, which may come too late."""
    try:
        await work
    except Problem as problem:
        assert problem.code == code, problem


class Relay(RuleBasedStateMachine):
    """Everything that can happen to an appliance with two screens and three lanes."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="life-", dir=self.template.parent))
        self.patch = pytest.MonkeyPatch()
        self.ended = False
        shutil.copytree(self.template, self.root / "data")
        self.plant = Plant(self.root / "data", self.patch, list(SCREENS), VALUES)
        self.numbers = 0

    # --- triggers ---------------------------------------------------------------------------------------------------

    def order(self, silent: bool) -> str:
        self.numbers += 1
        order_id = f"ORD-{self.numbers}"
        if silent:
            self.plant.orders.silent.add(order_id)
        return order_id

    @rule(lane=lanes, mode=modes, silent=st.booleans(), ttl=st.sampled_from((5, 600, 86_400)), turns=turns)
    def accept(self, lane: tuple[str, int], mode: str, silent: bool, ttl: int, turns: int) -> None:
        body = self.plant.body(self.order(silent), f"screen:{lane[0]}", mode, display=lane[1], ttl=ttl)
        self.plant.begin(self.plant.accept([body]))
        self.plant.turn(turns)

    @rule(several=st.lists(st.tuples(lanes, modes, st.booleans()), min_size=2, max_size=4), turns=turns)
    def accept_several(self, several: list[tuple[tuple[str, int], str, bool]], turns: int) -> None:
        bodies = [
            self.plant.body(self.order(silent), f"screen:{lane[0]}", mode, display=lane[1], ttl=600 + number)
            for number, (lane, mode, silent) in enumerate(several)
        ]
        self.plant.begin(self.plant.accept(bodies))
        self.plant.turn(turns)

    @rule(mode=modes, turns=turns)
    def accept_for_everybody(self, mode: str, turns: int) -> None:
        self.plant.begin(self.plant.accept([self.plant.body(self.order(False), "*", mode, display=None, ttl=600)]))
        self.plant.turn(turns)

    @precondition(lambda self: self.plant.promised)
    @rule(number=which)
    def send_it_once_more(self, number: int) -> None:
        body = pick(list(self.plant.promised.values()), number)
        receipt = self.plant.run(self.plant.engine.intake.accept(SOMEBODY, body))
        assert receipt.duplicate

    @precondition(lambda self: self.plant.orders.silent)
    @rule(number=which, unknown=st.booleans(), turns=turns)
    def order_source_answers(self, number: int, unknown: bool, turns: int) -> None:
        self.plant.orders.answer(pick(sorted(self.plant.orders.silent), number), unknown=unknown)
        self.plant.turn(turns)

    # --- time, crashes ----------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from((0.002, 0.01, 1.1, 3.5, 11.0, 26.0, 700.0)))
    def time_passes(self, seconds: float) -> None:
        self.plant.wait(seconds)

    @rule(seconds=st.sampled_from((0.0, 3.0, 700.0)))
    def crash(self, seconds: float) -> None:
        self.plant.crash(seconds)

    @rule()
    def restart(self) -> None:
        self.plant.restart()

    @rule(seconds=st.sampled_from((-YEAR, -3_600, 3_600, YEAR)))
    def wall_clock_jumps(self, seconds: int) -> None:
        self.plant.wait(0.02)
        before = [(row.delivery.id, row.delivery.state) for row in self.rows()]
        self.plant.ahead += seconds
        self.plant.wait(0.001)
        assert [(row.delivery.id, row.delivery.state) for row in self.rows()] == before

    @rule(really=st.integers(0, 4))
    def stored_state_is_replaced(self, really: int) -> None:
        if really == 0:
            self.plant.replace_state()

    # --- screens ----------------------------------------------------------------------------------------------------

    @rule(screen=screens, capable=st.booleans(), turns=turns)
    def connect(self, screen: str, capable: bool, turns: int) -> None:
        self.plant.run(self.plant.connect(screen, ["shown"] if capable else []))
        self.plant.turn(turns)

    @rule(screen=screens, turns=turns)
    def disconnect(self, screen: str, turns: int) -> None:
        self.plant.disconnect(screen)
        self.plant.turn(turns)

    @rule(screen=screens)
    def link_dies_unnoticed(self, screen: str) -> None:
        self.plant.clients[screen].answers = False

    @rule(screen=screens, both=st.booleans(), turns=turns)
    def displays_change(self, screen: str, both: bool, turns: int) -> None:
        displays = [Display(index=0), Display(index=1)] if both else [Display(index=0)]
        self.say(self.plant.clients[screen], Displays(displays=displays), turns)

    def say(self, client: Client, message: Any, turns: int) -> None:
        if client.answers:
            self.plant.begin(client.say(message))
        self.plant.turn(turns)

    def opening(self) -> list[tuple[Client, int]]:
        return [(c, d) for c in self.plant.clients.values() if c.wire is not None for d in c.opening]

    @precondition(lambda self: self.opening())
    @rule(number=which, turns=turns)
    def client_holds_it(self, number: int, turns: int) -> None:
        client, display = pick(self.opening(), number)
        self.say(client, Ack(id=client.opening[display].id, status="received"), turns)

    @precondition(lambda self: self.opening())
    @rule(number=which, heard=st.booleans(), turns=turns)
    def client_shows_it(self, number: int, heard: bool, turns: int) -> None:
        """With `heard` false the link breaks before its ack arrives."""
        client, display = pick(self.opening(), number)
        message = client.show(display)
        if heard:
            self.say(client, shown(message.id, display), turns)
        else:
            self.plant.disconnect(client.screen_id)

    @precondition(lambda self: self.opening())
    @rule(number=which, code=st.sampled_from(WORDS), turns=turns)
    def client_fails(self, number: int, code: str | None, turns: int) -> None:
        client, display = pick(self.opening(), number)
        self.say(client, Ack(id=client.opening.pop(display).id, status="failed", code=code), turns)

    @precondition(lambda self: self.opening())
    @rule(number=which)
    def client_never_manages(self, number: int) -> None:
        """Every attempt of a round fails, one after the other."""
        for _ in range(4):
            found = self.opening()
            if found:
                client, display = pick(found, number)
                self.say(client, Ack(id=client.opening.pop(display).id, status="failed", code="CLIENT_FAILED"), 30)
                self.plant.wait(4.1)

    @rule(screen=screens, number=which, word=st.sampled_from(("received", "shown", "failed")), turns=turns)
    def client_says_it_again(self, screen: str, number: int, word: Any, turns: int) -> None:
        """Late, twice, or about an earlier round: what it once got, or once showed."""
        client = self.plant.clients[screen]
        truly = [delivery_id for delivery_id, _ in client.shown] if word == "shown" else list(client.got)
        if truly:
            known = pick(truly, number)
            self.say(client, shown(known, 0) if word == "shown" else Ack(id=known, status=word), turns)

    @rule(screen=screens, number=which)
    def client_speaks_of_anothers(self, screen: str, number: int) -> None:
        foreign = [d.id for d in self.plant.saved.values() if d.screen_id != screen]
        if foreign:
            self.say(self.plant.clients[screen], shown(pick(foreign, number), 0), 30)

    # --- people -----------------------------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        return list(self.plant.engine.dispatcher.opened)

    def letters(self) -> list[Delivery]:
        return [d for d in self.plant.saved.values() if d.listed]

    @precondition(lambda self: self.rows())
    @rule(number=which, turns=turns)
    def cancel(self, number: int, turns: int) -> None:
        delivery_id = pick(self.rows(), number).delivery.id

        cancelling = self.plant.engine.cancellations.delivery(delivery_id, SOMEBODY, lambda _: True)
        self.plant.begin(refused(cancelling, "NOT_OPEN"))
        self.plant.turn(turns)

    @precondition(lambda self: self.letters())
    @rule(number=which, many=st.booleans(), turns=turns)
    def replay(self, number: int, many: bool, turns: int) -> None:
        chosen = self.letters() if many else [pick(self.letters(), number)]
        now = self.plant.loop.time()

        async def replay() -> None:
            result = await self.plant.engine.letters.replay([d.id for d in chosen], SOMEBODY)
            assert all(
                problem.code in {"NOT_DEAD", "NOT_FOUND", "SCREEN_NOT_FOUND"} for problem in result.refused.values()
            )

        for delivery in chosen:
            before = self.plant.deadlines[delivery.id]
            self.plant.deadlines[delivery.id] = max(before, now + delivery.ttl_ms / 1000)
        self.plant.begin(replay())
        self.plant.turn(turns)

    @precondition(lambda self: self.letters())
    @rule(number=which, turns=turns)
    def discard(self, number: int, turns: int) -> None:
        letters = self.plant.engine.letters
        self.plant.begin(letters.discard([pick(self.letters(), number).id], SOMEBODY))
        self.plant.turn(turns)

    @rule(screen=screens, turns=turns)
    def revoke(self, screen: str, turns: int) -> None:
        if screen in self.plant.engine.screens:
            self.plant.begin(refused(self.plant.engine.screens.revoke(screen, actor="test"), "SCREEN_NOT_FOUND"))
            self.plant.turn(turns)

    @rule(really=st.integers(0, 9), turns=turns)
    def remove(self, really: int, turns: int) -> None:
        if really == 0 and "S-2" in self.plant.engine.screens:
            self.plant.begin(refused(self.plant.engine.screens.remove("S-2", actor="test"), "SCREEN_NOT_FOUND"))
            self.plant.turn(turns)

    # --- what holds at every moment ---------------------------------------------------------------------------------

    @invariant()
    def promises(self) -> None:
        self.plant.audit()
        dispatcher, sessions = self.plant.engine.dispatcher, self.plant.engine.sessions
        lanes = dispatcher.opened.lanes()
        standing = [row.delivery.id for lane in lanes.values() for row in lane.rows]
        assert sorted(standing) == sorted(row.delivery.id for row in self.rows()), (
            "one stands in two places, or nowhere"
        )
        undecided = {row.delivery.id for row in self.rows() if row.withheld is not None}
        assert not undecided or not self.plant.engine.database.idle, "a cancelling never comes to its end"
        for (screen, display), lane in lanes.items():
            known = [row.delivery for row in lane.rows if row.delivery.state is not State.AWAITING_ORDER]
            known = [delivery for delivery in known if delivery.id not in undecided]
            assert [d for d in known if d.mode == "latest"] in ([], known[-1:]), "two of mode latest wait"
            head, session = lane.head(), sessions.of_screen(screen)
            if head is not None and head.waits and session is not None:
                rests = (screen, display) in dispatcher._dwell
                assert rests or head.held or head.backing_off or session.lacks(display), "a lane stands still"

    def teardown(self) -> None:
        """Once everything is connected and answers, all that was promised has come to an end that can be told."""
        if self.ended:
            return
        self.ended = True
        try:
            self._settle()
            self.plant.end()
        finally:
            self.patch.undo()
            shutil.rmtree(self.root, ignore_errors=True)

    def _settle(self) -> None:
        plant = self.plant
        plant.turn(30)
        for screen_id, client in plant.clients.items():
            client.eager = True
            plant.run(plant.connect(screen_id, ["shown"]))
        for order_id in sorted(plant.orders.silent):
            plant.orders.answer(order_id, unknown=False)
        for _ in range(200):
            plant.wait(5.0)
            if not plant.engine.dispatcher.unsettled:
                break
        self.promises()
        for delivery in plant.saved.values():
            assert delivery.final, f"{delivery.id} never came to an end: {delivery}"


def live(examples: int, steps: int, **more: Any) -> None:
    with capture_logs():
        run(Relay, examples, steps, **more)


@pytest.fixture(autouse=True, scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A data directory with its screens, which every example begins with a copy of."""
    root = tmp_path_factory.mktemp("template") / "data"
    with pytest.MonkeyPatch.context() as patch:
        Plant(root, patch, list(SCREENS), VALUES).end()
    Relay.template = root
    yield


@pytest.mark.timeout(180)
def test_any_life_of_a_relay_keeps_its_promises() -> None:
    live(60, 30)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_any_long_life_of_a_relay_keeps_its_promises() -> None:
    live(1_000, 50)


@pytest.mark.parametrize("turns", range(8))
def test_what_is_cancelled_while_a_newer_one_is_saved_ends_one_way(turns: int) -> None:
    """Each of both may reach the disk first, and both may in one commit."""
    life = Relay()
    with capture_logs():
        life.accept_for_everybody(mode="latest", turns=0)
        life.restart()
        life.accept_for_everybody(mode="latest", turns=0)
        life.cancel(number=0, turns=turns)
        life.promises()
        life.restart()
        life.promises()
        life.teardown()


def test_what_is_sent_again_beside_one_that_waits_for_its_order_has_begun_no_other_round() -> None:
    """What waits may have gone out just before the restart, so the other one goes out again with the number of that."""
    life = Relay()
    with capture_logs():
        life.accept(lane=("S-1", 0), mode="queue", silent=True, ttl=600, turns=30)
        life.cancel(number=0, turns=30)
        life.accept(lane=("S-1", 0), mode="latest", silent=False, ttl=600, turns=30)
        life.connect(screen="S-1", capable=True, turns=30)
        life.client_shows_it(number=0, heard=False, turns=30)
        life.promises()
        life.replay(number=0, many=False, turns=30)
        life.restart()
        life.teardown()
