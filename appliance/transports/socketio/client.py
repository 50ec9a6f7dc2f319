"""The server's side of Socket.IO 5 over one Engine.IO connection, without I/O: which namespaces are connected, what was
asked and what is answered. What the packets mean is the `Application`'s."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from appliance.transports.connection import Rest
from appliance.transports.socketio import packets
from appliance.transports.socketio.engineio import Packet as Frame
from appliance.transports.socketio.engineio import ProtocolError
from appliance.transports.socketio.packets import Packet

MAX_AWAITED = 64
"""Answers one socket may owe; the oldest is forgotten."""
MAX_NAMESPACE = 256
CONNECTS_A_SECOND = 20
"""How often one connection may connect to namespaces in the long run: a session costs many messages."""
BURST_SECONDS = 2.0
"""How far ahead of that it may be."""

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
    """What stands above the sockets. What its methods leave to be awaited is awaited before the next one is called."""

    def knows(self, namespace: str) -> bool: ...

    def too_often(self) -> tuple[Refused, int]:
        """What a client is told that connects again and again, and the code its connection is closed with."""
        ...

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> None:
        """Calls `socket.accept` before anything else is sent, or raises `Refused`."""
        ...

    def event(self, socket: Socket, name: str, arguments: list[Any], answer: Answer | None) -> Rest | None:
        """`answer` is there where the client waits for one; to be called once at most."""
        ...

    def answered(self, socket: Socket, about: str, arguments: list[Any]) -> Rest | None:
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
    """One connection's namespaces. `deadline` (seconds of `now`'s clock) is when it must have connected to one.

    `paid_until` is up to when what it has said counts against its rate, over all the sessions it has had. Without
    `limited` nobody connects too often.
    """

    __slots__ = ("_application", "_connect_timeout", "_decoder", "_limited", "_lost", "_now", "_sockets", "deadline",
                 "paid_until", "wire")  # fmt: skip

    def __init__(
        self,
        wire: Wire,
        application: Application,
        *,
        max_payload: int,
        connect_timeout: float,
        now: Callable[[], float],
        limited: bool = True,
    ) -> None:
        self.wire = wire
        self.paid_until = 0.0
        self._limited = limited
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

    def message(self, frame: Frame) -> Rest | None:
        """One message of the connection; what is left to be awaited of it. Raises `ProtocolError`, at once or then."""
        packet = self._decoder.feed(frame)
        if packet is None:
            return None
        if packet.type == packets.CONNECT:
            return self._connect(packet)
        socket = self._sockets.get(packet.namespace)
        if socket is None:
            raise ProtocolError("not connected to that namespace")
        match packet.type:
            case packets.EVENT | packets.BINARY_EVENT:
                name, *arguments = packet.data
                answer = None if packet.id is None else socket.answerer(packet.id)
                return self._application.event(socket, name, arguments, answer)
            case packets.ACK | packets.BINARY_ACK:
                about = socket.about(packet.id)
                if about is not None:
                    return self._application.answered(socket, about, packet.data)
            case packets.DISCONNECT:
                self._leave(socket, "")
            case _:
                raise ProtocolError("only the server says that")
        return None

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
        if self._too_often():
            refused, code = self._application.too_often()
            self._refuse(namespace, refused)
            self.wire.close(code, refused.data["code"])
            return
        if not self._application.knows(namespace):
            self.send(Packet(packets.CONNECT_ERROR, namespace, {"message": "Invalid namespace"}))
            return
        socket = self._sockets[namespace] = Socket(self, namespace)
        try:
            await self._application.connect(socket, packet.data or {})
        except Refused as refused:
            del self._sockets[namespace]
            self._refuse(namespace, refused)
            return
        self.deadline, socket.connected = math.inf, True
        if self._lost:
            self._leave(socket, self._lost)

    def _too_often(self) -> bool:
        now = self._now()
        self.paid_until = max(self.paid_until, now) + 1 / CONNECTS_A_SECOND
        return self._limited and self.paid_until - now > BURST_SECONDS

    def _refuse(self, namespace: str, refused: Refused) -> None:
        told = {"message": refused.message, "data": refused.data}
        self.send(Packet(packets.CONNECT_ERROR, namespace, told))

    def _leave(self, socket: Socket, reason: str) -> None:
        del self._sockets[socket.namespace]
        if not self._sockets:
            self.deadline = self._now() + self._connect_timeout
        self._application.disconnected(socket, reason)
