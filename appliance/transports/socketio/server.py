"""Engine.IO's one address: handshakes, polls, posts and WebSockets find their connection here."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import msgspec
from aiohttp import hdrs, web

from appliance.edge.lobby import Lobby
from appliance.edge.outside import Outside
from appliance.edge.problems import problem_response
from appliance.edge.server import read_body
from appliance.errors import Problem
from appliance.relay.sessions import GOING_AWAY
from appliance.transports.bounds import Backlog, Share
from appliance.transports.open_wires import OpenWires
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
from appliance.transports.socketio.websocket import Socket
from appliance.transports.upgrade import upgrade

LOOK_SECONDS = 1.0
"""How soon a poll whose client has gone is noticed."""
_TEXT = {hdrs.CONTENT_TYPE: "text/plain; charset=UTF-8", hdrs.CACHE_CONTROL: "no-store"}


class EngineServer:
    """Every connection of one address. `upper` makes what is spoken over a new one."""

    def __init__(
        self,
        path: str,
        options: Options,
        upper: Callable[[Connection], Upper],
        *,
        lobby: Lobby,
        backlog: Backlog,
        outside: Outside,
    ) -> None:
        self._path = path
        self._options = options
        self._upper = upper
        self._lobby = lobby
        self._backlog = backlog
        self._outside = outside
        self._connections: dict[str, Connection] = {}
        self._wires: OpenWires[Connection | Socket] = OpenWires()
        self._looking: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", self._path, self._serve)]

    async def stop(self) -> None:
        """Ends what is still open, once its client has read what it was sent; whoever polls comes once more for it."""
        for connection in list(self._connections.values()):
            connection.close(GOING_AWAY, "stopping")
        await self._wires.stop()

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
        except Problem as problem:
            return problem_response(problem)

    def _find(self, sid: str) -> Connection:
        connection = self._connections.get(sid)
        if connection is not None and not connection.engine.closed:
            connection.check()
            connection = self._connections.get(sid)
        if connection is None:
            raise unknown_sid()
        return connection

    def _open(self, request: web.Request, transport: str) -> Connection:
        """A new connection. Raises `RATE_LIMITED` while too many haven't said yet who they are, or `SHUTTING_DOWN`."""
        if self._wires.stopping:  # on an HTTP connection that was open already
            raise Problem("SHUTTING_DOWN")
        address = self._outside.address(request)
        self._lobby.enter(address)
        engine = Engine(secrets.token_urlsafe(15), transport, self._options, asyncio.get_running_loop().time())
        connection = Connection(
            engine,
            self._options,
            request,
            address=address,
            base_url=self._outside.base(request),
            upper=self._upper,
            known=self._lobby.leave,
            forget=self._forget,
        )
        self._connections[engine.sid] = connection
        self._wires.add(connection)
        if self._looking is None:
            self._look()
        return connection

    def _look(self) -> None:
        """Polls whose clients have gone are noticed here: aiohttp tells a handler that only waits nothing of it."""
        for connection in list(self._connections.values()):
            connection.look()
        self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look) if self._connections else None

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection.engine.sid, None)
        self._wires.discard(connection)

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
            body = await read_body(request, connection.limit)
            share = Share()
            for packet in engineio.split(body.decode(), self._options.max_packets):
                if engine.closed:
                    break
                rest = connection.receive(packet)
                if rest is not None:
                    await rest
                if share.over:
                    await share.give_way()
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
        probing = connection is not None
        carried = connection or self._open(request, WEBSOCKET)

        def make(wire: asyncio.Transport) -> Socket:
            socket = Socket(wire, self._backlog, carried, self._wires.discard)
            self._wires.add(socket)
            if probing:
                socket.begin_probe()
            else:
                carried.attach(socket)
                carried.send(carried.engine.handshake())
            return socket

        try:
            return await upgrade(request, make)
        except BaseException:
            if not probing:
                carried.lost("transport error")
            raise


def _answer(packets: list[Packet]) -> web.Response:
    return web.Response(text=engineio.join(packets), headers=_TEXT)


def _rejected(rejection: Rejection) -> web.Response:
    told = {"code": rejection.code, "message": rejection.message}
    return web.Response(body=msgspec.json.encode(told), status=400, headers={hdrs.CONTENT_TYPE: "application/json"})
