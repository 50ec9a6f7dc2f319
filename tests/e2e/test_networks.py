"""Screens behind what plants have between them and the appliance, and screens that are opened twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.floor import BLUE, PASSWORD, RED, Floor, People, copied, near, pixel, png, until
from tests.e2e.pages import become, picture, provision, show, sign_in
from tests.e2e.proxies import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

READY = "준비됨"
AT_MOST_MS = 15_000
"""On a busy machine; it takes a second, and three where the proxy takes the upgrade and stays silent."""


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    floor = Floor(tmp_path_factory.mktemp("floor"))
    floor.start()
    copied(floor.orders / "ORD-1001.png", png(RED))
    copied(floor.orders / "ORD-1002.png", png(BLUE))
    yield floor
    floor.stop()


@pytest.fixture(scope="module")
def key(floor: Floor) -> str:
    return floor.vooster("keys", "add", "--name", "line", "--role", "supervisor")


@pytest.fixture
def proxies(floor: Floor) -> Iterator[list[Proxy]]:
    proxies = [Proxy(floor.port, way) for way in ("refuse", "strip", "swallow")]
    yield proxies
    for proxy in proxies:
        proxy.close()


def test_work_orders_come_through_proxies_that_drop_upgrades(
    floor: Floor, key: str, people: People, proxies: list[Proxy]
) -> None:
    pairings = provision(floor, "P-1", "P-2", "P-3")
    stations = [people.station(960, 540) for _ in proxies]
    for station, proxy, pairing in zip(stations, proxies, pairings, strict=True):
        become(station, proxy.base, pairing)
    for station in stations:
        expect(station.locator("body")).to_contain_text("웹소켓이 막혀 HTTP 사용", timeout=AT_MOST_MS)
        expect(station.locator("body")).to_contain_text(READY)
    picture(stations[0], "display-over-http")
    show(floor, key, "ORD-1001", "screen:P-*")
    for station in stations:
        assert near(pixel(station, 0.5, 0.4), RED)

    asked = [proxy.upgrades for proxy in proxies]
    floor.kill()
    for station in stations:
        expect(station.locator(".strip")).to_contain_text("연결 끊김")
        assert near(pixel(station, 0.5, 0.4), RED), "the work order stays while the connection is gone"
    picture(stations[1], "display-lost")
    floor.start()
    for station in stations:
        expect(station.locator(".strip")).to_have_count(0, timeout=AT_MOST_MS)
    show(floor, key, "ORD-1002", "screen:P-*")
    for station in stations:
        assert near(pixel(station, 0.5, 0.4), BLUE)
    assert [proxy.upgrades for proxy in proxies] == asked, "what was learnt about the way is kept"

    station, proxy = stations[2], proxies[2]
    due = "localStorage.setItem('vooster.wire', JSON.stringify({until: Date.now() + 1000, periodMs: 600000}))"
    station.evaluate(due)
    station.reload()
    until(lambda: proxy.upgrades == asked[2] + 1)  # the trial
    expect(station.locator("body")).to_contain_text("ORD-1002")
    proxy.way = "pass"
    station.evaluate(due)
    station.reload()
    until(lambda: station.evaluate("localStorage.getItem('vooster.wire')") is None)
    show(floor, key, "ORD-1001", "screen:P-3")
    assert proxy.upgrades == asked[2] + 3, "one more trial, and the WebSocket itself"


def test_a_screen_opened_twice_stays_where_it_was_last_asked_for(
    floor: Floor, people: People, proxies: list[Proxy]
) -> None:
    (pairing,) = provision(floor, "S-4")
    for base in (floor.base, proxies[0].base):
        first = people.station(1280, 720)
        become(first, base, pairing)
        expect(first.locator("body")).to_contain_text(READY)
        second = other_tab(first.context)
        second.goto(f"{base}/display")
        expect(second.locator("body")).to_contain_text(READY)
        expect(first.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        picture(first, "display-replaced")
        first.evaluate("dispatchEvent(new Event('online'))")
        first.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        first.wait_for_timeout(1_200)  # longer than the longest wait of a first minute
        expect(first.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        expect(second.locator("body")).to_contain_text(READY)

        first.get_by_role("button", name="여기서 쓰기").click()
        expect(first.locator("body")).to_contain_text(READY)
        expect(second.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        second.keyboard.press("Enter")
        expect(second.locator("body")).to_contain_text(READY)
        expect(first.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        first.context.close()


def test_a_browser_that_runs_out_of_connections_says_so_while_one_is_left(
    floor: Floor, key: str, people: People
) -> None:
    floor.vooster("setup", "--username", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    (pairing,) = provision(floor, "S-5")
    proxy = Proxy(floor.port, "refuse")
    desk = people.desk()
    desk.goto(f"{floor.base}/login")
    sign_in(desk)
    expect(desk.locator("body")).to_contain_text("실시간 연결됨")
    for _ in range(3):
        tab = other_tab(desk.context)
        tab.goto(floor.base)
        expect(tab.locator("body")).to_contain_text("실시간 연결됨")
    station = other_tab(desk.context)
    become(station, proxy.base, pairing)
    expect(station.locator(".strip")).to_contain_text("한 브라우저의 실시간 연결이 거의 찼습니다")
    expect(station.locator(".strip")).to_contain_text("쓰지 않는 탭을 닫거나")
    show(floor, key, "ORD-1001", "screen:S-5")
    desk.context.close()
    proxy.close()


def other_tab(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page
