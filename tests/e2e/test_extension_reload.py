"""The extension is reloaded, as after each update: it is the screen again, and nothing of before stands there."""

from __future__ import annotations

import pytest

from tests.e2e.floor import until
from tests.e2e.plant import Plant, paired
from tests.e2e.workplace import EXTENSION, Workplace

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built"),
]


def test_no_window_of_before_is_left_behind(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    somebodys = pc.worker.evaluate("chrome.windows.create({ url: 'about:blank', focused: false }).then(({ id }) => id)")
    for order in ("ORD-1", "ORD-3"):
        assert plant.scan(order, wait_ms=25_000)["result"] == "shown"
        before = [window["id"] for window in pc.windows]
        page = pc.popup
        until(lambda: page.evaluate("chrome.storage.local.get('windows')") == {"windows": before})  # noqa: B023
        pc.reload()
        pc.connected()
        assert plant.scan("ORD-2", wait_ms=25_000)["result"] == "shown"
        (window,) = pc.windows
        assert window["id"] not in before and window == pc.on(1)
    there = pc.popup.evaluate("chrome.windows.getAll().then((all) => all.map(({ id }) => id))")
    assert somebodys in there, "another window is none of ours"
