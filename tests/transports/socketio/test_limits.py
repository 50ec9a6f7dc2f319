"""What one Socket.IO client may take of the appliance, and what it is not blamed for."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest

from appliance.transports import bounds, socketio
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger
from tests.support.house import House, until
from tests.support.turns import costly_messages
from tests.transports.socketio.conftest import MakePeer
from tests.transports.socketio.test_application import TRANSPORTS, screen


async def test_others_have_their_turn_within_a_post(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer, transport="polling")
    with costly_messages(house.appliance.engine.conversation, bounds.TURN_SECONDS + 0.001) as handled:
        assert await found.post("\x1e".join(['42["status"]'] * 8)) == (200, "ok")
    assert len(handled) == len(set(handled)) == 8


async def test_others_have_their_turn_among_cheap_messages_too(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer, transport="polling")
    with costly_messages(house.appliance.engine.conversation, 0) as handled:
        assert await found.post("\x1e".join(['42["status"]'] * 3 * bounds.TURN)) == (200, "ok")
    assert len(handled) == 3 * bounds.TURN
    assert max(handled.count(turn) for turn in handled) <= bounds.TURN


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_sessions_one_after_the_other_end_as_too_fast(house: House, peer: MakePeer, transport: str) -> None:
    found = await peer(house, transport=transport)
    token = await house.pair("S-1")
    with contextlib.suppress(AssertionError, aiohttp.ClientError):  # it has been closed meanwhile
        for _ in range(100):
            await found.say_connect(token)
            await found.send("41")
    told = await found.refusal()
    assert told["data"]["code"] == "RATE_LIMITED"
    check_words(told["data"])
    assert await found.ends() in {4429, None}
    assert len(house.appliance.engine.sessions) == 0
    await (await screen(house, peer)).settled()


async def test_a_new_session_pays_for_what_the_one_before_has_said(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    before = house.appliance.engine.sessions.of_screen("S-1")
    assert before is not None
    owed = before.paid_until = asyncio.get_running_loop().time() + 1.5
    await found.send("41")
    await found.connect(await house.pair("S-1"))
    session = house.appliance.engine.sessions.of_screen("S-1")
    assert session is not None and session is not before
    assert session.paid_until > owed


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_whose_message_is_being_handled_is_not_dead(
    make_house: MakeHouse, peer: MakePeer, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    house = await make_house({"heartbeat": {"interval_seconds": 0.1, "timeout_seconds": 0.3}})
    found = await screen(house, peer, transport=transport)
    reasons: list[str] = []
    house.appliance.engine.sessions.on_closed.append(lambda _s, reason: reasons.append(reason))
    source, found_out, asked = house.appliance.engine.source, asyncio.Event(), asyncio.Event()
    look_up = source.look_up

    async def slow(order_id: str) -> object:
        asked.set()
        await found_out.wait()
        return await look_up(order_id)

    monkeypatch.setattr(source, "at_hand", lambda _order_id: None, raising=False)
    monkeypatch.setattr(source, "look_up", slow)
    saying = asyncio.create_task(found.emit("trigger", new_trigger()))
    await asked.wait()
    await asyncio.sleep(1)  # twice as long as a dead one has
    assert not found.closed
    found_out.set()
    await saying
    assert (await found.expect("trigger:response"))[1]["success"]
    assert reasons == []


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_whose_connect_is_being_handled_is_not_late(
    make_house: MakeHouse, peer: MakePeer, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setattr(socketio, "CONNECT_SECONDS", 0.1)
    house = await make_house()
    auth, go_on = house.appliance.engine.auth, asyncio.Event()
    bearer = auth.bearer

    async def slow(token: str) -> object:
        await go_on.wait()
        return await bearer(token)

    token = await house.pair("S-1")
    monkeypatch.setattr(auth, "bearer", slow)
    found = await peer(house, transport=transport)
    saying = asyncio.create_task(found.say_connect(token))
    await asyncio.sleep(0.3)  # three times as long
    assert not found.closed
    go_on.set()
    await saying
    assert (await found.expect("welcome"))[1]["screenId"] == "S-1"


async def test_a_stopping_appliance_opens_none(house: House, peer: MakePeer) -> None:
    await house.call("GET", "/api/health/live")  # this connection stays open
    before = await screen(house, peer)
    await house.appliance._close_sockets()
    assert await before.ends() == 1001
    (await house.call("GET", "/socket.io/?EIO=4&transport=polling")).problem(503, "SHUTTING_DOWN")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await peer(house)
    assert refused.value.status == 503
    await until(lambda: len(house.appliance.engine.sessions) == 0)


async def test_a_stop_waits_for_whoever_polls_once_more(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer, transport="polling")
    _, endpoint, _ = house.appliance._sockets
    house.appliance.engine.sessions.say_goodbye("stopping")
    assert len(endpoint) == 1
    await house.appliance._close_sockets()
    assert len(endpoint) == 0
    await found.expect("goodbye")
    await found.ends()


@pytest.mark.parametrize("late", [False, True])
async def test_a_session_that_ends_in_mid_upgrade_leaves_no_socket_behind(
    house: House, peer: MakePeer, late: bool
) -> None:
    """`late`: the client goes on as if nothing had been, before it has read of the end."""
    found = await peer(house, transport="polling")
    address = f"{house.url}/socket.io/?EIO=4&transport=websocket&sid={found.opened['sid']}"
    async with aiohttp.ClientSession() as http, http.ws_connect(address, autoclose=False) as socket:
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        await found.post("1")
        if late:
            await socket.send_str("5")
        async with asyncio.timeout(5):
            end = await socket.receive()
        assert end.type is aiohttp.WSMsgType.CLOSE


async def test_who_takes_over_as_the_session_ends_hears_what_was_said_last(house: House) -> None:
    url = f"{house.url}/socket.io/?EIO=4&transport="
    async with aiohttp.ClientSession() as http:

        async def poll() -> str:
            async with http.get(address) as answer:
                return await answer.text()

        address = url + "polling"
        address += f"&sid={json.loads((await poll())[1:])['sid']}"
        token = await house.pair("S-1")
        async with http.post(address, data="40" + json.dumps({"token": token})) as answer:
            assert answer.status == 200
        while "welcome" not in await poll():
            pass
        async with http.ws_connect(address.replace("=polling", "=websocket"), autoclose=False) as socket:
            await socket.send_str("2probe")
            assert await socket.receive_str() == "3probe"
            house.appliance.engine.sessions.say_goodbye("stopping")
            await socket.send_str("5")
            async with asyncio.timeout(5):
                said = [await socket.receive() for _ in range(2)]
            assert '"goodbye"' in said[0].data
            assert (said[1].type, said[1].data) == (aiohttp.WSMsgType.CLOSE, 1001)
