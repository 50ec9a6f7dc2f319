"""A station's PC for the tests: a Chromium with the extension, two monitors, a profile that outlives its restarts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Error, Page, Playwright, Worker, sync_playwright

from tests.e2e.floor import CHROMIUM_ARGS, until

EXTENSION = Path(__file__).parents[2] / "appliance" / "static" / "extension"
ID = "mholgcmfdlciakgmnmldhhpgldnhcohj"
TWO_MONITORS = "{0,0 1920x1080}{1920,0 1920x1080}"
ONE_MONITOR = "{0,0 1920x1080}"

_LISTEN = """() => {
  window.port = chrome.runtime.connect({ name: "view" });
  window.port.onMessage.addListener((view) => { window.view = view; });
}"""
_DRAWN = "document.querySelector('.sheet.is-shown :is(canvas, img, pre, iframe)') !== null"
_COVERED = "document.querySelector('.over') !== null"
_RELOAD = """async (id) => {
  await chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true });
  await chrome.developerPrivate.reload(id);
}"""
_WINDOWS = "chrome.windows.getAll({ populate: true })"


class Workplace:
    """`profile` is the browser's folder; `chromium` another program to start it with, say inside a namespace;
    `arguments` more for it.

    It pretends to have `monitors`, or stands on those of the X server `display`.
    """

    def __init__(
        self,
        playwright: Playwright,
        profile: Path,
        *,
        monitors: str = TWO_MONITORS,
        display: str | None = None,
        extension: Path = EXTENSION,
        chromium: str | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        self._playwright = playwright
        self._profile = profile
        self._monitors = monitors if display is None else ""
        self._display = display
        self._extension = extension
        self._chromium = chromium or shutil.which("chromium")
        self._arguments = arguments
        self._context: BrowserContext | None = None
        self._desk: Page | None = None
        self.worker: Worker

    def start(self) -> None:
        """Switches the PC on: the browser starts with its extension."""
        self._speak_korean()
        self._context = self._playwright.chromium.launch_persistent_context(
            str(self._profile),
            executable_path=self._chromium,
            headless=self._display is None,
            no_viewport=True,
            ignore_default_args=["--disable-extensions"],
            args=[
                *chromium_arguments(self._extension, self._monitors),
                *(["--test-type"] if self._display else []),
                *self._arguments,
            ],
            locale="ko-KR",
            env={**os.environ, **({"DISPLAY": self._display} if self._display else {})},
        )
        workers = self._context.service_workers
        self.worker = workers[0] if workers else self._context.wait_for_event("serviceworker")

    def _speak_korean(self) -> None:
        """By the profile: the driver's `locale` may come later than the worker, which asks once."""
        preferences = self._profile / "Default" / "Preferences"
        if not preferences.exists():
            preferences.parent.mkdir(parents=True, exist_ok=True)
            preferences.write_text(json.dumps({"intl": {"selected_languages": "ko-KR,ko"}}))

    def stop(self) -> None:
        if self._context is not None:
            self._context.close()
        self._context = self._desk = None

    def reload(self) -> None:
        """What a person presses on the browser's page of extensions after an update. `worker` is none from then on."""
        self._desk = None  # goes with it
        page = self.context.new_page()
        page.goto("chrome://extensions")
        page.evaluate(_RELOAD, ID)
        page.close()

        def is_back() -> bool:
            with contextlib.suppress(Error):
                return bool(self.view)
            self._desk = None
            return False

        until(is_back, 30)

    @property
    def context(self) -> BrowserContext:
        assert self._context is not None
        return self._context

    @property
    def view(self) -> dict[str, Any]:
        """What the worker tells the extension's pages now."""
        if self._desk is None:
            self._desk = self.context.new_page()
            self._desk.goto(f"chrome-extension://{ID}/popup.html")
            self._desk.evaluate(_LISTEN)
            until(lambda: self._desk and self._desk.evaluate("window.view"))
        view: dict[str, Any] = self._desk.evaluate("window.view")
        return view

    def told(self) -> str:
        """What the worker tells, and what its pages say, for whoever looks into a failure."""
        lines = []
        for page in self._context.pages if self._context else ():
            with contextlib.suppress(Error):
                lines += [page.url, page.locator("body").inner_text(timeout=1_000), ""]
        with contextlib.suppress(Error, AssertionError):
            lines.append(json.dumps(self.view, ensure_ascii=False, indent=1))
        return "\n".join(lines)

    @property
    def shown(self) -> str | None:
        """The order that the extension is sure of having shown on the monitor of work orders. What stands there already
        may still be being drawn: wait for this."""
        shown = self.view["shown"]
        return str(shown["sheet"]["name"]) if shown else None

    def tell(self, **command: Any) -> None:
        """What a press in one of the extension's pages asks for; it is meant for what stands there, or what `command`
        says stood there.
        """
        phase = self.view["phase"]
        if command["do"] in {"connect", "accept"}:
            meant = {name: phase["appliance"][name] for name in ("base", "instanceId")}
            offer = {name: phase[name] for name in ("screenId", "offer")} if command["do"] == "accept" else {}
            command = meant | offer | command
        assert self._desk is not None
        self._desk.evaluate("(command) => window.port.postMessage(command)", command)

    def becomes(self, kind: str, seconds: float = 20) -> dict[str, Any]:
        """Waits for a phase."""
        until(lambda: self.view["phase"]["kind"] == kind, seconds)
        return self.view

    def connected(self, seconds: float = 20) -> dict[str, Any]:
        until(lambda: self.view["phase"]["kind"] == "paired" and self.view["link"]["kind"] == "open", seconds)
        return self.view

    @property
    def popup(self) -> Page:
        """The popup, in a tab of its own."""
        page = self.context.new_page()
        page.goto(f"chrome-extension://{ID}/popup.html")
        return page

    @property
    def windows(self) -> list[dict[str, Any]]:
        """The extension's windows on the monitors, as the browser tells of them."""
        assert self.view and self._desk is not None
        found: list[dict[str, Any]] = self._desk.evaluate(_WINDOWS)
        return [window for window in found if window["type"] == "popup"]

    def on(self, index: int) -> dict[str, Any] | None:
        """The full-screen window on monitor `index` of a row of 1920 px each; None where there is none."""
        return next((one for one in self.windows if one["left"] == 1920 * index and one["state"] == "fullscreen"), None)

    @staticmethod
    def address_of(window: dict[str, Any] | None) -> str:
        """What stands in a window's tab; empty while nothing has arrived there."""
        return "" if window is None else str(window["tabs"][0].get("url", ""))

    def document_of(self, window: dict[str, Any] | None) -> str:
        """Address of the document in a window, be it the tab's own or drawn by the extension; empty for none."""
        address = self.address_of(window)
        if address.startswith("http"):
            return address
        index = window and self.index_of(address)
        paper = None if index is None else self.view["papers"].get(index)
        page = next((page for page in self.context.pages if page.url == address), None)
        if paper is None or page is None:
            return ""
        try:
            viewer = next((frame for frame in page.frames if frame.url.endswith("/viewer")), None)
            stands = viewer is not None and not page.evaluate(_COVERED) and viewer.evaluate(_DRAWN)
        except Error:  # its window was closed while it was looked at
            return ""
        return str(paper["sheet"]["url"]) if stands else ""

    @staticmethod
    def index_of(address: str) -> str | None:
        """The monitor whose own page this is."""
        found = re.search(r"screen\.html\?display=(\d+)$", address)
        return found and found[1]

    def document_on(self, index: int) -> str:
        return self.document_of(self.on(index))

    def page_on(self, index: int) -> Page:
        """What stands on a monitor, to be read."""

        def there() -> Page | None:
            address = self.address_of(self.on(index))
            return next((page for page in self.context.pages if page.url == address), None)

        page: Page = until(there)
        return page

    def plug(self, left: int) -> None:
        """One more monitor of 1920 × 1080 at `left`."""
        self._screens.send("Emulation.addScreen", {"left": left, "top": 0, "width": 1920, "height": 1080})

    def unplug(self, left: int) -> None:
        screens = self._screens
        for one in screens.send("Emulation.getScreenInfos")["screenInfos"]:
            if one["left"] == left:
                screens.send("Emulation.removeScreen", {"screenId": one["id"]})

    @property
    def _screens(self) -> CDPSession:
        return self.context.new_cdp_session(self.context.pages[0])

    def notifications(self) -> list[str]:
        """Ids of what is told on the main monitor now."""
        return list(self.worker.evaluate("chrome.notifications.getAll().then(Object.keys)"))


def chromium_arguments(extension: Path, monitors: str) -> list[str]:
    return [
        *CHROMIUM_ARGS,
        f"--disable-extensions-except={extension}",
        f"--load-extension={extension}",
        *([f"--screen-info={monitors}"] if monitors else []),
    ]


@contextlib.contextmanager
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def settled(look: Any, seconds: float = 1.0) -> None:
    """Asserts that `look` holds, and goes on holding for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert look()
        time.sleep(0.1)
