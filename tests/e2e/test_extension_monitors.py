"""The extension on an X server with two monitors: what is seen there, who gets the keys, one that is pulled."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, Playwright, expect

from tests.e2e.floor import PASSWORD, SAMPLES, until
from tests.e2e.monitors import Monitors, two_monitors, why_no_monitors
from tests.e2e.plant import SCREEN, Plant, hand_over, paired
from tests.e2e.workplace import Workplace

# The form would make the browser ask whether to keep the password, over the page.
_SIGN_IN = """(body) => fetch("/api/auth/login", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
})"""

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def monitors() -> Iterator[Monitors]:
    missing = why_no_monitors()
    if missing:
        pytest.skip(missing)
    with two_monitors() as monitors:
        yield monitors


@pytest.fixture
def pc(player: Playwright, tmp_path: Path, monitors: Monitors) -> Iterator[Workplace]:
    pc = Workplace(player, tmp_path / "profile", display=monitors.display)
    pc.start()
    yield pc
    pc.stop()


def test_a_monitor_is_pulled_and_plugged_in_again(pc: Workplace, plant: Plant, monitors: Monitors) -> None:
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
    until(lambda: "/ORD-2." in pc.document_on(1))
    assert "vooster-monitor" not in pc.notifications()
    assert plant.screen()["displays"][1]["bounds"]["left"] == 1920
    keeps_keyboard(pc)


def test_whoever_scans_types_on_the_main_monitor(pc: Workplace, plant: Plant, monitors: Monitors) -> None:
    """Each order is struck as keys, and becomes a scan only where the scan page has the keyboard."""
    paired(pc, plant)
    keeps_keyboard(pc)
    desk = scan_page(pc, plant, monitors)
    for order in ("ORD-1", "ORD-2", "ORD-3"):
        scanned(desk, monitors, order)
        assert f"/{order}." in pc.document_on(1)
    plant.post(f"/api/screens/{SCREEN}/identify", plant.key, {})
    until(lambda: len(pc.windows) == 2)
    keeps_keyboard(pc)
    scanned(desk, monitors, "ORD-4")
    monitors.pull()
    until(lambda: pc.windows == [])
    monitors.plug()
    until(lambda: "/ORD-4." in pc.document_on(1), 20)
    scanned(desk, monitors, "ORD-2")


def test_pictures_of_both_monitors(pc: Workplace, plant: Plant, monitors: Monitors) -> None:
    """From the code to a failed document, as people stand before it; pictures are kept where somebody wants them."""
    for sample in SAMPLES.iterdir():
        if sample.is_file():
            shutil.copy2(sample, plant.orders)
    wide(pc)
    hand_over(pc, plant, {})
    pc.becomes("found")
    pc.context.pages[0].goto(f"{plant.base}/extension")
    kept(pc, monitors, "monitors-found", popup=True)
    pc.tell(do="connect")
    pc.becomes("pairing")
    code = until(lambda: (pc.view["asking"] or {}).get("userCode"))
    expect(pc.page_on(1).locator("body")).to_contain_text(code.split("-")[0])
    keeps_keyboard(pc)
    kept(pc, monitors, "monitors-code", popup=True)
    paired(pc, plant)
    desk = scan_page(pc, plant, monitors)
    scanned(desk, monitors, "ORD-1001")
    kept(pc, monitors, "monitors-shown")
    broken = plant.scan(url="http://127.0.0.1:9/ORD-1002.pdf", title="ORD-1002")
    assert broken["result"] == "dead"
    expect(pc.page_on(1).locator("body")).to_contain_text("DOCUMENT_LOAD_FAILED")
    keeps_keyboard(pc)
    desk.goto(f"{plant.base}/")
    kept(pc, monitors, "monitors-failed")


def has_keyboard(pc: Workplace) -> bool:
    """Whether the browser's own window has it, and none of the extension's."""
    windows = pc.worker.evaluate("chrome.windows.getAll()")
    return [one["type"] for one in windows if one["focused"]] == ["normal"]


def keeps_keyboard(pc: Workplace) -> None:
    """A window manager's moves are answered within a moment, and for a second after that nothing takes it."""
    lost_at = began = time.monotonic()
    while time.monotonic() < lost_at + 1:
        if not has_keyboard(pc):
            lost_at = time.monotonic()
        assert lost_at < began + 2


def scan_page(pc: Workplace, plant: Plant, monitors: Monitors) -> Page:
    """The scan page in front on the main monitor; somebody has clicked into it."""
    desk = pc.context.new_page()
    desk.goto(f"{plant.base}/login")
    desk.evaluate(_SIGN_IN, {"username": "boss", "password": PASSWORD})
    desk.goto(f"{plant.base}/scan")
    expect(desk.locator("body")).to_contain_text("절단 1")
    monitors.click(400, 600)
    return desk


def scanned(desk: Page, monitors: Monitors, order: str) -> None:
    monitors.type(order)
    expect(desk.get_by_role("status")).to_contain_text(order, timeout=20_000)
    expect(desk.get_by_role("status")).to_contain_text("표시됨", timeout=20_000)


def wide(pc: Workplace) -> None:
    """The browser fills the main monitor."""
    pc.worker.evaluate("chrome.windows.getAll().then(([one]) => chrome.windows.update(one.id, { state: 'maximized' }))")


def opens_popup(pc: Workplace, monitors: Monitors) -> bool:
    """The browser opens it only where somebody is, and takes a moment after its start to see that."""
    monitors.click(960, 1000)
    with contextlib.suppress(Error):
        pc.worker.evaluate("chrome.action.openPopup()")
        return True
    return False


def kept(pc: Workplace, monitors: Monitors, name: str, *, popup: bool = False) -> None:
    """Keeps a picture where `VOOSTER_PICTURES` names a folder, with the browser's popup open if asked for."""
    folder = os.environ.get("VOOSTER_PICTURES")
    if not folder:
        return
    if popup:
        pc.context.pages[0].bring_to_front()
        until(lambda: opens_popup(pc, monitors))
    pc.context.pages[0].wait_for_timeout(6_000)  # until the browser has said how to leave full screen
    Path(folder).mkdir(parents=True, exist_ok=True)
    monitors.picture(Path(folder) / f"{name}.png")
