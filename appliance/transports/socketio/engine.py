"""The server's side of one Engine.IO 4 session, without I/O: what is open, what waits to be sent, when a ping is due.

Times are seconds of any clock that only grows. Whoever owns an `Engine` feeds it what arrived and takes out of it what
is to be written, into a poll's answer or into the WebSocket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from appliance.transports.socketio.engineio import (
    CLOSE,
    MESSAGE,
    NOOP,
    OPEN,
    PING,
    PONG,
    UPGRADE,
    Packet,
    ProtocolError,
)

POLLING: Final = "polling"
WEBSOCKET: Final = "websocket"
PROBE: Final = "probe"
_ON_TIME = 0.05
_STALLED = 0.5
"""A check that comes this late (seconds) judges nobody: what it waits for may lie unread."""


class Rejection(Exception):
    """A request that is refused: its number and words are Engine.IO's own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def unknown_transport() -> Rejection:
    return Rejection(0, "Transport unknown")


def unknown_sid() -> Rejection:
    return Rejection(1, "Session ID unknown")


def bad_method() -> Rejection:
    return Rejection(2, "Bad handshake method")


def bad_request() -> Rejection:
    return Rejection(3, "Bad request")


def unsupported_version() -> Rejection:
    return Rejection(5, "Unsupported protocol version")


@dataclass(frozen=True, slots=True)
class Options:
    """Times in seconds, sizes in bytes."""

    ping_interval: float = 20.0
    ping_timeout: float = 5.0
    connect_timeout: float = 5.0
    """How long a connection may stay without a namespace."""
    upgrade_timeout: float = 10.0
    max_payload: int = 1_000_000
    max_packets: int = 20_000
    """In one payload; a client fills it up to `max_payload`."""
    max_first: int = 64 << 10
    """The longest message of a client that hasn't said yet who it is."""
    bound: int = 128 << 10
    """What may wait for a slow reader before it is closed."""


def check(method: str, query: Mapping[str, str], *, upgrade: bool) -> tuple[str, str | None]:
    """The transport and session id that a request asks for. Raises `Rejection`."""
    if query.get("EIO") != "4":
        raise unsupported_version()
    transport, sid = query.get("transport"), query.get("sid")
    if transport not in {POLLING, WEBSOCKET}:
        raise unknown_transport()
    if (transport == WEBSOCKET) != upgrade:
        raise bad_request()
    if sid is None and method != "GET":
        raise bad_method()
    if method not in {"GET", "POST"}:
        raise bad_request()
    return transport, sid


