"""The three wires' hostile clients. Each call is one client's life; it returns how many frames it has sent."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from tests.fuzz import words
from tests.fuzz.line import Line
from tests.transports.rawsocket import BINARY, CLOSE, KEY, PING, PONG, TEXT, frame

_MOST = 60
_DEAF = 0.05
"""How likely a client says more, each time, though its connection was ended: nobody reads that any more."""


class Target(NamedTuple):
    """Where to, and with which credentials."""

    port: int
    tokens: list[str]


Attacker = Callable[[Target, random.Random], Coroutine[Any, Any, int]]


# --- frames that both WebSockets share ------------------------------------------------------------------------------


def pieces(rng: random.Random, payload: bytes, kind: int = TEXT) -> list[bytes]:
    """A message as frames that keep to the protocol."""
    if rng.random() < 0.8:
        return [frame(payload, kind)]
    cut = sorted(rng.randrange(len(payload) + 1) for _ in range(rng.randrange(1, 4)))
    parts = [payload[a:b] for a, b in zip([0, *cut], [*cut, len(payload)], strict=True)]
    found = []
    for number, part in enumerate(parts):
        found.append(frame(part, kind if number == 0 else 0, fin=number == len(parts) - 1))
        if rng.random() < 0.3:
            found.append(frame(rng.randbytes(rng.randrange(126)), rng.choice([PING, PONG])))
    return found


def nasty(rng: random.Random, payload: bytes) -> bytes:
    """A frame that no client sends."""
    good = frame(payload)
    match rng.randrange(10):
        case 0:
            return good[: rng.randrange(len(good))]
        case 1:
            at = rng.randrange(min(len(good), 14))
            return good[:at] + bytes([good[at] ^ (1 << rng.randrange(8))]) + good[at + 1 :]
        case 2:
            return bytes([good[0], good[1] & 0x7F]) + good[6:]  # not masked
        case 3:
            return good[:2] + rng.randbytes(4) + good[6:]  # masked with another mask
        case 4:
            return bytes([0x81, 0xFF]) + rng.choice([1 << 20, (1 << 20) + 1, 1 << 40, (1 << 64) - 1]).to_bytes(8, "big")
        case 5:
            return frame(payload[:50], rng.choice([0, 3, 7, 11, 15]))
        case 6:
            return frame(rng.randbytes(200), rng.choice([PING, PONG, CLOSE]))
        case 7:
            return frame(rng.choice([b"\x03", b"\x03\xed", b"\xff\xff\xff", b"\x03\xe8\xff\xfe"]), CLOSE)
        case 8:
            return frame(b"\xc3\x28", TEXT, fin=False) + frame(b"\xa0", 0) + frame(b"x", 0)
    return rng.randbytes(rng.randrange(1, 300))


async def _frames(line: Line, rng: random.Random, payload: Callable[[], bytes], broken: Callable[[], bytes]) -> int:
    """Sends well-formed frames for a while, sometimes in another order, then what ends it."""
    sent = 0
    for _ in range(rng.randrange(_MOST)):
        batch = pieces(rng, payload(), BINARY if rng.random() < 0.01 else TEXT)
        if rng.random() < 0.01:
            rng.shuffle(batch)
        if line.ended and rng.random() > _DEAF:
            return sent
        sent += len(batch)
        if not await line.say(b"".join(batch)):
            return sent
    ends = [nasty(rng, payload()), frame(broken()), frame(b"\x03\xe8", CLOSE)]
    await line.say(rng.choice(ends))
    return sent + 1


def _upgrade(rng: random.Random, port: int, path: str) -> bytes:
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    if rng.random() < 0.05:
        match rng.randrange(3):
            case 0:
                return head[: rng.randrange(len(head))]
            case 1:
                at = rng.randrange(len(head))
                return head[:at] + bytes([rng.randrange(256)]) + head[at + 1 :]
            case _:
                return head.replace(b"13", b"8").replace(b"Upgrade: websocket", b"Upgrade: h2c")
    return head


# --- the wires ------------------------------------------------------------------------------------------------------


async def websocket(target: Target, rng: random.Random) -> int:
    """`/ws`."""
    token = rng.choice(target.tokens)
    line = await Line.open(target.port)
    try:
        await line.say(_upgrade(rng, target.port, "/ws"))
        sent = 1
        if rng.random() < 0.9:
            hello: words.Message = {"type": "hello", "token": token, "capabilities": ["shown"], "restore": True}
            if rng.random() < 0.1:
                hello = words.bent(rng, hello)
            await line.say(frame(json.dumps(hello).encode(errors="replace")))
            sent += 1
        return sent + await _frames(line, rng, lambda: words.text(rng, token), lambda: words.broken(rng, token))
    finally:
        await line.end(rng)


_SID = re.compile(rb'"sid":"([^"]+)"')


def _packet(rng: random.Random, token: str) -> bytes:
    """A Socket.IO packet in an Engine.IO message, mostly an event."""
    found = words.bent(rng, words.message(rng, token))
    kind = str(found.pop("type", ""))
    number = str(rng.randrange(1000)) if rng.random() < 0.5 else ""
    arguments = json.dumps([kind, found, *([words.value(rng)] if rng.random() < 0.1 else [])])
    choice = rng.random()
    if choice < 0.8:
        return f"42{number}{arguments}".encode(errors="replace")
    if choice < 0.9:
        return f"43{rng.randrange(20)}{json.dumps([words.value(rng)])}".encode(errors="replace")
    return rng.choice([b"3", b"2", b"40", b'40{"token":"x"}', b"42/other,[1]", b'450-["ping",{"t":1}]'])


def _broken_packet(rng: random.Random, token: str) -> bytes:
    good = _packet(rng, token)
    match rng.randrange(6):
        case 0:
            return good[: rng.randrange(len(good) + 1)]
        case 1:
            return b"42" + words.broken(rng, token)
        case 2:
            return rng.choice([b"41", b"44{}", b"1", b"5", b"6", b"7", b"", b"4", b"9", b"451-[", b"4999-[]"])
        case 3:
            return b'451-["x",{"_placeholder":true,"num":' + str(words.value(rng, 0)).encode(errors="replace") + b"}]"
        case 4:
            return b"42[" * rng.choice([1, 700, 5_000])
    return rng.randbytes(rng.randrange(1, 200))


async def socketio(target: Target, rng: random.Random) -> int:
    """`/socket.io/` by WebSocket."""
    token = rng.choice(target.tokens)
    line = await Line.open(target.port)
    try:
        await line.say(_upgrade(rng, target.port, "/socket.io/?EIO=4&transport=websocket"))
        await line.say(frame(b"40" + json.dumps({"token": token, "capabilities": ["shown"]}).encode()))
        return 2 + await _frames(line, rng, lambda: _packet(rng, token), lambda: _broken_packet(rng, token))
    finally:
        await line.end(rng)


def _post(port: int, path: str, body: bytes, *lines: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in lines)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body
    )


async def polling(target: Target, rng: random.Random) -> int:
    """`/socket.io/` by HTTP: packets in POSTs, several in one, while a poll may be open."""
    token = rng.choice(target.tokens)
    base = "/socket.io/?EIO=4&transport=polling"
    line, poll = await Line.open(target.port), await Line.open(target.port)
    sent = 1
    try:
        await line.say(f"GET {base} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n\r\n".encode())
        await line.until(b'"sid":"')
        found = _SID.search(line.heard)
        sid = found[1].decode() if found else "none"
        path = f"{base}&sid={sid}"
        kind = "Content-Type: text/plain;charset=UTF-8"
        await line.say(_post(target.port, path, b"40" + json.dumps({"token": token}).encode(), kind))
        for _ in range(rng.randrange(12)):
            packets = [_packet(rng, token) for _ in range(rng.randrange(1, 6))]
            if rng.random() < 0.1:
                packets.append(_broken_packet(rng, token))
            if line.ended and rng.random() > _DEAF:
                break
            sent += len(packets)
            body = b"\x1e".join(packets)
            if rng.random() < 0.03:
                body = body[: rng.randrange(len(body) + 1)] + b"\x1eb" + rng.randbytes(9)
            request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n\r\n".encode()
            if rng.random() < 0.4 and not await poll.say(request):
                break
            if not await line.say(_post(target.port, path, body, kind)):
                break
        await line.say(_post(target.port, path, b"4", kind)[: rng.randrange(1, 80)])
        return sent + 1
    finally:
        await poll.end(rng)
        await line.end(rng)


async def events(target: Target, rng: random.Random) -> int:
    """`/api/events`: a stream, and POSTs beside it."""
    token = rng.choice(target.tokens)
    stream, line = await Line.open(target.port), await Line.open(target.port)
    bearer, kind = f"Authorization: Bearer {token}", "Content-Type: application/json"
    sent = 1
    try:
        query = rng.choice(["", "?capabilities=shown", "?restore=true&capabilities=,,", "?ticket=x", "?%ff=%00"])
        lines = [f"GET /api/events/subscribe{query} HTTP/1.1", f"Host: 127.0.0.1:{target.port}", bearer]
        if rng.random() < 0.3:
            lines.append(
                rng.choice(["Accept: text/event-stream", "Accept: image/png", "Last-Event-ID: \xff", "A" * 99])
            )
        await stream.say("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for _ in range(rng.randrange(15)):
            make = words.broken if rng.random() < 0.1 else words.text
            path = rng.choice(["/api/events/ack", "/api/events/send", "/api/events/send", "/api/events/ticket"])
            request = _post(target.port, path, make(rng, token), bearer, kind)
            sent += 1
            if not await line.say(request):
                break
        last = _post(target.port, "/api/events/send", words.text(rng, token), bearer, kind)
        match rng.randrange(4):
            case 0:
                last = last[: rng.randrange(len(last))]
            case 1:
                last = last.replace(b"Content-Length: ", b"Content-Length: 9")
            case 2:
                last = last.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length")
            case _:
                at = rng.randrange(len(last))
                last = last[:at] + bytes([rng.randrange(256)]) + last[at + 1 :]
        await line.say(last)
        return sent + 1
    finally:
        await stream.end(rng)
        await line.end(rng)


WIRES: dict[str, list[Attacker]] = {"websocket": [websocket], "socketio": [socketio, polling], "sse": [events]}
