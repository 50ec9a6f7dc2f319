"""The machine of `test_life` can fail: relays that break one promise each, all of which it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase
from msgspec.structs import replace

from appliance.core.delivery import Decision, Delivery, Event, Happening, State, decide
from appliance.core.lanes import Lane
from appliance.core.retry import RetryPolicy
from tests.core import life
from tests.core.life import Client, Standing, World
from tests.core.test_life import Life
from tests.support.machines import run

Fault = Callable[[pytest.MonkeyPatch], None]


def deciding(change: Callable[[Delivery, Happening, Decision | None], Decision | None]) -> Fault:
    """A world in which the table says something else."""

    def otherwise(patch: pytest.MonkeyPatch) -> None:
        def changed(delivery: Delivery, happening: Happening, policy: RetryPolicy) -> Decision | None:
            return change(delivery, happening, decide(delivery, happening, policy))

        patch.setattr(life, "decide", changed)

    return otherwise


def without(event: Event) -> Fault:
    return deciding(lambda _delivery, happening, decision: None if happening.event is event else decision)


def shown_undoes_supersession(delivery: Delivery, happening: Happening, decision: Decision | None) -> Decision | None:
    if delivery.state is State.SUPERSEDED and happening.event is Event.ACK_SHOWN:
        return Decision(State.SHOWN, final=True, evidence=happening.evidence)
    return decision


def no_new_round(_delivery: Delivery, _happening: Happening, decision: Decision | None) -> Decision | None:
    return decision and replace(decision, new_round=False)


def promised_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    accept = World.accept

    def at_once(world: World, *lane: Any, **kinds: Any) -> None:
        accept(world, *lane, **kinds)
        world.promised.add(world.asked[-1][0].pk)

    patch.setattr(World, "accept", at_once)


def back_off_frees_the_lane(patch: pytest.MonkeyPatch) -> None:
    def head(lane: Lane[Standing]) -> Standing | None:
        known = [standing for standing in lane.rows if standing.delivery.state is not State.AWAITING_ORDER]
        return next((standing for standing in known if not standing.waits_until), known[0] if known else None)

    patch.setattr(Lane, "head", head)


def an_older_one_cuts_in(patch: pytest.MonkeyPatch) -> None:
    def head(lane: Lane[Standing]) -> Standing | None:
        return next((standing for standing in lane.rows if standing.delivery.state is not State.AWAITING_ORDER), None)

    patch.setattr(Lane, "head", head)


def sent_with_its_own_number(patch: pytest.MonkeyPatch) -> None:
    navigate = Client.navigate
    patch.setattr(Client, "navigate", lambda client, delivery, _seq: navigate(client, delivery, delivery.seq))


FAULTS: dict[str, Fault] = {
    "what was sent is forgotten at a restart": without(Event.RESTARTED),
    "nothing is superseded": without(Event.NEWER),
    "time to live is ignored": without(Event.EXPIRED),
    "a cancel has no effect": without(Event.CANCELLED),
    "a lost session leaves it sent": without(Event.SESSION_LOST),
    "a late word undoes a supersession": deciding(shown_undoes_supersession),
    "a replay is no new round": deciding(no_new_round),
    "promised before the commit": promised_before_the_commit,
    "back-off frees the lane": back_off_frees_the_lane,
    "an order found late cuts in": an_older_one_cuts_in,
    "an order found late keeps its number": sent_with_its_own_number,
    "what has overtaken is forgotten": lambda patch: patch.setattr(Lane, "overtaken", lambda *_: False),
    "nothing is remembered of a commit": lambda patch: patch.setattr(World, "_save", lambda *_: None),
}


RARE = {
    "a late word undoes a supersession",
    "what has overtaken is forgotten",
    "what was sent is forgotten at a restart",
}
"""What takes many steps in one order to show."""


def _found(fault: str, monkeypatch: pytest.MonkeyPatch, lives: int) -> None:
    FAULTS[fault](monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        run(Life, lives, 40, phases=(Phase.generate,), derandomize=True, print_blob=False)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - RARE))
def test_a_relay_that_breaks_its_promise_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _found(fault, monkeypatch, 3_000)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", sorted(RARE))
def test_one_that_breaks_it_rarely_is_found_in_the_end(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _found(fault, monkeypatch, 20_000)
