"""The page about being found, where it is turned off; tests on a LAN show the rest."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.floor import PASSWORD, Floor, People
from tests.e2e.pages import sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_it_is_reached_from_the_screens_and_says_how_it_is_and_what_a_phone_opens(floor: Floor, people: People) -> None:
    floor.vooster("setup", "--username", "admin", "--password-stdin", stdin=PASSWORD)
    desk = people.desk()
    desk.goto(f"{floor.base}/screens")
    desk.wait_for_url("**/login**")
    sign_in(desk)
    desk.get_by_role("link", name="찾기 확인").click()
    expect(desk.get_by_role("heading", name="자동 찾기가 꺼져 있습니다")).to_be_visible()
    expect(desk.get_by_role("button", name="다시 듣기")).to_have_count(0)
    # An address that a person could type, and no name.
    expect(desk.locator(".finding-url")).to_have_text(re.compile(rf"http://\d+\.\d+\.\d+\.\d+:{floor.port}"))
    expect(desk.locator(".finding-qr")).to_have_attribute("src", re.compile("^data:image/svg"))
    assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
