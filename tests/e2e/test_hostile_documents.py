"""Documents are strangers: whatever a work order tries, it reaches nothing of the monitor's or of a supervisor's."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import hostile
from tests.e2e.floor import BLUE, GREEN, PASSWORD, RED, Floor, People, copied, near, pixel, png
from tests.e2e.hostile import Sink
from tests.e2e.pages import become, provision, show
from tests.support.answers import new_trigger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def people(browser: Browser) -> Iterator[People]:
    """Here the console is full of what the browser has refused, thousands a second for one of them."""
    yield People(browser, listens=False)
    for context in browser.contexts:
        context.close()


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Floor]:
    floor = Floor(tmp_path_factory.mktemp("floor"))
    floor.start()
    copied(floor.orders / "HTML.html", hostile.html(floor.base, sink, RED))
    copied(floor.orders / "SVG.svg", hostile.svg(floor.base, sink, RED))
    copied(floor.orders / "PDF.pdf", hostile.pdf(sink, RED))
    copied(floor.orders / "SPIN.html", b"<!doctype html><body>spin<script>for(;;);</script>")
    later = b"<!doctype html><body>late<script>onload = () => setTimeout(() => { for(;;); }, 100)</script>"
    copied(floor.orders / "SPIN-LATER.html", later)
    modal = b"<!doctype html><body><script>setInterval(() => { for (;;) { alert(1); print(); } }, 1)</script>"
    copied(floor.orders / "MODAL.html", modal)
    copied(floor.orders / "GOOD.png", png(BLUE))
    copied(floor.orders / "NEXT.png", png(GREEN))
    floor.vooster("setup", "--username", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    yield floor
    floor.stop()


@pytest.fixture(scope="module")
def key(floor: Floor) -> str:
    return floor.vooster("keys", "add", "--name", "line", "--role", "supervisor")


_NUMBERS = itertools.count(1)


class Monitor:
    """A kiosk in a browser in which a supervisor has signed in, with everything that happens to it."""

    def __init__(self, floor: Floor, people: People, screen_id: str) -> None:
        self.page = people.station(1280, 720)
        self.floor, self.screen_id = floor, screen_id
        self.documents: list[str] = []
        self.went: list[str] = []
        who = {"username": "admin", "password": PASSWORD}
        assert self.page.context.request.post(f"{floor.base}/api/auth/login", data=who).ok
        (self.pairing,) = provision(floor, screen_id)
        become(self.page, floor.base, self.pairing)
        expect(self.page.locator("body")).to_contain_text("준비됨")
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on(
            "framenavigated", lambda frame: self.went.append(frame.url) if frame == self.page.main_frame else None
        )
        self.page.on("download", lambda download: self.went.append(f"download {download.url}"))
        self.page.on("dialog", self._dialog)
        self.page.context.on("page", lambda page: self.went.append(f"window {page.url}"))

    def link(self) -> str:
        """The signed link of what it shows."""
        self.page.wait_for_timeout(200)  # events come in while the browser is talked to
        return self.documents[-1]

    def _asked(self, url: str) -> None:
        if "/documents/" in url and url not in self.documents:
            self.documents.append(url)

    def _dialog(self, dialog: Any) -> None:
        self.went.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def is_unharmed(self, key: str) -> None:
        """It is the screen it was, the supervisor is still signed in, and the next order shows."""
        assert self.went == []
        assert self.page.url == f"{self.floor.base}/display"
        show(self.floor, key, "GOOD", f"screen:{self.screen_id}")
        assert near(pixel(self.page, 0.5, 0.5), BLUE)
        assert self.pairing["deviceSecret"] in self.page.evaluate("localStorage.getItem('vooster.pairing')")
        assert self.page.evaluate("fetch('/api/me').then(answer => answer.status)") == 200
        names = {cookie["name"] for cookie in self.page.context.cookies()}
        # The session's, and the one that keeps the way in open; nothing that the order may have set.
        assert len(names) == 2 and "vooster_x" not in names and all(name.startswith("vooster_") for name in names)


@pytest.fixture
def monitor(floor: Floor, people: People, sink: Sink) -> Monitor:
    monitor = Monitor(floor, people, f"S-{next(_NUMBERS)}")
    sink.forget()
    return monitor


def sent_by_strangers(floor: Floor, key: str) -> list[str]:
    """Whose triggers the appliance has accepted beside the test's own."""
    return [item["orderId"] for item in floor.get("/api/deliveries", key)["items"] if item["orderId"] in (None, "")]


