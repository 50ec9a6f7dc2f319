"""The main job in a real browser: set up, pair by phone, scan, see the work order, and be told when it can't be."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.floor import BLUE, GREEN, RED, SAMPLES, Floor, People, copied, html, near, pdf, pixel, png, until
from tests.e2e.pages import open_scan, pair, picture, scan, set_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

STATION = "절단 1"


def test_from_a_fresh_appliance_to_work_orders_on_the_monitor(floor: Floor, people: People) -> None:
    copied(floor.orders / "RED-1.pdf", pdf(RED))
    copied(floor.orders / "BLUE-1.png", png(BLUE))
    copied(floor.orders / "green-1.html", html(GREEN, "용접 순서").encode())
    for sample in SAMPLES.iterdir():
        if sample.is_file():
            shutil.copy2(sample, floor.orders)
    desk = people.desk()
    set_up(floor, desk)
    station = people.station()
    screen_id = pair(floor, people, station, STATION)
    open_scan(floor, desk, STATION)
    key = floor.vooster("keys", "add", "--name", "test", "--role", "viewer")

    for order, colour in (("RED-1", RED), ("BLUE-1", BLUE), ("GREEN-1", GREEN)):
        scan(desk, order)
        expect(result(desk)).to_have_text(shown(order))
        assert near(pixel(station, 0.5, 0.4), colour), order
        tag = station.locator(".tag")
        expect(tag).to_contain_text(order)
        (current,) = [s["currentDocument"] for s in floor.get("/api/screens", key)["items"]]
        assert current["orderId"] == order
    heading = station.frame_locator("iframe").locator("#order")
    expect(heading).to_have_text("용접 순서")

    scan(desk, "NO-SUCH-ORDER")
    expect(result(desk)).to_contain_text("주문을 찾을 수 없습니다. 바코드를 다시 스캔해주세요.")
    expect(station.locator("body")).to_contain_text("주문을 찾을 수 없습니다")
    expect(station.locator("body")).to_contain_text("NO-SUCH-ORDER")
    assert not near(pixel(station, 0.5, 0.4), GREEN), "the paper of the scan before is still there"
    picture(station, "display-error")

    scan(desk, "ORD-1001")
    expect(result(desk)).to_have_text(shown("ORD-1001"))
    picture(desk, "scan")
    picture(station, "display-shown")

    counted = floor.get("/api/monitoring/dashboard", key)
    assert (counted["today"], counted["deadLetters"]) == ({"accepted": 4, "dead": 0}, 0)
    assert (counted["activeScreens"], counted["screens"]["total"]) == (1, 1)
    assert [scan["state"] for scan in counted["recentScans"]] == ["shown"] * 4
    desk.goto(f"{floor.base}/")
    expect(desk.locator("body")).to_contain_text("모니터 1대가 정상입니다")
    expect(desk.locator("table tbody tr").filter(has_text="표시됨")).to_have_count(4)
    assert screen_id == "SCREEN-001"
    picture(desk, "now")


def shown(order: str) -> re.Pattern[str]:
    """What the scan page says of an order that is on the monitor: the word, the number, how long it took."""
    return re.compile(rf"표시됨.*{order}.*(ms|초)", re.DOTALL)


def result(page: Page) -> Locator:
    """The part of the scan page that says how the last scan went."""
    return page.get_by_role("status")


def test_a_scanner_types_through_a_korean_input_method(floor: Floor, people: People) -> None:
    copied(floor.orders / "ORD-1001.png", png(RED))
    desk, station = people.desk(), people.station()
    set_up(floor, desk)
    pair(floor, people, station, STATION)
    open_scan(floor, desk, STATION)
    # What the browser reports for O, R, D under a Korean layout: jamo as text, the same places as codes.
    keys = [("ㅒ", "KeyO", 8), ("ㄲ", "KeyR", 8), ("ㅇ", "KeyD", 8), ("-", "Minus", 0)]  # 8: with Shift
    keys += [(digit, f"Digit{digit}", 0) for digit in "1001"] + [("Enter", "Enter", 0)]
    devtools = desk.context.new_cdp_session(desk)
    for text, code, modifiers in keys:
        for kind in ("keyDown", "keyUp"):
            devtools.send("Input.dispatchKeyEvent", {"type": kind, "key": text, "code": code, "modifiers": modifiers})
    expect(result(desk)).to_have_text(shown("ORD-1001"))
    assert near(pixel(station), RED)


def test_a_scan_made_while_the_appliance_is_away_is_kept_and_sent_with_the_same_id(
    floor: Floor, people: People
) -> None:
    copied(floor.orders / "ORD-1001.png", png(RED))
    copied(floor.orders / "ORD-1002.png", png(BLUE))
    desk, station = people.desk(), people.station()
    set_up(floor, desk)
    pair(floor, people, station, STATION)
    open_scan(floor, desk, STATION)
    scan(desk, "ORD-1001")
    expect(result(desk)).to_have_text(shown("ORD-1001"))

    floor.kill()
    expect(station.locator(".strip")).to_contain_text("연결 끊김")
    expect(station.locator(".strip")).to_contain_text("ORD-1001")
    assert near(pixel(station, 0.5, 0.4), RED), "the work order stays while the connection is gone"
    scan(desk, "ORD-1002")
    expect(desk.locator("body")).to_contain_text("보관했습니다. 서버가 돌아오면 보냅니다.")
    trigger_id = desk.evaluate(
        "Object.entries(localStorage).filter(([, v]) => v.includes('ORD-1002')).map(([k]) => k.split('.').pop())[0]"
    )
    context = desk.context
    desk.close()  # a closed browser forgets nothing

    floor.start()
    desk = context.new_page()
    desk.goto(f"{floor.base}/scan")
    until(lambda: near(pixel(station, 0.5, 0.4), BLUE), 20)
    expect(result(desk)).to_have_text(re.compile("표시됨.*ORD-1002", re.DOTALL))
    key = floor.vooster("keys", "add", "--name", "test", "--role", "viewer")
    told = floor.get(f"/api/triggers/{trigger_id}", key)
    assert [(d["state"], d["round"], d["attempt"]) for d in told["deliveries"]] == [("shown", 1, 1)]
