"""The extension in a real Chromium with two monitors: from a fresh profile to a work order on the second one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.floor import BLUE, GREEN, RED, near, pixel, until
from tests.e2e.plant import SCREEN, Plant, hand_over, paired
from tests.e2e.strangers import stranger
from tests.e2e.workplace import ONE_MONITOR, Workplace

pytestmark = pytest.mark.timeout(180)


def test_a_page_hands_the_pairing_over_and_a_person_confirms_it_once(pc: Workplace, plant: Plant) -> None:
    hand_over(pc, plant, {"screenId": SCREEN, "token": plant.offer()["token"]})
    offered = pc.becomes("offered")["phase"]
    assert (offered["screenId"], offered["appliance"]["base"], offered["instead"]) == (SCREEN, plant.base, None)
    assert not plant.screen()["online"], "nothing was claimed before the click"
    pc.tell(do="accept")
    pc.connected()
    screen = until(lambda: plant.screen() if plant.screen()["online"] else None)
    assert [display["index"] for display in screen["displays"]] == [0, 1]
    ready = pc.page_on(1)
    ready.get_by_role("heading", name="절단 1").wait_for()
    ready.get_by_text("준비됨").wait_for()
    assert pc.on(0) is None, "the worker's own monitor stays the worker's"


def test_the_code_on_the_second_monitor_pairs_it(pc: Workplace, plant: Plant) -> None:
    hand_over(pc, plant, {})
    found = pc.becomes("found")["phase"]["appliance"]
    assert (found["base"], found["by"]) == (plant.base, "page")
    pc.tell(do="connect")
    until(lambda: (pc.view["asking"] or {}).get("kind") == "code")
    code = pc.view["asking"]["userCode"]
    invitation = pc.page_on(1)
    invitation.get_by_text(code[-4:]).wait_for()
    assert invitation.get_by_role("img", name="QR").bounding_box()
    waiting = plant.get(f"/api/pairing/device/{code}", plant.key)
    assert len(waiting["displays"]) == 2
    plant.post("/api/pairing/approve", plant.key, {"user_code": code, "confirm": code[-4:], "screenId": SCREEN})
    pc.connected()
    invitation.get_by_text("준비됨").wait_for()
    assert plant.scan("ORD-1")["result"] == "shown"


def test_documents_of_every_kind_end_shown_on_the_second_monitor_or_failed_with_their_reason(
    pc: Workplace, plant: Plant
) -> None:
    paired(pc, plant)
    window = None
    for order, colour in (("ORD-1", RED), ("ORD-2", BLUE), ("ORD-3", GREEN)):
        answer = plant.scan(order)
        assert answer["result"] == "shown", answer
        assert near(pixel(pc.page_on(1)), colour), "what is called shown is to be seen"
        evidence = plant.delivery(answer)["evidence"]
        assert evidence["display"]["index"] == 1
        assert evidence["display"]["bounds"] == {"left": 1920, "top": 0, "width": 1920, "height": 1080}
        assert f"/{order}." in evidence["url"]
        there = pc.on(1)
        assert there is not None and f"/{order}." in pc.document_of(there)
        window = window or there["id"]
        assert there["id"] == window == int(evidence["windowId"]), "one window, used again"
        assert len(pc.windows) == 1
    with stranger() as other:
        kinds: list[tuple[str, str, str | None]] = [
            ("/unframeable", "shown", None),
            ("/attachment", "dead", "DOCUMENT_LOAD_FAILED"),
            ("/archive", "dead", "DOCUMENT_LOAD_FAILED"),
            ("/missing", "dead", "DOCUMENT_LOAD_FAILED"),
            ("/holds-on", "shown", None),
            ("/nothing", "dead", "DOCUMENT_LOAD_FAILED"),
            ("/leads-on", "shown", None),
            ("/leads-astray", "dead", "DOCUMENT_URL_REFUSED"),
            ("/paper.pdf", "shown", None),
            ("/damaged.pdf", "dead", "DOCUMENT_LOAD_FAILED"),
            ("/picture.png", "shown", None),
            ("/damaged.png", "dead", "DOCUMENT_LOAD_FAILED"),
            ("/leads-to-paper", "shown", None),
            ("/asks", "shown", None),
            ("/page", "shown", None),
        ]
        for path, result, cause in kinds:
            answer = plant.scan(url=other + path, title=path)
            found = plant.delivery(answer)
            assert answer["result"] == result, (path, found)
            if cause:
                assert cause in {found.get("code"), found.get("cause")}, (path, found)
                until(lambda: pc.document_on(1) == "", 3)  # nothing of it stays there
            else:
                assert pc.document_on(1).startswith(other), path
        dead = plant.scan(url="http://127.0.0.1:9/dead", title="a dead link")
        assert (dead["result"], plant.delivery(dead).get("cause")) == ("dead", "DOCUMENT_LOAD_FAILED")
    trouble = pc.page_on(1)
    trouble.get_by_text("DOCUMENT_LOAD_FAILED").wait_for()
    assert "vooster-problem" in pc.notifications()
    assert plant.scan("ORD-4")["result"] == "shown"
    assert "vooster-problem" not in pc.notifications()


def test_a_monitor_that_is_not_there_is_said_by_name_and_the_order_waits_for_it(
    player: Playwright, tmp_path: Path, plant: Plant
) -> None:
    both = Workplace(player, tmp_path / "profile")
    both.start()
    try:
        paired(both, plant)
    finally:
        both.stop()
    pc = Workplace(player, tmp_path / "profile", monitors=ONE_MONITOR)
    pc.start()
    try:
        pc.connected()
        answer = plant.scan("ORD-1", wait_ms=3_000)
        assert answer["result"] == "timeout"
        assert plant.delivery(answer)["state"] == "pending"
        assert "vooster-monitor" in pc.notifications()
        assert pc.windows == [], "nothing lies over the only monitor there is"
    finally:
        pc.stop()
    second = Workplace(player, tmp_path / "profile")
    second.start()
    try:
        until(lambda: plant.delivery(answer)["state"] == "shown", 30)
        assert second.notifications() == []
    finally:
        second.stop()


def test_the_next_scan_puts_the_old_paper_away_and_a_refused_one_leaves_none(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    plant.scan("ORD-1")
    assert "/ORD-1." in pc.document_on(1)
    plant.post(f"/api/screens/{SCREEN}/clear", plant.key, {})
    until(lambda: pc.document_on(1) == "")
    plant.scan("ORD-2")
    plant.post(f"/api/screens/{SCREEN}/identify", plant.key, {})
    over = until(lambda: next((one for one in pc.windows if "over=identify" in pc.address_of(one)), None))
    until(
        lambda: over["id"] in [one["id"] for one in pc.windows if (one["left"], one["state"]) == (1920, "fullscreen")]
    )
    assert any("/ORD-2." in pc.document_of(one) for one in pc.windows), "the order stays where it was below"


def test_it_comes_back_by_itself_after_the_appliance_the_browser_and_the_worker_were_away(
    player: Playwright, tmp_path: Path, plant: Plant
) -> None:
    pc = Workplace(player, tmp_path / "profile")
    pc.start()
    try:
        paired(pc, plant)
        assert plant.scan("ORD-1")["result"] == "shown"
        plant.kill()
        until(lambda: pc.view["link"]["kind"] != "open")
        assert "/ORD-1." in pc.document_on(1), "a lost connection leaves the paper where it is"
        plant.start()
        pc.connected(40)
        assert plant.scan("ORD-2")["result"] == "shown"
        windows = [one["id"] for one in pc.windows]
        pc.stop()
        until(lambda: not plant.screen()["online"])
        pc.start()
        until(lambda: plant.screen()["online"], 40)
        until(lambda: "/ORD-2." in pc.document_on(1), 20)
        assert plant.scan("ORD-3")["result"] == "shown"
        assert len(pc.windows) == len(windows) == 1
    finally:
        pc.stop()


def test_whoever_is_unpaired_by_a_supervisor_shows_a_new_code(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    plant.scan("ORD-1")
    plant.vooster("screens", "revoke", SCREEN)
    pc.becomes("pairing")
    until(lambda: pc.document_on(1) == "")
    until(lambda: (pc.view["asking"] or {}).get("kind") == "code", 20)
    assert pc.view["place"] is None
