"""The server's side of Socket.IO 5 over one Engine.IO connection, without I/O: which namespaces are connected, what was
asked and what is answered. What the packets mean is the `Application`'s."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from appliance.transports.socketio import packets
from appliance.transports.socketio.engineio import Packet as Frame
from appliance.transports.socketio.engineio import ProtocolError
from appliance.transports.socketio.packets import Packet

MAX_AWAITED = 64
"""Answers one socket may owe; the oldest is forgotten."""
MAX_NAMESPACE = 256

Answer = Callable[..., None]


class Wire(Protocol):
    """The connection below; `base_url` is the address it came by, `address` the client's own."""

    base_url: str
    address: str

    def send(self, packet: Frame) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    def let_in(self, bound: int) -> None: ...
    def dismiss(self, code: int, reason: str) -> None: ...
    def ping(self) -> None: ...


class Refused(Exception):
    """A namespace isn't for this client: what its `connect_error` says and carries."""

    def __init__(self, message: str, data: dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Application(Protocol):
    """What stands above the sockets. Its coroutines are awaited one at a time, in the order of what arrived."""

    def knows(self, namespace: str) -> bool: ...

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> None:
        """Calls `socket.accept` before anything else is sent, or raises `Refused`."""
        ...

    async def event(self, socket: Socket, name: str, arguments: list[Any], answer: Answer | None) -> None:
        """`answer` is there where the client waits for one; to be called once at most."""
        ...

    async def answered(self, socket: Socket, about: str, arguments: list[Any]) -> None:
        """The answer to an event that was emitted `about` something."""
        ...

    def heard(self, socket: Socket) -> None:
        """A sign of life, whatever it is; called after what it brought was handled."""
        ...

    def disconnected(self, socket: Socket, reason: str) -> None:
        """The socket has ended, called once for every one that was connected; an empty reason: the client left."""
        ...


class Socket:
    """One namespace of a connection."""

    __slots__ = ("_awaited", "_next_id", "accepted", "client", "connected", "data", "namespace", "sid")

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.sid = ""
        self.accepted = False
        """The client was told that it is in."""
        self.connected = False
        """So was the application, which hears of the end."""
        self.data: Any = None
        """The application's own."""
        self._next_id = 0
        self._awaited: dict[int, str] = {}

    @property
    def wire(self) -> Wire:
        return self.client.wire

    def accept(self, sid: str, pid: str | None = None) -> None:
        """Lets the client in. With `pid` it may recover its identity when it returns."""
        self.sid, self.accepted = sid, True
        told = {"sid": sid} if pid is None else {"sid": sid, "pid": pid}
        self._send(Packet(packets.CONNECT, self.namespace, told))

    def emit(self, name: str, *arguments: Any) -> None:
        self._send(Packet(packets.EVENT, self.namespace, [name, *arguments]))

    def emit_json(self, name: str, body: str, about: str | None = None) -> None:
        """Emits an event whose only argument is JSON already; with `about` the client is asked for an answer.

        An answer about nothing (`""`) is a sign of life and no more.
        """
        number = None if about is None else self._await(about)
        self.wire.send(f'4{packets.header(packets.EVENT, self.namespace, number)}["{name}",{body}]')

    def disconnect(self) -> None:
        """Tells the client that it is out, so that it doesn't come back by itself."""
        self._send(Packet(packets.DISCONNECT, self.namespace))

    def answerer(self, number: int) -> Answer:
        """The function that answers the client's event of that number."""

        def answer(*arguments: Any) -> None:
            self._send(Packet(packets.ACK, self.namespace, list(arguments), number))

        return answer

    def about(self, number: int | None) -> str | None:
        """What the client has just answered; None when it wasn't asked."""
        return None if number is None else self._awaited.pop(number, None)

    def _await(self, about: str) -> int:
        number, self._next_id = self._next_id, self._next_id + 1
        if about:
            self._awaited[number] = about
            if len(self._awaited) > MAX_AWAITED:
                del self._awaited[next(iter(self._awaited))]
        return number

    def _send(self, packet: Packet) -> None:
        self.client.send(packet)


class Client:
    """One connection's namespaces. `deadline` (seconds of `now`'s clock) is when it must have connected to one."""

    __slots__ = ("_application", "_connect_timeout", "_decoder", "_lost", "_now", "_sockets", "deadline", "wire")

    def __init__(
        self,
        wire: Wire,
        application: Application,
        *,
        max_payload: int,
        connect_timeout: float,
        now: Callable[[], float],
    ) -> None:
        self.wire = wire
        self.deadline = now() + connect_timeout
        self._application = application
        self._connect_timeout = connect_timeout
        self._now = now
        self._decoder = packets.Decoder(max_payload)
        self._sockets: dict[str, Socket] = {}
        self._lost = ""

    def send(self, packet: Packet) -> None:
        for frame in packets.encode(packet):
            self.wire.send("4" + frame if isinstance(frame, str) else frame)

    async def message(self, frame: Frame) -> None:
        """One message of the connection. Raises `ProtocolError`."""
        packet = self._decoder.feed(frame)
        if packet is None:
            return
        if packet.type == packets.CONNECT:
            await self._connect(packet)
            return
        socket = self._sockets.get(packet.namespace)
        if socket is None:
            raise ProtocolError("not connected to that namespace")
        match packet.type:
            case packets.EVENT | packets.BINARY_EVENT:
                name, *arguments = packet.data
                answer = None if packet.id is None else socket.answerer(packet.id)
                await self._application.event(socket, name, arguments, answer)
            case packets.ACK | packets.BINARY_ACK:
                about = socket.about(packet.id)
                if about is not None:
                    await self._application.answered(socket, about, packet.data)
            case packets.DISCONNECT:
                self._leave(socket, "")
            case _:
                raise ProtocolError("only the server says that")

    def heard(self) -> None:
        """Something has arrived and was handled."""
        for socket in self._sockets.values():
            self._application.heard(socket)

    def lost(self, reason: str) -> None:
        """The connection has ended."""
        self._lost = reason
        for socket in list(self._sockets.values()):
            if socket.connected:
                self._leave(socket, reason)

    async def _connect(self, packet: Packet) -> None:
        namespace = packet.namespace
        if namespace in self._sockets:
            raise ProtocolError("connected already")
        if len(namespace) > MAX_NAMESPACE:
            raise ProtocolError("no such namespace")
        if not self._application.knows(namespace):
            self.send(Packet(packets.CONNECT_ERROR, namespace, {"message": "Invalid namespace"}))
            return
        socket = self._sockets[namespace] = Socket(self, namespace)
        try:
            await self._application.connect(socket, packet.data or {})
        except Refused as refused:
            del self._sockets[namespace]
            told = {"message": refused.message, "data": refused.data}
            self.send(Packet(packets.CONNECT_ERROR, namespace, told))
            return
        self.deadline, socket.connected = math.inf, True
        if self._lost:
            self._leave(socket, self._lost)

    def _leave(self, socket: Socket, reason: str) -> None:
        del self._sockets[socket.namespace]
        if not self._sockets:
            self.deadline = self._now() + self._connect_timeout
        self._application.disconnected(socket, reason)
