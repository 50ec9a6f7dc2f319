"""The extension's popup and options page in a real browser: what people read in each state, what a press asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.extension_pages import (
    FIRST,
    PLANT,
    SECOND,
    WORKER_NOW,
    ExtensionPage,
    asking,
    code,
    cut,
    every_state,
    monitor,
    paired,
    problem,
    served,
    showing,
    unpaired,
    wall,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

DEAD_MS = 550
CONNECT = {"do": "connect", "base": PLANT["base"], "instanceId": PLANT["instanceId"]}

# In each language the words by which a person knows the state.
READ: dict[str, tuple[list[str], list[str]]] = {
    "looking": (["등록 전", "찾고 있습니다", "vooster.local"], ["Not paired", "Looking for Vooster"]),
    "nothing": (
        ["이 네트워크에서 Vooster를 찾지 못했습니다", "vooster.local:8480"],
        ["No Vooster found on this network"],
    ),
    "nothing-typed": (["서버가 응답하지 않습니다", "CONNECTION_REFUSED"], ["The server isn't answering"]),
    "nothing-untrusted": (
        ["이 PC가 서버의 인증서를 믿지 않습니다", "서버가 있지만", "http://vooster.local:8480/trust"],
        ["doesn't trust the server's certificate", "Open this address", "http://vooster.local:8480/trust"],
    ),
    "nothing-untrusted-policy": (
        ["이 PC가 서버의 인증서를 믿지 않습니다", "http://10.1.0.4:8480/trust", "설치할 수 없으면 시스템 관리자에게"],
        ["doesn't trust the server's certificate", "http://10.1.0.4:8480/trust", "tell your administrator"],
    ),
    "nothing-policy": (["10.1.0.4:8480", "시스템 관리자가 정했습니다"], ["Your administrator has set the address"]),
    "looking-policy-unreadable": (
        ["주소를 읽을 수 없습니다: http://10.1.0.4:8480;http://10.1.0.5:8480/000", "고쳐 달라고"],
        ["has set can't be read: http://10.1.0.4:8480;http://10.1.0.5:8480/000", "Ask your administrator to correct"],
    ),
    "found": (
        ["이 공장을 찾았습니다", "정밀가공 2공장", "192.168.10.20:8480"],
        ["Found this plant", "Found by", "Connect to it"],
    ),
    "found-one-monitor": (["모니터가 1대입니다"], ["There is one monitor"]),
    "found-three-monitors": (["이 공장을 찾았습니다"], ["Found this plant"]),
    "offered": (["이 PC를 이 자리로 등록할까요?", "SCREEN-007로 등록"], ["Pair this PC", "Pair as SCREEN-007"]),
    "offered-instead": (["절단 1 (SCREEN-001) 등록은 끝납니다"], ["will no longer be 절단 1 (SCREEN-001)"]),
    "asking": (["코드를 받는 중"], ["Getting a code"]),
    "code": (
        ["2번 모니터의 QR을 휴대폰으로", "BCDF-", "GHJK", "8분 12초 남음"],
        ["code on monitor 2", "8 min 12 s left"],
    ),
    "code-one-monitor": (
        ["이 QR을 휴대폰으로", "이 창을 열어 두세요"],
        ["Point a phone at this code", "Keep this open"],
    ),
    "revoked": (
        ["등록 해제됨", "관리자가 이 PC의 등록을 해제했습니다"],
        ["Unpaired", "A supervisor has unpaired this PC"],
    ),
    "denied": (["등록이 거부되었습니다", "8초 뒤 새 코드"], ["Pairing was denied", "A new code comes in 8 s"]),
    "unreachable": (
        ["서버에 연결할 수 없습니다", "42초 동안", "7초 뒤"],
        ["Can't reach the server", "No answer for 42 s"],
    ),
    "different": (
        ["같은 주소에 다른 공장이 있습니다", "정밀가공 2공장", "정밀가공 5공장", "절단 1 등록은 끝납니다"],
        ["A different plant answers", "Paired with", "Answers now"],
    ),
    "connecting": (["연결하는 중", "절단 1"], ["Connecting"]),
    "ready": (["1라인 · SCREEN-001", "절단 1", "준비됨", "2번 모니터에 나타납니다", "ORD-20457"], ["Line 1", "Ready"]),
    "ready-tested": (["2번 모니터에 표시됨, 0.41초"], ["Shown on monitor 2, 0.41 s"]),
    "opening": (["여는 중", "ORD-20459 (2번째)"], ["Opening", "(attempt 2)"]),
    "showing": (["표시 중", "ORD-20459", "0.29초", "2분 전"], ["Showing", "Took", "0.29 s", "2 min ago"]),
    "showing-after-rest": (["표시 중", "ORD-20459"], ["Showing"]),
    "restored": (["ORD-20459 (복원됨)"], ["ORD-20459 (restored)"]),
    "problem": (
        ["문서 오류", "ORD-20459", "제작의뢰서를 열지 못했습니다", "DOCUMENT_LOAD_FAILED"],
        ["Document problem", "The work order won't open"],
    ),
    "refused": (["문서 오류", "주문을 찾을 수 없습니다", "ORD-99999"], ["Order not found"]),
    "waiting": (["주문 조회 중", "다시 스캔하지 않아도 됩니다"], ["Looking up", "No need to scan again"]),
    "missing": (["모니터 안 보임", "세컨드 모니터를 연결할 수 없습니다", "1대"], ["Monitor missing", "Not seen"]),
    "test-failed": (["준비됨", "프로그램 오류", "7f3a9c"], ["A program error stopped this"]),
    "cut": (
        ["연결 끊김", "38초 전에 끊겼습니다", "4초 뒤", "그대로 둡니다", "랜선"],
        ["Offline", "Lost 38 s ago", "The work order on the screen stays"],
    ),
    "cut-long": (["서버가 응답하지 않습니다", "5분 12초 전", "프로그램이 실행 중인지"], ["The server isn't answering"]),
    "cut-untrusted": (
        ["연결 끊김", "믿지 않습니다", "http://10.1.0.4:8480/trust"],
        ["Offline", "doesn't trust its certificate", "http://10.1.0.4:8480/trust"],
    ),
    "replaced": (
        ["다른 곳에서 사용 중", "절단 1은 다른 창에서 쓰고 있습니다"],
        ["In use elsewhere", "open in another window"],
    ),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as at:
        yield at


@pytest.fixture
def popup(browser: Browser, address: str) -> Iterator[ExtensionPage]:
    opened = ExtensionPage(browser, f"{address}/popup.html", 344)
    yield opened
    opened.page.context.close()
    assert opened.wrong == []


@pytest.fixture
def options(browser: Browser, address: str) -> Iterator[ExtensionPage]:
    opened = ExtensionPage(browser, f"{address}/options.html", 900, 800)
    yield opened
    opened.page.context.close()
    assert opened.wrong == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize(("lang", "scheme"), [("ko", "light"), ("en", "dark")])
def test_every_state_can_be_read_by_anybody(browser: Browser, address: str, lang: str, scheme: Any) -> None:
    popup = ExtensionPage(browser, f"{address}/popup.html", 344, color_scheme=scheme, reduced_motion="reduce")
    states = every_state()
    assert states.keys() == READ.keys()
    for name, view in states.items():
        text, unreadable, height, is_wide = popup.measured(view | {"lang": lang})
        missing = [words for words in READ[name][lang == "en"] if words not in text]
        assert not missing, (name, missing, text)
        assert unreadable == [], name
        assert not is_wide, name
        assert height <= 600, f"{name}: Chrome shows 600 px of a popup"
    assert popup.page.locator("html").get_attribute("lang") == lang
    assert popup.wrong == []
    popup.page.context.close()


def test_each_button_asks_for_what_it_says(popup: ExtensionPage) -> None:
    offer = unpaired(
        phase={"kind": "offered", "appliance": PLANT, "screenId": "SCREEN-007", "instead": None, "offer": 1}
    )
    presses: list[tuple[dict[str, Any], str, str | dict[str, Any]]] = [
        (unpaired(phase={"kind": "looking", "nothing": True}), "지금 다시 찾기", "look"),
        (unpaired(phase={"kind": "found", "appliance": PLANT}), "이 공장에 연결", CONNECT),
        (offer, "거절", "decline"),
        (code(), "2번 모니터에 다시 띄우기", "show"),
        (cut(90, phase={"kind": "different", "appliance": PLANT}), "이 공장에 다시 등록", CONNECT),
        (showing(), "시험 문서 띄우기", "test"),
        (showing(), "설정", "options"),
        (cut(38), "지금 다시 연결", "reconnect"),
        (paired(link={"kind": "replaced"}), "여기서 쓰기", "reconnect"),
    ]
    for view, name, command in presses:
        popup.tell(view)
        if command is CONNECT:
            popup.page.wait_for_timeout(DEAD_MS)
        press(popup.page, name)
        assert popup.asked == [command if isinstance(command, dict) else {"do": command}], name
    # What is under way isn't asked for twice, and what can't be done says why.
    test = popup.page.get_by_role("button", name="시험 문서 띄우기")
    popup.tell(showing(doing="test"))
    test.click(force=True)
    popup.tell(paired(monitors=[FIRST]))
    test.click(force=True)
    expect(popup.page.get_by_title("2번 모니터가 보이지 않습니다")).to_be_visible()
    assert popup.asked == []
    popup.tell(code(monitors=[FIRST], target=0))
    expect(popup.page.get_by_role("button", name="다시 띄우기")).to_have_count(0)


def test_an_offer_is_not_accepted_by_a_hand_that_was_in_motion(popup: ExtensionPage) -> None:
    offer = unpaired(
        phase={"kind": "offered", "appliance": PLANT, "screenId": "SCREEN-007", "instead": None, "offer": 1}
    )
    accept = popup.page.get_by_role("button", name="SCREEN-007로 등록")
    popup.page.evaluate(
        """async (offer) => {
             window.told(offer);
             await new Promise((resolve) => setTimeout(resolve, 0));
             document.querySelector(".btn-primary").click();
           }""",
        offer,
    )
    assert popup.asked == []
    popup.page.wait_for_timeout(DEAD_MS)
    accept.click()
    meant = {"base": PLANT["base"], "instanceId": PLANT["instanceId"], "screenId": "SCREEN-007", "offer": 1}
    assert popup.asked == [{"do": "accept", **meant}]


@pytest.mark.parametrize("other", [{"offer": 2}, {"appliance": PLANT | {"base": "http://10.1.0.9:8480"}}])
def test_an_offer_that_takes_another_s_place_has_its_own_dead_time(popup: ExtensionPage, other: dict[str, Any]) -> None:
    phase = {"kind": "offered", "appliance": PLANT, "screenId": "SCREEN-007", "instead": None, "offer": 1}
    popup.tell(unpaired(phase=phase))
    popup.page.wait_for_timeout(DEAD_MS)
    for view in (unpaired(phase=phase | other), unpaired(phase={"kind": "found", "appliance": PLANT})):
        popup.page.evaluate(
            """async (view) => {
                 window.told(view);
                 await new Promise((resolve) => setTimeout(resolve, 0));
                 document.querySelector(".btn-primary").click();
               }""",
            view,
        )
        assert popup.asked == []


def test_an_address_is_taken_as_people_type_it_and_kept_meanwhile(popup: ExtensionPage) -> None:
    page = popup.page
    popup.tell(unpaired(phase={"kind": "found", "appliance": PLANT}))
    expect(page.get_by_label("Vooster의 주소")).to_have_count(0)
    press(page, "다른 주소 입력")
    field = page.get_by_label("Vooster의 주소")
    expect(field).to_be_focused()
    page.keyboard.type("192,168,0")
    page.keyboard.press("Enter")
    expect(page.get_by_text("주소로 읽을 수 없습니다")).to_be_visible()
    assert popup.asked == []
    page.keyboard.type(",5 ")
    expect(page.get_by_text("이 주소로 찾습니다: 192.168.0.5:8480")).to_be_visible()
    for view in (unpaired(), code(), unpaired(phase={"kind": "looking", "nothing": True})):
        popup.tell(view)
        expect(field).to_have_value("192,168,0,5 ")
    field.press("Enter")
    assert popup.asked == [{"do": "type", "address": "http://192.168.0.5:8480"}]
    popup.tell(unpaired(phase={"kind": "looking", "nothing": True}, problem=problem("CONNECTION_REFUSED")))
    expect(page.get_by_text("CONNECTION_REFUSED")).to_have_count(1)
    typed = PLANT | {"base": "http://192.168.0.5:8480", "by": "typed"}
    popup.tell(code(phase={"kind": "pairing", "appliance": typed}))
    expect(field).to_have_count(0)
    press(page, "다른 주소 입력")
    expect(field).to_have_value("")
    popup.tell(unpaired(phase={"kind": "found", "appliance": PLANT}, byPolicy=True))
    expect(field).to_have_count(0)


def test_figures_tick_by_the_worker_s_clock(popup: ExtensionPage) -> None:
    body = popup.page.locator("body")
    popup.tell(cut(38, link={"kind": "waiting", "retryAt": WORKER_NOW + 1_200, "code": "CONNECTION_TIMEOUT"}))
    expect(body).to_contain_text("다시 연결하는 중입니다")
    expect(body).to_contain_text(re.compile("(39|4[0-9])초 전에 끊겼습니다"))
    popup.tell(asking(kind="denied", endsAt=WORKER_NOW + 1_200))
    expect(body).to_contain_text("0초 뒤 새 코드")


def test_a_change_is_announced_and_the_focus_stays_on_the_page(popup: ExtensionPage) -> None:
    page = popup.page
    popup.tell(unpaired(phase={"kind": "found", "appliance": PLANT}))
    said = page.get_by_role("status").first
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="이 공장에 연결")).to_be_focused()
    page.wait_for_timeout(DEAD_MS)
    page.keyboard.press("Enter")
    assert popup.asked == [CONNECT]
    was = said.element_handle()
    popup.tell(code())
    expect(said).to_have_text("등록 전 · 2번 모니터의 QR을 휴대폰으로 비춰 주세요")
    page.keyboard.press("Enter")  # pressed twice
    assert popup.asked == []
    assert was.evaluate("element => element.isConnected"), "a new region isn't read"
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="2번 모니터에 다시 띄우기")).to_be_focused()
    popup.tell(showing())
    expect(page.locator("h1")).to_be_focused()


def test_options_choose_the_monitor_and_test_it(options: ExtensionPage) -> None:
    page = options.page
    upright = monitor(2, left=-1080, top=-400, width=1080, height=1920, name="Dell")
    options.tell(showing(monitors=[FIRST, SECOND, upright]))
    chosen = page.get_by_role("button", name="2번 모니터, LG 27UL, 2560×1440, 제작의뢰서")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    other = page.get_by_role("button", name="3번 모니터, Dell")
    boxes = [found.bounding_box() for found in (other, page.get_by_role("button", name="1번 모니터"), chosen)]
    assert all(boxes)
    lefts = [box["x"] for box in boxes if box]
    assert lefts == sorted(lefts), "they stand as on the desk"
    assert boxes[0] and boxes[0]["height"] > 1.5 * boxes[0]["width"]
    chosen.click()
    other.click()
    assert options.asked == [{"do": "choose", "monitor": "m2"}]
    press(page, "시험 문서 띄우기")
    assert options.asked == [{"do": "test"}]
    options.tell(showing(tested={"index": 1, "tookMs": 290, "at": wall()}))
    expect(page.get_by_text("2번 모니터에 표시됨, 0.29초")).to_be_visible()
    options.tell(paired(monitors=[FIRST]))
    expect(page.get_by_role("button", name="1번 모니터")).to_have_count(0)  # nothing to choose from
    expect(page.get_by_text("세컨드 모니터를 연결할 수 없습니다")).to_be_visible()


def test_options_ask_before_unpairing_and_say_what_stops(options: ExtensionPage) -> None:
    page = options.page
    options.tell(showing())
    press(page, "등록 해제")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("절단 1의 등록을 해제할까요?")
    expect(dialog).to_contain_text("제작의뢰서를 더 이상 띄우지 않고")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="등록 해제")).to_be_focused()
    assert options.asked == []
    press(page, "등록 해제")
    dialog.get_by_role("button", name="등록 해제").click()
    assert options.asked == [{"do": "unpair"}]
    options.tell(unpaired())
    expect(page.get_by_text("아직 등록되지 않았습니다")).to_be_visible()
    expect(page.get_by_role("link", name="연결 화면 열기")).to_have_attribute("href", "/popup.html")


@pytest.mark.parametrize(("width", "scheme"), [(900, "light"), (390, "dark")])
def test_options_can_be_read_wide_and_narrow(browser: Browser, address: str, width: int, scheme: Any) -> None:
    options = ExtensionPage(
        browser, f"{address}/options.html", width, 800, color_scheme=scheme, reduced_motion="reduce"
    )
    log = [
        {"at": wall(60 * back), "text": {"ko": f"ORD-{back} — 표시", "en": f"ORD-{back} shown"}}
        for back in range(50, 0, -1)
    ]
    locked = showing(log=log, byPolicy=True, appliance=PLANT | {"by": "policy"})
    views = [locked, paired(monitors=[FIRST]), unpaired(), cut(300)]
    for lang in ("ko", "en"):
        for view in views:
            _, unreadable, _, is_wide = options.measured(view | {"lang": lang})
            assert unreadable == []
            assert not is_wide
    options.tell(locked)
    entries = options.page.locator(".log li")
    expect(entries).to_have_count(50)
    expect(entries.first).to_contain_text("ORD-1 ")
    expect(entries.last).to_contain_text("ORD-50 ")
    for words in (
        "192.168.10.20:8480",
        "시스템 관리자의 설정",
        "여기서 바꿀 수 없습니다",
        "절단 1",
        "확장 프로그램 1.4.0",
    ):
        expect(options.page.locator("body")).to_contain_text(words)
    press(options.page, "English")
    assert options.asked == [{"do": "lang", "lang": "en"}]
    expect(options.page.locator("h1")).to_have_text("설정")  # the worker keeps the language, for all pages
    assert options.wrong == []
    options.page.context.close()
