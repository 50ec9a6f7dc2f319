"""The example pages, on a site of their own, in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.clients.programs import paired
from tests.conftest import MakeHouse
from tests.support.house import House
from tests.support.process import free_port

pytestmark = pytest.mark.e2e
PAGES = ["websocket-screen.html", "events-screen.html"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture
async def site(examples: Path) -> AsyncIterator[str]:
    """Another site's address, which serves the examples."""
    app = web.Application()
    app.router.add_static("/", examples)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield opened
        await opened.close()


async def be_screen(page: Page, address: str, house: House, file: Path, screen_id: str) -> None:
    await page.goto(address)
    pairing = (await paired(house, file, screen_id)).read_text("utf-8")
    await page.get_by_label("Pairing").fill(pairing)
    await page.get_by_role("button").click()


async def says(page: Page, text: str) -> None:
    await expect(page.locator("output")).to_contain_text(text)


async def test_pages_of_an_allowed_site_are_screens_and_come_back_after_a_restart(
    make_house: MakeHouse, site: str, browser: Browser, tmp_path: Path
) -> None:
    house = await make_house({"server": {"allowed_origins": [site], "port": free_port()}})
    pages = {f"S-{number}": await browser.new_page() for number in range(len(PAGES))}
    for name, (screen_id, page) in zip(PAGES, pages.items(), strict=True):
        await be_screen(page, f"{site}/{name}", house, tmp_path / screen_id, screen_id)
        await says(page, f"as {screen_id}")
        answer = await house.trigger("ORD-1001", screen_id, wait=5_000)
        assert answer.json["result"] == "received"  # it doesn't claim to have seen the document
        await says(page, "ORD-1001 on display 0")
        await expect(page.locator("iframe")).to_have_attribute("src", re.compile(f"^{house.url}/documents/"))
        frame = page.frames[1]
        await frame.wait_for_url(f"{house.url}/documents/**", wait_until="commit")
        assert (await house.trigger("ORD-9999", screen_id)).status == 404
        await says(page, "Order not found.")
        await frame.wait_for_url("about:blank", wait_until="commit")
        assert (await house.trigger("ORD-1001", screen_id, wait=5_000)).json["result"] == "received"
        await expect(page.locator("output")).not_to_contain_text("Lost the connection")

    await house.restart()
    for screen_id, page in pages.items():
        await says(page, "Lost the connection")
        assert (await house.trigger("ORD-1002", screen_id, wait=8_000)).json["result"] == "received"
        await says(page, "ORD-1002 on display 0")


async def test_a_page_whose_place_is_taken_stays_away_until_a_person_asks(
    make_house: MakeHouse, site: str, browser: Browser, tmp_path: Path
) -> None:
    house = await make_house({"server": {"allowed_origins": [site]}})
    for number, name in enumerate(PAGES):
        screen_id = f"S-{number}"
        context = await browser.new_context()  # both tabs have the same pairing
        first = await context.new_page()
        await be_screen(first, f"{site}/{name}", house, tmp_path / screen_id, screen_id)
        await says(first, f"as {screen_id}")
        second = await context.new_page()
        await second.goto(f"{site}/{name}")
        await says(second, f"as {screen_id}")
        again = first.get_by_role("button", name="Use it here")
        await expect(again).to_be_visible()
        await expect(first.locator("output")).not_to_contain_text("Trying again.")

        await first.bring_to_front()  # a tab behind draws too rarely to be pressed soon
        await again.click()
        await says(first, f"as {screen_id}")
        await expect(second.get_by_role("button", name="Use it here")).to_be_visible()
        await context.close()


async def test_pages_of_any_other_site_get_nothing(house: House, site: str, browser: Browser, tmp_path: Path) -> None:
    for name in PAGES:
        page = await browser.new_page()
        await be_screen(page, f"{site}/{name}", house, tmp_path / "pairing.json", "S-1")
        await says(page, "Trying again.")
        assert house.appliance.engine.sessions.of_screen("S-1") is None
        await page.close()
