"""What the appliance says to a Socket.IO client, and how it ends."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from appliance.core.messages import Navigate, Pong, ServerMessage, ServerPing
from appliance.relay.sessions import Session
from appliance.transports.socketio.client import Socket
from appliance.transports.socketio.recovery import Kept

_OUT_FOR_GOOD = frozenset({4401, 4403, 4409})
"""Close codes after which the client is told that it is out, so that it doesn't return with the same credential."""
_encode = msgspec.json.Encoder().encode


def event(message: ServerMessage) -> tuple[str, str]:
    """A message's name, and its members without the `type` as JSON."""
    name = str(message.__struct_config__.tag)
    # The tag comes first: {"type":"<name>"} or {"type":"<name>","member":…
    body = _encode(message)[len(name) + 10 :].removeprefix(b",").decode()
    return name, "{" + body


class Link:
    """The wire below a session."""

    __slots__ = ("banned", "ending", "pid", "recovered", "session", "socket", "token")
    name = "socketio"

    def __init__(self, socket: Socket, token: str) -> None:
        self.socket = socket
        self.token = token
        """The one last verified: whoever comes back without one is known by it."""
        self.pid = secrets.token_urlsafe(15)
        self.recovered: Kept | None = None
        self.session: Session | None = None
        self.ending = False
        """Whoever owns the session ends it, and says why by itself."""
        self.banned = False

    def send(self, message: ServerMessage) -> None:
        socket = self.socket
        if not socket.accepted:  # the first message is the welcome: the client has been let in
            sid = self.recovered.sid if self.recovered else secrets.token_urlsafe(15)
            socket.accept(sid, self.pid)
        if isinstance(message, Pong):
            socket.emit("pong", {"t": message.t, **answer_to_ping(message)})
            return
        name, body = event(message)
        if isinstance(message, Navigate):
            socket.emit_json(name, body, about=message.id)
        elif isinstance(message, ServerPing):
            socket.emit_json(name, body, about="")
            socket.wire.ping()  # clients that don't know the event answer this one by themselves
        else:
            socket.emit_json(name, body)

    def close(self, code: int, reason: str) -> None:
        self.ending = True
        if code in _OUT_FOR_GOOD:
            self.banned = True
            self.socket.disconnect()
            self.socket.wire.dismiss(code, reason)
        else:
            self.socket.wire.close(code, reason)


def answer_to_ping(pong: Pong) -> dict[str, Any]:
    """What the callback of a client's `ping` is called with."""
    return {"timestamp": pong.server_time if pong.t is None else pong.t, "serverTime": pong.server_time}
