"""Socket.IO 5 on Engine.IO 4: a codec and protocol core without I/O, a thin shell, and the contract on top.

`engineio` and `packets` are the codecs, `engine` and `client` the state of one connection. `connection`, `websocket`
and `server` put them on real sockets. `application` and `link` are what is heard and said over them, `recovery` is
what is kept of a cut connection.
"""

from __future__ import annotations

import asyncio

from appliance.edge.lobby import Lobby
from appliance.edge.outside import Outside
from appliance.relay.auth import Auth
from appliance.relay.conversation import Conversation
from appliance.settings import Settings
from appliance.transports.bounds import SCREEN_BUFFER, Backlog
from appliance.transports.socketio.application import MainNamespace
from appliance.transports.socketio.client import Client
from appliance.transports.socketio.connection import Connection
from appliance.transports.socketio.engine import Options
from appliance.transports.socketio.recovery import Recovery
from appliance.transports.socketio.server import EngineServer

PATH = "/socket.io/"
MAX_PAYLOAD = 1_000_000
CONNECT_SECONDS = 5.0


def server(
    *, settings: Settings, auth: Auth, conversation: Conversation, lobby: Lobby, backlog: Backlog, outside: Outside
) -> EngineServer:
    """The contract's section 4.2; to be called in the running loop. It offers `routes` and `stop`."""
    options = Options(
        ping_interval=settings.heartbeat.interval_seconds,
        ping_timeout=settings.heartbeat.timeout_seconds,
        max_payload=min(MAX_PAYLOAD, settings.server.max_message_bytes),
        connect_timeout=CONNECT_SECONDS,
        bound=SCREEN_BUFFER,
    )
    loop = asyncio.get_running_loop()
    now = loop.time
    namespace = MainNamespace(auth=auth, conversation=conversation, recovery=Recovery(now, loop.call_later))

    def client(connection: Connection) -> Client:
        return Client(
            connection,
            namespace,
            max_payload=options.max_payload,
            connect_timeout=options.connect_timeout,
            now=now,
            limited=settings.limits.enabled,
        )

    return EngineServer(PATH, options, client, lobby=lobby, backlog=backlog, outside=outside)
