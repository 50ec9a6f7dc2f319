"""How Socket.IO sessions end and come back on a running appliance: replaced, expired, revoked, cut, silent, slow."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from appliance.core.messages import Identify
from appliance.edge.origins import EXTENSION
from appliance.transports import socketio
from tests.conftest import MakeHouse
from tests.support.answers import check_words
from tests.support.house import House, until
from tests.transports.socketio.conftest import MakePeer
from tests.transports.socketio.peer import Peer
from tests.transports.socketio.test_application import TRANSPORTS, screen


async def told_to_go(found: Peer, code: str) -> None:
    """The client hears why, then that it is out, and then the connection ends."""
    error = (await found.expect("error"))[1]
    assert error["code"] == code
    check_words(error)
    await found.ends()
    assert found.disconnected


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_newer_session_replaces_the_older(house: House, peer: MakePeer, transport: str) -> None:
    older = await screen(house, peer, transport=transport)
    newer = await screen(house, peer)
    await told_to_go(older, "SESSION_REPLACED")
    await newer.settled()
    assert house.appliance.engine.sessions.screens_online == 1


async def test_wires_of_two_kinds_replace_one_another(house: House, peer: MakePeer) -> None:
    older = await screen(house, peer)
    wire = await house.screen("S-1")
    await told_to_go(older, "SESSION_REPLACED")
    newest = await screen(house, peer)
    assert await wire.closed() == 4409
    await newest.settled()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_revoked_screen_is_out(house: House, peer: MakePeer, transport: str) -> None:
    found = await screen(house, peer, transport=transport)
    await house.local("POST", "/api/screens/S-1/revoke")
    await told_to_go(found, "TOKEN_INVALID")


async def test_a_token_that_ends_ends_the_session(
    make_house: MakeHouse, peer: MakePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.relay.sessions.GRACE_SECONDS", 0.05)
    house = await make_house({"tokens": {"access_seconds": 1}})
    found = await screen(house, peer)
    assert (await found.expect("auth:expiring"))[1]["inSeconds"] <= 1
    await told_to_go(found, "TOKEN_EXPIRED")


async def test_a_renewed_token_goes_on(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    answer = await found.call("auth", {"token": await house.pair("S-1")})
    assert set(answer) == {"tokenExpiresAt"}
    await found.emit("auth", {"token": await house.pair("S-1")})
    assert (await found.expect("auth:ok"))[1] == answer
    assert (await found.call("auth", {"token": house.key}))["code"] == "TOKEN_INVALID"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_cut_connection_is_recovered(house: House, peer: MakePeer, transport: str) -> None:
    cut = await screen(house, peer, transport=transport)
    assert cut.connected is not None
    await cut.vanish()
    await until(lambda: house.appliance.engine.sessions.screens_online == 0)
    trigger_id = await house.accepted()
    back = await peer(house, transport=transport)
    welcome = await back.connect(None, pid=cut.connected["pid"], offset="none")
    assert back.connected == cut.connected
    assert welcome["screenId"] == "S-1"
    delivery = (await back.expect("navigate"))[1]
    assert (delivery["triggerId"], delivery["attempt"]) == (trigger_id, 1)
    assert (await back.settled()).count("navigate") == 1


async def test_a_recovered_watcher_still_watches(house: House, peer: MakePeer) -> None:
    cut = await peer(house)
    await cut.connect(house.key)
    assert await cut.call("subscribe", {"topics": ["presence"]}) == {}
    await cut.vanish()
    await until(lambda: len(house.appliance.engine.sessions) == 0)
    assert cut.connected is not None
    back = await peer(house)
    await back.connect(house.key, pid=cut.connected["pid"])
    await screen(house, peer)
    assert (await back.expect("presence"))[1] == {"screenId": "S-1", "online": True}


async def test_a_pid_is_good_once_and_for_its_own_subject(house: House, peer: MakePeer) -> None:
    cut = await screen(house, peer)
    assert cut.connected is not None
    await cut.vanish()
    await until(lambda: house.appliance.engine.sessions.screens_online == 0)
    other = await peer(house)
    await other.connect(await house.pair("S-2"), pid=cut.connected["pid"])
    assert other.connected is not None and other.connected["sid"] != cut.connected["sid"]
    back = await peer(house)
    await back.say_connect("nonsense", pid=cut.connected["pid"])
    assert (await back.refusal())["data"]["code"] == "TOKEN_INVALID"
    await back.connect(await house.pair("S-1"), pid=cut.connected["pid"])
    assert back.connected == cut.connected
    late = await peer(house)
    await late.say_connect(None, pid=cut.connected["pid"])
    assert (await late.refusal())["data"]["code"] == "TOKEN_INVALID"


async def test_a_revoked_screen_is_not_recovered(house: House, peer: MakePeer) -> None:
    cut = await screen(house, peer)
    assert cut.connected is not None
    await cut.vanish()
    await until(lambda: house.appliance.engine.sessions.screens_online == 0)
    await house.local("POST", "/api/screens/S-1/revoke")
    back = await peer(house)
    await back.say_connect(None, pid=cut.connected["pid"])
    assert (await back.refusal())["data"]["code"] == "TOKEN_INVALID"


async def test_a_client_that_leaves_is_not_recovered(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    first = found.connected
    assert first is not None
    await found.send("41")
    await until(lambda: house.appliance.engine.sessions.screens_online == 0)
    await found.connect(await house.pair("S-1"), pid=first["pid"])
    assert found.connected is not None and found.connected["sid"] != first["sid"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_silent_client_is_closed_and_its_delivery_goes_to_the_next(
    make_house: MakeHouse, peer: MakePeer, transport: str
) -> None:
    house = await make_house({"heartbeat": {"interval_seconds": 0.2, "timeout_seconds": 0.2}})
    token = await house.pair("S-1")
    silent = await peer(house, transport=transport, answers_pings=False)
    await silent.connect(token)
    trigger_id = await house.accepted()
    code = await silent.ends()
    assert not silent.disconnected  # it comes back by itself
    assert code in {4408, None}
    found = await screen(house, peer)
    assert (await found.expect("navigate"))[1]["triggerId"] == trigger_id


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_only_knows_engine_io_pings_stays(
    make_house: MakeHouse, peer: MakePeer, transport: str
) -> None:
    house = await make_house({"heartbeat": {"interval_seconds": 0.1, "timeout_seconds": 0.1}})
    found = await screen(house, peer, transport=transport)
    for _ in range(5):
        await found.expect("ping")
    assert not found.closed and house.appliance.engine.sessions.screens_online == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_whoever_never_connects_is_closed(
    make_house: MakeHouse, peer: MakePeer, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    assert socketio.CONNECT_SECONDS == 5.0
    monkeypatch.setattr(socketio, "CONNECT_SECONDS", 0.1)
    found = await peer(await make_house(), transport=transport)
    assert await found.ends() in {4408, None}
    assert (await found.get())[0] == 400


async def test_whoever_does_not_go_when_told_so_is_closed(
    house: House, peer: MakePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.transports.socketio.connection.LEAVE_SECONDS", 0.1)
    found = await screen(house, peer)
    found.leaves = False
    await screen(house, peer)
    assert await found.ends() == 4409


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_stop_says_goodbye_and_closes(house: House, peer: MakePeer, transport: str) -> None:
    found = await screen(house, peer, transport=transport)
    stopping = asyncio.create_task(house.restart())
    goodbye = (await found.expect("goodbye"))[1]
    assert goodbye["reconnectAfterMs"] > 0
    await found.ends()
    assert not found.disconnected
    await stopping


# --- readers that are too slow ----------------------------------------------------------------------------------------


async def flood(house: House, found: Peer) -> None:
    """Sends the screen more than may wait for it."""
    session = house.appliance.engine.sessions.of_screen("S-1")
    assert session is not None
    deadline = time.monotonic() + 8
    while not session.closed:
        assert time.monotonic() < deadline, "a reader that never reads was never closed"
        for _ in range(200):
            session.send(Identify(label="x" * 4000, seconds=1))
        await asyncio.sleep(0)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_reader_too_slow_is_closed_by_name(
    house: House, peer: MakePeer, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    found = await screen(house, peer, transport=transport)
    reasons: list[str] = []
    house.appliance.engine.sessions.on_closed.append(lambda _session, reason: reasons.append(reason))
    found.stop_reading()
    await flood(house, found)
    assert reasons == ["SESSION_TOO_SLOW"]
    assert len(house.appliance.engine.sessions) == 0


async def test_a_poll_whose_client_has_gone_is_noticed(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer, transport="polling")
    found.stop_reading()
    await found._http.close()
    started = time.monotonic()
    await until(lambda: house.appliance.engine.sessions.screens_online == 0, within=3)
    assert time.monotonic() - started < 2


# --- what isn't right -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packet", ["4abc", "42{}", '42abc["ping"]', "2", "5", "9", "", "452-[1]", '4511-["ping"]'])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_broken_packet_ends_the_connection(house: House, peer: MakePeer, transport: str, packet: str) -> None:
    found = await screen(house, peer, transport=transport)
    if transport == "polling":
        assert (await found.post(packet))[0] == 400
    else:
        await found.send(packet)
    await found.ends()
    assert house.appliance.engine.sessions.screens_online == 0
    await screen(house, peer, transport=transport)  # and it comes back


async def test_events_that_do_not_fit_are_told_so(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    for arguments in (["nothing"], ["ack", {"id": 7}], ["displays", {"displays": 1}], ["subscribe", 5], ["hello", {}]):
        answer = await found.call(*arguments)
        assert answer["code"] == "VALIDATION_ERROR", arguments
        check_words(answer)
        await found.emit(*arguments)
        assert (await found.expect("error"))[1]["code"] == "VALIDATION_ERROR"
    answer = await found.call("trigger", {"id": "x"})
    assert (answer["id"], answer["code"]) == ("x", "VALIDATION_ERROR") and answer["error"]
    await found.emit("trigger", {"id": "y"})
    assert (await found.expect("trigger:error"))[1]["id"] == "y"
    assert (await found.call("status"))["screenId"] == "S-1"


async def test_an_event_with_attachments_is_told_so_too(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    await found.send('451-3["trigger",{"id":{"_placeholder":true,"num":0}}]')
    await found.send(b"\1\2\3")
    await found._until(lambda: 3 in found.answers)
    assert found.answers[3][0]["code"] == "VALIDATION_ERROR"


async def test_a_navigate_answered_wrongly_is_told_so(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    await house.accepted()
    _, _, number = await found.expect("navigate")
    await found.acknowledge(number, "yes")
    assert (await found.expect("error"))[1]["code"] == "VALIDATION_ERROR"


async def test_bodies_are_bounded(house: House, peer: MakePeer) -> None:
    stranger = await peer(house, transport="polling")
    assert (await stranger.post("4" + "x" * (64 << 10)))[0] == 413
    await stranger.ends()
    found = await screen(house, peer, transport="polling")
    assert (await found.post('42["ping",{"t":"%s"}]' % ("x" * 200_000)))[0] == 200
    assert (await found.post("4" + "x" * 1_000_000))[0] == 413
    await found.ends()


async def test_frames_are_bounded(house: House, peer: MakePeer) -> None:
    stranger = await peer(house)
    await stranger.send("4" + "x" * (64 << 10))
    assert await stranger.ends() == 4413
    found = await screen(house, peer)
    await found.send("4" + "x" * 1_000_000)
    assert await found.ends() == 4413


async def test_requests_nobody_can_mean_are_refused_by_engine_ios_numbers(house: House) -> None:
    async with aiohttp.ClientSession() as http:
        for query, code in (
            ("transport=polling", 5),
            ("EIO=4", 0),
            ("EIO=4&transport=polling&sid=unknown", 1),
            ("EIO=4&transport=websocket", 3),
        ):
            async with http.get(f"{house.url}/socket.io/?{query}") as response:
                assert (response.status, json.loads(await response.text())["code"]) == (400, code)
        async with http.post(f"{house.url}/socket.io/?EIO=4&transport=polling") as response:
            assert (response.status, json.loads(await response.text())["code"]) == (400, 2)


async def test_other_sites_pages_may_only_where_they_are_allowed(make_house: MakeHouse) -> None:
    house = await make_house({"server": {"allowed_origins": ["http://mes.plant"]}})
    path = f"{house.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as http:
        async with http.get(path, headers={"Origin": "http://mes.plant"}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "http://mes.plant"
            sid = json.loads((await response.text())[1:])["sid"]
        for origin in ("http://evil.example", house.url + "1"):
            async with http.get(path, headers={"Origin": origin}) as response:
                assert (response.status, (await response.json())["code"]) == (403, "ORIGIN_NOT_ALLOWED")
                assert "Access-Control-Allow-Origin" not in response.headers
        for origin, status in (
            ("http://mes.plant", 200),
            (house.url, 200),
            (EXTENSION, 200),
            ("http://evil.example", 403),
            ("null", 403),
        ):
            async with http.get(path, headers={"Origin": origin}) as response:
                assert response.status == status, origin
            async with http.post(f"{path}&sid={sid}", data="6", headers={"Origin": origin}) as response:
                assert response.status == status, origin
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(path.replace("polling", "websocket"), headers={"Origin": "http://evil.example"})
        assert refused.value.status == 403
