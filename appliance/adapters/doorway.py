"""The port under TLS: the first byte of a connection tells TLS from plain HTTP, and each goes to its own application.

So whoever types `http://`, or doesn't trust the certificate yet, hears what to do instead of a connection that just
ends. The bytes are read, not peeked at (not every event loop can peek), and handed to the TLS layer by the interface
that every buffered protocol has. That costs no task and no wait of its own.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import web

from appliance.edge.crowd import Crowd, Place
from appliance.errors import Problem

FIRST_BYTE_SECONDS: Final = 10.0
"""How long a connection may say nothing at all."""
HANDSHAKE_SECONDS: Final = 30.0
"""For a TLS handshake: ten thousand monitors may come back at once."""
_TLS_HANDSHAKE: Final = 0x16


class Doorway(web.BaseSite):
    """Serves `runner`'s application over TLS and `plain`'s without, on one port."""

    __slots__ = ("_crowd", "_host", "_plain", "_port", "_tls", "_waiting")

    def __init__(
        self,
        runner: web.BaseRunner,
        plain: web.BaseRunner,
        host: str | None,
        port: int,
        *,
        context: Callable[[], ssl.SSLContext],
        crowd: Crowd,
        backlog: int,
    ) -> None:
        super().__init__(runner, backlog=backlog)
        self._plain = plain
        self._host = host
        self._port = port
        self._tls = context
        self._crowd = crowd
        self._waiting: set[FirstByte] = set()

    @property
    def name(self) -> str:
        return f"https://{self._host or '*'}:{self._port}"

    async def start(self) -> None:
        await super().start()
        secure, plain = self._runner.server, self._plain.server
        assert secure is not None
        assert plain is not None
        loop = asyncio.get_running_loop()
        kind = _counted(_ssl_protocol(loop))

        def over_tls(place: Place | None) -> asyncio.BaseProtocol:
            made: asyncio.BaseProtocol = kind(
                loop, secure(), self._tls(), None, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            made.place = place  # type: ignore[attr-defined]
            return made

        self._server = await loop.create_server(
            lambda: FirstByte(over_tls, plain, self._waiting, self._crowd),
            self._host,
            self._port,
            backlog=self._backlog,
        )

    async def stop(self) -> None:
        await super().stop()
        for one in list(self._waiting):
            one.leave()


class FirstByte(asyncio.Protocol):
    """A connection that has said nothing yet."""

    __slots__ = ("_crowd", "_over_tls", "_place", "_plain", "_timer", "_waiting", "_wire")

    def __init__(
        self,
        over_tls: Callable[[Place | None], asyncio.BaseProtocol],
        plain: Callable[[], asyncio.BaseProtocol],
        waiting: set[FirstByte],
        crowd: Crowd,
    ) -> None:
        self._crowd = crowd
        self._place: Place | None = None
        self._over_tls = over_tls
        self._plain = plain
        self._waiting = waiting
        self._wire: asyncio.Transport
        self._timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(FIRST_BYTE_SECONDS, self.leave)
        self._waiting.add(self)
        peer = transport.get_extra_info("peername")
        try:
            self._place = self._crowd.enter(peer[0] if isinstance(peer, tuple) else None)
        except Problem:  # there are no words for it that both kinds of client would read
            self.leave()

    def connection_lost(self, _error: Exception | None) -> None:
        self._done()
        if self._place is not None:
            self._place.leave()

    def leave(self) -> None:
        """Ends it."""
        self._wire.abort()

    def data_received(self, data: bytes) -> None:
        self._done()
        wire = self._wire
        wire.pause_reading()  # an event loop may choose how it reads only as it begins to
        if data[0] == _TLS_HANDSHAKE:
            # All that waits for a slow reader is to wait in the TLS layer, where it is counted.
            wire.set_write_buffer_limits(high=0)
            secured = self._over_tls(self._place)
            wire.set_protocol(secured)
            secured.connection_made(wire)
            _feed(cast(asyncio.BufferedProtocol, secured), data)
        else:
            if self._place is not None:  # it counts itself
                self._place.leave()
            plain = cast(asyncio.Protocol, self._plain())
            wire.set_protocol(plain)
            plain.connection_made(wire)
            plain.data_received(data)
        if not wire.is_closing():
            wire.resume_reading()

    def _done(self) -> None:
        self._timer.cancel()
        self._waiting.discard(self)


def _counted(kind: Any) -> Callable[..., Any]:
    """The TLS layer that gives the connection's place in the crowd back at its end, whether or not there ever was a
    handshake."""

    class Counted(kind):  # type: ignore[misc]
        place: Place | None = None

        def connection_lost(self, error: Exception | None) -> None:
            if self.place is not None:
                self.place.leave()
            super().connection_lost(error)

    return Counted


def _feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    left = memoryview(data)
    while left:
        room = memoryview(protocol.get_buffer(len(left)))
        count = min(len(room), len(left))
        room[:count] = left[:count]
        protocol.buffer_updated(count)
        left = left[count:]


def _ssl_protocol(loop: asyncio.AbstractEventLoop) -> Callable[..., Any]:
    """The TLS layer that this event loop itself puts under a server's connections."""
    if isinstance(loop, asyncio.BaseEventLoop):
        return SSLProtocol
    import uvloop.loop  # noqa: PLC0415 - not on Windows

    kind: Callable[..., Any] = uvloop.loop.SSLProtocol  # type: ignore[attr-defined]
    return kind
