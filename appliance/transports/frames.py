"""The WebSocket protocol's frames (RFC 6455) as a server sees them, without I/O: bytes in, messages out.

Nothing is kept for a client that has said nothing, and no more than one message's limit for one that has.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_KINDS: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_MAX_CONTROL: Final = 125
_NO_MASK: Final = b"\0\0\0\0"
_CLOSE_CODES: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
_OWN_CLOSE_CODES: Final = range(3000, 5000)

_short = struct.Struct("!BB").pack
_medium = struct.Struct("!BBH").pack
_long = struct.Struct("!BBQ").pack
_read_medium = struct.Struct("!H").unpack_from
_read_long = struct.Struct("!Q").unpack_from


class FrameError(Exception):
    """The client broke the protocol; `code` is the standard's close code for it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Event(NamedTuple):
    """A whole message (`TEXT`: str, `BINARY`: bytes) or a control frame (`PING`, `PONG`, `CLOSE`: bytes)."""

    kind: int
    payload: str | bytes


class Frames:
    """One client's stream of frames. `limit` is in bytes a message and may be changed at any time."""

    __slots__ = ("_buffer", "_kind", "_message", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._message: bytearray | None = None
        """What has come of a fragmented message."""
        self._kind = CONTINUATION

    def __len__(self) -> int:
        """Bytes that were fed and are in no event yet."""
        return len(self._buffer) + (len(self._message) if self._message is not None else 0)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Event | None:
        """What comes next; None until more is fed. Raises `FrameError`: after that nothing makes sense any more."""
        while (header := self._header()) is not None:
            first, start, end = header
            kind = first & 0x0F
            payload = _unmasked(self._buffer, start, end)
            del self._buffer[:end]
            if kind >= CLOSE:
                return Event(kind, payload)
            if first & _FIN and kind != CONTINUATION:
                return _whole(kind, payload)
            if self._message is None:
                self._kind, self._message = kind, bytearray(payload)
            else:
                self._message += payload
            if first & _FIN:
                payload, self._message = bytes(self._message), None
                return _whole(self._kind, payload)
        return None

    def _header(self) -> tuple[int, int, int] | None:
        """Of a frame that is there whole: its first byte, where its mask begins, and its end."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        kind, size, start = first & 0x0F, second & 0x7F, 2
        self._check(first, second, kind, size)
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            (size,) = (_read_medium if size == 126 else _read_long)(buffer, 2)
        held = len(self._message) if self._message is not None and kind == CONTINUATION else 0
        if held + size > self.limit and kind < CLOSE:
            raise FrameError(TOO_BIG, f"a message is at most {self.limit} bytes")
        end = start + 4 + size
        return None if len(buffer) < end else (first, start, end)

    def _check(self, first: int, second: int, kind: int, size: int) -> None:
        if first & _RESERVED:
            raise FrameError(PROTOCOL_ERROR, "a reserved bit is set, though no extension was agreed on")
        if kind not in _KINDS:
            raise FrameError(PROTOCOL_ERROR, f"there is no frame of kind {kind}")
        if not second & _MASKED:
            raise FrameError(PROTOCOL_ERROR, "a client masks its frames")
        if kind >= CLOSE:
            if not first & _FIN or size > _MAX_CONTROL:
                raise FrameError(PROTOCOL_ERROR, "a control frame is whole and at most 125 bytes")
        elif (kind == CONTINUATION) is (self._message is None):
            raise FrameError(PROTOCOL_ERROR, "fragments come one message after the other, the first with its kind")


def frame(kind: int, payload: bytes) -> bytes:
    """A server's frame, never masked."""
    size = len(payload)
    if size < 126:
        return _short(_FIN | kind, size) + payload
    if size < 1 << 16:
        return _medium(_FIN | kind, 126, size) + payload
    return _long(_FIN | kind, 127, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """`reason` is cut to what a control frame holds."""
    text = reason.encode()[: _MAX_CONTROL - 2].decode(errors="ignore").encode()
    return frame(CLOSE, struct.pack("!H", code) + text)


def close_code(payload: bytes) -> int:
    """The code a client's close frame is answered with. Raises `FrameError` for a frame that can't be."""
    if not payload:
        return NORMAL
    code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else 0
    if code not in _CLOSE_CODES and code not in _OWN_CLOSE_CODES:
        raise FrameError(PROTOCOL_ERROR, f"nobody closes with {code}")
    _text(payload[2:])
    return code


def _whole(kind: int, payload: bytes) -> Event:
    return Event(kind, _text(payload) if kind == TEXT else payload)


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_TEXT, "text is UTF-8") from None


def _unmasked(buffer: bytearray, start: int, end: int) -> bytes:
    """The payload whose mask begins at `start`; as one big number, which is as fast as bytes get here."""
    mask, payload = bytes(buffer[start : start + 4]), buffer[start + 4 : end]
    size = len(payload)
    if mask == _NO_MASK:
        return bytes(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
