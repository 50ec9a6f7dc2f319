"""Server-sent events: a session whose words to the client are one endless answer, and the client's words are POSTs.

`link` is the wire below a session, `questions` reads what a subscription asks for, `book` says whose streams are open,
`endpoint` opens them, `posts` takes what their clients say.
"""

from __future__ import annotations

import time

from aiohttp import web

from appliance.edge.browsers import Browsers
from appliance.edge.credentials import Credentials
from appliance.relay.auth import Auth
from appliance.relay.clock import now_ms
from appliance.relay.conversation import Conversation
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.sessions import Sessions
from appliance.relay.tickets import Tickets
from appliance.settings import Settings
from appliance.transports.bounds import Backlog
from appliance.transports.sse.book import Book
from appliance.transports.sse.endpoint import EventStreams
from appliance.transports.sse.posts import Posts


class ServerSentEvents:
    """The endpoints, wired to each other."""

    def __init__(
        self,
        *,
        settings: Settings,
        auth: Auth,
        credentials: Credentials,
        conversation: Conversation,
        dispatcher: Dispatcher,
        sessions: Sessions,
        browsers: Browsers,
        backlog: Backlog,
    ) -> None:
        tickets, book = Tickets(clock=time.monotonic, now=now_ms), Book()
        auth.on_revoked.append(tickets.revoked)
        self._streams = EventStreams(
            settings=settings,
            credentials=credentials,
            conversation=conversation,
            tickets=tickets,
            book=book,
            browsers=browsers,
            backlog=backlog,
        )
        self._posts = Posts(
            conversation=conversation,
            dispatcher=dispatcher,
            sessions=sessions,
            book=book,
        )

    def routes(self) -> list[web.RouteDef]:
        return [*self._streams.routes(), *self._posts.routes()]

    async def stop(self) -> None:
        """Ends every stream, once its client has read its goodbye."""
        await self._streams.stop()
