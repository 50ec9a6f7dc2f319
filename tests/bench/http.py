"""Kept HTTP connections of the bench's own, and server-sent events."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from tests.bench.wire import Client

Answered = Callable[[bytes, bytes, int], None]
"""Head and body of an answer, and the moment (`time.monotonic_ns`) its last bytes were read."""


Asked = tuple[bytes, bytes, Answered]
AGAIN_SECONDS = 0.1


def request_head(path: str, host: str, port: int, bearer: str) -> bytes:
    """Of a POST of JSON, up to the value of its last header, which is the length."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {bearer}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()


class Kept(asyncio.Protocol):
    """One kept connection; one request at a time."""

    def __init__(self, lost: Callable[[Kept], None] | None = None) -> None:
        self._lost = lost
        self._buffer = bytearray()
        self._head = self._end = 0
        self._answered: Answered | None = None
        self._transport: asyncio.Transport | None = None

    def ask(self, head: bytes, body: bytes, answered: Answered) -> None:
        """`head` as `request_head` makes it."""
        assert self._transport is not None
        self._answered = answered
        self._transport.write(b"%s%d\r\n\r\n%s" % (head, len(body), body))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._buffer += data
        if not self._end:
            self._head = self._buffer.find(b"\r\n\r\n") + 4
            if self._head < 4:
                return
            head = bytes(self._buffer[: self._head]).lower()
            start = head.find(b"content-length:") + 15
            size = int(head[start : head.index(b"\r\n", start)]) if start >= 15 else 0
            self._end = self._head + size
        if len(self._buffer) < self._end:
            return
        head, body = bytes(self._buffer[: self._head]), bytes(self._buffer[self._head : self._end])
        self._buffer.clear()
        self._end = 0
        answered, self._answered = self._answered, None
        assert answered is not None
        answered(head, body, now)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._lost is not None:
            self._lost(self)


class Pool:
    """So many kept connections that take what is to be posted in turn, whoever's it is. One that is lost is replaced,
    and what it was asked is posted again."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._free: list[Kept] = []
        self._due: deque[Asked] = deque()
        self._asked: dict[Kept, Asked] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.repeated = 0

    async def open(self, connections: int) -> None:
        for _ in range(connections):
            await self._connect()

    def post(self, head: bytes, body: bytes, answered: Answered) -> None:
        self._due.append((head, body, answered))
        self._next()

    def _next(self) -> None:
        if self._due and self._free:
            kept = self._free.pop()
            self._asked[kept] = head, body, _ = self._due.popleft()
            kept.ask(head, body, lambda said, text, now: self._answered(kept, said, text, now))

    def _answered(self, kept: Kept, head: bytes, body: bytes, now: int) -> None:
        _, _, answered = self._asked.pop(kept)
        answered(head, body, now)
        self._free.append(kept)
        self._next()

    def _lost(self, kept: Kept) -> None:
        if kept in self._free:
            self._free.remove(kept)
        if kept in self._asked:
            self.repeated += 1
            self._due.append(self._asked.pop(kept))
        task = asyncio.create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        while True:
            try:
                _, kept = await asyncio.get_running_loop().create_connection(
                    lambda: Kept(self._lost), self._host, self._port
                )
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._free.append(kept)
                self._next()
                return


class Events(Client):
    """Server-sent events; `heard` gets each event's data, told apart by its name in `name`."""

    __slots__ = ("_begun", "_head", "_hello", "_posts", "_text", "name")

    def __init__(self, hello: dict[str, Any], posts: Pool) -> None:
        super().__init__()
        self._hello = hello
        self._posts = posts
        self._begun = False
        self._text = b""
        self._head = b""
        self.name = b""

    def begin(self, host: str, port: int) -> None:
        token = self._hello["token"]
        self._head = request_head("/api/events/ack", host, port, token)
        capabilities = ",".join(self._hello["capabilities"])
        self.send(
            (
                f"GET /api/events/subscribe?capabilities={capabilities} HTTP/1.1\r\nHost: {host}:{port}\r\n"
                f"Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
            ).encode()
        )

    def ack(self, body: bytes, answered: Answered) -> None:
        self._posts.post(self._head, body, answered)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self._buffer + data if self._buffer else data
        if not self._begun:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 200"):
                if not self.welcomed.done():
                    self.welcomed.set_exception(ConnectionError(f"no stream: {head[:200]!r} {data[:200]!r}"))
                self.abort()
                return
            self._begun = True
        while True:  # chunks
            size, end, rest = data.partition(b"\r\n")
            if not end or len(rest) < (length := int(size, 16)) + 2:
                break
            self._text += rest[:length]
            data = rest[length + 2 :]
        self._buffer = data
        *events, self._text = self._text.split(b"\n\n")
        for event in events:
            self._event(event, now)

    def _event(self, event: bytes, now: int) -> None:
        fields = dict(line.partition(b": ")[::2] for line in event.split(b"\n") if line[:1] != b":")
        self.name = fields.get(b"event", b"")
        if self.name == b"welcome":
            self.welcome()
        else:
            self.heard(fields.get(b"data", b""), now)
