"""Monitors that are pulled and plugged in again, while work orders stand on them."""

from __future__ import annotations

import pytest

from tests.e2e.floor import until
from tests.e2e.plant import Plant, paired
from tests.e2e.workplace import Workplace, settled

pytestmark = pytest.mark.timeout(180)


def test_the_second_monitor_is_pulled_and_plugged_in_again(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    pc.unplug(1920)
    until(lambda: pc.windows == [])
    until(lambda: "vooster-monitor" in pc.notifications())
    until(lambda: pc.shown is None)
    waiting = plant.scan("ORD-2", wait_ms=2_000)
    assert (waiting["result"], plant.delivery(waiting)["state"]) == ("timeout", "pending")
    pc.plug(1920)
    until(lambda: "/ORD-2." in pc.document_on(1))
    until(lambda: plant.delivery(waiting)["state"] == "shown")
    assert "vooster-monitor" not in pc.notifications()


def test_what_stood_there_comes_back_with_the_monitor(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    pc.unplug(1920)
    until(lambda: pc.windows == [])
    pc.plug(1920)
    until(lambda: "/ORD-1." in pc.document_on(1))
    until(lambda: pc.shown == "ORD-1")


def test_of_three_monitors_the_middle_one_is_pulled_and_plugged_in_again(pc: Workplace, plant: Plant) -> None:
    pc.plug(3840)
    until(lambda: len(pc.view["monitors"]) == 3)
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    assert plant.scan("ORD-2", displayIndex=2)["result"] == "shown"
    assert "/ORD-2." in pc.document_on(2)
    pc.unplug(1920)
    # Orders for index 1 go to the second of two monitors, and nothing stays under another's number.
    until(lambda: "/ORD-1." in pc.document_on(2))
    settled(lambda: len(pc.windows) == 1)
    pc.plug(1920)
    until(lambda: "/ORD-1." in pc.document_on(1))
    until(lambda: "/ORD-2." in pc.document_on(2))
    assert plant.scan("ORD-4")["result"] == "shown"
    assert "/ORD-4." in pc.document_on(1) and "/ORD-2." in pc.document_on(2)
