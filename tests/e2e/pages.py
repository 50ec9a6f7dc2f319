"""What people do on the pages, in their words: set up, pair, scan. Each step waits for what the person would see."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.floor import PASSWORD, PLANT, Floor, People, until
from tests.support.answers import new_trigger

_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_CODE = re.compile(rf"([{_ALPHABET}]{{4}})\s*-\s*([{_ALPHABET}]{{4}})")


def picture(page: Page, name: str) -> None:
    """Keeps a picture of the page where `VOOSTER_PICTURES` names a folder: how the README's are made."""
    folder = os.environ.get("VOOSTER_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(400)  # fonts and transitions
        page.screenshot(path=Path(folder) / f"{name}.png")


def set_up(floor: Floor, page: Page) -> None:
    """The technician opens the printed link and makes the first administrator."""
    page.goto(floor.here(floor.vooster("setup", "--link")))
    expect(page.locator("h1")).to_contain_text("시스템 관리자")
    until(lambda: _counts_documents(page))
    page.locator("input[name=plant]").fill(PLANT)
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(PASSWORD)
    picture(page, "setup")
    page.keyboard.press("Enter")
    page.wait_for_url("**/screens")
    expect(page.locator("body")).to_contain_text("/display")


def _counts_documents(page: Page) -> bool:
    """Whether set-up has seen what was copied into the folder a moment ago; looks again where it hasn't."""
    checks = page.get_by_text(re.compile(r"문서 \d+개|비어 있습니다")).first
    if "비어" not in checks.inner_text():
        return True
    page.reload()
    return False


def sign_in(page: Page) -> None:
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")


def pair(floor: Floor, people: People, station: Page, name: str) -> str:
    """The monitor shows its code, the supervisor's phone approves it; returns the screen's id."""
    station.goto(f"{floor.base}/display")
    expect(station.locator(".qr img")).to_be_visible()
    shown = station.locator(".usercode").inner_text()
    code = _CODE.search(shown.replace("\n", ""))
    assert code, shown
    picture(station, "display-unpaired")
    phone = people.phone()
    phone.goto(f"{floor.base}/approve#{code[1]}-{code[2]}")
    phone.wait_for_url("**/login**")
    sign_in(phone)
    expect(phone.locator("body")).to_contain_text(f"{code[1]}-")
    expect(phone.locator("body")).not_to_contain_text(code[2])
    phone.locator("input").first.fill(code[2])
    phone.get_by_label("자리 이름").fill(name)
    screen_id = phone.get_by_label("모니터 번호").input_value()
    picture(phone, "approve")
    phone.get_by_role("button", name=re.compile("승인$")).click()
    expect(phone.locator("body")).to_contain_text("준비되었습니다")
    expect(station.locator("h1")).to_have_text(name)
    expect(station.locator("body")).to_contain_text(screen_id)
    expect(station.locator("body")).to_contain_text("준비됨")
    picture(station, "display-ready")
    return screen_id


def open_scan(floor: Floor, page: Page, station_name: str) -> None:
    page.goto(f"{floor.base}/scan")
    until(lambda: "login" in page.url or station_name in page.locator("body").inner_text())
    if "login" in page.url:
        sign_in(page)
        page.wait_for_url("**/scan")
    expect(page.locator("body")).to_contain_text(station_name)


def scan(page: Page, order: str) -> None:
    """As a barcode scanner: keys in quick succession, then Enter."""
    page.bring_to_front()
    page.keyboard.type(order)
    page.keyboard.press("Enter")


def become(page: Page, base: str, pairing: dict[str, Any]) -> None:
    """Opens the station's page in a browser that is this screen already."""
    page.goto(f"{base}/api/health/live")
    page.evaluate("pairing => localStorage.setItem('vooster.pairing', JSON.stringify(pairing))", pairing)
    page.goto(f"{base}/display")


def provision(floor: Floor, *screen_ids: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in floor.vooster("screens", "provision", *screen_ids).splitlines()]


def show(floor: Floor, key: str, order: str, target: str) -> None:
    """Sends an order; returns when all its screens have said that it is on them."""
    answer = floor.post("/api/trigger?wait=shown&timeoutMs=15000", key, new_trigger(order, None, target=target))
    assert answer["result"] == "shown", answer
