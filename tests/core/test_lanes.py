"""Who stands in a lane, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from appliance.core.delivery import Delivery, State
from appliance.core.lanes import MAX_OPEN, Lane
from tests.core.test_delivery import delivery


@dataclass
class Standing:
    delivery: Delivery


def standing(seq: int, state: str = "pending") -> Standing:
    return Standing(delivery(state, seq=seq))


def test_the_oldest_is_the_head_in_whatever_order_they_came() -> None:
    rows = [standing(seq) for seq in range(1, 30)]
    shuffled = list(rows)
    Random(1).shuffle(shuffled)
    lane: Lane[Standing] = Lane()
    for row in shuffled:
        lane.add(row)
    assert lane.rows == rows
    for row in rows:
        assert lane.head() is row
        lane.remove(row)
    assert lane.head() is None


def test_who_waits_for_an_order_holds_nobody_back() -> None:
    lane: Lane[Standing] = Lane()
    waiting, known = standing(1, "awaitingOrder"), standing(2)
    lane.add(waiting)
    assert lane.head() is None
    lane.add(known)
    assert lane.head() is known
    waiting.delivery.state = State.PENDING
    assert lane.head() is waiting


def test_what_is_on_its_way_stays_the_head() -> None:
    lane: Lane[Standing] = Lane()
    for row in (standing(1, "sent"), standing(2)):
        lane.add(row)
    head = lane.head()
    assert head is not None and head.delivery.seq == 1


def test_older_ones_are_those_accepted_before() -> None:
    lane: Lane[Standing] = Lane()
    rows = [standing(seq, state) for seq, state in ((1, "awaitingOrder"), (2, "sent"), (3, "pending"), (4, "pending"))]
    for row in rows:
        lane.add(row)
    assert lane.older(rows[2]) == rows[:2]


def test_overtaken_means_that_a_newer_one_became_pending() -> None:
    lane: Lane[Standing] = Lane()
    lane.newest = 5
    assert lane.overtaken(delivery("awaitingOrder", seq=4))
    assert not lane.overtaken(delivery("awaitingOrder", seq=5))


def test_the_bound_is_the_contracts() -> None:
    assert MAX_OPEN == 1_000
