"""The Socket.IO transport with the echo application that Socket.IO's and Engine.IO's own protocol suites ask for.

`python tests/conformance/socketio_echo.py --port 3000`, then `npm ci && npm test` in socketio/socket.io's
`docs/socket.io-protocol/v5-test-suite` (32 cases); the same with `--engine-only` for
`docs/engine.io-protocol/v4-test-suite` (25). The times are the suites' own unless told otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import secrets
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[2]))

from appliance.edge.lobby import Lobby
from appliance.edge.outside import Outside
from appliance.settings import Server
from appliance.transports.bounds import Backlog
from appliance.transports.socketio.client import Answer, Client, Refused, Socket
from appliance.transports.socketio.connection import Connection
from appliance.transports.socketio.engine import Options
from appliance.transports.socketio.engineio import MESSAGE, Packet
from appliance.transports.socketio.server import EngineServer

BOUND = 4 << 20


class EngineEcho:
    """Every message goes back."""

    deadline = math.inf

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.let_in(BOUND)

    async def message(self, frame: Packet) -> None:
        self._connection.send(frame if isinstance(frame, bytes) else MESSAGE + frame)

    def heard(self) -> None: ...
    def lost(self, reason: str) -> None: ...


class Echo:
    """`auth` at connect in both namespaces; `message` and `message-with-ack` in the main one."""

    def knows(self, namespace: str) -> bool:
        return namespace in {"/", "/custom"}

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> None:
        socket.accept(secrets.token_urlsafe(15))
        socket.emit("auth", auth)
        socket.wire.let_in(BOUND)

    async def event(self, socket: Socket, name: str, arguments: list[Any], answer: Answer | None) -> None:
        if socket.namespace == "/" and name == "message":
            socket.emit("message-back", *arguments)
        elif socket.namespace == "/" and name == "message-with-ack" and answer is not None:
            answer(*arguments)

    def too_often(self) -> tuple[Refused, int]:
        return Refused("Too often", {"code": "RATE_LIMITED"}), 4429

    async def answered(self, socket: Socket, about: str, arguments: list[Any]) -> None: ...
    def heard(self, socket: Socket) -> None: ...
    def disconnected(self, socket: Socket, reason: str) -> None: ...


def server(options: Options, *, engine_only: bool) -> EngineServer:
    """The transport as the appliance runs it, with the echo above it."""
    lobby, backlog, outside = Lobby(limited=False), Backlog(), Outside(Server(), tls=False)
    if engine_only:
        return EngineServer("/engine.io/", options, EngineEcho, lobby=lobby, backlog=backlog, outside=outside)

    def client(connection: Connection) -> Client:
        return Client(
            connection,
            Echo(),
            max_payload=options.max_payload,
            connect_timeout=options.connect_timeout,
            now=asyncio.get_running_loop().time,
        )

    return EngineServer("/socket.io/", options, client, lobby=lobby, backlog=backlog, outside=outside)


def application(options: Options, *, engine_only: bool) -> web.Application:
    app = web.Application(client_max_size=options.max_payload)
    app.add_routes(server(options, engine_only=engine_only).routes())
    return app


async def _run(port: int, options: Options, *, engine_only: bool) -> None:
    runner = web.AppRunner(application(options, engine_only=engine_only), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    with contextlib.suppress(OSError):  # `localhost` may mean either, but not every machine has both
        await web.TCPSite(runner, "::1", port).start()
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--ping-interval-ms", type=int, default=300)
    parser.add_argument("--ping-timeout-ms", type=int, default=200)
    parser.add_argument("--max-payload", type=int, default=1_000_000, help="bytes")
    parser.add_argument("--connect-timeout-ms", type=int, default=1000)
    parser.add_argument("--engine-only", action="store_true", help="the bare Engine.IO echo, at /engine.io/")
    given = parser.parse_args()
    options = Options(
        ping_interval=given.ping_interval_ms / 1000,
        ping_timeout=given.ping_timeout_ms / 1000,
        connect_timeout=given.connect_timeout_ms / 1000,
        max_payload=given.max_payload,
    )
    running = _run(given.port, options, engine_only=given.engine_only)
    try:
        import uvloop
    except ImportError:
        asyncio.run(running)
    else:
        uvloop.run(running)


if __name__ == "__main__":
    main()
