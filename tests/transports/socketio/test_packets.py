"""Socket.IO's packets, against the examples of the protocol's text and anything hypothesis thinks of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transports.socketio import packets
from appliance.transports.socketio.engineio import Packet as Frame
from appliance.transports.socketio.engineio import ProtocolError
from appliance.transports.socketio.packets import Decoder, Packet

SLOT = '{"_placeholder":true,"num":%d}'


def decoded(frames: list[Frame]) -> Packet:
    """The one packet of these frames."""
    decoder = Decoder(1 << 20)
    *early, last = [decoder.feed(frame) for frame in frames]
    assert early == [None] * len(early) and last is not None
    return last


@pytest.mark.parametrize(
    ("packet", "frames"),
    [
        (Packet(packets.CONNECT), ["0"]),
        (Packet(packets.CONNECT, "/admin", {"sid": "oSO0"}), ['0/admin,{"sid":"oSO0"}']),
        (Packet(packets.CONNECT_ERROR, "/", {"message": "Not authorized"}), ['4{"message":"Not authorized"}']),
        (Packet(packets.EVENT, "/", ["foo"]), ['2["foo"]']),
        (Packet(packets.EVENT, "/admin", ["bar"]), ['2/admin,["bar"]']),
        (Packet(packets.BINARY_EVENT, "/", ["baz", b"\1\2"]), [f'51-["baz",{SLOT % 0}]', b"\1\2"]),
        (
            Packet(packets.BINARY_EVENT, "/admin", ["baz", b"\1", {"deep": [b"\2"]}]),
            [f'52-/admin,["baz",{SLOT % 0},{{"deep":[{SLOT % 1}]}}]', b"\1", b"\2"],
        ),
        (Packet(packets.BINARY_EVENT, "/", ["none"]), ['50-["none"]']),
        (Packet(packets.EVENT, "/", ["foo"], 12), ['212["foo"]']),
        (Packet(packets.ACK, "/admin", ["bar"], 13), ['3/admin,13["bar"]']),
        (Packet(packets.ACK, "/", [], 0), ["30[]"]),
        (Packet(packets.BINARY_ACK, "/", ["bar", b"\1"], 15), [f'61-15["bar",{SLOT % 0}]', b"\1"]),
        (Packet(packets.DISCONNECT), ["1"]),
        (Packet(packets.DISCONNECT, "/admin"), ["1/admin,"]),
        (Packet(packets.EVENT, "/작업", ["발주서", 1.5, None]), ['2/작업,["발주서",1.5,null]']),
    ],
)
def test_packets_of_the_text(packet: Packet, frames: list[Frame]) -> None:
    assert packets.encode(packet) == frames
    assert decoded(frames) == packet


@pytest.mark.parametrize("text", ["0/admin", "1/admin", '2/a,["x"]', "0/admin,"])
def test_a_namespace_may_end_the_packet(text: str) -> None:
    assert packets.decode(text)[0].namespace in {"/admin", "/a"}


def test_bytes_make_an_event_binary() -> None:
    assert packets.encode(Packet(packets.EVENT, data=["a", b"x"]))[0] == f'51-["a",{SLOT % 0}]'
    assert packets.encode(Packet(packets.ACK, data=[b"x"], id=3))[0] == f"61-3[{SLOT % 0}]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "7[]",
        "9",
        "2",  # an event has a payload
        "2[]",
        "2{}",
        '2"a"',
        "2[1]",
        "2[null]",
        "42",
        '2["connect"]',
        '2["disconnect"]',
        '2["newListener"]',
        '2abc["a"]',
        '2["a"',
        '2["a"] x',
        '2-1["a"]',
        '21-["a"]',  # an event that isn't binary has no attachments
        "0[]",
        '0"token"',
        "1{}",
        "3[]",  # an answer names what it answers
        "3",
        "31{}",
        "4",
        "4[]",
        '5["a"]',  # a binary event says how many follow
        '511-["a"]',
        '599999-["a"]',
        '6-1["a"]',
        "61-[]",
        '2["\udcff"]',
        "2[" + "[" * 100_000,
        '29999999999999999999["a"]',
    ],
)
def test_what_is_no_packet(text: str) -> None:
    with pytest.raises(ProtocolError):
        packets.decode(text)


@pytest.mark.parametrize(
    "frames",
    [
        [b"\1"],  # nobody asked for it
        ['51-["a"]', '2["b"]'],  # a text instead of the attachment
        [f'51-["a",{SLOT % 1}]', b"\1"],
        [f'51-["a",{SLOT % -1}]', b"\1"],
        ['51-["a",{"_placeholder":true}]', b"\1"],
        ['51-["a",{"_placeholder":true,"num":"0"}]', b"\1"],
        ['51-["a",{"_placeholder":true,"num":true}]', b"\1"],
        [f'50-["a",{SLOT % 0}]'],
        [f'52-["a",{SLOT % 0},{SLOT % 1}]', b"x" * 60, b"x" * 60],  # more than all may have together
    ],
)
def test_attachments_that_do_not_fit(frames: list[Frame]) -> None:
    decoder = Decoder(100)
    with pytest.raises(ProtocolError):
        for frame in frames:
            decoder.feed(frame)


def test_a_placeholder_is_nothing_special_in_plain_packets() -> None:
    assert decoded([f'2["a",{SLOT % 7}]']).data == ["a", {"_placeholder": True, "num": 7}]


def test_a_deep_placeholder_is_found_without_recursion() -> None:
    depth = 400
    packet = decoded([f'51-["a",{"[" * depth}{SLOT % 0}{"]" * depth}]', b"x"])
    value: Any = packet.data[1]
    for _ in range(depth):
        (value,) = value
    assert value == b"x"


NAMES = st.text(min_size=1).filter(lambda name: name not in packets.RESERVED)
NAMESPACES = st.text(st.characters(codec="utf-8", exclude_characters=",")).map("/{}".format)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    LEAVES | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text().filter(lambda key: key != "_placeholder"), inner, max_size=4)
    ),
    max_leaves=8,
)


def attachments(value: Any) -> int:
    if isinstance(value, bytes):
        return 1
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(attachments, members))


@given(NAMESPACES, NAMES, st.lists(VALUES, max_size=4), st.none() | st.integers(0, 10**15 - 1))
def test_an_event_comes_back_as_it_went(namespace: str, name: str, values: list[Any], number: int | None) -> None:
    if attachments(values) > packets.MAX_ATTACHMENTS:
        return
    found = decoded(packets.encode(Packet(packets.EVENT, namespace, [name, *values], number)))
    kind = packets.BINARY_EVENT if attachments(values) else packets.EVENT
    assert found == Packet(kind, namespace, [name, *values], number)


@given(st.lists(st.text() | st.binary() | st.from_regex(r"[0-6](\d{1,2}-)?(/[a-z]*,)?\d{0,3}[\[{\"].*"), max_size=5))
def test_anything_is_a_packet_or_refused(frames: list[Frame]) -> None:
    decoder = Decoder(1000)
    try:
        found = [decoder.feed(frame) for frame in frames]
    except ProtocolError:
        return
    assert all(packet is None or packet.type in range(7) for packet in found)
