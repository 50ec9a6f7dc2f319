"""The wire below a session: events written straight into the socket's own buffer, which is bounded.

A client of this wire can't answer a `ping`. Its TCP can: once the other end has taken everything up to the `ping`,
that is the sign of life. Where the operating system doesn't tell what is still unacknowledged, only what waits in our
own buffer counts, and a dead peer is found when TCP itself gives up.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Callable

import msgspec
from aiohttp import HttpVersion11, web

from appliance.core.messages import DeliveryUpdate, Goodbye, Navigate, ServerMessage, ServerPing
from appliance.errors import Problem
from appliance.relay.conversation import error_message
from appliance.relay.sessions import Session, Sessions

MAX_BUFFER = 1 << 20
"""Bytes that may wait for a slow reader before it is closed by name."""
CLOSE_SECONDS = 2.0
"""How long the last events may take to be read."""
LOOK_SECONDS = 0.25
"""How often is looked whether a `ping` has been taken."""
PRELUDE = b": " + b" " * 2046 + b"\nretry: 1000\n\n"
"""Said first: some proxies pass nothing on before they have 2 KB."""

_encode = msgspec.json.Encoder().encode


def encode(message: ServerMessage) -> bytes:
    """One event: named as the message's type, `id` the delivery's. JSON has no line breaks of its own."""
    kind = type(message)
    head = b"event: " + str(kind.__struct_config__.tag).encode()
    if kind is Navigate or kind is DeliveryUpdate:
        head += b"\nid: " + message.id.encode()  # type: ignore[union-attr]
    elif kind is Goodbye:  # a browser's EventSource comes back by itself, and this is how it learns when
        head += b"\nretry: %d" % message.reconnect_after_ms  # type: ignore[union-attr]
    return head + b"\ndata: " + _encode(message) + b"\n\n"


class EventStreamLink:
    """One stream. What is sent before `start` waits for it; `lost` is done when the connection is gone.

    It is also what reads the connection from then on: there is nothing to read, but its end shows there.
    """

    name = "sse"

    def __init__(self, request: web.Request, wire: asyncio.Transport, sessions: Sessions, look_seconds: float) -> None:
        self._wire = wire
        self._chunked = request.version >= HttpVersion11
        self._sessions = sessions
        self._look_seconds = look_seconds
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] | None = []
        self._since_ping = 0
        self._timer: asyncio.TimerHandle | None = None
        self.session: Session | None = None
        self.reason: str | None = None
        """Why it was closed; None while it is open."""
        self.lost: asyncio.Future[None] = self._loop.create_future()
        # Above our own bound, so that aiohttp never waits for room either.
        wire.set_write_buffer_limits(high=2 * MAX_BUFFER)
        request.protocol.set_parser(self)  # type: ignore[arg-type]

    def start(self) -> None:
        """The answer's head is written: events may follow."""
        held, self._held = self._held or [], None
        for event in held:
            self._write(event)
        if self.reason is not None:
            self._end()

    # --- what a session calls ---------------------------------------------------------------------------------------

    def send(self, message: ServerMessage) -> None:
        if self.reason is not None or self._wire.is_closing():
            return
        event = encode(message)
        if self._held is not None:
            self._held.append(event)
        elif self._wire.get_write_buffer_size() + len(event) > MAX_BUFFER:
            self._too_slow()
        else:
            self._write(event)
            if type(message) is ServerPing:
                self._since_ping = 0
                if self._timer is None:
                    self._timer = self._loop.call_later(self._look_seconds, self._look)

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 - this wire has no codes; an event has said why
        if self.reason is None:
            self.reason = reason
            if self._held is None:
                self._end()

    # --- what the connection calls ----------------------------------------------------------------------------------

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:  # noqa: ARG002
        """What comes in on a connection that only goes out is passed over."""
        return False, b""

    def feed_eof(self) -> None:
        """The connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.lost.done():
            self.lost.set_result(None)

    # --- the inside -------------------------------------------------------------------------------------------------

    def _write(self, event: bytes) -> None:
        if self._chunked:
            event = b"%x\r\n%b\r\n" % (len(event), event)
        self._since_ping += len(event)
        self._wire.write(event)

    def _too_slow(self) -> None:
        self._write(encode(error_message(Problem("SESSION_TOO_SLOW"))))
        self.close(0, "SESSION_TOO_SLOW")
        if self.session is not None:
            self._sessions.gone(self.session, "SESSION_TOO_SLOW")

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._wire.is_closing():
            return
        if self._chunked:
            self._wire.write(b"0\r\n\r\n")
        self._wire.close()
        self._timer = self._loop.call_later(CLOSE_SECONDS, self._wire.abort)

    def _look(self) -> None:
        """Whether the other end has everything up to the last `ping`."""
        self._timer = None
        if self.session is None or self.reason is not None:
            return
        if unacknowledged(self._wire) <= self._since_ping:
            self.session.heard()
            self.session.answered()
        else:
            self._timer = self._loop.call_later(self._look_seconds, self._look)


def _in_kernel() -> Callable[[int], int]:
    if sys.platform != "linux":
        return lambda _fd: 0
    import fcntl  # noqa: PLC0415 - not on Windows
    import termios  # noqa: PLC0415

    def ask(fd: int) -> int:
        found: int = struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        return found

    return ask


_unacknowledged_in_kernel = _in_kernel()


def unacknowledged(wire: asyncio.Transport) -> int:
    """Bytes written that the other end hasn't taken yet, as far as can be told."""
    waiting = wire.get_write_buffer_size()
    peer = wire.get_extra_info("socket")
    return waiting + _unacknowledged_in_kernel(peer.fileno()) if peer is not None else waiting
