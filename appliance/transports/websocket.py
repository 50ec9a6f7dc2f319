"""`GET /ws`: JSON text frames, one session a socket.

Frames are written straight into the socket's own buffer, which is bounded: no queue, no task and no lock a message. A
reader that lets the buffer fill up is closed by name. Compression is off: messages are small, and a compressor would
cost every connection more memory than everything else about it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import msgspec
from aiohttp import WSMsgType, hdrs, web

from appliance.core.messages import Hello, ServerMessage
from appliance.edge.credentials import Credentials
from appliance.edge.local import client_address
from appliance.errors import Problem, entry
from appliance.relay.auth import Auth, Principal
from appliance.relay.conversation import Conversation, error_message
from appliance.relay.sessions import Session, Sessions
from appliance.settings import Settings
from appliance.transports import inbound

HELLO_SECONDS = 5.0
MAX_BUFFER = 1 << 20
"""Bytes that may wait for a slow reader before it is closed (4430)."""
CLOSE_SECONDS = 2.0
_MESSAGE_TOO_BIG = 1009
_GONE_LOOKS = 100

_encode = msgspec.json.Encoder().encode


class _Socket(web.WebSocketResponse):
    """aiohttp's socket, closing an over-long message with the contract's own code."""

    async def close(self, *, code: int = 1000, message: bytes = b"", drain: bool = True) -> bool:
        if code != _MESSAGE_TOO_BIG:
            return await super().close(code=code, message=message, drain=drain)
        code, message = entry("PAYLOAD_TOO_LARGE").close_code or code, b"PAYLOAD_TOO_LARGE"
        request, writer = self._req, self._writer
        if request is not None and writer is not None and not self.closed:
            # A socket closed with unread data is reset, and the client would never see why: aiohttp throws away what
            # still comes, until the client has gone.
            with contextlib.suppress(ConnectionError, TimeoutError):
                await writer.close(code, message)
                for _ in range(_GONE_LOOKS):
                    if request.transport is None or request.transport.is_closing():
                        break
                    await asyncio.sleep(CLOSE_SECONDS / _GONE_LOOKS)
        return await super().close(code=code, message=message, drain=drain)


class WebSocketLink:
    """The wire below a session."""

    name = "websocket"

    def __init__(self, socket: web.WebSocketResponse, request: web.Request, sessions: Sessions) -> None:
        assert request.transport is not None
        self._socket = socket
        self._wire = request.transport
        self._sessions = sessions
        self.session: Session | None = None
        self.closing: asyncio.Task[None] | None = None
        # Above our own bound, so that writing a frame never has to wait.
        self._wire.set_write_buffer_limits(high=2 * MAX_BUFFER)

    def send(self, message: ServerMessage) -> None:
        if self.closing is not None or self._wire.is_closing():
            return
        data = _encode(message)
        if self._wire.get_write_buffer_size() + len(data) > MAX_BUFFER:
            self.close(entry("SESSION_TOO_SLOW").close_code or 0, "SESSION_TOO_SLOW")
            if self.session is not None:
                self._sessions.gone(self.session, "SESSION_TOO_SLOW")
            return
        with contextlib.suppress(ConnectionError):
            _now(self._socket.send_frame(data, WSMsgType.TEXT))

    def close(self, code: int, reason: str) -> None:
        if self.closing is None:
            self.closing = asyncio.create_task(self._close(code, reason), name="websocket-close")

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, message=reason.encode()[:120])
        except (TimeoutError, ConnectionError, RuntimeError):
            self._wire.abort()


def _now(frame: Coroutine[Any, Any, None]) -> None:
    """Runs a write that is known not to wait."""
    try:
        frame.send(None)
    except StopIteration:
        return
    frame.close()


class WebSockets:
    """The endpoint."""

    def __init__(
        self,
        *,
        settings: Settings,
        auth: Auth,
        credentials: Credentials,
        conversation: Conversation,
        sessions: Sessions,
    ) -> None:
        self._limit = settings.server.max_message_bytes
        self._proxies = frozenset(settings.server.trusted_proxies)
        self._auth = auth
        self._credentials = credentials
        self._conversation = conversation
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/ws", self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = _Socket(max_msg_size=self._limit, compress=False, protocols=("vooster.v1",), timeout=CLOSE_SECONDS)
        if not socket.can_prepare(request):
            raise Problem("VALIDATION_ERROR", "This address speaks WebSocket.")
        await socket.prepare(request)
        link = WebSocketLink(socket, request, self._sessions)
        try:
            session = await self._hello(request, socket, link)
            if session is not None:
                await self._read(socket, link, session)
        finally:
            if link.session is not None:
                self._conversation.gone(link.session, "closed")
            if link.closing is not None:
                await asyncio.gather(link.closing, return_exceptions=True)
        return socket

    async def _hello(self, request: web.Request, socket: _Socket, link: WebSocketLink) -> Session | None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                first = await socket.receive()
            if first.type is not WSMsgType.TEXT:
                if first.type is WSMsgType.BINARY:
                    raise inbound.malformed("text frames only")
                return None
            hello = inbound.parse(first.data)
            if not isinstance(hello, Hello):
                raise inbound.malformed("hello comes first")
            principal = await self._principal(request, hello)
            session = await self._conversation.open(
                hello,
                principal,
                link,
                base_url=f"{request.scheme}://{request.host}",
                address=client_address(request, self._proxies),
            )
        except TimeoutError:
            self._refuse(link, Problem("TOKEN_INVALID", "No hello within 5 s."))
            return None
        except RecursionError:
            self._refuse(link, inbound.too_deep())
            return None
        except Problem as problem:
            self._refuse(link, problem)
            return None
        link.session = session
        return session

    async def _principal(self, request: web.Request, hello: Hello) -> Principal:
        if hello.token is not None:
            return await self._auth.bearer(hello.token)
        if hdrs.AUTHORIZATION not in request.headers and hdrs.ORIGIN not in request.headers:
            raise Problem("TOKEN_INVALID", "hello brings a token; a cookie counts on the appliance's own pages only.")
        return await self._credentials.principal(request, screens_allowed=True)

    def _refuse(self, link: WebSocketLink, problem: Problem) -> None:
        link.send(error_message(problem))
        link.close(entry(problem.code).close_code or 4400, problem.code)

    async def _read(self, socket: _Socket, link: WebSocketLink, session: Session) -> None:
        handle = self._conversation.handle
        while link.closing is None:
            frame = await socket.receive()
            if frame.type is WSMsgType.TEXT:
                session.heard()
                try:
                    message = inbound.parse(frame.data)
                except Problem as problem:
                    found = inbound.envelope(frame.data)
                    is_trigger = found.type == "trigger"
                    self._conversation.malformed(session, problem, found.trigger_id, trigger=is_trigger)
                    if not inbound.is_json(problem):
                        link.close(4400, problem.code)
                        return
                    continue
                try:
                    await handle(session, message)
                except RecursionError:  # what can be read can be too deep to be written
                    self._conversation.malformed(session, inbound.too_deep(), None, trigger=False)
            elif frame.type is WSMsgType.BINARY:
                self._refuse(link, inbound.malformed("text frames only"))
                return
            else:
                return
