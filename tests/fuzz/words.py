"""What a broken, hostile or merely old client may say: messages of the contract, and what becomes of them."""

from __future__ import annotations

import json
import random
import time
import uuid
from typing import Any

Message = dict[str, Any]

_SCALARS: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    15,
    16,
    1.5,
    10**18,
    10**40,
    "",
    "x",
    "S-1",
    "../..",
    "제작의뢰서",
    "\u0000",
    "\ud7ff\U0010ffff",
    "A" * 200,
)
_KINDS = ("hello", "ack", "displays", "trigger", "subscribe", "status", "auth", "ping", "pong", "navigate", "nothing")


def value(rng: random.Random, depth: int = 3) -> Any:
    """Any JSON value."""
    choice = rng.random()
    if depth and choice < 0.15:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if depth and choice < 0.3:
        return {str(value(rng, 0)): value(rng, depth - 1) for _ in range(rng.randrange(4))}
    return rng.choice(_SCALARS)


def message(rng: random.Random, token: str) -> Message:
    """A message of the contract that fits."""
    kind = rng.choice(_KINDS)
    screen = f"F-{rng.randrange(4)}"
    display = {"index": rng.randrange(16), "name": "left", "bounds": {"x": 0, "y": 0, "width": 1920, "height": 1080}}
    members: dict[str, Message] = {
        "hello": {"token": token, "capabilities": ["shown"], "displays": [display]},
        "ack": {"id": f"{uuid.UUID(int=rng.getrandbits(128))}:{screen}", "status": rng.choice(["received", "shown"])},
        "displays": {"displays": [display]},
        "trigger": {
            "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            # Nearly all are refused: what is accepted is kept, and this is no test of the disk.
            "timestamp": int(time.time() * 1000) if rng.random() < 0.05 else 1,
            "orderId": "ORD-1001",
            "screenId": screen,
        },
        "subscribe": {"topics": rng.sample(["presence", "screen:F-*", "group:line-1", "*"], 2)},
        "auth": {"token": token},
        "ping": {"t": value(rng, 0)},
        "pong": {"t": 0},
    }
    return {"type": kind, **members.get(kind, {})}


def bent(rng: random.Random, found: Message) -> Message:
    """The same with members that are missing, foreign or of another type."""
    for _ in range(rng.randrange(3)):
        member = rng.choice(list(found) or ["type"])
        match rng.randrange(3):
            case 0:
                found.pop(member, None)
            case 1:
                found[member] = value(rng)
            case _:
                found[str(value(rng, 0))] = value(rng)
    return found


def text(rng: random.Random, token: str) -> bytes:
    """JSON at least: a message, bent now and then."""
    return json.dumps(bent(rng, message(rng, token)), ensure_ascii=rng.random() < 0.5).encode(errors="replace")


def broken(rng: random.Random, token: str) -> bytes:
    """What isn't JSON, or barely."""
    found = text(rng, token)
    match rng.randrange(9):
        case 0:
            return found[: rng.randrange(len(found))]
        case 1:
            at = rng.randrange(len(found))
            return found[:at] + bytes([rng.randrange(256)]) + found[at + 1 :]
        case 2:
            return rng.choice([b"[", b'{"a":', b'{"type":"ping","t":[']) * rng.choice([10, 900, 5_000])
        case 3:
            depth = rng.choice([10, 400, 1_500])
            return b'{"type":"ack","id":"x","status":"shown","display":' + b"[" * depth + b"]" * depth + b"}"
        case 4:
            return found + b"\xff\xfe"
        case 5:
            return b"\xef\xbb\xbf" + found
        case 6:
            return b'"' + b"\\ud800" * rng.randrange(1, 50) + b'"'
        case 7:
            return rng.randbytes(rng.randrange(1, 400))
    return found.replace(b'"', b"'")
