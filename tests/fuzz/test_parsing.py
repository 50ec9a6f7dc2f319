"""The readers of what clients send: whatever comes, it is a message or a named error."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Problem
from appliance.transports import inbound
from appliance.transports.socketio import engineio, packets
from tests.fuzz import words

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
messages = st.fixed_dictionaries({"type": st.sampled_from(["hello", "ack", "trigger", "ping", "displays"])}).flatmap(
    lambda head: st.dictionaries(
        st.sampled_from(["token", "id", "status", "t", "displays", "display", "timestamp", "orderId", "x"]), values
    ).map(lambda rest: {**rest, **head})
)


def refused(data: Any, *, decoded: bool) -> None:
    try:
        inbound.convert(data) if decoded else inbound.parse(data)
    except Problem as problem:
        assert problem.code == "VALIDATION_ERROR"
        assert problem.detail


@given(st.one_of(st.binary(), st.text(), messages.map(json.dumps)))
def test_any_text_is_a_message_or_a_named_error(data: bytes | str) -> None:
    refused(data, decoded=False)
    inbound.envelope(data)


@given(messages)
def test_any_object_is_a_message_or_a_named_error(found: dict[str, Any]) -> None:
    refused(found, decoded=True)


@given(st.integers())
def test_so_is_whatever_the_fuzzers_say(seed: int) -> None:
    rng = random.Random(seed)
    refused(words.text(rng, "token"), decoded=False)
    refused(words.broken(rng, "token"), decoded=False)
    refused(words.bent(rng, words.message(rng, "token")), decoded=True)


@given(st.lists(st.one_of(st.text(), st.binary(max_size=50)), max_size=8))
def test_any_frames_are_packets_or_a_protocol_error(frames: list[str | bytes]) -> None:
    decoder = packets.Decoder(100)
    for frame in frames:
        try:
            decoder.feed(frame)
        except engineio.ProtocolError:
            return


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(), st.binary(max_size=20)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["/", "/custom"]),
    st.text().filter(lambda name: name not in packets.RESERVED),
    json_values,
    st.none() | st.integers(0, 10**6),
)
def test_a_packet_comes_out_as_it_went_in(namespace: str, name: str, value: Any, answer_id: int | None) -> None:
    packet = packets.Packet(packets.EVENT, namespace, [name, value], answer_id)
    decoder, found = packets.Decoder(1 << 20), None
    for frame in packets.encode(packet):
        found = decoder.feed(frame)
    assert found is not None
    assert (found.namespace, found.data, found.id) == (namespace, [name, value], answer_id)


@given(st.text(), st.integers(0, 10_000))
def test_any_payload_is_packets_or_a_protocol_error(payload: str, most: int) -> None:
    try:
        engineio.split(payload, most)
    except engineio.ProtocolError:
        return
