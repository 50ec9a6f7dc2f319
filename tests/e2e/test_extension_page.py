"""What the appliance's pages say of the extension in a real browser: without it, with it, with another version of it;
and what they hand over to it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from appliance import __version__
from appliance.core.managed import EXTENSION_ID
from appliance.paths import package_data
from tests.e2e.floor import Floor, until
from tests.e2e.pages import picture

EXTENSION = Path(str(package_data("static"))) / "extension"
# The worker's own account of itself, by the port that its pages have.
PHASE = """() => new Promise((resolve) => {
  const port = chrome.runtime.connect({ name: "view" });
  port.onMessage.addListener((view) => { port.disconnect(); resolve(view.phase); });
})"""
ACCEPT = """() => chrome.runtime.connect({ name: "view" }).postMessage({ do: "accept" })"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built"),
]


@contextlib.contextmanager
def browser(
    profile: Path, extension: Path | None, language: str = "ko-KR", program: Path | None = None
) -> Iterator[BrowserContext]:
    """A PC with two monitors and a browser of its own, with `extension` installed."""
    found = program or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "no Chromium: run tests/install_browser.sh"
    args = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--screen-info={0,0 1920x1080}{1920,0 1920x1080}",
    ]
    if extension is not None:
        args += [f"--disable-extensions-except={extension}", f"--load-extension={extension}"]
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=found,
            headless=True,
            no_viewport=True,
            locale=language,
            ignore_default_args=["--disable-extensions"],
            args=args,
        )
        try:
            if extension is not None and not context.service_workers:
                context.wait_for_event("serviceworker")
            context.set_default_timeout(10_000)
            yield context
        finally:
            context.close()


def test_without_the_extension_pages_say_so_and_how_to_get_it(floor: Floor, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", None) as pc:
        page = pc.new_page()
        page.goto(f"{floor.base}/extension")
        expect(page.get_by_role("heading", name="이 브라우저에는 없습니다")).to_be_visible()
        expect(page.locator("details[open] summary")).to_have_text("Chrome")
        expect(page.locator("details[open]")).to_contain_text("chrome://extensions")
        picture(page, "extension-missing")
        with page.expect_download() as download:
            page.get_by_role("link", name="확장 프로그램 받기").click()
        assert download.value.suggested_filename == "vooster-extension.zip"
        page.get_by_role("button", name="다시 확인").click()
        expect(page.get_by_role("heading", name="이 브라우저에는 없습니다")).to_be_visible()

        page.goto(f"{floor.base}/display")
        expect(page.locator(".aside")).to_contain_text(f"{floor.base.removeprefix('http://')}/extension")
        page.goto(offer(floor))
        expect(page.get_by_role("button", name="이 브라우저를 S-1로 쓰기")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("넘기기"))).to_have_count(0)
        page.get_by_role("link", name="설치 방법").click()
        expect(page).to_have_url(f"{floor.base}/extension")
        page.goto(f"{floor.base}/pair?screenId=S-1")
        page.wait_for_url("**/login")


def test_an_offer_is_handed_to_the_extension_which_becomes_the_screen_once_a_person_says_so(
    floor: Floor, tmp_path: Path
) -> None:
    key = admin_key(floor)
    with browser(tmp_path / "profile", EXTENSION) as pc:
        page = pc.new_page()
        page.goto(f"{floor.base}/extension")
        expect(page.get_by_role("heading", name="이 브라우저에 설치되어 있습니다")).to_be_visible()
        expect(page.locator("main")).to_contain_text(f"버전 {__version__}")
        picture(page, "extension-installed")
        page.goto(f"{floor.base}/display")
        expect(page.locator(".aside")).to_contain_text("이 PC에는 확장 프로그램이 있습니다")

        page.goto(offer(floor))
        hand = page.get_by_role("button", name=re.compile("확장 프로그램에 넘기기.*S-1이 됩니다", re.DOTALL))
        expect(page.get_by_role("button", name="이 브라우저를 S-1로 쓰기")).to_be_visible()
        own = own_page(pc)
        hand.click()
        expect(page.locator("h1")).to_have_text("확장 프로그램에 넘겼습니다")
        until(lambda: own.evaluate(PHASE)["kind"] == "offered")
        assert own.evaluate(PHASE)["screenId"] == "S-1"
        assert not floor.get("/api/screens/S-1", key)["paired"], "before anybody has agreed"
        own.evaluate(ACCEPT)
        until(lambda: floor.get("/api/screens/S-1", key)["online"])
        assert own.evaluate(PHASE)["kind"] == "paired"


