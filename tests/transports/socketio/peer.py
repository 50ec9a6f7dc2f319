"""A Socket.IO client of the tests' own, written from the protocol texts alone: WebSocket, polling, or an upgrade."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, Self

import aiohttp

from tests.support import described
from tests.support.inbox import PATIENCE

Message = dict[str, Any]


class Peer:
    """One connection. Events it hears are in `heard`, as (name, payload, ack id), and leave `inbox` by `expect`."""

    def __init__(self, url: str, *, transport: str = "websocket", answers_pings: bool = True) -> None:
        self.transport = transport
        self.answers_pings = answers_pings
        self.opened: Message = {}
        self.connected: Message | None = None
        self.refused: Message | None = None
        self.heard: list[tuple[str, Any, int | None]] = []
        self.inbox: list[tuple[str, Any, int | None]] = []
        self.misfits: list[str] = []
        self.answers: dict[int, list[Any]] = {}
        self.disconnected = False
        self.leaves = True
        """Goes when told so, as the official clients do."""
        self.closed = False
        self.close_code: int | None = None
        self._url = url
        self._numbers = itertools.count()
        self._posting = asyncio.Lock()
        self._news = asyncio.Condition()
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    # --- Engine.IO --------------------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        sid = f"&sid={self.opened['sid']}" if self.opened else ""
        return f"{self._url}/socket.io/?EIO=4&transport={self.transport}{sid}"

    async def open(self) -> Self:
        """The Engine.IO handshake."""
        if self.transport == "websocket":
            self._socket = await self._http.ws_connect(self._address)
            first = await self._socket.receive_str()
            reader = self._read_socket()
        else:
            _, first = await self.get()
            reader = self._read_polls()
        assert first[0] == "0", first
        self.opened = json.loads(first[1:])
        self._reading = asyncio.create_task(reader)
        return self

    async def get(self) -> tuple[int, str]:
        async with self._http.get(self._address) as response:
            return response.status, await response.text()

    async def post(self, body: str | bytes) -> tuple[int, str]:
        async with self._http.post(self._address, data=body, headers={"Content-Type": "text/plain"}) as response:
            return response.status, await response.text()

    async def upgrade(self) -> None:
        """From polling to WebSocket, in the steps of the protocol's text."""
        address = self._address.replace("=polling", "=websocket")
        socket = await self._http.ws_connect(address)
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        assert self._reading is not None
        self.transport = "websocket"  # the last poll comes back, and no other one goes out
        await self._reading
        await socket.send_str("5")
        self._socket = socket
        self._reading = asyncio.create_task(self._read_socket())

    async def send(self, packet: str | bytes) -> None:
        """One Engine.IO packet."""
        if self._socket is None:
            async with self._posting:
                status, text = await self.post(packet)
            assert (status, text) == (200, "ok"), text
        elif isinstance(packet, bytes):
            await self._socket.send_bytes(packet)
        else:
            await self._socket.send_str(packet)

    async def _read_socket(self) -> None:
        assert self._socket is not None
        while True:
            frame = await self._socket.receive()
            if frame.type is not aiohttp.WSMsgType.TEXT:
                await self._ended(self._socket.close_code)
                return
            await self._take(frame.data)
            if self.disconnected and self.leaves:
                await self._socket.close()

    async def _read_polls(self) -> None:
        while self.transport == "polling":
            status, text = await self.get()
            if status != 200:
                await self._ended(None)
                return
            for packet in text.split("\x1e"):
                await self._take(packet)
            if self.disconnected and self.leaves:
                await self.send("1")
            if self.closed:
                return

    async def _ended(self, code: int | None) -> None:
        async with self._news:
            self.closed, self.close_code = True, code
            self._news.notify_all()

    async def _take(self, packet: str) -> None:
        if packet == "2":
            if self.answers_pings:
                await self.send("3")
        elif packet == "1":
            await self._ended(None)
        elif packet[0] == "4":
            async with self._news:
                self._message(packet[1], packet[2:])
                self._news.notify_all()

    # --- Socket.IO --------------------------------------------------------------------------------------------------

    def _message(self, kind: str, rest: str) -> None:
        start = next((index for index, sign in enumerate(rest) if not sign.isdigit()), len(rest))
        number = int(rest[:start]) if start else None
        data: Any = json.loads(rest[start:]) if rest[start:] else None
        if kind == "0":
            self.connected = data
        elif kind == "1":
            self.disconnected = True
        elif kind == "2":
            event = (data[0], data[1] if len(data) > 1 else None, number)
            assert len(data) == 2, data
            self.misfits += described.misfits({"type": data[0], **data[1]}, "socketIo")
            self.heard.append(event)
            self.inbox.append(event)
        elif kind == "3":
            assert number is not None
            self.answers[number] = data
        elif kind == "4":
            self.refused = data

    async def connect(self, token: str | None, **auth: Any) -> Message:
        """CONNECT with this auth; the `welcome`."""
        await self.say_connect(token, **auth)
        welcome: Message = (await self.expect("welcome"))[1]
        return welcome

    async def say_connect(self, token: str | None, **auth: Any) -> None:
        first = auth if token is None else {"token": token, **auth}
        await self.send("40" + json.dumps(first))

    async def emit(self, name: str, *arguments: Any) -> None:
        await self.send("42" + json.dumps([name, *arguments]))

    async def call(self, name: str, *arguments: Any) -> Any:
        """Emits with a callback; the only argument it is called with."""
        number = next(self._numbers)
        await self.send(f"42{number}" + json.dumps([name, *arguments]))
        await self._until(lambda: number in self.answers)
        (answer,) = self.answers.pop(number)
        return answer

    async def acknowledge(self, number: int | None, *arguments: Any) -> None:
        """Calls the callback of the server's event."""
        assert number is not None
        await self.send(f"43{number}" + json.dumps(arguments))

    async def expect(self, name: str) -> tuple[str, Any, int | None]:
        """The next event of that name, waiting for it."""

        def find() -> tuple[str, Any, int | None] | None:
            return next((event for event in self.inbox if event[0] == name), None)

        await self._until(lambda: find() is not None or self.closed)
        found = find()
        assert found is not None, f"no {name}, closed: {self.closed}, heard: {self.heard}"
        self.inbox.remove(found)
        return found

    async def settled(self) -> list[str]:
        """The names of everything heard up to now."""
        await self.call("ping", {"t": 1})
        return [name for name, _, _ in self.heard]

    async def refusal(self) -> Message:
        await self._until(lambda: self.refused is not None)
        assert self.refused is not None
        return self.refused

    async def ends(self) -> int | None:
        """Waits for the connection's end; its close code."""
        await self._until(lambda: self.closed)
        return self.close_code

    async def _until(self, condition: Any) -> None:
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"nothing came; heard: {self.heard}, refused: {self.refused}") from None

    # --- end --------------------------------------------------------------------------------------------------------

    async def vanish(self) -> None:
        """Ends the connection without a word."""
        if self._socket is not None:
            self._socket.get_extra_info("socket").shutdown(2)
        await self.close(polite=False)

    def stop_reading(self) -> None:
        assert self._reading is not None
        self._reading.cancel()

    async def close(self, *, polite: bool = True) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None and polite:
            await self._socket.close()
        await self._http.close()
