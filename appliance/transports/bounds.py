"""What keeps many connections from being in each other's way: turns, and how much may wait for slow readers, and how
long."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

import structlog

_log = structlog.get_logger(__name__)

TOTAL_BUFFER: Final = 64 << 20
"""Bytes that may wait for all slow readers together."""
LAG_BYTES: Final = 8 << 10
"""From here on what waits for a reader counts into `TOTAL_BUFFER`; below, it is a moment's backlog."""
SCREEN_BUFFER: Final = 128 << 10
"""Bytes that may wait for a screen before it is closed as too slow (4430); it hears of its own documents only."""
OTHERS_BUFFER: Final = 1 << 20
"""The same for a producer or a watcher, who may hear of every screen's."""
CLOSE_SECONDS = 2.0
"""How long the other side may take to read what was written last, and to answer a close."""
TURN: Final = 64
"""Messages of one connection that are handled before the others have their turn."""
TURN_SECONDS: Final = 0.005
"""The same in time: some messages cost a thousand times what others do."""


class Writer(Protocol):
    """Whoever collects what is written in a turn."""

    def flush(self) -> None:
        """Hands it to the system."""
        ...

    def abort(self) -> None:
        """Ends the connection at once, without a word."""
        ...


class Reader(Protocol):
    """Whoever bytes wait for."""

    @property
    def waiting(self) -> int:
        """How many bytes."""
        ...

    def too_slow(self, *, abort: bool = False) -> None:
        """Ends it by name; with `abort` what waits is thrown away."""
        ...


class Turn:
    """What is written in one turn of the event loop goes out at its end: one system call a socket, however many
    messages there are for it."""

    def __init__(self) -> None:
        self._written: list[Writer] = []

    def add(self, connection: Writer) -> None:
        if not self._written:
            asyncio.get_running_loop().call_soon(self._end)
        self._written.append(connection)

    def _end(self) -> None:
        written, self._written = self._written, []
        for connection in written:
            try:
                connection.flush()
            except Exception:  # the others' turn it is all the same; this one's reader has missed something
                _log.exception("connection.failed")
                connection.abort()


class Share:
    """One connection's share of the loop: over after so many messages or so long, whichever comes first."""

    __slots__ = ("_left", "_until")

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._left = TURN
        self._until = time.perf_counter() + TURN_SECONDS

    @property
    def over(self) -> bool:
        """Counts a message that was handled; true when the others have their turn now."""
        self._left -= 1
        return self._left <= 0 or time.perf_counter() >= self._until

    async def give_way(self) -> None:
        """Lets the others have their turn."""
        await asyncio.sleep(0)
        self._begin()


class Backlog:
    """What waits for slow readers, over all connections. Past the total the one that most waits for is ended."""

    def __init__(self, total: int = TOTAL_BUFFER) -> None:
        self.turn = Turn()
        self._total = total
        self._waiting: dict[Reader, int] = {}
        self._bytes = 0

    @property
    def bytes(self) -> int:
        return self._bytes

    def count(self, reader: Reader) -> None:
        """Takes in how much waits for `reader` now."""
        waiting = reader.waiting
        self._bytes += waiting - self._waiting.get(reader, 0)
        self._waiting[reader] = waiting
        while self._bytes > self._total:
            slowest = max(self._waiting, key=self._waiting.__getitem__)
            self.forget(slowest)
            slowest.too_slow(abort=True)

    def forget(self, reader: Reader) -> None:
        self._bytes -= self._waiting.pop(reader, 0)

    def __contains__(self, reader: Reader) -> bool:
        return reader in self._waiting
