"""What one client may take of the appliance: time, bytes, memory, sockets; and how it is told when that is over."""

from __future__ import annotations

import asyncio
import gc
import json
import uuid

import pytest
from structlog.testing import capture_logs

from appliance.core.messages import Identify
from appliance.edge import lobby
from appliance.edge.lobby import Lobby
from appliance.errors import Problem
from appliance.relay.sessions import Session
from appliance.transports import bounds, websocket
from tests.conftest import MakeHouse
from tests.support.answers import new_trigger
from tests.support.house import House, until
from tests.support.turns import costly_messages
from tests.transports.rawsocket import KEY, PING, PONG, RawSocket, frame


def raw(house: House) -> RawSocket:
    return RawSocket(int(house.url.rpartition(":")[2]))


async def test_who_says_nothing_may_come_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "HELLO_SECONDS", 0.05)
    monkeypatch.setattr(bounds, "CLOSE_SECONDS", 0.2)  # the slow one's answer is lost in its half frame
    async with raw(house) as silent, raw(house) as slow:
        await silent.upgrade()
        await slow.upgrade(behind=frame(b'{"type":"hello"')[:9])
        for wire in (silent, slow):
            error = await wire.heard()
            assert error["code"] == "HEARTBEAT_LOST"
            assert error["retryable"] is True
            assert await wire.closed() == 4408


async def test_hello_may_come_with_the_request_and_in_pieces(house: House) -> None:
    token = await house.pair("S-1")
    hello = json.dumps({"type": "hello", "token": token}).encode()
    async with raw(house) as wire:
        assert "101" in await wire.upgrade(behind=frame(hello[:20], fin=False) + frame(b"?", PING))
        assert await wire.frame() == (PONG, b"?")
        rest = frame(hello[20:], 0)
        for byte in rest:
            wire.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await wire.heard())["screenId"] == "S-1"


async def test_a_stranger_holds_little(house: House) -> None:
    async with raw(house) as wire:
        await wire.upgrade()
        wire.writer.write(frame(b"x" * 1000, fin=False) + b"\x80\xff" + (websocket.HELLO_BYTES).to_bytes(8, "big"))
        assert await wire.closed() == 4413


async def test_strangers_are_few(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "MAX_WAITING", 3)
    token = await house.pair("S-1")
    waiting = [await raw(house).connect() for _ in range(3)]
    for wire in waiting:
        assert "101" in await wire.upgrade()
    async with raw(house) as late:
        refused = await late.upgrade()
        assert " 429 " in refused
        assert "Retry-After: 1" in refused
    waiting[0].say({"type": "hello", "token": token})  # whoever says who it is makes room, and so does who goes
    await waiting[0].heard()
    waiting[1].abort()
    for _ in range(2):
        screen = await house.wire()
        await screen.say_hello("nonsense")
        assert await screen.closed() == 4401
    for wire in waiting:
        wire.abort()


def test_one_address_does_not_take_every_place() -> None:
    room = Lobby(limited=True)
    for _ in range(lobby.MAX_OF_ONE):
        room.enter("10.0.0.7")
    with pytest.raises(Problem, match="RATE_LIMITED"):
        room.enter("10.0.0.7")
    room.enter("10.0.0.8")
    for _ in range(lobby.MAX_OF_ONE + 1):
        room.enter("127.0.0.1")
    room.leave("10.0.0.7")
    room.enter("10.0.0.7")
    assert len(room) == 2 * lobby.MAX_OF_ONE + 2


