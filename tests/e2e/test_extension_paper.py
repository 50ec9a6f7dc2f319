"""Never the wrong paper: what stands on the monitor is what the appliance was told of, whatever documents do."""

from __future__ import annotations

import threading

import pytest

from tests.e2e.floor import until
from tests.e2e.plant import SCREEN, Plant, hand_over, paired
from tests.e2e.strangers import stranger
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.timeout(180)


def test_pages_that_route_themselves_show_the_order_that_was_scanned(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    with stranger() as other:
        for order in ("#/order/1", "#/order/2", "#/order/2"):
            answer = plant.scan(url=f"{other}/routes{order}", title=order)
            assert answer["result"] == "shown"
            assert plant.delivery(answer)["evidence"]["url"].endswith(order)
            assert pc.page_on(1).locator("h1").inner_text() == order
        renamed = plant.scan(url=f"{other}/renames", title="renames itself")
        assert renamed["result"] == "shown"
        assert plant.delivery(renamed)["evidence"]["url"] == f"{other}/renamed"
        assert plant.scan(url=f"{other}/moves-on", title="moves on")["result"] == "shown"
        until(lambda: pc.document_on(1) == "")
        assert "vooster-problem" in pc.notifications()


def test_another_station_and_another_monitor_begin_empty(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    plant.patch(f"/api/screens/{SCREEN}", plant.key, {"displayIndex": 0})
    until(lambda: pc.on(1) is None)
    assert plant.scan("ORD-2")["result"] == "shown"
    assert "/ORD-2." in pc.document_on(0)
    plant.vooster("screens", "add", "SCREEN-002", "--name", "포장 2")
    hand_over(pc, plant, {"screenId": "SCREEN-002", "token": plant.offer("SCREEN-002")["token"]})
    pc.becomes("offered")
    pc.tell(do="accept")
    until(lambda: (pc.view["place"] or {}).get("screenId") == "SCREEN-002")
    until(lambda: not any("/ORD-" in pc.document_of(window) for window in pc.windows))
    assert pc.view["shown"] is None


def test_what_happens_beside_a_load_does_not_disturb_it(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    found: dict[str, object] = {}
    with stranger() as other:
        slow = threading.Thread(
            target=lambda: found.update(plant.scan(url=f"{other}/page?wait=2", title="slow", wait_ms=8_000))
        )
        slow.start()
        until(lambda: pc.view["stages"].get("1", {}).get("stage", {}).get("kind") == "opening")
        plant.patch(f"/api/screens/{SCREEN}", plant.key, {"name": "절단 1호"})
        slow.join()
        assert found["result"] == "shown"
