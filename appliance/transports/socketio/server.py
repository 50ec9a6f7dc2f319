"""Engine.IO's one address: handshakes, polls, posts and WebSockets find their connection here."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable

import msgspec
from aiohttp import hdrs, web

from appliance.edge.local import client_address
from appliance.edge.server import read_body
from appliance.errors import Problem
from appliance.transports.socketio import engineio
from appliance.transports.socketio.connection import Connection, Upper
from appliance.transports.socketio.engine import (
    POLLING,
    WEBSOCKET,
    Engine,
    Options,
    Rejection,
    check,
    unknown_sid,
)
from appliance.transports.socketio.engineio import Packet, ProtocolError

LOOK_SECONDS = 1.0
"""How soon a poll whose client has gone is noticed."""
CLOSE_SECONDS = 2.0
MAX_CONNECTIONS = 50_000
_TEXT = {hdrs.CONTENT_TYPE: "text/plain; charset=UTF-8", hdrs.CACHE_CONTROL: "no-store"}


class EngineServer:
    """Every connection of one address. `upper` makes what is spoken over a new one."""

    def __init__(
        self,
        path: str,
        options: Options,
        upper: Callable[[Connection], Upper],
        *,
        trusted_proxies: frozenset[str] = frozenset(),
    ) -> None:
        self._path = path
        self._options = options
        self._upper = upper
        self._proxies = trusted_proxies
        self._connections: dict[str, Connection] = {}
        self._looking: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", self._path, self._serve)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        upgrade = request.headers.get(hdrs.UPGRADE, "").lower() == WEBSOCKET
        try:
            transport, sid = check(request.method, request.query, upgrade=upgrade)
            connection = None if sid is None else self._find(sid)
            if transport == WEBSOCKET:
                return await self._websocket(request, connection)
            if connection is None:
                return _answer([self._open(request, POLLING).engine.handshake()])
            if request.method == "GET":
                return _answer(await connection.poll(request))
            return await self._post(request, connection)
        except Rejection as rejection:
            return _rejected(rejection)

    def _find(self, sid: str) -> Connection:
        connection = self._connections.get(sid)
        if connection is not None and not connection.engine.closed:
            connection.check()
            connection = self._connections.get(sid)
        if connection is None:
            raise unknown_sid()
        return connection

    def _open(self, request: web.Request, transport: str) -> Connection:
        if len(self._connections) >= MAX_CONNECTIONS:
            raise Problem("RATE_LIMITED", "Too many connections.")
        engine = Engine(secrets.token_urlsafe(15), transport, self._options, asyncio.get_running_loop().time())
        connection = Connection(
            engine,
            self._options,
            request,
            address=client_address(request, self._proxies),
            upper=self._upper,
            forget=self._forget,
        )
        self._connections[engine.sid] = connection
        return connection

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection.engine.sid, None)

    # --- HTTP long-polling ------------------------------------------------------------------------------------------

    async def _post(self, request: web.Request, connection: Connection) -> web.Response:
        engine = connection.engine
        try:
            engine.begin_post()
        except Rejection:
            if engine.closed:
                connection.lost(engine.closed)
            raise
        try:
            body = await read_body(request, self._options.max_payload)
            for packet in engineio.split(body.decode(), self._options.max_packets):
                if engine.closed:
                    break
                await connection.receive(packet)
        except (ProtocolError, UnicodeError, RecursionError):
            connection.lost("parse error")
            raise Rejection(3, "Bad request") from None
        except Problem as problem:
            connection.lost(problem.code)
            raise
        finally:
            engine.end_post()
        return web.Response(text="ok", headers=_TEXT)

    # --- WebSocket --------------------------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request, connection: Connection | None) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=self._options.max_payload, compress=False, timeout=CLOSE_SECONDS)
        if not socket.can_prepare(request):
            raise Rejection(3, "Bad request")
        await socket.prepare(request)
        wire = request.transport
        if wire is None:
            return socket
        if connection is None:
            connection = self._open(request, WEBSOCKET)
            connection.attach(socket, wire)
            connection.send(connection.engine.handshake())
        elif await self._upgraded(socket, connection):
            connection.attach(socket, wire)
        else:
            await socket.close()
            return socket
        try:
            await connection.read(socket)
        finally:
            connection.lost("transport close")
            if connection.closing is not None:
                await asyncio.gather(connection.closing, return_exceptions=True)
        return socket

    async def _upgraded(self, socket: web.WebSocketResponse, connection: Connection) -> bool:
        """Whether this WebSocket may take over from polling, once it has probed."""
        engine = connection.engine
        try:
            engine.begin_probe()
        except Rejection:
            return False
        with contextlib.suppress(TimeoutError, ProtocolError, TypeError):
            async with asyncio.timeout(self._options.upgrade_timeout):
                while not engine.closed:
                    answer = engine.probe(engineio.read(await socket.receive_str()))
                    if answer is None:
                        return True
                    await socket.send_str(answer)
                    connection.flush()
        engine.end_probe()
        return False


def _answer(packets: list[Packet]) -> web.Response:
    return web.Response(text=engineio.join(packets), headers=_TEXT)


def _rejected(rejection: Rejection) -> web.Response:
    told = {"code": rejection.code, "message": rejection.message}
    return web.Response(body=msgspec.json.encode(told), status=400, headers={hdrs.CONTENT_TYPE: "application/json"})
