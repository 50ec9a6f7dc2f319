"""How many streams each browser holds open: over HTTP/1.1 it opens six connections to one server, for all its tabs.

A seventh request waits for ever, whatever it is, and nobody but the browser knows. So it is told while one is left.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Hashable, Iterator

import structlog
from aiohttp import hdrs, web

from appliance.edge.credentials import Credentials
from appliance.relay.events import Events

NEAR_LIMIT = 5
"""Streams from which on a browser is told; one connection more and its acks have no way out."""

_log = structlog.get_logger(__name__)


class Browsers:
    """Counts them. A browser is known by its session cookie, or else by its address and `User-Agent`.

    A screen's own stream without a cookie is not counted: stations are alike and may share an address, and a browser
    with several of them can't be told from several PCs behind a proxy.
    """

    def __init__(self, credentials: Credentials, events: Events) -> None:
        self._credentials = credentials
        self._events = events
        self._open: Counter[Hashable] = Counter()
        self._told: set[Hashable] = set()

    @contextlib.contextmanager
    def stream(self, request: web.Request) -> Iterator[None]:
        """Counts one stream while it is open."""
        browser = self.enter(request)
        try:
            yield
        finally:
            self.leave(browser)

    def enter(self, request: web.Request, screen_id: str | None = None) -> Hashable:
        """One stream more; `leave` is called with what this returns, None for what is no browser."""
        browser = self._browser(request, screen_id)
        if browser is not None:
            self._open[browser] += 1
            self._tell(browser, request, screen_id)
        return browser

    def is_near_limit(self, browser: Hashable) -> bool:
        return browser is not None and self._open[browser] >= NEAR_LIMIT

    def leave(self, browser: Hashable) -> None:
        if browser is None:
            return
        self._open[browser] -= 1
        if self._open[browser] < NEAR_LIMIT - 1:  # one that goes and comes back is no news
            self._told.discard(browser)
        if not self._open[browser]:
            del self._open[browser]

    def _browser(self, request: web.Request, screen_id: str | None) -> Hashable:
        agent = request.headers.get(hdrs.USER_AGENT, "")
        if not agent.startswith("Mozilla/"):  # what every browser says, and no program
            return None
        cookie = request.cookies.get(self._credentials.cookie_name) if hdrs.COOKIE in request.headers else None
        if cookie:
            return hash(cookie)
        return (self._credentials.address(request), agent) if screen_id is None else None

    def _tell(self, browser: Hashable, request: web.Request, screen_id: str | None) -> None:
        count = self._open[browser]
        if count < NEAR_LIMIT or browser in self._told:
            return
        self._told.add(browser)
        _log.warning("browser.streams", address=self._credentials.address(request), streams=count, screen=screen_id)
        self._events.error("BROWSER_STREAMS", screen_id)
