"""`GET /api/events/subscribe` and its tickets: one session a stream."""

from __future__ import annotations

import contextlib

from aiohttp import hdrs, web

from appliance.core.messages import Notice
from appliance.edge.browsers import NEAR_LIMIT, Browsers
from appliance.edge.credentials import Credentials
from appliance.edge.server import json_response
from appliance.errors import Problem, entry
from appliance.relay.conversation import Conversation
from appliance.relay.principal import Principal
from appliance.relay.sessions import Sessions
from appliance.relay.tickets import TICKET_SECONDS, Tickets
from appliance.settings import Settings
from appliance.transports.sse.book import Book
from appliance.transports.sse.link import LOOK_SECONDS, PRELUDE, EventStreamLink
from appliance.transports.sse.questions import CONTENT_TYPE, check_accept, hello_of

_HEADERS = {
    hdrs.CONTENT_TYPE: CONTENT_TYPE,
    hdrs.CACHE_CONTROL: "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
_NOTICE = Notice(
    code="BROWSER_STREAMS",
    messages=entry("BROWSER_STREAMS").messages(),
    action=entry("BROWSER_STREAMS").actions(),
)
_OWN_PAGES = frozenset({"same-origin", "none"})


class EventStreams:
    """Opens them and holds them open."""

    def __init__(
        self,
        *,
        settings: Settings,
        credentials: Credentials,
        conversation: Conversation,
        sessions: Sessions,
        tickets: Tickets,
        book: Book,
        browsers: Browsers,
    ) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in settings.server.allowed_origins)
        self._look_seconds = min(LOOK_SECONDS, settings.heartbeat.timeout_seconds / 4)
        self._credentials = credentials
        self._conversation = conversation
        self._sessions = sessions
        self._tickets = tickets
        self._book = book
        self._browsers = browsers

    def routes(self) -> list[web.RouteDef]:
        # A HEAD would be a connect that hears nothing.
        return [
            web.get("/api/events/subscribe", self._subscribe, allow_head=False),
            web.post("/api/events/ticket", self._ticket),
        ]

    async def _ticket(self, request: web.Request) -> web.Response:
        principal = await self._credentials.principal(request, screens_allowed=True)
        return json_response({"ticket": self._tickets.issue(principal), "expiresIn": TICKET_SECONDS}, 201)

    async def _subscribe(self, request: web.Request) -> web.StreamResponse:
        check_accept(request)
        hello = hello_of(request)
        principal = await self._principal(request)
        wire = request.transport
        if wire is None:  # gone already
            return web.Response(status=204)
        link = EventStreamLink(request, wire, self._sessions, self._look_seconds)
        session = await self._conversation.open(
            hello,
            principal,
            link,
            base_url=f"{request.scheme}://{request.host}",
            address=self._credentials.address(request),
        )
        link.session = session
        self._book.add(session)
        try:
            with self._browsers.stream(request, session.screen_id) as count:
                if count >= NEAR_LIMIT:
                    session.send(_NOTICE)
                return await self._hold(request, link)
        finally:
            self._book.remove(session)
            self._conversation.gone(session, "closed")

    async def _hold(self, request: web.Request, link: EventStreamLink) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS)
        response.force_close()
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write(PRELUDE)
            link.start()
            await link.lost
        return response

    async def _principal(self, request: web.Request) -> Principal:
        ticket = request.query.get("ticket")
        if ticket is not None:
            return self._tickets.redeem(ticket)
        principal = await self._credentials.principal(request, screens_allowed=True)
        if principal.grant.startswith("cookie:") and not self._own_page(request):
            raise Problem("ORIGIN_NOT_ALLOWED", "A cookie counts on the appliance's own pages only.")
        return principal

    def _own_page(self, request: web.Request) -> bool:
        """Browsers send no `Origin` with what a page gets from its own site, but they say where the page is from."""
        site = request.headers.get("Sec-Fetch-Site")
        return site is None or site in _OWN_PAGES or request.headers.get(hdrs.ORIGIN, "").lower() in self._origins
