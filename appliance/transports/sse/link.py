"""The wire below a session: events written straight into the socket's own buffer, which is bounded.

The answer's head is aiohttp's. From then on the socket speaks to its link alone, and what aiohttp holds for a request
is let go: a stream has no task.

A client of this wire can't answer a `ping`. Its TCP can: once the other end has taken everything up to the `ping`,
that is the sign of life. Where the operating system doesn't tell what is still unacknowledged, only what waits in our
own buffer counts, and a dead peer is found when TCP itself gives up.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Callable, Hashable
from typing import Final

import msgspec

from appliance.core.messages import DeliveryUpdate, Goodbye, Navigate, ServerMessage, ServerPing
from appliance.errors import Problem
from appliance.relay.replies import error_message
from appliance.relay.sessions import Session
from appliance.transports.bounds import LAG_BYTES, OTHERS_BUFFER, SCREEN_BUFFER, Backlog
from appliance.transports.own_socket import OwnSocket

LOOK_SECONDS: Final = 0.25
"""How often is looked whether a `ping` has been taken."""

_encode = msgspec.json.Encoder().encode


def encode(message: ServerMessage) -> bytes:
    """One event: named as the message's type, `id` the delivery's. JSON has no line breaks of its own."""
    head = b"event: " + str(type(message).__struct_config__.tag).encode()
    if isinstance(message, Navigate | DeliveryUpdate):
        head += b"\nid: " + message.id.encode()
    elif isinstance(message, Goodbye):  # a browser's EventSource comes back by itself, and this is how it learns when
        head += b"\nretry: %d" % message.reconnect_after_ms
    return head + b"\ndata: " + _encode(message) + b"\n\n"


class EventStreamLink(OwnSocket):
    """One stream. What is sent before `start` waits for it; `gone` is called once the connection has ended.
    What comes is passed over: this wire goes one way.

    `chunked` is how HTTP/1.1 delimits what has no length; `look_seconds` is how often a `ping` is looked after.
    """

    __slots__ = ("_chunked", "_ending", "_gone", "_held", "_look_seconds", "_since_ping", "_turn", "browser", "reason",
                 "session")  # fmt: skip

    name = "sse"

    def __init__(
        self,
        wire: asyncio.Transport,
        backlog: Backlog,
        *,
        chunked: bool,
        look_seconds: float,
        gone: Callable[[EventStreamLink, str], None],
    ) -> None:
        super().__init__(wire, backlog, SCREEN_BUFFER)
        self._chunked = chunked
        self._look_seconds = look_seconds
        self._gone = gone
        self._held: list[bytes] | None = []
        self._since_ping = 0
        self._ending = False
        self._turn: asyncio.Lock | None = None
        self.session: Session | None = None
        self.browser: Hashable = None
        """Which one it counts for, once it is open."""
        self.reason: str | None = None
        """Why it was closed; None while it is open."""

    def start(self) -> None:
        """The answer's head is written and the socket is this link's: events may follow."""
        self._wire.set_write_buffer_limits(high=LAG_BYTES)
        if self.session is not None and self.session.screen_id is None:
            self.bound = OTHERS_BUFFER
        held, self._held = self._held or [], None
        for event in held:
            self._write(event)
        if self.reason is not None:
            self._end()
        elif self._wire.is_closing():  # its client is gone already, or has only half closed
            self._end_later()

    def turn(self) -> asyncio.Lock:
        """Whose turn it is to be handled, of the POSTs that belong to this stream."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        return self._turn

    # --- what a session calls ---------------------------------------------------------------------------------------

    def send(self, message: ServerMessage) -> None:
        if self.reason is not None or self._wire.is_closing():
            return
        event = encode(message)
        if self._held is not None:
            self._held.append(event)
        elif self.waiting + len(event) > self.bound:
            self.too_slow()
        else:
            self._write(event)
            if isinstance(message, ServerPing):
                self._since_ping = 0
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(self._look_seconds, self._look)

    def close(self, code: int, reason: str) -> None:  # noqa: ARG002 - this wire has no codes; an event has said why
        if self.reason is None:
            self.reason = reason
            if self._held is None:
                self._end()

    # --- what the backlog calls -------------------------------------------------------------------------------------

    def too_slow(self, *, abort: bool = False) -> None:
        if self.reason is None:
            self._write(encode(error_message(Problem("SESSION_TOO_SLOW"))))
            self.close(0, "SESSION_TOO_SLOW")
            self._gone(self, "SESSION_TOO_SLOW")
        if abort:
            self._wire.abort()

    # --- asyncio's side ---------------------------------------------------------------------------------------------

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._gone(self, "closed")

    # --- inside -----------------------------------------------------------------------------------------------------

    def _write(self, event: bytes) -> None:
        if self._chunked:
            event = b"%x\r\n%b\r\n" % (len(event), event)
        self._since_ping += len(event)
        self._wire.write(event)
        if self in self._backlog:
            self._backlog.count(self)

    def _end(self) -> None:
        if not self._wire.is_closing():
            if self._chunked:
                self._wire.write(b"0\r\n\r\n")
            self._wire.close()
        self._end_later()

    def _end_later(self) -> None:
        if not self._ending:
            self._ending = True
            self._stop_timer()  # there is nothing more to look after
            super()._end_later()

    def _look(self) -> None:
        """Whether the other end has everything up to the last `ping`."""
        self._timer = None
        if self.session is None or self.reason is not None:
            return
        if unacknowledged(self._wire) <= self._since_ping:
            self.session.heard()
            self.session.answered()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._look_seconds, self._look)


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
