"""A kiosk's tokens in a real browser that stands still, as a laptop with its lid closed, and is back by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, WebSocket, expect

from tests.e2e.floor import BLUE, RED, Floor, People, copied, near, pixel, png, until
from tests.e2e.pages import become, provision

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SCREEN = "SCREEN-001"
ACCESS_SECONDS, REFRESH_SECONDS = 6, 12


@dataclass
class Watched:
    """What a page asked of the gate, with the answers, and the sockets it opened."""

    asked: list[tuple[str, int]] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    tokens_sent: int = 0

    def watch(self, page: Page) -> None:
        page.on("response", self._answered)
        page.on("websocket", self._opened)

    def _answered(self, response: Response) -> None:
        path = response.url.partition("/api/")[2]
        if path.startswith(("auth/", "pairing/")) and path != "pairing/token":
            self.asked.append((path, response.status))

    def _opened(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        socket.on("framesent", lambda frame: self._sent(str(frame)))

    def _sent(self, frame: str) -> None:
        self.tokens_sent += '"type":"auth"' in frame


@contextmanager
def standing_still(browser: Browser) -> Iterator[None]:
    """Every process of this test's own browser is stopped, so that neither its timers nor its sockets go on."""
    devtools = browser.new_browser_cdp_session()
    processes = [int(info["id"]) for info in devtools.send("SystemInfo.getProcessInfo")["processInfo"]]
    devtools.detach()
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    """Its tokens live for seconds, and a monitor's silence is noticed within a few."""
    floor = Floor(tmp_path)
    floor.settings = {
        "VOOSTER_TOKENS_ACCESS_SECONDS": str(ACCESS_SECONDS),
        "VOOSTER_TOKENS_REFRESH_SECONDS": str(REFRESH_SECONDS),
        "VOOSTER_HEARTBEAT_INTERVAL_SECONDS": "2",
        "VOOSTER_HEARTBEAT_TIMEOUT_SECONDS": "1",
    }
    copied(floor.orders / "ORD-1001.png", png(RED))
    copied(floor.orders / "ORD-1002.png", png(BLUE))
    floor.start()
    yield floor
    floor.stop()


@pytest.fixture
def station(floor: Floor, people: People) -> Page:
    """A paired monitor."""
    (pairing,) = provision(floor, SCREEN)
    page = people.station()
    become(page, floor.base, pairing)
    expect(page.locator("body")).to_contain_text("준비됨")
    return page


def scan(floor: Floor, order: str) -> str:
    """A scan at the station, made by a program that waits; what became of it."""
    key = floor.vooster("keys", "add", "--name", order, "--role", "operator")
    body = {
        "id": f"00000000-0000-4000-8000-00000000{order[-4:]}",
        "timestamp": int(time.time() * 1000),
        "orderId": order,
        "screenId": SCREEN,
    }
    return str(floor.post("/api/trigger?wait=shown&timeoutMs=20000", key, body)["result"])


def test_awake_the_token_is_renewed_before_its_end_on_the_same_socket(floor: Floor, station: Page) -> None:
    watched = Watched()
    watched.watch(station)
    began = time.monotonic()  # what is counted begins here, too
    station.reload()
    expect(station.locator("body")).to_contain_text("준비됨")
    until(lambda: station.title() and watched.tokens_sent >= 6 and time.monotonic() - began > 2 * ACCESS_SECONDS, 40)
    took = time.monotonic() - began
    (socket,) = watched.sockets
    assert not socket.is_closed()
    renewals = [asked for asked in watched.asked if asked[0] != "auth/device"]
    assert renewals == watched.asked, "the refresh token was enough"
    assert {status for _, status in renewals} == {200}
    # At half of so short a life, or a second before where it was told its end in whole seconds: neither too late nor
    # without end.
    assert took / (ACCESS_SECONDS / 2) - 2 <= len(renewals) <= took / (ACCESS_SECONDS / 2 - 1) + 2
    assert scan(floor, "ORD-1001") == "shown"
    assert near(pixel(station, 0.5, 0.4), RED)


@pytest.mark.parametrize(
    ("seconds", "renewed_by"),
    [(ACCESS_SECONDS + 3, "auth/refresh"), (REFRESH_SECONDS + 3, "auth/device")],
    ids=["past the token's end", "past the refresh token's end too"],
)
def test_a_pc_that_slept_is_back_by_itself_with_the_next_scan(
    floor: Floor, station: Page, browser: Browser, seconds: float, renewed_by: str
) -> None:
    assert scan(floor, "ORD-1001") == "shown"
    watched = Watched()
    watched.watch(station)
    key = floor.vooster("keys", "add", "--name", "watch", "--role", "viewer")
    with standing_still(browser):
        asleep = time.monotonic()
        until(lambda: not floor.get(f"/api/screens/{SCREEN}", key)["online"], 10)
        time.sleep(max(0.0, seconds - (time.monotonic() - asleep)))
    assert scan(floor, "ORD-1002") == "shown"
    assert near(pixel(station, 0.5, 0.4), BLUE)
    until(lambda: (renewed_by, 200) in watched.asked)
    assert [path for path, _ in watched.asked if path.startswith("pairing/")] == [], "no second pairing"
    (screen,) = floor.get("/api/screens", key)["items"]
    assert (screen["state"], screen["warnings"]) == ("showing", [])
