"""Engine.IO 4 packets and payloads.

A packet is kept the way a WebSocket frame carries it: text beginning with the digit of its type, or bytes, which are
always a message. A payload of HTTP long-polling is several of them in one text, bytes as base64 behind a `b`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
SEPARATOR = "\x1e"
_BINARY = "b"
_TYPES = frozenset("0123456")

Packet = str | bytes


class ProtocolError(Exception):
    """The other side broke the protocol; the connection ends."""


def text(packet: Packet) -> str:
    """A packet where only text goes."""
    return packet if isinstance(packet, str) else _BINARY + base64.b64encode(packet).decode("ascii")


def join(packets: Iterable[Packet]) -> str:
    """Packets as one payload."""
    return SEPARATOR.join(map(text, packets))


def read(frame: str) -> Packet:
    """One packet out of text. Raises `ProtocolError`."""
    kind = frame[:1]
    if kind in _TYPES and kind:
        return frame
    if kind != _BINARY:
        raise ProtocolError("unknown packet type")
    try:
        return base64.b64decode(frame[1:], validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("not base64") from None


def split(payload: str, most: int) -> list[Packet]:
    """The packets of one payload, `most` at most. Raises `ProtocolError`."""
    frames = payload.split(SEPARATOR, most)
    if len(frames) > most:
        raise ProtocolError(f"more than {most} packets in one payload")
    return [read(frame) for frame in frames]
