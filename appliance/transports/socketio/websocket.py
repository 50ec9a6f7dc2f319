"""The WebSocket that carries an Engine.IO session, from its start or after a probe beside HTTP long-polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.transports import connection as sockets
from appliance.transports import frames
from appliance.transports.bounds import Backlog
from appliance.transports.connection import Rest
from appliance.transports.socketio import engineio
from appliance.transports.socketio.connection import Connection
from appliance.transports.socketio.engine import Rejection
from appliance.transports.socketio.engineio import Packet, ProtocolError

_BROKEN = 4400


class Socket(sockets.Connection):
    """One upgraded socket of `connection`, whose transport it is once `attach`ed."""

    __slots__ = ("_connection", "_gone", "_probe_timer")

    def __init__(
        self,
        wire: asyncio.Transport,
        backlog: Backlog,
        connection: Connection,
        gone: Callable[[Socket], None],
    ) -> None:
        super().__init__(wire, backlog, limit=connection.limit, bound=connection.engine.bound)
        self._connection: Connection | None = connection
        self._gone = gone
        self._probe_timer: asyncio.TimerHandle | None = None

    def packet(self, packet: Packet) -> None:
        if isinstance(packet, str):
            self.write(frames.TEXT, packet.encode())
        else:
            self.write(frames.BINARY, packet)

    def let_in(self, bound: int) -> None:
        self.bound = bound
        if self._connection is not None:
            self.set_limit(self._connection.limit)

    def begin_probe(self) -> None:
        """Waits for the client's probe; a session that has its WebSocket, or one on its way, takes no other."""
        assert self._connection is not None
        try:
            self._connection.engine.begin_probe()
        except Rejection as rejection:
            self._connection = None
            self.close(_BROKEN, rejection.message)
        else:
            self._connection.prober = self
            wait = self._connection.options.upgrade_timeout
            self._probe_timer = asyncio.get_running_loop().call_later(wait, self._refuse)

    def received(self, data: str | bytes) -> Rest | None:
        connection = self._connection
        if connection is None:
            return None
        try:
            packet = engineio.read(data) if isinstance(data, str) else data
            if self._probe_timer is not None:
                self._probed(connection, packet)
                return None
            rest = connection.receive(packet)
        except (ProtocolError, RecursionError):
            if self._probe_timer is None:
                connection.close(_BROKEN, "parse error")
            else:
                self._refuse()
            return None
        return None if rest is None else self._await(connection, rest)

    async def _await(self, connection: Connection, rest: Rest) -> None:
        try:
            await rest
        except (ProtocolError, RecursionError):
            connection.close(_BROKEN, "parse error")

    def ended(self) -> None:
        self._gone(self)
        connection = self._released()
        if connection is not None:
            connection.lost("transport close")

    def too_slow(self, *, abort: bool = False) -> None:
        connection = self._connection
        super().too_slow(abort=abort)
        if connection is not None:
            connection.too_slow()

    def _probed(self, connection: Connection, packet: Packet) -> None:
        answer = connection.engine.probe(packet)
        if answer is not None:
            self.packet(answer)
            connection.flush()
            return
        assert self._probe_timer is not None
        self._probe_timer.cancel()
        self._probe_timer = None
        self.let_in(connection.engine.bound)
        connection.attach(self)

    def _refuse(self) -> None:
        self._released()
        self.close(_BROKEN, "no probe")

    def _released(self) -> Connection | None:
        """The connection that this was the transport of; None when it only probed. Once."""
        connection, self._connection = self._connection, None
        timer, self._probe_timer = self._probe_timer, None
        if timer is None or connection is None:
            return connection
        timer.cancel()
        connection.prober = None
        connection.engine.end_probe()
        return None
