"""The extension on an X server with two monitors: what a person sees there, and what happens when one is pulled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.floor import until
from tests.e2e.monitors import Monitors, two_monitors, why_no_monitors
from tests.e2e.plant import SCREEN, Plant, paired
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def monitors() -> Iterator[Monitors]:
    missing = why_no_monitors()
    if missing:
        pytest.skip(missing)
    with two_monitors() as monitors:
        yield monitors


def test_a_monitor_is_pulled_and_plugged_in_again(
    player: Playwright, tmp_path: Path, plant: Plant, monitors: Monitors
) -> None:
    pc = Workplace(player, tmp_path / "profile", display=monitors.display)
    pc.start()
    try:
        paired(pc, plant)
        assert plant.scan("ORD-1")["result"] == "shown"
        assert pc.on(1), pc.windows
        monitors.pull()
        until(lambda: len(pc.view["monitors"]) == 1)
        until(lambda: pc.windows == [])
        until(lambda: "vooster-monitor" in pc.notifications())
        waiting = plant.scan("ORD-2", wait_ms=2_000)
        assert (waiting["result"], plant.delivery(waiting)["state"]) == ("timeout", "pending")
        monitors.plug()
        until(lambda: plant.delivery(waiting)["state"] == "shown", 20)
        until(lambda: "/ORD-2." in pc.address_on(1))
        assert "vooster-monitor" not in pc.notifications()
        assert plant.screen()["displays"][1]["bounds"]["left"] == 1920
    finally:
        pc.stop()
    assert SCREEN
