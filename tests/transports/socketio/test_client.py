"""Namespaces, events, answers and the end of a connection without sockets, by the protocol's text."""

from __future__ import annotations

import math
from typing import Any

import pytest

from appliance.transports.socketio.client import (
    BURST_SECONDS,
    CONNECTS_A_SECOND,
    MAX_AWAITED,
    Answer,
    Client,
    Refused,
    Socket,
)
from appliance.transports.socketio.engineio import Packet, ProtocolError


class Paper:
    """A connection that writes down what it is given."""

    base_url = "http://here"
    address = "there"

    def __init__(self) -> None:
        self.sent: list[Packet] = []

    def send(self, packet: Packet) -> None:
        self.sent.append(packet)

    def taken(self) -> list[Packet]:
        sent, self.sent = self.sent, []
        return sent

    def close(self, code: int, reason: str) -> None:
        self.sent.append(f"closed: {code}")

    def let_in(self, bound: int) -> None: ...
    def dismiss(self, code: int, reason: str) -> None: ...
    def ping(self) -> None: ...


class Notes:
    """An application that writes down what it hears, in `/` and `/custom`."""

    def __init__(self) -> None:
        self.heard_of: list[Any] = []
        self.sockets: dict[str, Socket] = {}
        self.refuses = False
        self.client: Client | None = None

    def knows(self, namespace: str) -> bool:
        return namespace in {"/", "/custom"}

    def too_often(self) -> tuple[Refused, int]:
        return Refused("Too often", {"code": "NO"}), 4429

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> None:
        if self.refuses:
            raise Refused("Not you", {"code": "NO"})
        if auth.get("lost") and self.client is not None:
            self.client.lost("cut")
        self.sockets[socket.namespace] = socket
        socket.accept("id", auth.get("pid"))

    def event(self, socket: Socket, name: str, arguments: list[Any], answer: Answer | None) -> None:
        self.heard_of.append((socket.namespace, name, arguments))
        if answer is not None:
            answer("yes", *arguments)

    def answered(self, socket: Socket, about: str, arguments: list[Any]) -> None:
        self.heard_of.append((about, arguments))

    def heard(self, socket: Socket) -> None:
        self.heard_of.append("life")

    def disconnected(self, socket: Socket, reason: str) -> None:
        self.heard_of.append(("gone", socket.namespace, reason))


class Talk:
    """A client, its application and its paper."""

    def __init__(self) -> None:
        self.time = 100.0
        self.wire, self.notes = Paper(), Notes()
        self.client = Client(self.wire, self.notes, max_payload=1000, connect_timeout=5, now=lambda: self.time)
        self.notes.client = self.client

    async def hears(self, *frames: Packet) -> list[Packet]:
        for frame in frames:
            rest = self.client.message(frame)
            if rest is not None:
                await rest
        return self.wire.taken()


@pytest.fixture
def talk() -> Talk:
    return Talk()


async def test_a_namespace_lets_in(talk: Talk) -> None:
    assert await talk.hears("0") == ['40{"sid":"id"}']
    assert await talk.hears('0/custom,{"pid":"p"}') == ['40/custom,{"sid":"id","pid":"p"}']
    assert talk.client.deadline == math.inf


async def test_an_unknown_namespace_and_a_refusal_are_connect_errors(talk: Talk) -> None:
    assert await talk.hears("0/random") == ['44/random,{"message":"Invalid namespace"}']
    talk.notes.refuses = True
    assert await talk.hears("0") == ['44{"message":"Not you","data":{"code":"NO"}}']
    assert talk.client.deadline == 105  # still a stranger
    talk.notes.refuses = False
    assert await talk.hears("0") == ['40{"sid":"id"}']


