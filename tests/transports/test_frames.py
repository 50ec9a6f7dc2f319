"""Frames without a socket: however the bytes are cut, the same messages come out, and nothing breaks but by name."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transports import frames
from appliance.transports.frames import FrameError, Frames
from tests.transports.rawsocket import BINARY, CLOSE, PING, PONG, TEXT, frame

LIMIT = 1 << 17
messages = st.lists(
    st.one_of(
        st.tuples(st.just(TEXT), st.text(max_size=300)),
        st.tuples(st.sampled_from([BINARY, PING, PONG]), st.binary(max_size=125)),
        st.tuples(st.just(BINARY), st.integers(0, 70_000).map(os.urandom)),
    ),
    max_size=6,
)


def read(stream: Frames, data: bytes) -> list[tuple[int, str | bytes]]:
    stream.feed(data)
    found = []
    while (event := stream.next()) is not None:
        found.append(tuple(event))
    return found  # type: ignore[return-value]


def raw(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


@given(messages, st.lists(st.integers(1, 5_000), max_size=40))
def test_the_cut_of_the_bytes_makes_no_difference(said: list[tuple[int, str | bytes]], cuts: list[int]) -> None:
    data = b"".join(frame(raw(payload), kind) for kind, payload in said)
    stream, found, at = Frames(LIMIT), [], 0
    for cut in cuts:
        found += read(stream, data[at : at + cut])
        at += cut
    found += read(stream, data[at:])
    assert found == said
    assert len(stream) == 0


@given(st.text(max_size=500), st.lists(st.integers(0, 100), max_size=8), st.booleans())
def test_fragments_make_one_message_with_control_frames_between(text: str, cuts: list[int], ping: bool) -> None:
    data, parts, at = text.encode(), [], 0
    for cut in cuts:
        parts.append(data[at : at + cut])
        at += cut
    parts.append(data[at:])
    stream, found = Frames(LIMIT), []
    for number, part in enumerate(parts):
        found += read(stream, frame(part, TEXT if number == 0 else 0, fin=number == len(parts) - 1))
        if ping and number < len(parts) - 1:
            assert read(stream, frame(b"?", PING)) == [(PING, b"?")]
    assert found == [(TEXT, text)]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_are_messages_or_a_named_error(data: bytes, step: int) -> None:
    stream = Frames(200)
    for at in range(0, len(data), step):
        try:
            read(stream, data[at : at + step])
        except FrameError as error:
            assert error.code in {frames.PROTOCOL_ERROR, frames.INVALID_TEXT, frames.TOO_BIG}
            return
    assert len(stream) <= 200 + 14


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05hello", 1002),  # not masked
        (frame(b"x", 0x41), 1002),  # a reserved bit
        (frame(b"x", 3), 1002),
        (frame(b"x", 11), 1002),
        (frame(b"x" * 126, PING), 1002),
        (frame(b"x", PING, fin=False), 1002),
        (frame(b"x", 0), 1002),  # goes on with nothing
        (frame(b"x", fin=False) + frame(b"y"), 1002),  # begins within another
        (frame(b"\xff\xfe"), 1007),
        (frame(b"\xed\xa0\x80"), 1007),  # half a surrogate pair
        (frame(b"\xc3", fin=False) + frame(b"\x28", 0), 1007),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1009),
        (frame(b"x" * 120, fin=False) + frame(b"y" * 90, 0)[:6], 1009),
    ],
)
def test_what_breaks_the_protocol_is_named(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as broken:
        read(Frames(200), data)
    assert broken.value.code == code


def test_empty_fragments_hold_no_memory() -> None:
    stream = Frames(200)
    read(stream, frame(b"", fin=False))
    for _ in range(1000):
        assert read(stream, frame(b"", 0, fin=False) * 10) == []
    assert len(stream) == 0
    assert read(stream, frame(b"x", 0)) == [(TEXT, "x")]


@pytest.mark.parametrize(
    ("payload", "code"), [(b"", 1000), (b"\x03\xe8", 1000), (b"\x0f\xa0bye", 4000), (b"\x03\xf4", 1012)]
)
def test_a_close_is_answered_with_its_own_code(payload: bytes, code: int) -> None:
    assert frames.close_code(payload) == code


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\0\0", b"\x03\xed", b"\x03\xee", b"\x07\xd0", b"\xff\xff", b"\x03\xe8\xff"]
)
def test_a_close_that_cannot_be_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError):
        frames.close_code(payload)


@given(st.text(max_size=200), st.integers(1000, 4999))
def test_a_reason_is_cut_to_what_fits(reason: str, code: int) -> None:
    made = frames.close_frame(code, reason)
    assert made[0] == 0x80 | CLOSE
    assert made[1] == len(made) - 2 <= 125
    assert made[2:4] == code.to_bytes(2, "big")
    assert reason.startswith(made[4:].decode())
