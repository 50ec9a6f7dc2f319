"""Never the wrong paper: what stands on the monitor is what the appliance was told of, whatever documents do."""

from __future__ import annotations

import contextlib
import threading

import pytest
from playwright.sync_api import Error

from tests.e2e.floor import RED, copied, near, pixel, until
from tests.e2e.plant import SCREEN, Plant, hand_over, paired
from tests.e2e.strangers import stranger
from tests.e2e.workplace import Workplace, settled

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
    until(lambda: pc.shown is None)


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


@pytest.mark.parametrize("path", ["/page?wait=1.5", "/paper.pdf?wait=1.5"])
def test_the_same_slow_address_scanned_twice_at_once_is_shown(pc: Workplace, plant: Plant, path: str) -> None:
    paired(pc, plant)
    found: list[str] = []
    with stranger() as other:
        scans = [
            threading.Thread(target=lambda: found.append(plant.scan(url=other + path, title="slow")["result"]))
            for _ in range(3)
        ]
        for one in scans:
            one.start()
            until(lambda: pc.view["stages"].get("1", {}).get("stage", {}).get("kind") == "opening")
        for one in scans:
            one.join()
        assert sorted(found) == ["shown", "superseded", "superseded"]
        assert pc.document_on(1) == other + path


def test_a_slow_document_does_not_come_after_the_next_scan(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    with stranger() as other:
        slow = threading.Thread(target=lambda: plant.scan(url=f"{other}/paper.pdf?wait=2", title="slow"))
        slow.start()
        until(lambda: pc.view["stages"].get("1", {}).get("stage", {}).get("kind") == "opening")
        assert plant.scan("ORD-2")["result"] == "shown"
        slow.join()
        settled(lambda: "/ORD-2." in pc.document_on(1), 3)


def test_a_drawn_order_says_when_the_connection_is_lost_and_comes_again_to_a_page_loaded_anew(
    pc: Workplace, plant: Plant
) -> None:
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    page = pc.page_on(1)
    page.get_by_text("ORD-1 · 절단 1").wait_for()
    plant.kill()
    page.get_by_text("연결 끊김. 이 문서는").wait_for()
    assert near(pixel(page), RED)
    page.reload()
    until(lambda: pc.shown is None)
    plant.start()
    pc.connected(40)
    until(lambda: "/ORD-1." in pc.document_on(1), 20)
    page.get_by_text("ORD-1 · 복원됨").wait_for()
    until(lambda: near(pixel(page), RED))


def test_a_document_that_brings_its_process_down_takes_nothing_else_with_it(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    viewer = next(frame for frame in pc.page_on(1).frames if frame.url.endswith("/viewer"))
    with contextlib.suppress(Error):  # it can't answer any more, and the page counts as crashed for whoever tests it
        pc.context.new_cdp_session(viewer).send("Page.crash")
    again = "2번 모니터의 제작의뢰서를 다시 불러옵니다"
    until(lambda: again in [entry["text"]["ko"] for entry in pc.view["log"]], 20)
    until(lambda: pc.shown and pc.view["papers"]["1"]["isDrawn"])
    assert plant.scan("ORD-2")["result"] == "shown"
    levels = b"".join(b"<g id='l%d'>%s</g>" % (n, b"<use href='#l%d' x='1'/>" % (n - 1) * 10) for n in range(1, 7))
    bomb = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path id='l0' d='M0 0h9v9z'/>%s</svg>" % levels
    copied(plant.orders / "ORD-7.svg", bomb)
    assert plant.scan("ORD-7", wait_ms=25_000)["result"] == "dead", "a million parts are too many"
    assert plant.scan("ORD-1")["result"] == "shown"
    assert plant.screen()["online"]


@pytest.mark.parametrize("wait_ms", [0, 800])
def test_an_order_that_leads_itself_elsewhere_does_not_stand_there(pc: Workplace, plant: Plant, wait_ms: int) -> None:
    paired(pc, plant)
    script = f"setTimeout(() => {{ location = 'http://elsewhere.invalid/' }}, {wait_ms})"
    copied(plant.orders / "ORD-8.html", f"<!doctype html><h1>order</h1><script>{script}</script>".encode())
    plant.scan("ORD-8")
    until(lambda: "vooster-problem" in pc.notifications())
    until(lambda: pc.document_on(1) == "")
    pc.page_on(1).get_by_text("DOCUMENT_URL_REFUSED").wait_for()
    assert plant.scan("ORD-1")["result"] == "shown"


def test_a_window_that_is_closed_by_hand_comes_again_with_its_order(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    assert plant.scan("ORD-1")["result"] == "shown"
    (window,) = pc.windows
    pc.worker.evaluate("(id) => chrome.windows.remove(id)", window["id"])
    until(lambda: [one["id"] for one in pc.windows] not in ([], [window["id"]]))
    until(lambda: "/ORD-1." in pc.document_on(1))
    until(lambda: pc.shown == "ORD-1")