async def test_connecting_again_and_again_ends_the_connection(talk: Talk) -> None:
    often = int(CONNECTS_A_SECOND * BURST_SECONDS)
    for _ in range(often):
        assert await talk.hears("0", "1") == ['40{"sid":"id"}']
    told = ['44{"message":"Too often","data":{"code":"NO"}}', "closed: 4429"]
    assert await talk.hears("0") == told
    assert await talk.hears("0/random") == ['44/random,{"message":"Too often","data":{"code":"NO"}}', "closed: 4429"]
    talk.time += 1
    assert await talk.hears("0", "1") == ['40{"sid":"id"}']


@pytest.mark.parametrize(
    "frames",
    [
        ['2["a"]'],  # CONNECT comes first
        ["30[]"],
        ["1"],
        ["0", "0"],
        ["0", '2/custom,["a"]'],
        ["0", '4{"message":"x"}'],
        ["0", "1", '2["a"]'],
        ["0/" + "x" * 300],
        ["0", '511-["a"]'],
    ],
)
async def test_what_ends_the_connection(talk: Talk, frames: list[str]) -> None:
    with pytest.raises(ProtocolError):
        await talk.hears(*frames)


async def test_events_and_their_answers(talk: Talk) -> None:
    await talk.hears("0", "0/custom")
    assert await talk.hears('2["a",1]', '2/custom,7["b"]') == ['43/custom,7["yes"]']
    assert talk.notes.heard_of == [("/", "a", [1]), ("/custom", "b", [])]
    binary: list[Packet] = ['51-9["c",{"_placeholder":true,"num":0}]', b"\1"]
    assert await talk.hears(*binary) == ['461-9["yes",{"_placeholder":true,"num":0}]', b"\1"]
    assert talk.notes.heard_of[-1] == ("/", "c", [b"\1"])


async def test_what_was_emitted_about_something_is_answered_once(talk: Talk) -> None:
    await talk.hears("0")
    socket = talk.notes.sockets["/"]
    socket.emit_json("navigate", '{"id":1}', about="one")
    socket.emit_json("navigate", '{"id":2}', about="two")
    socket.emit_json("ping", "{}", about="")
    socket.emit_json("clear", "{}")
    assert talk.wire.taken() == [
        '420["navigate",{"id":1}]',
        '421["navigate",{"id":2}]',
        '422["ping",{}]',
        '42["clear",{}]',
    ]
    await talk.hears('31[{"ok":true}]', '31[{"ok":true}]', "30[]", "32[]", "399[]")
    assert talk.notes.heard_of == [("two", [{"ok": True}]), ("one", [])]


async def test_answers_that_never_come_are_forgotten(talk: Talk) -> None:
    await talk.hears("0")
    for number in range(MAX_AWAITED + 1):
        talk.notes.sockets["/"].emit_json("navigate", "{}", about=str(number))
    await talk.hears("30[]", "31[]")
    assert talk.notes.heard_of == [("1", [])]


async def test_leaving_one_namespace_keeps_the_other(talk: Talk) -> None:
    await talk.hears("0", "0/custom", "1/custom", '2["a"]')
    assert talk.notes.heard_of == [("gone", "/custom", ""), ("/", "a", [])]
    assert talk.client.deadline == math.inf
    await talk.hears("1")
    assert talk.client.deadline == 105
    await talk.hears("0")
    assert talk.client.deadline == math.inf


async def test_a_lost_connection_ends_every_socket_once(talk: Talk) -> None:
    await talk.hears("0", "0/custom")
    talk.client.lost("cut")
    talk.client.lost("cut")
    assert talk.notes.heard_of == [("gone", "/", "cut"), ("gone", "/custom", "cut")]


async def test_a_connection_lost_while_it_is_let_in_ends_too(talk: Talk) -> None:
    await talk.hears('0{"lost":true}')
    assert talk.notes.heard_of == [("gone", "/", "cut")]


async def test_a_sign_of_life_is_one_for_every_namespace(talk: Talk) -> None:
    await talk.hears("0", "0/custom")
    talk.client.heard()
    assert talk.notes.heard_of == ["life", "life"]
