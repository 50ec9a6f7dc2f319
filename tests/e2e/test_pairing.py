"""Both ways of pairing as people meet them: a label on the station, a wrong code, a denial, an offer, a copied key."""

from __future__ import annotations

import re
import urllib.error

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.floor import PASSWORD, Floor, People, until
from tests.e2e.pages import sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SCREENS = (("SCREEN-001", "절단 1"), ("SCREEN-002", "포장 2"))


@pytest.fixture
def key(floor: Floor) -> str:
    """An administrator's key on a floor with two stations and no PC."""
    floor.vooster("setup", "--username", "admin", "--password-stdin", stdin=PASSWORD)
    key = floor.vooster("keys", "add", "--name", "test", "--role", "admin")
    for screen_id, name in SCREENS:
        floor.post("/api/screens", key, {"screenId": screen_id, "name": name, "groups": ["line-1"]})
    return key


def opened(floor: Floor, page: Page) -> tuple[str, str]:
    """The halves of the code that a monitor shows."""
    page.goto(f"{floor.base}/display")
    return shown_code(page)


def shown_code(page: Page) -> tuple[str, str]:
    expect(page.locator(".qr img")).to_be_visible(timeout=15_000)
    first, last = page.locator(".usercode").inner_text().replace("\n", "").replace(" ", "").split("-")
    return first, last


def signed_in(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_url("**/login**")
    sign_in(page)


def approve(page: Page, half: str) -> None:
    page.locator("#confirm").fill(half)
    button = page.get_by_role("button", name=re.compile("승인$"))
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()


def test_a_label_leads_to_its_station_and_a_new_pc_needs_no_new_print(floor: Floor, people: People, key: str) -> None:
    phone, old, new = people.phone(), people.station(), people.station()
    first, last = opened(floor, old)
    signed_in(phone, f"{floor.base}/pair?screenId=SCREEN-001")
    expect(phone.locator("h1")).to_have_text("절단 1")
    phone.get_by_role("link", name="확인하고 승인").click()
    expect(phone.locator("body")).to_contain_text(f"{first}-")
    wrong = "BBBB" if last != "BBBB" else "CCCC"
    approve(phone, wrong)
    expect(phone.locator("body")).to_contain_text("모니터의 글자와 다릅니다.")
    expect(phone.locator("#confirm")).to_have_attribute("aria-invalid", "true")
    approve(phone, last.lower())
    expect(phone.locator("h1").last).to_have_text("절단 1, 준비되었습니다")
    expect(old.locator("h1")).to_have_text("절단 1")

    _, last = opened(floor, new)
    phone.goto(f"{floor.base}/pair?screenId=SCREEN-001")
    expect(phone.locator(".pair-head")).to_contain_text("준비됨")
    phone.get_by_role("link", name="확인하고 승인").click()
    approve(phone, last)
    question = phone.get_by_role("dialog")
    expect(question).to_contain_text("절단 1은 지금 켜져 있습니다. 바꾸면 그 PC는 해제됩니다.")
    expect(old.locator("h1")).to_have_text("절단 1")  # not before somebody says so
    question.get_by_role("button", name="바꾸기").click()
    expect(phone.locator("h1").last).to_have_text("절단 1, 준비되었습니다")
    expect(old.locator("body")).to_contain_text("등록이 해제되었습니다")
    expect(new.locator("h1")).to_have_text("절단 1")


def test_a_denied_monitor_says_so_and_shows_a_new_code(floor: Floor, people: People, key: str) -> None:
    phone, station = people.phone(), people.station()
    first, last = opened(floor, station)
    signed_in(phone, f"{floor.base}/approve")
    expect(phone.get_by_role("heading", name="모니터에 보이는 코드를 입력해 주세요")).to_be_visible()
    phone.locator("#pairing-code").fill(f" {first.lower()}{last.lower()} ")
    phone.get_by_role("button", name="다음").click()
    phone.get_by_role("button", name="거부").click()
    expect(phone.locator("body")).to_contain_text("등록을 거부했습니다")
    expect(station.locator("body")).to_contain_text("등록이 거부되었습니다")
    fresh = shown_code(station)
    assert fresh != (first, last)
    phone.goto(f"{floor.base}/approve#{first}-{last}")
    phone.reload()
    expect(phone.locator("body")).to_contain_text(re.compile("만료되었습니다|거부되었습니다"))


def test_an_offer_makes_a_pc_the_station_once_and_explains_itself_elsewhere(
    floor: Floor, people: People, key: str
) -> None:
    desk, pc, late, phone = people.desk(), people.desk(), people.desk(), people.phone()
    signed_in(desk, f"{floor.base}/screens?q=SCREEN-002")
    desk.get_by_role("button", name="포장 2 더 보기").click()
    desk.get_by_role("menuitem", name="PC 등록").click()
    offer = floor.here(desk.get_by_role("dialog").locator("input").input_value())
    expect(desk.get_by_role("dialog").locator("img")).to_be_visible()

    phone.goto(offer)
    expect(phone.locator("h1")).to_have_text("휴대폰은 모니터가 될 수 없습니다")
    expect(phone.get_by_role("button", name=re.compile("쓰기$"))).to_have_count(0)
    pc.goto(offer)
    expect(pc.locator("body")).to_contain_text("누르기 전에는 아무것도 바뀌지 않습니다")
    pc.get_by_role("button", name="이 브라우저를 SCREEN-002로 쓰기").click()
    pc.get_by_role("link", name="모니터 화면 열기").click()
    expect(pc.locator("h1")).to_have_text("포장 2")
    late.goto(offer)
    late.get_by_role("button", name="이 브라우저를 SCREEN-002로 쓰기").click()
    expect(late.locator("h1").last).to_have_text("등록 코드가 만료되었습니다")

    late.get_by_role("link", name="새 QR 만들기").click()
    late.wait_for_url("**/login**")
    sign_in(late)
    question = late.get_by_role("dialog")
    expect(question).to_contain_text("포장 2는 지금 켜져 있습니다.")
    question.get_by_role("button", name="바꾸기").click()
    expect(question.locator("img")).to_be_visible()
    expect(pc.locator("h1")).to_have_text("포장 2")


def test_a_copied_key_is_named_and_both_pcs_are_unpaired(floor: Floor, people: People, key: str) -> None:
    (held,) = floor.post("/api/pairing/provision", key, {"screenIds": ["SCREEN-002"]})["items"]
    secret = {"screenId": "SCREEN-002", "deviceSecret": held["deviceSecret"]}
    floor.get("/api/me", floor.post("/api/auth/device", key, secret)["accessToken"])
    with pytest.raises(urllib.error.HTTPError):
        floor.post("/api/auth/device", key, secret)
    phone = people.phone()
    signed_in(phone, f"{floor.base}/")
    todo = phone.locator(".todo li").first
    expect(todo).to_contain_text("포장 2의 열쇠가 두 PC에서 쓰였습니다.")
    todo.get_by_role("link", name="열기").click()
    phone.locator(".clone").get_by_role("button", name="둘 다 해제하고 다시 등록").click()
    phone.get_by_role("dialog").get_by_role("button", name="둘 다 해제").click()
    expect(phone.locator(".clone")).to_have_count(0)
    until(lambda: floor.get("/api/screens/SCREEN-002", key)["state"] == "revoked")