class Engine:
    """One session. `closed` names why it ended; empty while it is open."""

    __slots__ = ("_buffer", "_due", "_farewell", "_options", "_unanswered", "bound", "buffered", "closed", "polling",
                 "posting", "probing", "sid", "transport", "upgrading")  # fmt: skip

    def __init__(self, sid: str, transport: str, options: Options, now: float) -> None:
        self.sid = sid
        self.transport = transport
        self.closed = ""
        self.polling = False
        """A GET waits."""
        self.posting = False
        """A POST is being read."""
        self.probing = False
        """A WebSocket wants to take over."""
        self.upgrading = False
        """It has probed: polls are let go at once from now on."""
        self.buffered = 0
        self.bound = options.bound
        self._options = options
        self._buffer: list[Packet] = []
        self._farewell = ""
        self._unanswered = False
        self._due = now + options.ping_interval

    def handshake(self) -> str:
        """The packet that opens the session."""
        options = self._options
        told = {
            "sid": self.sid,
            "upgrades": [WEBSOCKET] if self.transport == POLLING else [],
            "pingInterval": round(options.ping_interval * 1000),
            "pingTimeout": round(options.ping_timeout * 1000),
            "maxPayload": options.max_payload,
        }
        return OPEN + msgspec.json.encode(told).decode()

    # --- what arrives -----------------------------------------------------------------------------------------------

    def receive(self, packet: Packet, now: float) -> Packet | None:
        """What a packet brings for whoever is above; None for the engine's own. Raises `ProtocolError`."""
        if isinstance(packet, bytes):
            self._alive(now)
            return packet
        kind = packet[0]
        if kind == MESSAGE:
            self._alive(now)
            return packet[1:]
        if kind == PONG:
            self._answered(now)
        elif kind == CLOSE:
            self.close("transport close", farewell=NOOP)
        elif kind != NOOP:
            raise ProtocolError(f"packet type {kind} isn't for clients")
        return None

    # --- what leaves ------------------------------------------------------------------------------------------------

    def send(self, packet: Packet) -> bool:
        """Lays a packet up; False when more waits already than a slow reader may leave lying."""
        waited = self.buffered
        self._buffer.append(packet)
        self.buffered += len(packet)
        return not waited or self.buffered <= self.bound

    def take(self) -> list[Packet]:
        """What is to be written now, in order."""
        packets, self._buffer, self.buffered = self._buffer, [], 0
        return packets

    # --- heartbeat --------------------------------------------------------------------------------------------------

    @property
    def due(self) -> float:
        """When `beat` has something to do."""
        return self._due

    def ping(self, now: float) -> None:
        """Asks for a sign of life now, unless one is asked for already."""
        if not self._unanswered:
            self._unanswered = True
            self._due = now + self._options.ping_timeout
            self.send(PING)

    def _answered(self, now: float) -> None:
        """The next ping goes out one interval after the one before, however long the answer took."""
        options = self._options
        since = self._due - options.ping_timeout if self._unanswered else now
        self._unanswered = False
        self._due = since + options.ping_interval

    def _alive(self, now: float) -> None:
        """Whoever talks is there: its answer comes behind what it was about to say."""
        if self._unanswered:
            self._due = max(self._due, now + self._options.ping_timeout)

    def beat(self, now: float, *, busy: bool = False) -> None:
        """Pings, or closes when no answer came. While `busy` with what the client said before, it may lie unread."""
        late = now - self._due
        if late < 0:
            return
        if not self._unanswered:
            self.ping(self._due if late < _ON_TIME else now)
        elif late > _STALLED:
            self._due = now + _STALLED
        elif busy or self.posting:  # a client has one POST at a time
            self._due = now + self._options.ping_timeout
        else:
            self.close("ping timeout")

    # --- HTTP long-polling ------------------------------------------------------------------------------------------

    def begin_poll(self) -> None:
        """A GET has come. Raises `Rejection`; two at once also close the session."""
        if self.transport != POLLING or self.finished:
            raise bad_request()
        if self.polling:
            self.close("two polls at once")
            raise bad_request()
        self.polling = True

    @property
    def ready(self) -> bool:
        """Whether a poll is to be answered now."""
        return bool(self._buffer or self.upgrading or self.closed or self.transport != POLLING)

    def end_poll(self) -> list[Packet]:
        """What a poll is answered with."""
        self.polling = False
        # What is laid up after the upgrade belongs to the WebSocket.
        packets = self.take() if self.transport == POLLING else []
        # The farewell comes alone: a client that hears it behind messages closes before it has looked at those.
        if packets or not self._farewell:
            return packets or [NOOP]
        farewell, self._farewell = self._farewell, ""
        return [farewell]

    @property
    def finished(self) -> bool:
        """Closed, and there is nothing left to say."""
        return bool(self.closed) and not self._buffer and not self._farewell

    def begin_post(self) -> None:
        """A POST has come. Raises `Rejection`; two at once also close the session."""
        if self.transport != POLLING or self.closed:
            raise bad_request()
        if self.posting:
            self.close("two posts at once")
            raise bad_request()
        self.posting = True

    def end_post(self) -> None:
        self.posting = False

    # --- upgrade ----------------------------------------------------------------------------------------------------

    def begin_probe(self) -> None:
        """A WebSocket has come for this session. Raises `Rejection` when it has one, or one is on its way."""
        if self.transport != POLLING or self.probing or self.closed:
            raise bad_request()
        self.probing = True

    def probe(self, packet: Packet) -> str | None:
        """What the WebSocket says before it has taken over, and the answer to it. Raises `ProtocolError`."""
        if packet == PING + PROBE and not self.closed:
            self.upgrading = True
            return PONG + PROBE
        if packet != UPGRADE or not self.upgrading:
            raise ProtocolError("a probe was expected")
        self.transport = WEBSOCKET
        self.probing = self.upgrading = False
        return None

    def end_probe(self) -> None:
        """The WebSocket is gone again before it had taken over."""
        self.probing = self.upgrading = False

    # --- end --------------------------------------------------------------------------------------------------------

    def close(self, reason: str, *, farewell: str = CLOSE) -> None:
        """Ends the session; a poll that waits, or comes for what is left, hears `farewell`. Again does nothing."""
        if not self.closed:
            self.closed = reason
            self._farewell = farewell if self.transport == POLLING else ""
