"""Scan to shown through the extension: a Chromium with two monitors, and real documents on the second one.

The control is the appliance's own page `/display`, in the same browser on the same machine, with the same documents.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Playwright

from tests.bench import report
from tests.bench.record import percentile
from tests.e2e.plant import SCREEN, Plant, paired
from tests.e2e.workplace import Workplace, playwright

KIOSK = "SCREEN-002"
ORDERS = {"PDF": ("ORD-1", "ORD-4"), "PNG": ("ORD-2", "ORD-5"), "HTML": ("ORD-3", "ORD-6")}
"""Two of each kind, in turn, so that every scan is another document."""
WARM_UP = 6
GOAL_MS = 250.0


async def run(place: Path, scans: int) -> None:
    times = await asyncio.to_thread(_run, place, scans)
    rows = []
    for kind in (*ORDERS, "all"):
        through, page = (
            sorted(itertools.chain(*found.values())) if kind == "all" else sorted(found[kind]) for found in times
        )
        for share in (0.5, 0.95):
            goal = f"under {GOAL_MS:g} ms" if (kind, share) == ("all", 0.95) else ""
            mine, other = percentile(through, share), percentile(page, share)
            rows.append(report.beside(f"{kind} p{share * 100:g}", mine, other, "ms", goal))
    report.table(
        f"Scan to shown, {scans} scans one after another, each of another document than the one before",
        ("", "extension", "/display", "ratio", "goal"),
        rows,
        [
            "By HTTP with ?wait=shown, from the call to its answer. The browser runs headless, with two monitors.",
            "Shown is said by both when the document is drawn: for PDF and PNG its pixels, for HTML its loaded frame.",
        ],
    )


Times = dict[str, list[float]]


def _run(place: Path, scans: int) -> tuple[Times, Times]:
    plant = Plant(place)
    with contextlib.ExitStack() as stack:
        player = stack.enter_context(playwright())
        stack.callback(plant.stop)
        plant.open()
        plant.vooster("screens", "add", KIOSK, "--name", "절단 2")
        stack.enter_context(_extension(player, place, plant))
        found: tuple[Times, Times] = ({kind: [] for kind in ORDERS}, {kind: [] for kind in ORDERS})
        for number in range(-WARM_UP, scans):
            kind = list(ORDERS)[number % len(ORDERS)]
            order = ORDERS[kind][number // len(ORDERS) % 2]
            for screen, times in zip((SCREEN, KIOSK), found, strict=True):
                began = time.perf_counter()
                answer = plant.scan(order, screen)
                took = (time.perf_counter() - began) * 1000
                assert answer["result"] == "shown", answer
                if number >= 0:
                    times[kind].append(took)
        return found


@contextlib.contextmanager
def _extension(player: Playwright, place: Path, plant: Plant) -> Iterator[None]:
    """A PC with the extension as one screen, and the page `/display` in its browser as another."""
    pc = Workplace(player, place / "profile")
    pc.start()
    try:
        paired(pc, plant)
        page = pc.context.new_page()
        page.goto(plant.here(plant.offer(KIOSK)["url"]))
        page.get_by_role("button", name=re.compile("이 브라우저를")).click()
        page.get_by_text("이제").wait_for()
        page.goto(f"{plant.base}/display")
        page.get_by_text("준비됨").wait_for()
        yield
    finally:
        pc.stop()
