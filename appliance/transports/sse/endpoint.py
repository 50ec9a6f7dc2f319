"""`GET /api/events/subscribe` and its tickets: one session a stream."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from aiohttp import HttpVersion11, hdrs, web

from appliance.core.messages import Notice
from appliance.edge.browsers import Browsers
from appliance.edge.credentials import Credentials, caller
from appliance.edge.server import json_response
from appliance.errors import Problem, entry
from appliance.relay.conversation import Conversation
from appliance.relay.principal import Principal
from appliance.relay.tickets import TICKET_SECONDS, Tickets
from appliance.settings import Settings
from appliance.transports.bounds import Backlog
from appliance.transports.open_wires import OpenWires
from appliance.transports.sse.book import Book
from appliance.transports.sse.link import LOOK_SECONDS, EventStreamLink
from appliance.transports.sse.questions import CONTENT_TYPE, check_accept, hello_of
from appliance.transports.upgrade import hand_over

_HEADERS: Final = {
    hdrs.CONTENT_TYPE: CONTENT_TYPE,
    hdrs.CACHE_CONTROL: "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
PRELUDE: Final = b": " + b" " * 2046 + b"\nretry: 1000\n\n"
"""Said first: some proxies pass nothing on before they have 2 KB."""
_OWN_PAGES: Final = frozenset({"same-origin", "none"})


class EventStreams:
    """Opens them and knows which are open."""

    def __init__(
        self,
        *,
        settings: Settings,
        credentials: Credentials,
        conversation: Conversation,
        tickets: Tickets,
        book: Book,
        browsers: Browsers,
        backlog: Backlog,
    ) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in settings.server.allowed_origins)
        self._look_seconds = min(LOOK_SECONDS, settings.heartbeat.timeout_seconds / 4)
        self._credentials = credentials
        self._conversation = conversation
        self._tickets = tickets
        self._book = book
        self._browsers = browsers
        self._backlog = backlog
        self._wires: OpenWires[EventStreamLink] = OpenWires()
        """Every connection that is a stream's."""

    def routes(self) -> list[web.RouteDef]:
        # A HEAD would be a connect that hears nothing.
        return [
            web.get("/api/events/subscribe", self._subscribe, allow_head=False),
            web.post("/api/events/ticket", self._ticket),
        ]

    async def stop(self) -> None:
        """Ends what is still open once its client has read its goodbye."""
        for link in self._wires:
            link.close(1001, "stopping")
        await self._wires.stop()

    async def _ticket(self, request: web.Request) -> web.Response:
        return json_response({"ticket": self._tickets.issue(caller(request)), "expiresIn": TICKET_SECONDS}, 201)

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        if self._wires.stopping:
            raise Problem("SHUTTING_DOWN")
        check_accept(request)
        hello = hello_of(request)
        principal = await self._principal(request)
        wire = request.transport
        if wire is None:  # gone already
            return web.Response(status=204)
        link = EventStreamLink(
            wire,
            self._backlog,
            chunked=request.version >= HttpVersion11,
            look_seconds=self._look_seconds,
            gone=self._gone,
        )
        link.session = session = await self._conversation.open(
            hello,
            principal,
            link,
            base_url=sys.intern(self._credentials.outside.base(request)),
            address=self._credentials.address(request),
        )
        self._book.add(session)
        link.browser = self._browsers.enter(request, session.screen_id)
        self._wires.add(link)
        if self._browsers.is_near_limit(link.browser):
            session.send(_notice())
        return await self._begin(request, wire, link)

    async def _begin(self, request: web.Request, wire: asyncio.Transport, link: EventStreamLink) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        response.force_close()
        try:
            await response.prepare(request)
            await response.write(PRELUDE)
        except ConnectionError:
            self._gone(link, "closed")
            return response
        hand_over(request, wire, link)
        link.start()
        return response

    def _gone(self, link: EventStreamLink, reason: str) -> None:
        """The stream's session is over; with `closed` so is its connection."""
        session = link.session
        if session is not None:
            link.session = None
            self._book.remove(session)
            self._conversation.gone(session, reason)
        if reason == "closed" and link in self._wires:
            self._wires.discard(link)
            self._browsers.leave(link.browser)

    async def _principal(self, request: web.Request) -> Principal:
        ticket = request.query.get("ticket")
        if ticket is not None:
            return self._tickets.redeem(ticket)
        principal = await self._credentials.principal(request)
        if principal.grant.startswith("cookie:") and not self._own_page(request):
            raise Problem("ORIGIN_NOT_ALLOWED", "A cookie counts on the appliance's own pages only.")
        return principal

    def _own_page(self, request: web.Request) -> bool:
        """Browsers send no `Origin` with what a page gets from its own site, but they say where the page is from."""
        site = request.headers.get("Sec-Fetch-Site")
        return site is None or site in _OWN_PAGES or request.headers.get(hdrs.ORIGIN, "").lower() in self._origins


def _notice() -> Notice:
    row = entry("BROWSER_STREAMS")
    return Notice(code=row.code, messages=row.messages(), action=row.actions())
