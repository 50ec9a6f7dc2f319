"""Socket.IO 5 packets: text with a header and JSON, and the binary attachments that follow it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from appliance.transports.socketio.engineio import Packet as Frame
from appliance.transports.socketio.engineio import ProtocolError

CONNECT: Final = 0
DISCONNECT: Final = 1
EVENT: Final = 2
ACK: Final = 3
CONNECT_ERROR: Final = 4
BINARY_EVENT: Final = 5
BINARY_ACK: Final = 6

ROOT = "/"
MAX_ATTACHMENTS = 10
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})
"""Events that no side may send."""

_HEADER = re.compile(r"([0-6])(?:(?<=[56])(\d{1,4})-)?(?:(/[^,]*),?)?(\d{1,15})?", re.ASCII)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Packet(msgspec.Struct):
    """`data` is JSON's value, with bytes where attachments were; None for none. `id` asks for or gives an answer."""

    type: int
    namespace: str = ROOT
    data: Any = None
    id: int | None = None


def header(kind: int, namespace: str, answer_id: int | None = None, attachments: int | None = None) -> str:
    """What stands before the JSON."""
    count = "" if attachments is None else f"{attachments}-"
    room = "" if namespace == ROOT else f"{namespace},"
    return f"{kind}{count}{room}{'' if answer_id is None else answer_id}"


def encode(packet: Packet) -> list[Frame]:
    """A packet's text and its attachments. Bytes within events and answers become attachments by themselves."""
    kind, data, attachments = packet.type, packet.data, None
    buffers: list[Frame] = []
    if kind in {EVENT, ACK, BINARY_EVENT, BINARY_ACK}:
        data = _take_out(data, buffers)
        kind = (BINARY_EVENT if kind in {EVENT, BINARY_EVENT} else BINARY_ACK) if buffers else kind
        attachments = len(buffers) if buffers or kind in {BINARY_EVENT, BINARY_ACK} else None
    body = "" if data is None else _encode(data).decode()
    return [header(kind, packet.namespace, packet.id, attachments) + body, *buffers]


class Decoder:
    """Puts packets together out of what arrives. `most` bounds all attachments of one packet, in bytes."""

    __slots__ = ("_buffers", "_left", "_most", "_packet", "_size")

    def __init__(self, most: int) -> None:
        self._most = most
        self._packet: Packet | None = None
        self._buffers: list[bytes] = []
        self._left = 0
        self._size = 0

    def feed(self, frame: Frame) -> Packet | None:
        """The packet that is whole now; None while attachments are missing. Raises `ProtocolError`."""
        if isinstance(frame, bytes):
            return self._attach(frame)
        if self._packet is not None:
            raise ProtocolError("an attachment was expected")
        packet, attachments = decode(frame)
        if not attachments:
            return _whole(packet, []) if packet.type in {BINARY_EVENT, BINARY_ACK} else packet
        self._packet, self._left, self._size = packet, attachments, 0
        return None

    def _attach(self, data: bytes) -> Packet | None:
        packet = self._packet
        if packet is None:
            raise ProtocolError("no attachment was expected")
        self._size += len(data)
        if self._size > self._most:
            raise ProtocolError("attachments too large")
        self._buffers.append(data)
        self._left -= 1
        if self._left:
            return None
        buffers, self._buffers, self._packet = self._buffers, [], None
        return _whole(packet, buffers)


def decode(text: str) -> tuple[Packet, int]:
    """A packet's text, and how many attachments follow. Raises `ProtocolError`."""
    found = _HEADER.match(text)
    if found is None:
        raise ProtocolError("unknown packet type")
    kind = int(found[1])
    binary = kind in {BINARY_EVENT, BINARY_ACK}
    if binary and found[2] is None:
        raise ProtocolError("no number of attachments")
    attachments = int(found[2] or 0)
    if attachments > MAX_ATTACHMENTS:
        raise ProtocolError("too many attachments")
    body = text[found.end() :]
    try:
        data = _decode(body) if body else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ProtocolError("not JSON") from None
    packet = Packet(kind, found[3] or ROOT, data, None if found[4] is None else int(found[4]))
    if not _fits(packet):
        raise ProtocolError("the payload doesn't fit the packet's type")
    return packet, attachments


def _fits(packet: Packet) -> bool:
    data = packet.data
    match packet.type:
        case 0:
            return data is None or isinstance(data, dict)
        case 1:
            return data is None
        case 2 | 5:
            return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED
        case 3 | 6:
            return isinstance(data, list) and packet.id is not None
    return isinstance(data, str | dict)


def _whole(packet: Packet, buffers: list[bytes]) -> Packet:
    """Puts the attachments where their placeholders are. Raises `ProtocolError`."""
    places = [packet.data]
    while places:
        place = places.pop()
        for key, value in list(enumerate(place) if isinstance(place, list) else place.items()):
            if not isinstance(value, dict | list):
                continue
            if isinstance(value, dict) and value.get("_placeholder") is True:
                number = value.get("num")
                if type(number) is not int or not 0 <= number < len(buffers):
                    raise ProtocolError("a placeholder without an attachment")
                place[key] = buffers[number]
            else:
                places.append(value)
    return packet


def _take_out(value: Any, buffers: list[Frame]) -> Any:
    """`value` with placeholders for its bytes, which go to `buffers`."""
    if isinstance(value, bytes):
        buffers.append(value)
        return {"_placeholder": True, "num": len(buffers) - 1}
    if isinstance(value, list | tuple):
        return [_take_out(member, buffers) for member in value]
    if isinstance(value, dict):
        return {name: _take_out(member, buffers) for name, member in value.items()}
    return value
