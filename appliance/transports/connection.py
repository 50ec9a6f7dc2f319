"""A WebSocket connection: the thin shell around `frames` that reads, writes, keeps the limits and closes.

The upgrade is aiohttp's. From then on the socket speaks to its own small protocol, and what aiohttp holds for a request
(parser, headers, response, two tasks: 10 KB) is let go. A task exists only while a message is being handled. Frames are
written straight into the socket's own buffer, which is bounded for each connection and for all of them together.

Compression (RFC 7692) is not offered: messages are some 300 bytes, and a compressor alone holds 90 KB a connection,
where everything else about it and its session holds 4.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from appliance.errors import entry
from appliance.transports import frames
from appliance.transports.bounds import LAG_BYTES, TURN, Backlog, Share
from appliance.transports.frames import FrameError, Frames, close_frame, frame
from appliance.transports.own_socket import OwnSocket

Rest = Coroutine[Any, Any, None]
_READ_AHEAD: Final = 64 << 10
"""Bytes read while an earlier message is being handled."""

_log = structlog.get_logger(__name__)


class Connection(OwnSocket):
    """One upgraded socket. What a message means is its subclass's: `received`, `ended`.

    `limit` is the longest message in bytes.
    """

    __slots__ = ("_closing", "_frames", "_out", "_paused", "_worker")

    def __init__(self, wire: asyncio.Transport, backlog: Backlog, *, limit: int, bound: int) -> None:
        super().__init__(wire, backlog, bound)
        self._frames: Frames | None = Frames(limit)
        self._out: list[bytes] | None = None
        """Frames of this turn."""
        self._worker: asyncio.Task[None] | None = None
        self._closing = self._paused = False
        wire.set_write_buffer_limits(high=LAG_BYTES)

    # --- for the subclass -------------------------------------------------------------------------------------------

    def received(self, data: str | bytes) -> Rest | None:
        """A message; what is left to be awaited of it, if anything is. The next one comes only after that: whoever
        can't keep up is read from no faster."""
        raise NotImplementedError

    def ended(self) -> None:
        """The socket is gone and everything it brought is handled."""

    def too_slow(self, *, abort: bool = False) -> None:
        self.close(entry("SESSION_TOO_SLOW").close_code or frames.INTERNAL_ERROR, "SESSION_TOO_SLOW")
        if abort:
            self._wire.abort()

    @property
    def closing(self) -> bool:
        return self._closing or self._lost

    def set_limit(self, limit: int) -> None:
        if self._frames is not None:
            self._frames.limit = limit

    def write(self, kind: int, payload: bytes) -> None:
        """Writes a frame without waiting; a reader for whom too much waits already is ended instead."""
        if self._closing or self._wire.is_closing():
            return
        data = frame(kind, payload)
        if self._out is None:
            self._out = [data]
            self._backlog.turn.add(self)
        else:
            self._out.append(data)
            if len(self._out) >= TURN:
                self.flush()

    def flush(self) -> None:
        """Hands what was written to the system."""
        out, self._out = self._out, None
        if out is None or self._wire.is_closing():
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        waiting = self.waiting
        if waiting and waiting + len(data) > self.bound:
            self.too_slow()
            return
        self._hand_over(data)

    def close(self, code: int, reason: str = "") -> None:
        """Ends the connection with a close frame, after what was written before. Whatever still comes is not handled.

        Closing a socket with unread data would reset it, and the client would never see why: so it is read, and thrown
        away, until the client has gone or `bounds.CLOSE_SECONDS` are over.
        """
        if self._closing:
            return
        self._closing = True
        out, self._out = self._out or [], None
        if self._wire.is_closing():
            return
        farewell = close_frame(code, reason)
        data = b"".join([*out, farewell])  # in one write: a stop says goodbye to ten thousand
        waiting = self.waiting
        if waiting and waiting + len(data) > self.bound:
            data = farewell  # there is no room for the rest, but for why it ends
        self._resume()
        self._end_later()
        self._hand_over(data)

    def _hand_over(self, data: bytes) -> None:
        self._wire.write(data)
        if self in self._backlog:
            self._backlog.count(self)

    @property
    def worker(self) -> asyncio.Task[None] | None:
        return self._worker

    # --- asyncio's side ---------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        stream = self._frames
        if stream is None:
            return
        stream.feed(data)
        if self._worker is None:
            self._start()
        elif len(stream) > _READ_AHEAD and not self._paused:
            self._paused = True
            self._wire.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._worker is None:
            self._done()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Handles what has come. A task takes over where something has to be waited for, or others have their turn."""
        share = Share()
        while True:
            event = self._next()
            if event is None:
                return
            try:
                rest = self._take(event)
            except Exception:
                self._failed()
                return
            if rest is not None or share.over:
                break
        self._worker = asyncio.get_running_loop().create_task(self._work(rest))

    def _next(self) -> frames.Event | None:
        if self._frames is None:
            return None
        try:
            return self._frames.next()
        except FrameError as error:
            self._broken(error)
            return None

    async def _work(self, rest: Rest | None) -> None:
        share = Share()
        try:
            if rest is None:
                await share.give_way()
            while True:
                if rest is not None:
                    await rest
                if share.over:
                    await share.give_way()
                if self._paused and self._frames is not None and len(self._frames) <= _READ_AHEAD:
                    self._resume()
                event = self._next()
                if event is None:
                    return
                rest = self._take(event)
        except Exception:
            self._failed()
        finally:
            self._worker = None
            self._resume()
            if self._lost:
                self._done()

    def _failed(self) -> None:
        _log.exception("connection.failed")
        self.close(frames.INTERNAL_ERROR, "INTERNAL_ERROR")

    def _take(self, event: frames.Event) -> Rest | None:
        kind, payload = event
        if kind in {frames.TEXT, frames.BINARY}:
            return None if self._closing else self.received(payload)
        if isinstance(payload, bytes) and kind == frames.PING:
            self.write(frames.PONG, payload)
        elif isinstance(payload, bytes) and kind == frames.CLOSE:
            self._closed_by_client(payload)
        return None

    def _closed_by_client(self, payload: bytes) -> None:
        try:
            code = frames.close_code(payload)
        except FrameError as error:
            self._broken(error)
            return
        self.flush()
        if not self._closing and not self._wire.is_closing():
            self._wire.write(close_frame(code) if payload else frame(frames.CLOSE, b""))
        self._closing, self._frames = True, None
        self._wire.close()
        self._end_later()

    def _broken(self, error: FrameError) -> None:
        self._frames = None
        if error.code == frames.TOO_BIG:
            self.close(entry("PAYLOAD_TOO_LARGE").close_code or error.code, "PAYLOAD_TOO_LARGE")
        else:
            self.close(error.code, str(error))
        if self._wire.can_write_eof() and not self._wire.is_closing():
            with contextlib.suppress(OSError):  # it may have gone already
                self._wire.write_eof()  # its answer couldn't be read any more, so nobody waits for it

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            if not self._wire.is_closing():
                self._wire.resume_reading()

    def _done(self) -> None:
        self._closing, self._frames = True, None
        self.ended()
