"""The extension's worker when nobody looks: Chrome ends one that hears nothing for 30 s."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.floor import until
from tests.e2e.plant import Plant, paired
from tests.e2e.strangers import stranger
from tests.e2e.workplace import EXTENSION, TWO_MONITORS, Workplace, chromium_arguments

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
IDLE_SECONDS = 125


def test_two_idle_minutes_without_a_debugger_and_the_next_scan_is_shown(
    player: Playwright, tmp_path: Path, plant: Plant
) -> None:
    pc = Workplace(player, tmp_path / "profile")
    pc.start()
    paired(pc, plant)
    pc.stop()
    until(lambda: not plant.screen()["online"], 30)
    # A debugger keeps a worker from being ended, so nothing of the kind is attached from here on.
    chromium = shutil.which("chromium")
    assert chromium
    command = [chromium, "--headless=new", f"--user-data-dir={tmp_path / 'profile'}"]
    browser = subprocess.Popen(
        [*command, *chromium_arguments(EXTENSION, TWO_MONITORS)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: plant.screen()["online"], 60)
        time.sleep(IDLE_SECONDS)
        assert plant.screen()["online"]
        assert plant.scan("ORD-1", wait_ms=5_000)["result"] == "shown"
        with stranger() as other:  # a debugger would answer its dialogs
            plant.scan(url=f"{other}/asks-on", title="asks without end", wait_ms=3_000)
            assert plant.scan("ORD-3", wait_ms=25_000)["result"] == "shown"
        plant.kill()
        time.sleep(IDLE_SECONDS)  # the worker is ended meanwhile, and only its alarm wakes it
        plant.start()
        until(lambda: plant.screen()["online"], 60)
        assert plant.scan("ORD-2", wait_ms=10_000)["result"] == "shown"
    finally:
        os.killpg(browser.pid, 15)
        browser.wait(20)
