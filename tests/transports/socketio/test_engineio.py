"""Engine.IO's packets and payloads, against the examples of the protocol's text and anything hypothesis thinks of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transports.socketio import engineio
from appliance.transports.socketio.engineio import Packet, ProtocolError

TEXT = st.text(st.characters(codec="utf-8", exclude_characters=engineio.SEPARATOR))
PACKETS = st.lists(st.binary() | st.tuples(st.sampled_from("0123456"), TEXT).map("".join), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("packets", "payload"),
    [
        (["4hello"], "4hello"),
        (["2"], "2"),
        (["4hello", "2", "4world"], "4hello\x1e2\x1e4world"),
        (["4hello", b"\1\2\3\4"], "4hello\x1ebAQIDBA=="),
        (["4"], "4"),
        ([b""], "b"),
        (["4작업"], "4작업"),
    ],
)
def test_payloads_of_the_text(packets: list[Packet], payload: str) -> None:
    assert engineio.join(packets) == payload
    assert engineio.split(payload, 10) == packets


@pytest.mark.parametrize(
    "payload", ["", "abc", "7", "x", "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "b!", "bAQ", "bAQI\n", "b작업"]
)
def test_what_is_no_payload(payload: str) -> None:
    with pytest.raises(ProtocolError):
        engineio.split(payload, 10)


def test_a_payload_has_its_bound() -> None:
    assert len(engineio.split("\x1e".join(["3"] * 10), 10)) == 10
    with pytest.raises(ProtocolError):
        engineio.split("\x1e".join(["3"] * 11), 10)


@given(PACKETS)
def test_a_payload_comes_back_as_it_went(packets: list[Packet]) -> None:
    assert engineio.split(engineio.join(packets), len(packets)) == packets


@given(st.text())
def test_any_text_is_packets_or_refused(payload: str) -> None:
    try:
        packets = engineio.split(payload, 100)
    except ProtocolError:
        return
    assert all(isinstance(packet, bytes) or packet[0] in "0123456" for packet in packets)
