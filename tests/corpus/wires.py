"""The corpus' own client, below any library: what goes over the wire is what a case says, byte for byte.

Requests go over one connection that is kept; sockets and streams get one each. What comes back is told in a word or
two, and kept as it came until the next case.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tests.transports.rawsocket import CLOSE, KEY, RawSocket, frame

PATIENCE = 8.0
Headers = tuple[tuple[str, str], ...]
SHAKE: Headers = (
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
)
SOCKET_IO = "/socket.io/?EIO=4&transport=websocket"
STREAM: Headers = (("Accept", "text/event-stream"),)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `hosts` are its `Host` headers: the appliance's own where none are given, and none for `()`."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None
    hosts: tuple[str, ...] | None = None
    version: str = "HTTP/1.1"

    def also(self, *headers: tuple[str, str]) -> Ask:
        return replace(self, headers=(*self.headers, *headers))

    def bytes(self, own_host: str) -> bytes:
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"Host: {host}" for host in ((own_host,) if self.hosts is None else self.hosts)]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode(errors="surrogateescape") + (self.body or b"")


def ask(method: str, target: str, body: Any = None, *headers: tuple[str, str]) -> Ask:
    """One with a JSON body."""
    if body is None:
        return Ask(method, target, headers)
    return Ask(method, target, (*headers, ("Content-Type", "application/json")), json.dumps(body).encode())


def bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def word(self) -> str:
        """Its status with the code, if there is one; of a list of one its only entry's, and of an empty one so."""
        if "json" not in self.headers.get("content-type", ""):
            return str(self.status)
        return _word(self.status, json.loads(self.body))


def _word(status: int, told: Any) -> str:
    if not isinstance(told, dict):
        return str(status)
    results = told.get("results")
    if isinstance(results, list) and len(results) == 1:
        (one,) = results
        return _word(one["status"], one.get("body") or one)
    if told.get("items") == []:
        return f"{status} nothing"
    code = told.get("code") or told.get("error") or ""
    return f"{status} {code}".strip()


class Wires:
    """Connections to the appliance at 127.0.0.1. `heard` is all that has come since it was last cleared."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.heard = bytearray()
        self._kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def close(self) -> None:
        self._drop()
        await asyncio.sleep(0)

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept[1].transport.abort()
            self._kept = None

    async def send(self, asked: Ask) -> Answer:
        """One request over the connection that is kept, or over a new one where that was closed."""
        async with asyncio.timeout(PATIENCE):
            while True:
                fresh = self._kept is None
                reader, writer = self._kept or await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
                self._kept = reader, writer
                try:
                    writer.write(asked.bytes(self.host))
                    answer = await self._read(reader, asked.method)
                except (ConnectionError, asyncio.IncompleteReadError):
                    self._drop()
                    if fresh:
                        raise
                    continue
                if answer.headers.get("connection", "").lower() == "close" or asked.version == "HTTP/1.0":
                    self._drop()
                return answer

    async def _read(self, reader: asyncio.StreamReader, method: str) -> Answer:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heard += head
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:]) if name}
        body = b""
        if status == 101 or "text/event-stream" in headers.get("content-type", ""):
            if self._kept is not None and self._kept[0] is reader:
                self._drop()  # it has begun, which is all that is asked
        elif method != "HEAD" and status not in {204, 304}:
            body = await _body(reader, headers)
        self.heard += body
        return Answer(status, headers, body)

    async def shaken(self, asked: Ask) -> tuple[RawSocket, Answer]:
        """A connection of its own, after the handshake `asked` for, whatever came of it."""
        raw = await RawSocket(self.port).connect()
        raw.writer.write(asked.bytes(self.host))
        answer = await self._read(raw._reader, asked.method)
        return raw, answer


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:size]
    await reader.readline()
    return body


# --- attempts -------------------------------------------------------------------------------------------------------


def http(asked: Ask) -> Callable[[Wires], Awaitable[str]]:
    """The outcome is the answer's word."""

    async def attempt(wires: Wires) -> str:
        return (await wires.send(asked)).word

    return attempt


def upgrade(asked: Ask) -> Callable[[Wires], Awaitable[str]]:
    """A handshake alone; `101` is its good end."""

    async def attempt(wires: Wires) -> str:
        async with asyncio.timeout(PATIENCE):
            raw, answer = await wires.shaken(asked)
            raw.abort()
            return answer.word

    return attempt


def shake(target: str = "/ws", *headers: tuple[str, str], hosts: tuple[str, ...] | None = None) -> Ask:
    return Ask("GET", target, (*SHAKE, *headers), hosts=hosts)


def hello(token: Any, *headers: tuple[str, str], target: str = "/ws") -> Callable[[Wires], Awaitable[str]]:
    """A WebSocket that says hello with this token, or none where it is None: `welcome`, or the close code and why."""
    first = {"type": "hello"} if token is None else {"type": "hello", "token": token}
    return _socket(shake(target, *headers), [first], "welcome")


def says(token: str, message: dict[str, Any]) -> Callable[[Wires], Awaitable[str]]:
    """One message of a WebSocket session: the answer's type, with its code; `pong` where it is taken without one."""
    return _socket(shake(), [{"type": "hello", "token": token}, message, {"type": "ping", "t": 1}], "")


def _socket(asked: Ask, messages: list[dict[str, Any]], good: str) -> Callable[[Wires], Awaitable[str]]:
    async def attempt(wires: Wires) -> str:
        async with asyncio.timeout(PATIENCE):
            raw, answer = await wires.shaken(asked)
            try:
                if answer.status != 101:
                    return answer.word
                for message in messages:
                    raw.writer.write(frame(json.dumps(message).encode()))
                return await _told(wires, raw, good)
            finally:
                raw.abort()

    return attempt


async def _told(wires: Wires, raw: RawSocket, good: str) -> str:
    code = ""
    while True:
        kind, payload = await raw.frame()
        wires.heard += payload
        if kind == CLOSE:
            return f"{int.from_bytes(payload[:2], 'big')} {code}".strip()
        message = json.loads(payload)
        code = message.get("code", "")
        if good and message["type"] == good:
            return good
        if not good and message["type"] not in {"welcome", "navigate", "ping"}:
            return f"{message['type']} {code}".strip()


def socket_io(token: Any) -> Callable[[Wires], Awaitable[str]]:
    """A Socket.IO connect: `welcome`, or `connect_error` with its code."""

    async def attempt(wires: Wires) -> str:
        async with asyncio.timeout(PATIENCE):
            raw, answer = await wires.shaken(shake(SOCKET_IO))
            try:
                if answer.status != 101:
                    return answer.word
                raw.writer.write(frame(b"40" + json.dumps({"token": token}).encode()))
                while True:
                    kind, payload = await raw.frame()
                    wires.heard += payload
                    if kind == CLOSE:
                        return str(int.from_bytes(payload[:2], "big"))
                    if payload.startswith(b"40"):
                        return "welcome"
                    if payload.startswith(b"44"):
                        return f"connect_error {json.loads(payload[2:])['data']['code']}"
            finally:
                raw.abort()

    return attempt


def streams(*headers: tuple[str, str], query: str = "") -> Callable[[Wires], Awaitable[str]]:
    """A subscription to server-sent events."""
    return http(Ask("GET", f"/api/events/subscribe{query}", (*STREAM, *headers)))


def with_ticket(ticket: str) -> Callable[[Wires], Awaitable[str]]:
    return streams(query="?ticket=" + quote(ticket.encode(errors="surrogateescape"), safe=""))