def top_level(monitor: Monitor, url: str, sink: Sink) -> Page:
    """Opens a signed link as a page of its own, in the browser with the supervisor's cookie."""
    sink.forget()
    page = monitor.page.context.new_page()
    page.goto(url)
    wait_for_it(page, sink)
    return page


def wait_for_it(page: Page, sink: Sink) -> None:
    """Until the script has tried everything."""
    deadline = time.monotonic() + 40
    while "done" not in sink.said:
        assert time.monotonic() < deadline, sink.said
        page.wait_for_timeout(100)


def test_an_html_order_reaches_nothing(floor: Floor, key: str, people: People, monitor: Monitor, sink: Sink) -> None:
    show(floor, key, "HTML", f"screen:{monitor.screen_id}")
    wait_for_it(monitor.page, sink)
    assert sink.said["origin"] == "is null", "its own script may run"
    assert sink.succeeded() == {}
    assert len(sink.said) > 20
    monitor.page.wait_for_timeout(1_500)  # what it does last: leads itself elsewhere
    assert sink.taken in ([], ["/refreshed"]), "a script of its own is no more than it is"
    monitor.is_unharmed(key)
    assert sent_by_strangers(floor, key) == []


@pytest.mark.parametrize("order", ["HTML", "SVG"])
def test_opened_as_a_page_of_its_own_it_reaches_nothing_either(
    floor: Floor, key: str, people: People, monitor: Monitor, sink: Sink, order: str
) -> None:
    show(floor, key, order, f"screen:{monitor.screen_id}")
    url = monitor.link()
    show(floor, key, "NEXT", f"screen:{monitor.screen_id}")
    monitor.page.wait_for_timeout(1_000)
    monitor.went.clear()
    page = top_level(monitor, url, sink)
    assert sink.said["origin"] == "is null"
    assert sink.succeeded() == {}
    assert len(sink.said) > 15
    page.close()
    monitor.went.remove("window about:blank")
    monitor.is_unharmed(key)
    assert sent_by_strangers(floor, key) == []


def test_without_the_sandbox_it_would_have_reached_all_of_it(floor: Floor, monitor: Monitor, sink: Sink) -> None:
    """The attempts are real ones: the same script, in the appliance's own origin and bound by no policy of a page's."""
    page = monitor.page.context.new_page()
    page.context.new_cdp_session(page).send("Page.setBypassCSP", {"enabled": True})
    page.add_init_script("for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => null")
    page.goto(f"{floor.base}/api/health/live")
    page.evaluate(hostile.script(floor.base, sink).replace("(async () => {", "void (async () => {"))
    wait_for_it(page, sink)
    done = sink.succeeded()
    assert "screenId" in done["localStorage"]
    assert {"who am I", "screens", "csrf", "indexedDB", "cookie written", "websocket"} <= set(done)
    assert "admin" in done["who am I"]


@pytest.mark.parametrize("order", ["SVG", "PDF"])
def test_pictures_and_pdfs_are_drawn_and_nothing_in_them_runs(
    floor: Floor, key: str, people: People, monitor: Monitor, sink: Sink, order: str
) -> None:
    show(floor, key, order, f"screen:{monitor.screen_id}")
    assert near(pixel(monitor.page, 0.5, 0.5), RED)
    monitor.page.mouse.click(640, 360)
    monitor.page.wait_for_timeout(500)
    assert (sink.said, sink.taken) == ({}, [])
    assert monitor.page.locator(".sheet a, .sheet iframe, .sheet object, .sheet embed, .sheet input").count() == 0
    monitor.is_unharmed(key)


@pytest.mark.parametrize("order", ["SPIN", "SPIN-LATER", "MODAL"])
def test_one_that_never_ends_does_not_keep_the_next_one_away(
    floor: Floor, key: str, people: People, monitor: Monitor, order: str
) -> None:
    floor.post("/api/trigger", key, new_trigger(order, None, target=f"screen:{monitor.screen_id}"))
    monitor.page.wait_for_timeout(2_000)
    answer = floor.post(
        "/api/trigger?wait=shown&timeoutMs=15000", key, new_trigger("GOOD", None, target=f"screen:{monitor.screen_id}")
    )
    assert answer["result"] == "shown", answer
    assert near(pixel(monitor.page, 0.5, 0.5), BLUE)
    monitor.is_unharmed(key)
