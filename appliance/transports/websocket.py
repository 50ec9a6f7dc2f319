"""`GET /ws`: JSON text frames, one session a socket."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final, NamedTuple

import msgspec
from aiohttp import hdrs, web

from appliance.core.messages import Hello, ServerMessage
from appliance.edge.credentials import Credentials
from appliance.edge.lobby import Lobby
from appliance.edge.origins import OWN_PAGE
from appliance.errors import Problem, entry
from appliance.relay.auth import Auth, Principal
from appliance.relay.conversation import Conversation
from appliance.relay.replies import error_message
from appliance.relay.sessions import Session, Sessions
from appliance.settings import Settings
from appliance.transports import bounds, frames, inbound
from appliance.transports.bounds import OTHERS_BUFFER, SCREEN_BUFFER, Backlog
from appliance.transports.connection import Connection, Rest
from appliance.transports.open_wires import OpenWires
from appliance.transports.upgrade import upgrade

SUBPROTOCOL: Final = "vooster.v1"
HELLO_SECONDS = 5.0
HELLO_BYTES: Final = 64 << 10
"""The longest first message: whoever hasn't said who it is holds no more memory than that."""

_encode = msgspec.json.Encoder().encode


class Caller(NamedTuple):
    """What of the handshake matters for hello."""

    address: str
    base_url: str
    principal: Principal | Problem
    """Who the handshake's headers stand for, or why nobody."""


class SessionSocket(Connection):
    """The wire below a session."""

    __slots__ = ("_caller", "_endpoint", "_hello_timer", "session")

    name = "websocket"

    def __init__(self, wire: asyncio.Transport, endpoint: WebSockets, backlog: Backlog, caller: Caller) -> None:
        super().__init__(wire, backlog, limit=min(HELLO_BYTES, endpoint.limit), bound=SCREEN_BUFFER)
        self._endpoint = endpoint
        self._caller: Caller | None = caller
        self._hello_timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._late)
        self.session: Session | None = None

    def send(self, message: ServerMessage) -> None:
        self.write(frames.TEXT, _encode(message))

    def refuse(self, problem: Problem) -> None:
        """Tells the client what is wrong and ends the connection."""
        self.send(error_message(problem))
        self.close(entry(problem.code).close_code or 4400, problem.code)

    def received(self, data: str | bytes) -> Rest | None:
        if not isinstance(data, str):
            self.refuse(inbound.malformed("text frames only"))
            return None
        if self.session is not None:
            return self._endpoint.message(self, self.session, data)
        caller = self._known()
        return self._endpoint.hello(self, caller, data) if caller is not None else None

    def ended(self) -> None:
        self._known()
        self._endpoint.ended(self)

    def too_slow(self, *, abort: bool = False) -> None:
        super().too_slow(abort=abort)
        if self.session is not None:
            self._endpoint.too_slow(self.session)

    def opened(self, session: Session) -> None:
        """Hello was good."""
        self.session = session
        self.set_limit(self._endpoint.limit)
        if session.screen_id is None:
            self.bound = OTHERS_BUFFER

    def _known(self) -> Caller | None:
        """The caller, once: it has spoken or is gone, and doesn't count as a stranger any more."""
        caller, self._caller = self._caller, None
        if self._hello_timer is not None:
            self._hello_timer.cancel()
            self._hello_timer = None
        if caller is not None:
            self._endpoint.lobby.leave(caller.address)
        return caller

    def _late(self) -> None:
        # 4408, which the client comes back after: a slow PC has no bad credential.
        self.refuse(Problem("HEARTBEAT_LOST", f"No hello within {HELLO_SECONDS:g} s."))


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
        lobby: Lobby,
    ) -> None:
        self.limit = settings.server.max_message_bytes
        self.lobby = lobby
        self.backlog = Backlog()
        self._auth = auth
        self._credentials = credentials
        self._conversation = conversation
        self._sessions = sessions
        self._wires: OpenWires[SessionSocket] = OpenWires()

    def __len__(self) -> int:
        """Sockets open now, with a session or without."""
        return len(self._wires)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/ws", self._serve)]

    async def stop(self) -> None:
        """Ends what is still open, once its client has read its goodbye or, without a session, the close alone."""
        for socket in self._wires:
            if not socket.closing:
                socket.close(1001, "stopping")
        await self._wires.stop()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self._wires.stopping:  # on a connection that was open for HTTP already
            raise Problem("SHUTTING_DOWN")
        outside = self._credentials.outside
        address = outside.address(request)
        self.lobby.enter(address)
        caller: Caller | None = None

        def make(wire: asyncio.Transport) -> Connection:
            nonlocal caller
            assert caller is not None
            socket, caller = SessionSocket(wire, self, self.backlog, caller), None
            self._wires.add(socket)
            return socket

        try:
            caller = Caller(address, sys.intern(outside.base(request)), await self._announced(request))
            return await upgrade(request, make, (SUBPROTOCOL,))
        finally:
            if caller is not None:
                self.lobby.leave(address)

    async def _announced(self, request: web.Request) -> Principal | Problem:
        # Browsers send the cookie with an extension's handshake, too, and with that of a page that is allowed to ask.
        if hdrs.AUTHORIZATION not in request.headers and not request.get(OWN_PAGE):
            return Problem("TOKEN_INVALID", "hello brings a token; a cookie counts on the appliance's own pages only.")
        try:
            return await self._credentials.principal(request)
        except Problem as problem:
            return problem

    # --- what a socket hears ----------------------------------------------------------------------------------------

    async def hello(self, socket: SessionSocket, caller: Caller, data: str) -> None:
        """The first message, which opens the session or ends the connection."""
        try:
            hello = inbound.parse(data)
            if not isinstance(hello, Hello):
                raise inbound.malformed("hello comes first")
            if hello.token is not None:
                principal = await self._auth.bearer(hello.token)
            elif isinstance(caller.principal, Problem):
                raise caller.principal
            else:
                principal = self._auth.again(caller.principal)
            if socket.closing:
                return
            session = await self._conversation.open(
                hello, principal, socket, base_url=caller.base_url, address=caller.address
            )
        except RecursionError:  # what can be read can be too deep to be written
            socket.refuse(inbound.too_deep())
        except Problem as problem:
            socket.refuse(problem)
        else:
            socket.opened(session)

    def message(self, socket: SessionSocket, session: Session, data: str) -> Rest | None:
        """A later message; what is left to be awaited of it."""
        try:
            message = inbound.parse(data)
        except Problem as problem:
            found = inbound.envelope(data)
            self._conversation.malformed(session, problem, found.trigger_id, trigger=found.type == "trigger")
            return None if inbound.is_json(problem) else self._break_off(socket, session, problem)
        try:
            return self._conversation.take(session, message)
        except RecursionError:
            self._conversation.malformed(session, inbound.too_deep(), None, trigger=False)
            return None

    async def _break_off(self, socket: SessionSocket, session: Session, problem: Problem) -> None:
        """What the client said before it stopped making sense is answered first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(bounds.CLOSE_SECONDS):
                await session.room(1)
        socket.close(entry(problem.code).close_code or 4400, problem.code)

    def ended(self, socket: SessionSocket) -> None:
        self._wires.discard(socket)
        session, socket.session = socket.session, None
        if session is not None:
            self._conversation.gone(session, "closed")

    def too_slow(self, session: Session) -> None:
        self._sessions.gone(session, "SESSION_TOO_SLOW")
