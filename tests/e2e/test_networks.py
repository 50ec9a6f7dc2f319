"""Screens behind what plants have between them and the appliance, and screens that are opened twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.floor import BLUE, RED, Floor, People, copied, near, pixel, png
from tests.e2e.pages import picture
from tests.e2e.proxies import Proxy
from tests.support.answers import new_trigger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

READY = "준비됨"


@pytest.fixture
def proxies(floor: Floor) -> Iterator[list[Proxy]]:
    proxies = [Proxy(floor.port, way) for way in ("refuse", "strip", "swallow")]
    yield proxies
    for proxy in proxies:
        proxy.close()


def become(page: Page, base: str, pairing: dict[str, Any]) -> None:
    """Opens the station's page in a browser that is this screen already."""
    page.goto(f"{base}/api/health/live")
    page.evaluate("pairing => localStorage.setItem('vooster.pairing', JSON.stringify(pairing))", pairing)
    page.goto(f"{base}/display")


def provision(floor: Floor, *screen_ids: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in floor.vooster("screens", "provision", *screen_ids).splitlines()]


def shown_everywhere(floor: Floor, key: str, order: str, within: float) -> None:
    """Sends an order to every screen; returns when all have said that it is on them."""
    answer = floor.post(
        f"/api/trigger?wait=shown&timeoutMs={within * 1000:.0f}", key, new_trigger(order, None, target="*")
    )
    assert answer["result"] == "shown", answer


def test_work_orders_come_through_proxies_that_drop_upgrades(
    floor: Floor, people: People, proxies: list[Proxy]
) -> None:
    copied(floor.orders / "ORD-1001.png", png(RED))
    copied(floor.orders / "ORD-1002.png", png(BLUE))
    key = floor.vooster("keys", "add", "--name", "line", "--role", "supervisor")
    pairings = provision(floor, "S-1", "S-2", "S-3")
    stations = [people.station(960, 540) for _ in proxies]
    begun = time.monotonic()
    for station, proxy, pairing in zip(stations, proxies, pairings, strict=True):
        become(station, proxy.base, pairing)
    for station in stations:
        expect(station.locator("body")).to_contain_text("웹소켓이 막혀 HTTP 사용")
        expect(station.locator("body")).to_contain_text(READY)
    assert time.monotonic() - begun < 15
    picture(stations[0], "display-over-http")
    shown_everywhere(floor, key, "ORD-1001", 10)
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
        expect(station.locator(".strip")).to_have_count(0)
    shown_everywhere(floor, key, "ORD-1002", 10)
    for station in stations:
        assert near(pixel(station, 0.5, 0.4), BLUE)
    assert [proxy.upgrades for proxy in proxies] == asked, "what was learnt about the way is kept"


def test_a_screen_opened_twice_stays_where_it_was_last_asked_for(
    floor: Floor, people: People, proxies: list[Proxy]
) -> None:
    (pairing,) = provision(floor, "S-1")
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
        first.wait_for_timeout(1_500)  # longer than the longest wait of a first minute
        expect(first.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        expect(second.locator("body")).to_contain_text(READY)

        first.get_by_role("button", name="여기서 쓰기").click()
        expect(first.locator("body")).to_contain_text(READY)
        expect(second.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        second.keyboard.press("Enter")
        expect(second.locator("body")).to_contain_text(READY)
        expect(first.locator("body")).to_contain_text("다른 창에서 쓰고 있습니다")
        first.context.close()


def other_tab(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page
