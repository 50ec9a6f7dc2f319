"""What happens to a delivery while its cancelling is on its way to the disk: it has one end, there and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from appliance.core.delivery import Delivery
from tests.relay.test_life_of_a_relay import Relay, template

__all__ = ["template"]

LANE = ("S-1", 0)


def deleted(life: Relay) -> None:
    """As far as its deliveries are concerned."""
    life.plant.loop.call_soon(life.plant.engine.dispatcher.screen_removed, "S-1")


def again(life: Relay) -> None:
    if life.rows():
        life.cancel(number=0, turns=0)


WORDS: dict[str, Callable[[Relay], None]] = {
    "holds it": lambda life: life.client_holds_it(number=0, turns=0),
    "shows it": lambda life: life.client_shows_it(number=0, heard=True, turns=0),
    "fails": lambda life: life.client_fails(number=0, code="CLIENT_FAILED", turns=0),
    "fails for good": lambda life: life.client_fails(number=0, code="DOCUMENT_URL_REFUSED", turns=0),
    "misses the display": lambda life: life.client_fails(number=0, code="DISPLAY_NOT_AVAILABLE", turns=0),
}
EVENTS: dict[str, Callable[[Relay], None]] = {
    "a session comes": lambda life: life.connect(screen="S-1", capable=True, turns=0),
    "a session goes": lambda life: life.disconnect(screen="S-1", turns=0),
    "the displays change": lambda life: life.displays_change(screen="S-1", both=True, turns=0),
    "the pairing ends": lambda life: life.revoke(screen="S-1", turns=0),
    "the screen is deleted": deleted,
    "its order is found": lambda life: life.plant.orders.answer("ORD-1", unknown=False),
    "its order is unknown": lambda life: life.plant.orders.answer("ORD-1", unknown=True),
    "a newer one comes": lambda life: life.accept(lane=LANE, mode="latest", silent=False, ttl=600, turns=0),
    "it is cancelled again": again,
}


@pytest.fixture
def life() -> Iterator[Relay]:
    with capture_logs():
        life = Relay()
        yield life
        life.teardown()


def sent(life: Relay, *, capable: bool) -> None:
    life.connect(screen="S-1", capable=capable, turns=30)
    life.accept(lane=LANE, mode="latest", silent=False, ttl=600, turns=30)
    life.time_passes(seconds=0.01)
    life.promises()
    assert first(life).state == "sent"


def first(life: Relay) -> Delivery:
    return life.plant.saved[min(life.plant.saved)]


def goes_on(life: Relay) -> None:
    """Looks at the disk after each turn of the loop."""
    for _ in range(20):
        life.plant.turn(1)
        life.promises()
    life.time_passes(seconds=0.01)
    life.promises()


@pytest.mark.parametrize("capable", [False, True])
@pytest.mark.parametrize("word", WORDS)
def test_a_screen_s_word_that_crosses_a_cancelling_comes_behind_it(life: Relay, word: str, capable: bool) -> None:
    sent(life, capable=capable)
    life.cancel(number=0, turns=0)  # both begin in the same turn, and this one first
    WORDS[word](life)
    goes_on(life)
    proved = word == "shows it"
    assert [line.state for line in first(life).history[-2:]] == ["dead", "shown" if proved else "late"]
    assert (first(life).state, first(life).code) == (("shown", None) if proved else ("dead", "CANCELLED"))
    # The monitor is left as it is where it has just shown it, and blank otherwise, also for who comes back.
    assert (life.plant.engine.currents.get(*LANE) is not None) == proved
    assert life.plant.clients["S-1"].opening == {}
    life.crash(seconds=0.0)
    life.promises()


@pytest.mark.parametrize("turns", range(3))
@pytest.mark.parametrize("state", ["awaitingOrder", "pending", "sent"])
@pytest.mark.parametrize("event", EVENTS)
def test_what_crosses_a_cancelling_rewrites_nothing(life: Relay, event: str, state: str, turns: int) -> None:
    if state != "pending":
        life.connect(screen="S-1", capable=True, turns=30)
    life.accept(lane=LANE, mode="latest", silent=state == "awaitingOrder", ttl=600, turns=30)
    life.time_passes(seconds=0.01)
    life.promises()
    assert first(life).state == state
    life.cancel(number=0, turns=turns)
    EVENTS[event](life)
    goes_on(life)
    assert (first(life).state, first(life).code) == ("dead", "CANCELLED")
    assert sum(line.state == "sent" for line in first(life).history) == (state == "sent")
    life.crash(seconds=0.0)
    life.promises()
