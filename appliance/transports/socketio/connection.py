"""One Engine.IO session on real sockets: it writes what its `Engine` lays up, and keeps its time.

No task and no queue of its own: packets are written straight into the WebSocket's buffer or laid up for the next poll,
both bounded, and one timer does for heartbeat and deadlines.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from appliance.errors import entry
from appliance.transports.socketio import engineio
from appliance.transports.socketio.engine import WEBSOCKET, Engine, Options
from appliance.transports.socketio.engineio import Packet, ProtocolError

CLOSE_SECONDS = 2.0
TOO_SLOW = "SESSION_TOO_SLOW"


class Upper(Protocol):
    """What is spoken over the connection."""

    deadline: float
    """When (the loop's time) the connection is closed if nothing moves it."""

    async def message(self, frame: Packet) -> None:
        """One message. Raises `ProtocolError`."""
        ...

    def heard(self) -> None: ...
    def lost(self, reason: str) -> None: ...


class Connection:
    """One client, whichever transport it uses just now. `forget` is called once nothing more can come for it."""

    __slots__ = ("_base64", "_forget", "_loop", "_options", "_poll", "_socket", "_timer", "_wire", "address",
                 "base_url", "closing", "engine", "polled_by", "upper")  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        options: Options,
        request: web.Request,
        *,
        address: str,
        upper: Callable[[Connection], Upper],
        forget: Callable[[Connection], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._options = options
        self._forget = forget
        self._base64 = "b64" in request.query
        self._socket: web.WebSocketResponse | None = None
        self._wire: asyncio.Transport | None = None
        self._poll: asyncio.Future[None] | None = None
        self.polled_by: web.Request | None = None
        self.base_url = f"{request.scheme}://{request.host}"
        self.address = address
        self.engine = engine
        self.closing: asyncio.Task[None] | None = None
        self.upper = upper(self)
        self._timer = self._loop.call_at(min(engine.due, self.upper.deadline), self._tick)

    # --- out --------------------------------------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        if self.engine.closed:
            return
        if not self.engine.send(packet):
            self._too_slow()
            return
        self.flush()

    def ping(self) -> None:
        """Asks for a sign of life now."""
        if not self.engine.closed:
            self.engine.ping(self._loop.time())
            self.flush()
            self._wake_in_time()

    def flush(self) -> None:
        """Writes what is laid up where it can be written now, and lets a poll go that is to wait no longer."""
        if self.engine.transport == WEBSOCKET:
            if self._socket is not None:
                for packet in self.engine.take():
                    self._write(packet)
        elif self._poll is not None and self.engine.ready and not self._poll.done():
            self._poll.set_result(None)

    def _write(self, packet: Packet) -> None:
        assert self._socket is not None and self._wire is not None
        if self.closing is not None or self._wire.is_closing():
            return
        if self._base64 and isinstance(packet, bytes):
            packet = engineio.text(packet)
        binary = isinstance(packet, bytes)
        data = packet if isinstance(packet, bytes) else packet.encode()
        if self._wire.get_write_buffer_size() + len(data) > self._options.max_buffer:
            self._too_slow()
            return
        with contextlib.suppress(ConnectionError):
            _now(self._socket.send_frame(data, WSMsgType.BINARY if binary else WSMsgType.TEXT))

    def _too_slow(self) -> None:
        self.engine.take()
        self.close(entry(TOO_SLOW).close_code or 0, TOO_SLOW)

    # --- in ---------------------------------------------------------------------------------------------------------

    async def receive(self, packet: Packet) -> None:
        """One packet. Raises `ProtocolError`."""
        engine = self.engine
        message = engine.receive(packet, self._loop.time())
        if engine.closed:
            self.lost(engine.closed)
            return
        if message is not None:
            await self.upper.message(message)
            self._wake_in_time()
        self.upper.heard()

    async def poll(self, request: web.Request) -> list[Packet]:
        """What a GET is answered with, waiting for it. Raises `Rejection`."""
        engine = self.engine
        if self.polled_by is not None and self.polled_by.transport is None:
            self.lost("transport error")
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
        if engine.closed:
            self._forget(self)
        elif request.transport is None:
            self.lost("transport error")
        return found

    async def read(self, socket: web.WebSocketResponse) -> None:
        """Reads the WebSocket until either side ends it."""
        while not self.engine.closed:
            frame = await socket.receive()
            try:
                if frame.type is WSMsgType.TEXT:
                    await self.receive(engineio.read(frame.data))
                elif frame.type is WSMsgType.BINARY:
                    await self.receive(frame.data)
                else:
                    return
            except (ProtocolError, RecursionError):
                self.close(4400, "parse error")

    # --- the WebSocket ----------------------------------------------------------------------------------------------

    def attach(self, socket: web.WebSocketResponse, wire: asyncio.Transport) -> None:
        """From now on this WebSocket is the transport."""
        # Above our own bound, so that writing a frame never has to wait.
        wire.set_write_buffer_limits(high=2 * self._options.max_buffer)
        self._socket, self._wire = socket, wire
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        self.flush()

    # --- time and end -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Does what is due by now, and notices a poll whose client has gone."""
        now = self._loop.time()
        if self.polled_by is not None and self.polled_by.transport is None:
            self.lost("transport error")
        elif now >= self.upper.deadline:
            self.close(4400, "connect timeout")
        elif now >= self.engine.due:
            self.engine.beat(now)
            if self.engine.closed:
                self._end(4408, self.engine.closed)
                self._forget(self)
            else:
                self.flush()

    def _tick(self) -> None:
        if not self.engine.closed:
            self.check()
        if not self.engine.closed:
            self._timer = self._loop.call_at(self._next(), self._tick)

    def _next(self) -> float:
        return max(min(self.engine.due, self.upper.deadline), self._loop.time() + 0.001)

    def _wake_in_time(self) -> None:
        if not self.engine.closed and self._next() < self._timer.when():
            self._timer.cancel()
            self._timer = self._loop.call_at(self._next(), self._tick)

    def close(self, code: int, reason: str) -> None:
        """Ends the connection after what was sent; a WebSocket with this close code."""
        self._end(code, reason)
        if self._socket is not None or self.polled_by is not None:
            self._forget(self)
        else:  # what was sent last waits for the next poll
            self._timer = self._loop.call_later(CLOSE_SECONDS, self._forget, self)

    def lost(self, reason: str) -> None:
        """The transport has gone, or is good for nothing any more."""
        self._end(1000, reason)
        self._forget(self)

    def _end(self, code: int, reason: str) -> None:
        """Ends everything once; who is above hears the reason."""
        self.engine.close(reason)
        self._timer.cancel()
        if self._socket is not None and self.closing is None:
            self.closing = self._loop.create_task(self._close(self._socket, code, reason), name="socketio-close")
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)
        upper, self.upper = self.upper, _ENDED
        upper.lost(reason)

    async def _close(self, socket: web.WebSocketResponse, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await socket.close(code=code, message=reason.encode()[:120])
        except (TimeoutError, ConnectionError, RuntimeError):
            assert self._wire is not None
            self._wire.abort()


class _Ended:
    deadline = float("inf")

    async def message(self, frame: Packet) -> None:
        """Too late."""

    def heard(self) -> None: ...
    def lost(self, reason: str) -> None: ...


_ENDED = _Ended()


def _now(frame: Coroutine[Any, Any, None]) -> None:
    """Runs a write that is known not to wait."""
    try:
        frame.send(None)
    except StopIteration:
        return
    frame.close()
