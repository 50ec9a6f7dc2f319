"""Every page in a real browser under its own policy: nothing that the pages do themselves is refused, and what a
stranger brings along (a name, an order's title, a program's name) is text and never runs.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.floor import BLUE, GREEN, RED, Floor, People, copied, html, near, pdf, pixel, png, until
from tests.e2e.pages import open_scan, pair, scan, set_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

STATION = "절단 1"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" fill="#188040"/></svg>'
SCRIPT = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
LISTEN = (
    "addEventListener('securitypolicyviolation', (e) => violated(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`))"
)


class Watch:
    """What the pages of a person's browser were refused by their policy."""

    def __init__(self, *pages: Page) -> None:
        self.violations: list[str] = []
        for page in pages:
            page.context.expose_binding("violated", self._hear)
            page.add_init_script(LISTEN)

    def _hear(self, source: Any, what: str) -> None:
        self.violations.append(f"{source['page'].url}: {what}")


def test_no_page_needs_what_its_policy_refuses(floor: Floor, people: People) -> None:
    copied(floor.orders / "RED-1.pdf", pdf(RED))
    copied(floor.orders / "BLUE-1.png", png(BLUE))
    copied(floor.orders / "SVG-1.svg", SVG.encode())
    copied(floor.orders / "HTML-1.html", html(RED, "용접 순서").encode())
    copied(floor.orders / "TEXT-1.txt", "절단 100 mm".encode())
    desk, station = people.desk(), people.station()
    watch = Watch(desk, station)
    set_up(floor, desk)
    pair(floor, people, station, STATION)
    open_scan(floor, desk, STATION)
    for order, colour in (("RED-1", RED), ("BLUE-1", BLUE), ("SVG-1", GREEN), ("HTML-1", RED), ("TEXT-1", None)):
        scan(desk, order)
        expect(desk.get_by_role("status")).to_have_text(re.compile(rf"표시됨.*{order}", re.DOTALL))
        assert colour is None or near(pixel(station, 0.5, 0.4), colour), order
    expect(station.locator("pre")).to_contain_text("100 mm")
    scan(desk, "NO-SUCH-ORDER")
    expect(station.locator("body")).to_contain_text("주문을 찾을 수 없습니다")
    for path in (
        "/",
        "/screens",
        "/dead-letters",
        "/approve",
        "/pair",
        "/pair?screenId=S-2",
        "/login",
        "/setup",
        "/extension",
        "/no",
    ):
        desk.goto(floor.base + path)
        until(lambda: desk.locator("h1, h2, main").count())
        desk.wait_for_timeout(200)  # what a page does once it is drawn
    assert watch.violations == []
    assert "ran" not in desk.title()


def test_header_borne_script_what_strangers_say_of_themselves_never_runs(floor: Floor, people: People) -> None:
    """A client's name, its `User-Agent` and an order's number come from whoever asks, and people read them."""
    copied(floor.orders / "RED-1.pdf", pdf(RED))
    desk = people.desk()
    watch = Watch(desk)
    set_up(floor, desk)
    body = {"client": {"name": SCRIPT, "version": SCRIPT}, "displays": [{"index": 0, "name": SCRIPT, "primary": True}]}
    asked = _post(floor, "/api/pairing/device", body)
    desk.goto(f"{floor.base}/approve#{asked['user_code']}")
    expect(desk.locator("body")).to_contain_text("<script>")
    assert desk.title() != "ran"
    admin = floor.vooster("keys", "add", "--name", f"{SCRIPT[:60]}", "--role", "admin")
    floor.vooster("screens", "add", "S-9", "--name", SCRIPT[:60])
    _post(floor, "/api/trigger", _trigger("S-9", "RED-1"), admin)
    for path in ("/", "/screens", "/dead-letters"):
        desk.goto(floor.base + path)
        expect(desk.locator("body")).to_contain_text("S-9" if path == "/screens" else "Vooster")
        desk.wait_for_timeout(200)
        assert desk.title() != "ran", path
        assert desk.locator("body script, img[onerror]").count() == 0, path
    assert watch.violations == []


def test_script_that_got_into_a_page_all_the_same_does_nothing(floor: Floor, people: People) -> None:
    desk = people.desk()
    watch = Watch(desk)
    desk.goto(f"{floor.base}/login")
    expect(desk.locator("h1")).to_be_visible()
    before = desk.title()
    tried = """(code) => {
      const say = (run) => { try { run(); return 'ran'; } catch (error) { return error.name; } };
      const script = document.createElement('script');
      return [say(() => { document.body.innerHTML = code; }),
              say(() => trustedTypes.createPolicy('mine', {})),
              say(() => { script.textContent = "document.title='ran'"; document.head.append(script); }),
              say(() => new Worker('/assets/x.js'))];
    }"""
    assert desk.evaluate(tried, SCRIPT) == ["TypeError"] * 4
    assert desk.title() == before
    assert len(watch.violations) >= 4
    people.wrong.clear()  # the browser complains of each on the console


def _trigger(screen_id: str, order_id: str) -> dict[str, Any]:
    import time
    import uuid

    now = int(time.time() * 1000)
    return {"id": str(uuid.uuid4()), "timestamp": now, "orderId": order_id, "screenId": screen_id}


def _post(floor: Floor, path: str, body: dict[str, Any], key: str = "") -> Any:
    headers = {"Content-Type": "application/json", "User-Agent": SCRIPT}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(floor.base + path, json.dumps(body).encode(), headers), timeout=20) as answer:
        return json.load(answer)