async def test_no_compression_is_agreed_on(house: House) -> None:
    async with raw(house) as wire:
        head = await wire.upgrade(headers="Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
        assert "101" in head
        assert "extensions" not in head.lower()


_KEY = f"Sec-WebSocket-Key: {KEY}"


@pytest.mark.parametrize(
    "headers",
    [
        f"Upgrade: h2c|Connection: Upgrade|{_KEY}|Sec-WebSocket-Version: 13",
        "Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13",
        "Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Key: short|Sec-WebSocket-Version: 13",
        f"Upgrade: websocket|Connection: Upgrade|{_KEY}",
        f"Upgrade: websocket|Connection: Upgrade|{_KEY}|Sec-WebSocket-Version: 12",
    ],
)
async def test_half_a_handshake_is_refused(house: House, headers: str) -> None:
    async with raw(house) as wire:
        lines = headers.replace("|", "\r\n")
        wire.writer.write(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n\r\n".encode())
        head = (await wire._reader.readuntil(b"\r\n\r\n")).decode()
        assert " 400 " in head


async def test_a_last_word_before_the_end_counts(house: House) -> None:
    await house.pair("S-1")
    producer = await raw(house).connect()
    await producer.hello(house.key)
    bodies = [new_trigger(screen_id="S-1") for _ in range(3)]
    last = b"".join(frame(json.dumps({"type": "trigger", **body}).encode()) for body in bodies)
    producer.writer.write(last + frame(b"\x03\xe8", 8))
    assert await producer.closed() == 1000
    for body in bodies:
        for _ in range(500):  # its commit may come after the close
            if (await house.call("GET", f"/api/triggers/{body['id']}", bearer=house.key)).status == 200:
                break
            await asyncio.sleep(0.01)
        await house.becomes(body["id"], "pending" if body is bodies[-1] else "superseded")


async def test_stalled_readers_are_ended_and_nobody_else_notices(house: House) -> None:
    stalled = []
    for number in range(5):
        token = await house.pair(f"S-{number}")
        wire = await raw(house).connect(receive_buffer=4096)
        await wire.hello(token)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        stalled.append(wire)
    well = await house.screen("S-9")
    sessions = house.appliance.engine.sessions
    for _ in range(600):
        for session in sessions:
            session.send(Identify(label="x" * 20_000, seconds=1))
        await asyncio.sleep(0)
        if len(sessions) == 1:
            break
    assert [session.screen_id for session in sessions] == ["S-9"]
    await well.settled()
    assert well.close_code is None
    for wire in stalled:
        wire.abort()


async def test_all_slow_readers_together_hold_no_more_than_their_budget(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    backlog = house.appliance._sockets[0].backlog
    monkeypatch.setattr(backlog, "_total", 300_000)
    stalled = []
    for number in range(8):
        token = await house.pair(f"S-{number}")
        wire = await raw(house).connect(receive_buffer=4096)
        await wire.hello(token)
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        stalled.append(wire)
    sessions = house.appliance.engine.sessions
    most = 0
    for _ in range(2_000):
        for session in list(sessions):
            session.send(Identify(label="x" * 5_000, seconds=1))
            most = max(most, backlog.bytes)
        await asyncio.sleep(0)
        if len(sessions) <= 4:
            break
    assert len(sessions) <= 4  # none of them was near its own bound
    assert 100_000 < most <= 300_000
    for wire in stalled:
        wire.abort()
    await until(lambda: not len(sessions))
    assert backlog.bytes == 0


async def test_one_message_may_be_longer_than_the_bound(house: House) -> None:
    screen = await house.screen()
    await screen.send({"type": "ping", "t": "x" * (bounds.SCREEN_BUFFER * 4)})
    assert len((await screen.expect("pong"))["t"]) == bounds.SCREEN_BUFFER * 4


async def test_two_windows_of_one_screen_do_not_take_turns(house: House) -> None:
    token = await house.pair("S-1")
    wires = [await house.wire() for _ in range(6)]
    await asyncio.gather(*(wire.say_hello(token) for wire in wires))
    await until(lambda: sum(wire.close_code is not None for wire in wires) == 5)
    assert sorted(wire.close_code or 0 for wire in wires) == [0, 4409, 4409, 4409, 4409, 4409]
    (left,) = (wire for wire in wires if wire.close_code is None)
    await left.settled()


async def test_a_stop_waits_for_no_one_who_does_not_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "CLOSE_SECONDS", 0.3)
    stalled = await raw(house).connect(receive_buffer=4096)
    await stalled.hello(await house.pair("S-1"))
    stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]
    silent = await raw(house).connect()
    await silent.upgrade()
    polite = await house.screen("S-2")
    (session,) = (s for s in house.appliance.engine.sessions if s.screen_id == "S-1")
    while not session.closed:
        session.send(Identify(label="x" * 50_000, seconds=1))
        await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await house.appliance.stop()
    assert loop.time() - began < 3
    goodbye = await polite.expect("goodbye")
    assert goodbye["reconnectAfterMs"] >= 100
    assert await polite.closed() == 1001
    assert await silent.closed() == 1001
    stalled.abort()


async def test_a_flood_of_frames_leaves_the_others_their_turn(make_house: MakeHouse) -> None:
    house = await make_house({"limits": {"enabled": False}})
    flooder = await raw(house).connect()
    await flooder.hello(house.key)
    screen = await house.screen()
    flood = b"".join(frame(b"", PONG, mask=b"\0\0\0\0") for _ in range(200_000))
    flooder.writer.write(flood)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await screen.settled()
    assert loop.time() - began < 1
    flooder.abort()
    assert uuid.UUID(await house.accepted())


async def test_a_connection_leaves_no_cycle_behind(house: House) -> None:
    token = await house.pair("S-1")
    sockets = house.appliance._sockets[0]

    def alive() -> int:
        return sum(isinstance(thing, websocket.SessionSocket | Session) for thing in gc.get_objects())

    gc.collect()
    gc.disable()
    before = alive()
    try:
        for polite in (True, False) * 5:
            wire = await raw(house).connect()
            await wire.hello(token)
            if polite:
                wire.writer.write(frame(b"\x03\xe8", 8))
                assert await wire.closed() == 1000
            wire.abort()
        await until(lambda: not len(sockets))
        await asyncio.sleep(0.05)
        house.appliance.engine.sessions._timetable._heap.clear()  # where a few of the closed ones wait for their turn
        assert alive() == before
    finally:
        gc.enable()


async def test_others_have_their_turn_among_one_client_s_costly_messages(house: House) -> None:
    async with raw(house) as wire:
        await wire.hello(await house.pair("S-1"))
        with costly_messages(house.appliance.engine.conversation, bounds.TURN_SECONDS + 0.001) as handled:
            wire.writer.write(frame(b'{"type":"status"}') * 8)
            for _ in range(8):
                assert (await wire.heard())["type"] == "status"
    assert len(handled) == len(set(handled)) == 8


async def test_a_stopping_appliance_opens_none(house: House) -> None:
    before = await house.screen()
    await house.appliance._close_sockets()
    assert await before.closed() == 1001
    async with raw(house) as wire:
        assert " 503 " in await wire.upgrade()


async def test_who_is_ended_by_name_is_told_that_name_however_much_waits(house: House) -> None:
    wire = raw(house)
    await wire.connect(receive_buffer=4096)
    await wire.hello(await house.pair("S-1"))
    session = house.appliance.engine.sessions.of_screen("S-1")
    assert session is not None
    link = session.transport
    assert isinstance(link, websocket.SessionSocket)
    while link.waiting < link.bound // 3:
        session.send(Identify(label="x" * (link.bound // 3), seconds=1))
        await asyncio.sleep(0)
    session.send(Identify(label="x" * link.bound, seconds=1))
    link.close(4409, "SESSION_REPLACED")
    assert await wire.closed() == 4409
    wire.abort()


async def test_a_fault_with_one_reader_keeps_nothing_from_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await house.screen("S-1"), await house.screen("S-2")
    first, second = (house.appliance.engine.sessions.of_screen(name) for name in ("S-1", "S-2"))
    assert first is not None and second is not None
    flush = websocket.SessionSocket.flush

    def faulty(link: websocket.SessionSocket) -> None:
        if link is first.transport:
            raise RuntimeError("a fault of ours")
        flush(link)

    with capture_logs() as logged:
        monkeypatch.setattr(websocket.SessionSocket, "flush", faulty)
        for session in (first, second):
            session.send(Identify(label="A", seconds=1))
        await good.expect("identify")
        monkeypatch.undo()
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["connection.failed"]
    await bad.closed()  # so that its client comes back and hears what it has missed
