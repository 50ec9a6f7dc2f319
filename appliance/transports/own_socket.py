"""A socket that was taken out of aiohttp's hands, as far as every such socket is the same: what waits for its reader is
counted, and once it ends, nobody is waited for longer than `bounds.CLOSE_SECONDS`."""

from __future__ import annotations

import asyncio

from appliance.edge.crowd import Place
from appliance.transports import bounds
from appliance.transports.bounds import Backlog


class OwnSocket(asyncio.Protocol):
    """One of them. `too_slow` is its subclass's; so is `connection_lost`, as far as it means more than here.

    `bound` is how many bytes may wait for the reader; `place` is the connection's in the crowd, where it is counted.
    """

    __slots__ = ("_backlog", "_lost", "_timer", "_wire", "bound", "place")

    def __init__(self, wire: asyncio.Transport, backlog: Backlog, bound: int) -> None:
        self._wire = wire
        self._backlog = backlog
        self._lost = False
        self._timer: asyncio.TimerHandle | None = None
        self.bound = bound
        self.place: Place | None = None

    def too_slow(self, *, abort: bool = False) -> None:
        """More waits than the reader may leave unread."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        """Bytes written that the system hasn't taken yet."""
        return self._wire.get_write_buffer_size()

    @property
    def worker(self) -> asyncio.Task[None] | None:
        """The task that handles a message now."""
        return None

    def abort(self) -> None:
        """Ends it at once, without a word."""
        self._wire.abort()

    # --- asyncio's side ---------------------------------------------------------------------------------------------

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """What came right behind the request."""
        self.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        """The HTTP side is done with this socket, which `connection_lost` is not told by."""

    def eof_received(self) -> None:
        # The transport closes now, once what waits is written: a reader that never reads it is not waited for.
        self._end_later()

    def pause_writing(self) -> None:
        self._backlog.count(self)

    def resume_writing(self) -> None:
        self._backlog.forget(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._lost = True
        self._backlog.forget(self)
        self._stop_timer()
        place, self.place = self.place, None
        if place is not None:
            place.leave()

    # --- for the subclass -------------------------------------------------------------------------------------------

    def _end_later(self) -> None:
        """What waits may be read for a moment; a transport that closes waits for it without an end."""
        if self._timer is None and not self._lost:
            self._timer = asyncio.get_running_loop().call_later(bounds.CLOSE_SECONDS, self._wire.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
