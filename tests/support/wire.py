"""A WebSocket client of the tests' own, written from the wire contract alone, so that it never agrees with the
appliance by sharing its code. It is a screen, a producer or a watcher, whichever token it brings."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self

import aiohttp

from tests.support.inbox import PATIENCE, Inbox, Message


class Wire(Inbox):
    """One socket."""

    def __init__(self, *, answers_pings: bool = True) -> None:
        super().__init__()
        self.answers_pings = answers_pings
        self.close_code: int | None = None
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    # --- the wire itself --------------------------------------------------------------------------------------------

    async def connect(self, url: str, *, headers: dict[str, str] | None = None) -> Self:
        """Opens the socket of the appliance at `url` (http://…); says nothing yet."""
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._socket = await self._session.ws_connect(
            "ws" + url.removeprefix("http") + "/ws", headers=headers, protocols=("vooster.v1",), autoping=True
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def send(self, message: Message) -> None:
        await self.send_text(json.dumps(message, ensure_ascii=False))

    async def send_text(self, text: str) -> None:
        assert self._socket is not None
        await self._socket.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        assert self._socket is not None
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        """Ends the socket politely."""
        if self._socket is not None:
            await self._socket.close()
        await self._hang_up()

    async def vanish(self) -> None:
        """Ends the socket without a word, as a pulled cable that the operating system has noticed."""
        assert self._socket is not None
        transport = self._socket.get_extra_info("socket")
        if transport is not None:
            transport.shutdown(2)
        await self._hang_up()

    def stop_reading(self) -> None:
        """From now on nothing is taken off the socket: a reader that is too slow."""
        assert self._reading is not None
        self._reading.cancel()

    async def _hang_up(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        assert not self.misfits, "the appliance says something else than its description"

    async def _read(self) -> None:
        assert self._socket is not None
        while True:
            frame = await self._socket.receive()
            if frame.type is not aiohttp.WSMsgType.TEXT:
                async with self._news:
                    self.close_code = self._socket.close_code or 1006
                    self._news.notify_all()
                return
            message = json.loads(frame.data)
            await self._take(message, "webSocket")
            if message["type"] == "ping" and self.answers_pings:
                await self.send({"type": "pong", "t": message["t"]})

    # --- what a test asks -------------------------------------------------------------------------------------------

    @property
    def over(self) -> int | None:
        return self.close_code

    async def closed(self, within: float = PATIENCE) -> int:
        """The code the other side closed with."""
        await self._ended(within)
        assert self.close_code is not None
        return self.close_code

    async def settled(self) -> list[Message]:
        """Everything heard up to now: what was written before this call has arrived when it returns."""
        mark = f"mark-{len(self.heard)}-{id(object())}"
        await self.send({"type": "ping", "t": mark})
        await self.expect("pong", lambda message: message["t"] == mark)
        return self.heard

    # --- the words of the contract ----------------------------------------------------------------------------------

    async def hello(self, token: str | None, **members: Any) -> Message:
        """Says hello, returns the welcome."""
        await self.say_hello(token, **members)
        return await self.expect("welcome")

    async def say_hello(self, token: str | None, **members: Any) -> None:
        first: Message = {"type": "hello", "client": {"name": "wire", "version": "1"}, "capabilities": ["shown"]}
        if token is not None:
            first["token"] = token
        await self.send({**first, **members})

    async def navigate(self, *, within: float = PATIENCE) -> Message:
        return await self.expect("navigate", within=within)

    async def received(self, delivery: Message) -> None:
        await self.send({"type": "ack", "id": delivery["id"], "status": "received"})

    async def shown(self, delivery: Message, **members: Any) -> None:
        evidence = {"display": {"index": delivery["displayIndex"]}, "url": delivery["url"]}
        await self.send({"type": "ack", "id": delivery["id"], "status": "shown", **evidence, **members})

    async def failed(self, delivery: Message, code: str | None = None, **members: Any) -> None:
        ack: Message = {"type": "ack", "id": delivery["id"], "status": "failed", **members}
        if code is not None:
            ack["code"] = code
        await self.send(ack)

    async def show_next(self) -> Message:
        """Takes the next navigation and shows it: both acks."""
        delivery = await self.navigate()
        await self.received(delivery)
        await self.shown(delivery)
        return delivery
