"""An SSE client of the tests' own on a bare socket, written from the wire contract alone. It reads the way browsers do:
fields, blank lines, comments; and it keeps the bytes too, for what only they show."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from tests.support.answers import Answer
from tests.support.house import House
from tests.support.inbox import PATIENCE, Inbox, Message
from tests.transports import cable


class EventStream(Inbox):
    """One stream."""

    def __init__(self, house: House, token: str | None = None) -> None:
        super().__init__()
        self.house = house
        self.token = token
        self.status = 0
        self.headers: dict[str, str] = {}
        self.raw = b""
        self.ids: list[str | None] = []
        self.retries: list[int] = []
        self.ended = False
        self.whole = False
        """Whether the answer came to its proper end."""
        self.session_id = ""
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        house.wires.append(self)  # hung up at the test's end, like the others

    # --- the wire itself --------------------------------------------------------------------------------------------

    async def connect(
        self,
        query: dict[str, str] | None = None,
        *,
        path: str = "/api/events/subscribe",
        method: str = "GET",
        version: str = "HTTP/1.1",
        headers: dict[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> Self:
        """Asks for the stream and reads the answer's head; then what is streamed, unless it was refused."""
        address = urlsplit(self.house.url)
        self._peer = peer = socket.socket()
        if receive_buffer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, (address.hostname, address.port))
        self._reader, self._writer = await asyncio.open_connection(sock=peer, limit=1 << 20)
        sent = {"Host": address.netloc, "Accept": "text/event-stream"}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= headers or {}
        lines = [f"{method} {path}?{urlencode(query or {})} {version}"]
        lines += [f"{name}: {value}" for name, value in sent.items() if value]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
        if self.status == 200 and method != "HEAD":
            self._reading = asyncio.create_task(self._read())
        return self

    async def refused(self, status: int, code: str) -> Message:
        """Asserts that the stream was refused with that problem; returns its body."""
        assert self.status == status, self.headers
        length = int(self.headers["content-length"])
        text = (await self._reader.readexactly(length)).decode()
        await self.close()
        headers = {"Content-Type": self.headers.get("content-type")}
        return Answer(self.status, headers, text).problem(status, code)

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def stop_reading(self) -> None:
        """From now on nothing is taken off the socket."""
        self._transport.pause_reading()

    def half_close(self) -> None:
        """Says that nothing more comes from here; the other way stays open."""
        self._peer.shutdown(socket.SHUT_WR)

    def pull_cable(self) -> None:
        """From now on nothing arrives here, and nobody is told."""
        cable.pull(self._peer)

    def read_on(self) -> None:
        self._transport.resume_reading()

    @property
    def _transport(self) -> Any:
        assert self._writer is not None
        return self._writer.transport

    async def write(self, data: bytes) -> None:
        """Bytes on the connection of the stream itself, where nothing has to come."""
        assert self._writer is not None
        self._writer.write(data)
        await self._writer.drain()

    async def _read(self) -> None:
        chunked = self.headers.get("transfer-encoding") == "chunked"
        text = b""
        try:
            while True:
                if chunked:
                    size = int(await self._reader.readline(), 16)
                    piece = (await self._reader.readexactly(size + 2))[:size]
                    self.whole = not size
                else:
                    piece = await self._reader.read(65536)
                if not piece:
                    break
                self.raw += piece
                text += piece
                while b"\n\n" in text:
                    block, _, text = text.partition(b"\n\n")
                    await self._hear(block.decode())
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        async with self._news:
            self.ended = True
            self._news.notify_all()

    async def _hear(self, block: str) -> None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        if "retry" in fields:
            self.retries.append(int(fields["retry"]))
        if "data" not in fields:
            return
        message = json.loads(fields["data"])
        if "type" not in message:  # of the live page, which has messages of its own
            return
        if message["type"] != fields["event"]:
            self.misfits.append(f"{fields['event']} says that it is {message['type']}")
        self.ids.append(fields.get("id"))
        await self._take(message, "eventStream")

    # --- what a test asks -------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        return self.ended

    async def finished(self, within: float = PATIENCE) -> Message:
        """Waits for the stream's end; the last message it told."""
        await self._ended(within)
        return self.heard[-1]

    # --- the words of the contract ----------------------------------------------------------------------------------

    async def post(self, path: str, body: Any, token: str | None = None) -> Answer:
        return await self.house.call("POST", f"/api/events/{path}", body, bearer=token or self.token)

    async def send(self, message: Message) -> Answer:
        return await self.post("send", message)

    async def ack(self, delivery: Message, status: str, **members: Any) -> Answer:
        return await self.post("ack", {"id": delivery["id"], "status": status, **members})

    async def show(self, delivery: Message) -> None:
        assert (await self.ack(delivery, "received")).status == 204
        evidence = {"display": {"index": delivery["displayIndex"]}, "url": delivery["url"]}
        assert (await self.ack(delivery, "shown", **evidence)).status == 204


async def subscribed(house: House, token: str, **query: str) -> EventStream:
    """A welcomed stream of this bearer."""
    stream = await EventStream(house, token).connect({"capabilities": "shown", **query})
    assert stream.status == 200, stream.headers
    stream.session_id = (await stream.expect("welcome"))["sessionId"]
    return stream


async def screen(house: House, screen_id: str = "S-1", **query: str) -> EventStream:
    """A welcomed screen."""
    return await subscribed(house, await house.pair(screen_id), **query)
