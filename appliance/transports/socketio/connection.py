"""One Engine.IO session on real sockets: it writes what its `Engine` lays up, and keeps its time.

No task and no queue of its own: packets are written straight into the WebSocket's buffer or laid up for the next poll,
both bounded, and one timer does for heartbeat and deadlines.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from appliance.errors import entry
from appliance.transports import bounds
from appliance.transports.connection import Rest
from appliance.transports.socketio import engineio
from appliance.transports.socketio.engine import WEBSOCKET, Engine, Options
from appliance.transports.socketio.engineio import Packet

LEAVE_SECONDS = 1.0
TOO_SLOW: Final = "SESSION_TOO_SLOW"


class Upper(Protocol):
    """What is spoken over the connection."""

    deadline: float
    """When (the loop's time) the connection is closed if nothing moves it."""

    def message(self, frame: Packet) -> Rest | None:
        """One message; what is left to be awaited of it. Raises `ProtocolError`, at once or then."""
        ...

    def heard(self) -> None: ...
    def lost(self, reason: str) -> None: ...


class Carrier(Protocol):
    """The WebSocket below, once there is one."""

    def packet(self, packet: Packet) -> None: ...
    def close(self, code: int, reason: str = "") -> None: ...
    def let_in(self, bound: int) -> None: ...


class Connection:
    """One client, whichever transport it uses just now.

    `known` is called once it has said who it is, or has gone; `forget` when nothing more can come for it.
    """

    __slots__ = ("_base64", "_carrier", "_ended_with", "_forget", "_known", "_loop", "_poll", "_receiving", "_timer",
                 "address", "base_url", "engine", "limit", "options", "polled_by", "prober", "upper")  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        options: Options,
        request: web.Request,
        *,
        address: str,
        base_url: str,
        upper: Callable[[Connection], Upper],
        known: Callable[[str], None],
        forget: Callable[[Connection], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._known: Callable[[str], None] | None = known
        self._forget = forget
        self._base64 = "b64" in request.query
        self._carrier: Carrier | None = None
        self._poll: asyncio.Future[None] | None = None
        self._receiving = 0
        """Packets that are being handled."""
        self._ended_with = 1000, ""
        """Close code and reason for a WebSocket that takes over too late."""
        self.polled_by: web.Request | None = None
        self.prober: Carrier | None = None
        """The WebSocket that is to take over, and hasn't yet."""
        self.base_url = sys.intern(base_url)
        self.address = address
        self.engine = engine
        self.options = options
        self.limit = min(options.max_first, options.max_payload)
        """The longest message in bytes."""
        self.upper = upper(self)
        self._timer = self._loop.call_at(min(engine.due, self.upper.deadline), self._tick)

    # --- out --------------------------------------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        if self.engine.closed:
            return
        if self._base64 and isinstance(packet, bytes):
            packet = engineio.text(packet)
        if self._carrier is not None:
            self._carrier.packet(packet)
        elif self.engine.send(packet):
            self.flush()
        else:
            self.engine.take()
            self.too_slow()

    def ping(self) -> None:
        """Asks for a sign of life now."""
        if not self.engine.closed:
            self.engine.ping(self._loop.time())
            self.flush()
            self._wake_in_time()

    def flush(self) -> None:
        """Writes what is laid up where it can be written now, and lets a poll go that is to wait no longer."""
        if self._carrier is not None:
            for packet in self.engine.take():
                self._carrier.packet(packet)
        elif self._poll is not None and self.engine.ready and not self._poll.done():
            self._poll.set_result(None)

    def let_in(self, bound: int) -> None:
        """The client isn't a stranger any more: its messages may be long, and `bound` bytes may wait for it."""
        self.limit = self.options.max_payload
        self.engine.bound = bound
        if self._carrier is not None:
            self._carrier.let_in(bound)
        self._leave_lobby()

    def too_slow(self) -> None:
        """More waits than the reader may leave unread."""
        self.close(entry(TOO_SLOW).close_code or 0, TOO_SLOW)

    # --- in ---------------------------------------------------------------------------------------------------------

    def receive(self, packet: Packet) -> Rest | None:
        """One packet; what is left to be awaited of it before the next one. Raises `ProtocolError`, at once or then."""
        engine = self.engine
        message = engine.receive(packet, self._loop.time())
        if engine.closed:
            self.lost(engine.closed)
            return None
        if message is not None:
            rest = self.upper.message(message)
            if rest is not None:
                return self._await(rest)
            self._wake_in_time()
        self.upper.heard()
        return None

    async def _await(self, rest: Rest) -> None:
        self._receiving += 1
        try:
            await rest
        finally:
            self._receiving -= 1
        self._wake_in_time()
        self.upper.heard()

    async def poll(self, request: web.Request) -> list[Packet]:
        """What a GET is answered with, waiting for it. Raises `Rejection`."""
        engine = self.engine
        try:
            engine.begin_poll()
        except Exception:
            if engine.closed:
                self.lost(engine.closed)
            raise
        self.polled_by = request
        try:
            if not engine.ready:
                self._poll = self._loop.create_future()
                await self._poll
        except BaseException:
            self.lost("transport error")
            raise
        finally:
            self._poll = self.polled_by = None
        found = engine.end_poll()
        if engine.finished:
            self._forget(self)
        elif request.transport is None:
            self.lost("transport error")
        return found

    def attach(self, carrier: Carrier) -> None:
        """From now on this WebSocket is the transport."""
        assert self.engine.transport == WEBSOCKET
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        self._carrier, self.prober = carrier, None
        self.flush()
        if self.engine.closed:  # meanwhile: what was said last has gone out
            carrier.close(*self._ended_with)

    # --- time and end -----------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Notices that the client of the poll that waits has gone."""
        if self.polled_by is not None and self.polled_by.transport is None:
            self.lost("transport error")

    def check(self) -> None:
        """Does what is due by now."""
        self.look()
        now = self._loop.time()
        if self.engine.closed or self.upper is _ENDED:
            return
        if now >= self._deadline:
            self.close(entry("HEARTBEAT_LOST").close_code or 0, "connect timeout")
        elif now >= self.engine.due:
            self.engine.beat(now, busy=self._receiving > 0)
            if self.engine.closed:
                self._end(entry("HEARTBEAT_LOST").close_code or 0, self.engine.closed)
                self._forget(self)
            else:
                self.flush()

    def _tick(self) -> None:
        self.check()
        if not self.engine.closed:
            self._timer = self._loop.call_at(self._next(), self._tick)

    @property
    def _deadline(self) -> float:
        """The upper's, unless what would move it is being handled."""
        return math.inf if self._receiving else self.upper.deadline

    def _next(self) -> float:
        return max(min(self.engine.due, self._deadline), self._loop.time() + 0.001)

    def _wake_in_time(self) -> None:
        if not self.engine.closed and self.upper is not _ENDED and self._next() < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(self._next(), self._tick)

    def close(self, code: int, reason: str) -> None:
        """Ends the connection after what was sent; a WebSocket with this close code."""
        self._end(code, reason)
        if self._carrier is not None:
            self._forget(self)
        else:  # what was sent last waits for the next polls
            self._timer = self._loop.call_later(bounds.CLOSE_SECONDS, self._forget, self)

    def abort(self) -> None:
        """What was sent last waits for no poll any more."""
        self._forget(self)

    @property
    def worker(self) -> None:
        """Messages are handled by the requests and the WebSocket that bring them."""

    def dismiss(self, code: int, reason: str) -> None:
        """Ends the connection of a client that was told to go: what it was told must not cross with the close."""
        self._part(reason)
        self._timer.cancel()
        self._timer = self._loop.call_later(LEAVE_SECONDS, self.close, code, reason)

    def lost(self, reason: str) -> None:
        """The transport has gone, or is good for nothing any more."""
        self._end(1000, reason)
        self._forget(self)

    def _end(self, code: int, reason: str) -> None:
        """Ends everything once; who is above hears the reason."""
        self.engine.close(reason)
        self._timer.cancel()
        self._leave_lobby()
        if self._carrier is not None:
            self._carrier.close(code, reason)
        elif self.prober is not None:
            self._ended_with = code, reason
            # It may be taking over just now: then what was said last is for it, as no poll comes any more.
            wait = bounds.CLOSE_SECONDS if self.engine.upgrading else 0
            self._loop.call_later(wait, self.prober.close, code, reason)
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        self._part(reason)

    def _part(self, reason: str) -> None:
        upper, self.upper = self.upper, _ENDED
        upper.lost(reason)

    def _leave_lobby(self) -> None:
        known, self._known = self._known, None
        if known is not None:
            known(self.address)


class _Ended:
    deadline = math.inf

    def message(self, frame: Packet) -> None:
        """Too late."""

    def heard(self) -> None: ...
    def lost(self, reason: str) -> None: ...


_ENDED = _Ended()
