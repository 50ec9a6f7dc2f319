"""The machine of `test_life_of_a_relay` can fail: relays that break one promise each, all of which it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import Phase

from appliance.core.delivery import Decision, Delivery, Event, Happening, decide
from appliance.core.messages import Navigate
from appliance.core.retry import RetryPolicy
from appliance.relay import dispatcher, navigation
from appliance.relay.opened import Row
from appliance.relay.takeup import TakeUp
from appliance.storage.outbox import Outbox
from tests.relay.test_life_of_a_relay import Relay, live, template

__all__ = ["template"]

Fault = Callable[[pytest.MonkeyPatch], None]


def without(event: Event) -> Fault:
    def otherwise(patch: pytest.MonkeyPatch) -> None:
        def changed(delivery: Delivery, happening: Happening, policy: RetryPolicy) -> Decision | None:
            return None if happening.event is event else decide(delivery, happening, policy)

        patch.setattr(dispatcher, "decide", changed)

    return otherwise


def time_to_live_is_ignored(patch: pytest.MonkeyPatch) -> None:
    begin = Row.__init__
    patch.setattr(Row, "__init__", lambda row, delivery, arrived, _end: begin(row, delivery, arrived, arrived + 1e9))


def changes_are_not_saved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outbox, "mark", lambda _outbox, _delivery, then=None: then and then())


def sent_with_its_own_number(patch: pytest.MonkeyPatch) -> None:
    def navigate(delivery: Delivery, *more: Any, **named: Any) -> Navigate:
        return msgspec.structs.replace(navigation.navigate(delivery, *more, **named), seq=delivery.seq)

    patch.setattr(dispatcher, "navigate", navigate)


def a_round_begins_before_it_is_saved(patch: pytest.MonkeyPatch) -> None:
    async def otherwise(itself: TakeUp, begun: list[tuple[Delivery, int]]) -> None:
        for delivery, _ in begun:
            itself._dispatcher.release(delivery)
        itself._dispatcher.reopened(begun)

    patch.setattr(TakeUp, "_save_and_open", otherwise)


def nothing_waits_for_a_cancelling(patch: pytest.MonkeyPatch) -> None:
    cancelling = dispatcher.Dispatcher.cancelling

    def otherwise(itself: dispatcher.Dispatcher, row: Row, *more: Any) -> Delivery:
        copy = cancelling(itself, row, *more)
        row.withheld = None
        return copy

    patch.setattr(dispatcher.Dispatcher, "cancelling", otherwise)


FAULTS: dict[str, Fault] = {
    "nothing is superseded": without(Event.NEWER),
    "a lost session leaves it sent": without(Event.SESSION_LOST),
    "time to live is ignored": time_to_live_is_ignored,
    "changes are not saved": changes_are_not_saved,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_relay_that_breaks_its_promise_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[fault](monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        live(150, 30, phases=(Phase.generate,), derandomize=True, print_blob=False)


def an_order_found_late() -> None:
    relay = Relay()
    relay.accept(lane=("S-1", 0), mode="queue", silent=True, ttl=600, turns=30)
    relay.accept_for_everybody(mode="latest", turns=30)
    relay.teardown()


def a_crash_before_the_ack() -> None:
    relay = Relay()
    relay.connect(screen="S-1", capable=True, turns=30)
    relay.accept(lane=("S-1", 0), mode="latest", silent=False, ttl=600, turns=30)
    relay.time_passes(seconds=0.01)
    relay.crash(seconds=0.0)
    relay.teardown()


def a_crash_as_a_round_begins_by_itself() -> None:
    relay = Relay()
    relay.connect(screen="S-1", capable=True, turns=30)
    relay.accept(lane=("S-1", 0), mode="latest", silent=False, ttl=600, turns=30)
    relay.client_never_manages(number=0)
    relay.connect(screen="S-1", capable=True, turns=30)
    relay.crash(seconds=0.0)
    relay.connect(screen="S-1", capable=True, turns=30)
    relay.teardown()


def a_word_that_crosses_a_cancelling() -> None:
    relay = Relay()
    relay.connect(screen="S-1", capable=False, turns=30)
    relay.accept(lane=("S-1", 0), mode="latest", silent=False, ttl=600, turns=30)
    relay.time_passes(seconds=0.01)
    relay.cancel(number=0, turns=0)
    relay.client_holds_it(number=0, turns=0)
    for _ in range(10):
        relay.plant.turn(1)
        relay.promises()
    relay.teardown()


@pytest.mark.parametrize(
    ("life", "fault"),
    [
        (an_order_found_late, sent_with_its_own_number),
        (a_crash_before_the_ack, without(Event.RESTARTED)),
        (a_crash_as_a_round_begins_by_itself, a_round_begins_before_it_is_saved),
        (a_word_that_crosses_a_cancelling, nothing_waits_for_a_cancelling),
    ],
)
def test_one_life_goes_well_until_a_promise_is_broken(
    life: Callable[[], None], fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    life()
    fault(monkeypatch)
    with pytest.raises(
        AssertionError, match=r"older than what the screen has seen|never came to an end|was rewritten|round twice"
    ):
        life()
