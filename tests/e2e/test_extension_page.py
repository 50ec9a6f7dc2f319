"""What the appliance's pages say of the extension in a real browser: without it, with it, with another version of it;
what they hand over to it, and what IT lays down for it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from appliance import __version__
from tests.e2e.floor import CHROMIUM_ARGS, Floor, until
from tests.e2e.pages import picture
from tests.e2e.policies import Policies
from tests.e2e.workplace import EXTENSION, Workplace

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built"),
]


@pytest.fixture
def bare(player: Playwright) -> Iterator[Page]:
    """A page of a browser without the extension."""
    opened = player.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
    yield opened.new_page(locale="ko-KR")
    opened.close()


def test_without_the_extension_pages_say_so_and_how_to_get_it(floor: Floor, bare: Page) -> None:
    bare.goto(f"{floor.base}/extension")
    expect(bare.get_by_role("heading", name="이 브라우저에는 없습니다")).to_be_visible()
    expect(bare.locator("details[open] summary")).to_have_text("Chrome")
    expect(bare.locator("details[open]")).to_contain_text("chrome://extensions")
    picture(bare, "extension-missing")
    with bare.expect_download() as download:
        bare.get_by_role("link", name="확장 프로그램 받기").click()
    assert download.value.suggested_filename == "vooster-extension.zip"
    bare.get_by_role("button", name="다시 확인").click()
    expect(bare.get_by_role("heading", name="이 브라우저에는 없습니다")).to_be_visible()

    bare.goto(f"{floor.base}/display")
    expect(bare.locator(".aside")).to_contain_text(f"{floor.base.removeprefix('http://')}/extension")
    bare.goto(offer(floor))
    expect(bare.get_by_role("button", name="이 브라우저를 S-1로 쓰기")).to_be_visible()
    expect(bare.get_by_role("button", name=re.compile("넘기기"))).to_have_count(0)
    bare.get_by_role("link", name="설치 방법").click()
    expect(bare).to_have_url(f"{floor.base}/extension")
    bare.goto(f"{floor.base}/pair?screenId=S-1")
    bare.wait_for_url("**/login")


def test_an_offer_is_handed_to_the_extension_which_becomes_the_screen_once_a_person_says_so(
    floor: Floor, pc: Workplace
) -> None:
    page = pc.context.new_page()
    page.goto(f"{floor.base}/extension")
    expect(page.get_by_role("heading", name="이 브라우저에 설치되어 있습니다")).to_be_visible()
    expect(page.locator("main")).to_contain_text(f"버전 {__version__}")
    picture(page, "extension-installed")
    page.goto(f"{floor.base}/display")
    expect(page.locator(".aside")).to_contain_text("이 PC에는 확장 프로그램이 있습니다")

    page.goto(offer(floor))
    expect(page.get_by_role("button", name="이 브라우저를 S-1로 쓰기")).to_be_visible()
    page.get_by_role("button", name=re.compile("확장 프로그램에 넘기기.*S-1이 됩니다", re.DOTALL)).click()
    expect(page.locator("h1")).to_have_text("확장 프로그램에 넘겼습니다")
    assert pc.becomes("offered")["phase"]["screenId"] == "S-1"
    key = admin_key(floor)
    assert not floor.get("/api/screens/S-1", key)["paired"], "before anybody has agreed"
    pc.tell(do="accept")
    pc.connected()
    assert floor.get("/api/screens/S-1", key)["online"]


def test_a_label_at_a_pc_leads_its_extension_here_and_nobody_has_to_sign_in(floor: Floor, pc: Workplace) -> None:
    page = pc.context.new_page()
    page.goto(f"{floor.base}/pair?screenId=S-1")
    page.get_by_role("button", name="이 공장에 연결").click()
    expect(page.get_by_role("status")).to_contain_text("Vooster 창에서 단추를 눌러 주세요")
    assert pc.becomes("found")["phase"]["appliance"]["base"] == floor.base
    page.get_by_role("button", name="관리자로 로그인").click()
    page.wait_for_url("**/login")


def test_another_version_is_named_with_what_to_do(floor: Floor, player: Playwright, tmp_path: Path) -> None:
    old = tmp_path / "extension"
    shutil.copytree(EXTENSION, old)
    manifest = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps(manifest | {"version": "0.0.1"}))
    pc = Workplace(player, tmp_path / "profile", extension=old)
    pc.start()
    try:
        page = pc.context.new_page()
        page.goto(f"{floor.base}/extension")
        expect(page.get_by_role("heading", name="버전이 서버와 다릅니다")).to_be_visible()
        expect(page.locator("main")).to_contain_text("0.0.1")
        expect(page.get_by_role("heading", name="새 버전으로 바꾸기")).to_be_visible()
        page.goto(f"{floor.base}/display")
        expect(page.locator(".aside")).to_contain_text("버전이 다릅니다")
        page.goto(offer(floor))
        expect(page.get_by_role("button", name=re.compile("확장 프로그램에 넘기기"))).to_be_visible()
        expect(page.locator(".notice")).to_contain_text("0.0.1")
    finally:
        pc.stop()


def test_a_policy_file_makes_a_pc_its_screen_with_nobody_pressing_anything(
    floor: Floor, player: Playwright, tmp_path: Path
) -> None:
    folder = tmp_path / "policies"
    made = floor.vooster("screens", "provision", "S-1", "S-2", "--policy", str(folder), "--form", "json")
    assert made.splitlines() == [str(folder / f"vooster-{screen_id}.json") for screen_id in ("S-1", "S-2")]
    policies = Policies(tmp_path)
    policies.lay(folder / "vooster-S-2.json")
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium)
    pc.start()
    try:
        key = admin_key(floor)
        until(lambda: floor.get("/api/screens/S-2", key)["online"], 30)
        assert not floor.get("/api/screens/S-1", key)["online"]
        assert pc.connected()["byPolicy"]
        page = pc.context.new_page()
        page.goto("chrome://policy")
        for name in ("TranslateEnabled", "PasswordManagerEnabled", "LocalNetworkAccessAllowedForUrls", "deviceSecret"):
            row = page.locator("policy-row").filter(has=page.get_by_text(name, exact=True))
            expect(row.locator(".messages").first).to_have_text("OK")
    finally:
        pc.stop()


def admin_key(floor: Floor) -> str:
    return floor.vooster("keys", "add", "--name", "it", "--role", "admin")


def offer(floor: Floor) -> str:
    """The address that a supervisor hands over for a new screen S-1."""
    key = floor.vooster("keys", "add", "--name", "lead", "--role", "supervisor")
    floor.post("/api/screens", key, {"screenId": "S-1"})
    made: dict[str, Any] = floor.post("/api/pairing/offers", key, {"screenId": "S-1"})
    return floor.here(made["url"])
