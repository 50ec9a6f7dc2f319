"""Over https in a real browser that trusts nothing but what it is told to: the monitor, its QR, and the page /trust."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.floor import Floor
from tests.e2e.pages import picture

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    monkeypatch.setenv("VOOSTER_TLS_MODE", "auto")
    found = Floor(tmp_path)
    found.start()  # asks over http, and is sent on to where nothing is trusted yet: that is an answer too
    yield found
    found.stop()


def test_a_monitor_shows_its_qr_and_anybody_can_come_to_trust_it(floor: Floor, browser: Browser) -> None:
    secure = floor.base.replace("http://", "https://")
    with browser.new_context(locale="ko-KR", ignore_https_errors=True) as context:
        station = context.new_page()
        station.goto(f"{secure}/display")
        expect(station.locator(".qr img")).to_be_visible()
        expect(station.locator("body")).to_contain_text(f":{floor.port}/approve")
        assert station.evaluate("isSecureContext")
    with browser.new_context(locale="ko-KR", viewport={"width": 390, "height": 844}) as phone:
        page = phone.new_page()
        page.goto(f"{floor.base}/trust")
        expect(page.locator(".trust-print dd").first.locator("code")).to_have_count(16)
        with page.expect_download() as download:
            page.locator("a.btn-primary").click()
        assert download.value.suggested_filename == "vooster-ca.crt"
        for language, heading in (("한국어", "암호화가 켜져 있습니다"), ("English", "Encryption is on")):
            page.get_by_role("button", name=language).click()
            expect(page.locator("h2").first).to_have_text(heading)
            picture(page, f"trust-{language}")
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            page.emulate_media(color_scheme="dark")
            picture(page, f"trust-{language}-dark")
            page.emulate_media(color_scheme="light")