def test_a_label_at_a_pc_leads_its_extension_here_and_nobody_has_to_sign_in(floor: Floor, tmp_path: Path) -> None:
    with browser(tmp_path / "profile", EXTENSION) as pc:
        page = pc.new_page()
        page.goto(f"{floor.base}/pair?screenId=S-1")
        page.get_by_role("button", name="이 공장에 연결").click()
        expect(page.get_by_role("status")).to_contain_text("Vooster 창에서 단추를 눌러 주세요")
        own = own_page(pc)
        until(lambda: own.evaluate(PHASE)["kind"] == "found")
        assert own.evaluate(PHASE)["appliance"]["base"] == floor.base
        page.get_by_role("button", name="관리자로 로그인").click()
        page.wait_for_url("**/login")


def test_another_version_is_named_with_what_to_do(floor: Floor, tmp_path: Path) -> None:
    old = tmp_path / "extension"
    shutil.copytree(EXTENSION, old)
    manifest = json.loads((old / "manifest.json").read_text())
    (old / "manifest.json").write_text(json.dumps(manifest | {"version": "0.0.1"}))
    with browser(tmp_path / "profile", old, "en-GB") as pc:
        page = pc.new_page()
        page.goto(f"{floor.base}/extension")
        expect(page.get_by_role("heading", name="Its version differs from the server's")).to_be_visible()
        expect(page.locator("main")).to_contain_text("0.0.1")
        expect(page.get_by_role("heading", name="Replace it with the new version")).to_be_visible()
        page.goto(f"{floor.base}/display")
        expect(page.locator(".aside")).to_contain_text("another version")
        page.goto(offer(floor))
        expect(page.get_by_role("button", name=re.compile("Hand to the extension"))).to_be_visible()
        expect(page.locator(".notice")).to_contain_text("0.0.1")


@pytest.mark.skipif(not shutil.which("chromium"), reason="policies are laid where Debian's Chromium looks for them")
def test_a_policy_file_makes_a_pc_its_screen_with_nobody_pressing_anything(floor: Floor, tmp_path: Path) -> None:
    key = admin_key(floor)
    folder = tmp_path / "policies"
    made = floor.vooster("screens", "provision", "S-1", "S-2", "--policy", str(folder), "--form", "json")
    assert made.splitlines() == [str(folder / f"vooster-{screen_id}.json") for screen_id in ("S-1", "S-2")]
    with browser(tmp_path / "profile", EXTENSION, program=managed(tmp_path, folder / "vooster-S-2.json")) as pc:
        until(lambda: floor.get("/api/screens/S-2", key)["online"], 20)
        assert not floor.get("/api/screens/S-1", key)["online"]
        page = own_page(pc)
        assert page.evaluate(PHASE)["kind"] == "paired"


def managed(tmp_path: Path, policy: Path) -> Path:
    """A Chromium that finds this policy where IT puts it, and that no other on this machine sees."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace can be made here")
    laid = "/etc/chromium/policies/managed"
    program = tmp_path / "chromium"
    program.write_text(
        "#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none /etc/chromium && "
        f'mkdir -p {laid} && cp "$0" {laid}/vooster.json && exec chromium "$@"\' "{policy}" "$@"\n'
    )
    program.chmod(0o755)
    return program


def own_page(pc: BrowserContext) -> Page:
    """A page of the extension's, from which the worker can be asked."""
    page = pc.new_page()
    page.goto(f"chrome-extension://{EXTENSION_ID}/popup.html")
    return page


def admin_key(floor: Floor) -> str:
    return floor.vooster("keys", "add", "--name", "it", "--role", "admin")


def offer(floor: Floor) -> str:
    """The address that a supervisor hands over for a new screen S-1."""
    key = floor.vooster("keys", "add", "--name", "lead", "--role", "supervisor")
    if not any(screen["screenId"] == "S-1" for screen in screens(floor, key)):
        floor.post("/api/screens", key, {"screenId": "S-1"})
    made: dict[str, Any] = floor.post("/api/pairing/offers", key, {"screenId": "S-1"})
    return floor.here(made["url"])


def screens(floor: Floor, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = floor.get("/api/screens", key)["items"]
    return found
