"""What a stream's client says: `POST /api/events/ack` for acks, `POST /api/events/send` for everything else.

Answers come twice, so that either place is enough: as the POST's own answer, and as an event on the stream.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from aiohttp import web

from appliance.core.messages import Ack, ClientMessage, ErrorMessage, Hello, ServerMessage, Trigger, TriggerError
from appliance.edge.credentials import caller
from appliance.edge.server import json_response, read_body, read_json
from appliance.errors import Problem, Texts
from appliance.relay.acks import happening_of
from appliance.relay.conversation import Conversation
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.principal import Principal
from appliance.relay.sessions import Session, Sessions
from appliance.transports.inbound import envelope, parse, too_deep
from appliance.transports.sse.book import Book
from appliance.transports.sse.link import EventStreamLink

_TOO_FAST: Final = "RATE_LIMITED"
_RETRY_AFTER: Final = {429: 10, 503: 1}
"""Seconds by status, where the answer of the conversation names none."""


class Posts:
    """Takes them in."""

    def __init__(
        self,
        *,
        conversation: Conversation,
        dispatcher: Dispatcher,
        sessions: Sessions,
        book: Book,
    ) -> None:
        self._conversation = conversation
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._book = book

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/events/ack", self._ack), web.post("/api/events/send", self._send)]

    async def _ack(self, request: web.Request) -> web.Response:
        principal = caller(request)
        return await self._acked(principal, await read_json(request, Ack))

    async def _acked(self, principal: Principal, ack: Ack) -> web.Response:
        """An ack counts by its delivery and the token's screen, whichever session that has, or none."""
        screen_id = principal.screen_id
        live = self._sessions.of_screen(screen_id) if screen_id is not None else None
        if live is None or (ack.status == "failed" and not _is_stream(live)):
            # `failed` counts from the session last written to alone, and a POST is no part of another wire's session.
            rest = self._dispatcher.ack(_absent(principal), ack)
            if rest is not None:
                await rest
            return web.Response(status=204)
        happening_of(ack, live)  # here, because the answer below has no room for the members that are wrong
        return await self._answered(live, ack, on_stream=False)

    async def _send(self, request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_body(request)
        if body and request.content_type != "application/json":
            raise Problem("UNSUPPORTED_MEDIA_TYPE", "Send application/json.")
        session = self._book.find(principal, request.query.get("sessionId"))
        if session is None:
            raise Problem("NOT_FOUND", "You have no such event stream open: GET /api/events/subscribe first.")
        try:
            message = parse(body)
        except Problem as problem:
            found = envelope(body)
            is_trigger = found.type == "trigger"
            self._conversation.malformed(session, problem, found.trigger_id, trigger=is_trigger)
            if is_trigger:
                problem.extra["id"] = found.trigger_id
            raise
        if isinstance(message, Ack):
            return await self._acked(principal, message)
        return await self._answered(session, message, on_stream=True)

    async def _answered(self, session: Session, message: ClientMessage, *, on_stream: bool) -> web.Response:
        answer: asyncio.Future[ServerMessage] = asyncio.get_running_loop().create_future()

        def reply(told: ServerMessage) -> None:
            if on_stream:
                session.send(told)
            if not answer.done():
                answer.set_result(told)

        try:
            async with _turn(session):
                await self._conversation.handle(session, message, reply)
        except RecursionError:
            raise too_deep() from None
        if not answer.done() and not isinstance(message, Trigger):
            if session.closed and _reason(session) == _TOO_FAST:
                raise Problem(_TOO_FAST, "Too many messages.", values={"seconds": 1}, retry_after=1)
            return web.Response(status=204)
        return _response(await answer)


def _turn(session: Session) -> AbstractAsyncContextManager[None]:
    """A session's messages are handled one after the other, however many POSTs bring them at once."""
    link = session.transport
    return link.turn() if isinstance(link, EventStreamLink) else nullcontext()


def _reason(session: Session) -> str:
    """Why a session was closed. Of another wire's it isn't known; to say an ack again does no harm."""
    link = session.transport
    return link.reason or "" if isinstance(link, EventStreamLink) else _TOO_FAST


def _is_stream(session: Session) -> bool:
    return isinstance(session.transport, EventStreamLink)


class _Nowhere:
    """The wire of nobody."""

    name = "none"

    def send(self, message: ServerMessage) -> None:
        pass

    def close(self, code: int, reason: str) -> None:
        pass


def _absent(principal: Principal) -> Session:
    """Stands for the session that an ack would have come by, had there been one."""
    session = Session(principal, _Nowhere(), Hello(), "")
    session.end()
    return session


def _response(answer: ServerMessage) -> web.Response:
    """An answer of the conversation as one of HTTP. Raises what was refused, with its status."""
    if isinstance(answer, ErrorMessage | TriggerError):
        raise _Refused(answer)
    return json_response(answer)


class _Refused(Problem):
    """A refusal that has been put into words already."""

    def __init__(self, told: ErrorMessage | TriggerError) -> None:
        super().__init__(told.code)
        self._told = told
        self.retry_after = _RETRY_AFTER.get(self.status)
        if isinstance(told, TriggerError):
            self.detail, self.extra = told.error, {"id": told.id}

    def messages(self) -> Texts:
        return self._told.messages

    def actions(self) -> Texts:
        return self._told.action
