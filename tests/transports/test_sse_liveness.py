"""Streams that nobody reads, that go slowly, or that are too many: a client of this wire can't answer a ping."""

from __future__ import annotations

import asyncio

import pytest

from appliance.core.messages import Identify
from appliance.relay.sessions import Session
from appliance.transports import bounds
from appliance.transports.sse import link
from tests.conftest import MakeHouse
from tests.support.answers import check_words
from tests.support.house import House, until
from tests.transports.eventstream import EventStream, screen
from tests.transports.test_sse_opening import CHROME, signed_in

QUICK_BEATS = {"heartbeat": {"interval_seconds": 0.1, "timeout_seconds": 0.2}}


def session_of(house: House, screen_id: str = "S-1") -> Session:
    session = house.appliance.engine.sessions.of_screen(screen_id)
    assert session is not None
    return session


async def test_whoever_only_reads_stays(make_house: MakeHouse) -> None:
    house = await make_house(QUICK_BEATS)
    stream = await screen(house)
    await until(lambda: len(stream.of("ping")) >= 8)
    assert not stream.ended
    assert not session_of(house).closed


async def test_a_peer_that_takes_nothing_is_found_and_its_delivery_put_back(make_house: MakeHouse) -> None:
    house = await make_house(QUICK_BEATS)
    token = await house.pair("S-1")
    stream = await EventStream(house, token).connect({"capabilities": "shown"}, receive_buffer=1)
    await stream.expect("welcome")
    session = session_of(house)
    stream.stop_reading()
    trigger_id = await house.accepted()
    session.send(Identify(label="x" * 100_000, seconds=1))  # more than a system keeps for this reader
    await until(lambda: session.closed)
    back = await house.becomes(trigger_id, "pending")
    assert (back["attempt"], back["history"][-1]["cause"]) == (1, "SESSION_LOST")
    assert back["history"][-1]["detail"] == "HEARTBEAT_LOST"
    again = await screen(house)
    await again.show(await again.expect("navigate"))
    await house.becomes(trigger_id, "shown")


async def test_a_pulled_cable_is_found_within_the_heartbeat(make_house: MakeHouse) -> None:
    house = await make_house(QUICK_BEATS)
    stream = await screen(house)
    session = session_of(house)
    await until(lambda: len(stream.of("ping")) >= 3)
    stream.pull_cable()
    trigger_id = await house.accepted()
    await until(lambda: session.closed, within=2)
    assert (await house.becomes(trigger_id, "pending"))["history"][-1]["detail"] == "HEARTBEAT_LOST"
    again = await screen(house)
    await again.show(await again.expect("navigate"))


async def test_a_client_that_reads_but_does_not_ack_is_not_taken_for_dead(make_house: MakeHouse) -> None:
    quick = {"ack_timeout_ms": 50, "retry_base_ms": 10, "max_retries": 1}
    house = await make_house({"delivery": quick, "heartbeat": {"interval_seconds": 20.0, "timeout_seconds": 2.0}})
    monkey = await screen(house)
    trigger_id = await house.accepted()
    assert [(await monkey.expect("navigate"))["attempt"] for _ in range(2)] == [1, 2]
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["history"][-1]["code"], dead["history"][-1]["cause"]) == ("RETRIES_EXHAUSTED", "ACK_TIMEOUT")
    assert len(monkey.of("ping")) == 2
    assert not session_of(house).closed


async def test_a_reader_too_slow_is_told_so_last_and_its_delivery_put_back(house: House) -> None:
    stream = await screen(house)
    trigger_id = await house.accepted()
    await stream.expect("navigate")
    session = session_of(house)
    stream.stop_reading()
    for _ in range(400):
        session.send(Identify(label="x" * 50_000, seconds=1))
        await asyncio.sleep(0)
    assert session.closed
    assert house.appliance.engine.sessions.of_screen("S-1") is None
    stream.read_on()
    last = await stream.finished()
    assert (last["type"], last["code"], stream.whole) == ("error", "SESSION_TOO_SLOW", True)
    check_words(last)
    again = await screen(house)
    await again.show(await again.expect("navigate"))
    found = await house.becomes(trigger_id, "shown")
    assert "SESSION_TOO_SLOW" in [line.get("detail") for line in found["history"]]


async def test_what_waits_for_a_reader_that_never_comes_is_thrown_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "CLOSE_SECONDS", 0.1)
    stream = await screen(house)
    wire = session_of(house).transport
    assert isinstance(wire, link.EventStreamLink)
    stream.stop_reading()
    session = session_of(house)
    while not session.closed:
        session.send(Identify(label="x" * 50_000, seconds=1))
        await asyncio.sleep(0)
    await until(lambda: wire.waiting == 0)
    stream.read_on()
    await stream.finished()
    assert not stream.whole


@pytest.mark.parametrize("then_closed", [False, True])
async def test_a_client_that_has_half_closed_and_reads_nothing_is_not_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch, then_closed: bool
) -> None:
    monkeypatch.setattr(bounds, "CLOSE_SECONDS", 0.1)
    stream = await EventStream(house, await house.pair("S-1")).connect(receive_buffer=1)
    await stream.expect("welcome")
    session = session_of(house)
    wire = session.transport
    assert isinstance(wire, link.EventStreamLink)
    stream.stop_reading()
    while not wire.waiting:
        session.send(Identify(label="x" * 20_000, seconds=1))
        await asyncio.sleep(0)
    stream.half_close()
    await until(wire._wire.is_closing)
    if then_closed:
        wire.close(0, "SESSION_REPLACED")
    await until(lambda: house.appliance.engine.sessions.of_screen("S-1") is None)
    assert wire.waiting == 0


async def test_a_stop_waits_for_a_slow_reader_though_streams_have_ended_before(house: House) -> None:
    earlier = await screen(house, "S-2")
    await earlier.close()
    await until(lambda: house.appliance.engine.sessions.of_screen("S-2") is None)
    stream = await EventStream(house, await house.pair("S-1")).connect(receive_buffer=1)
    await stream.expect("welcome")
    stream.stop_reading()
    session = session_of(house)
    wire = session.transport
    assert isinstance(wire, link.EventStreamLink)
    while not wire.waiting:
        session.send(Identify(label="x" * 20_000, seconds=1))
        await asyncio.sleep(0)
    stopping = asyncio.create_task(house.appliance._sockets[-1].stop())
    await until(wire._wire.is_closing)
    stream.read_on()
    await stream.finished()
    assert stream.whole
    await stopping


async def test_what_waits_for_all_slow_readers_together_is_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = []
    for number in range(3):
        stream = await EventStream(house, await house.pair(f"S-{number}")).connect(receive_buffer=1)
        await stream.expect("welcome")
        stream.stop_reading()
        sessions.append(session_of(house, f"S-{number}"))
    wire = sessions[0].transport
    assert isinstance(wire, link.EventStreamLink)
    monkeypatch.setattr(wire._backlog, "_total", 150_000)
    while not any(session.closed for session in sessions):
        for session in sessions:
            session.send(Identify(label="x" * 10_000, seconds=1))
        await asyncio.sleep(0)
    assert sum(session.closed for session in sessions) == 1
    assert wire._backlog.bytes <= 150_000


async def test_a_browser_is_told_before_its_connections_are_used_up(house: House) -> None:
    browser = await signed_in(house)
    streams = []
    for number in range(1, 6):
        token = await house.pair(f"S-{number}")
        streams.append(await EventStream(house, token).connect(headers=browser))
        await streams[-1].expect("welcome")
    notice = await streams[4].expect("notice")
    assert notice["code"] == "BROWSER_STREAMS"
    check_words({**notice, "retryable": False})
    assert "6" in notice["messages"]["ko"]
    assert [stream.of("notice") for stream in streams[:4]] == [[], [], [], []]
    await EventStream(house, await house.pair("S-6")).connect(headers=browser)  # nothing is refused
    await until(lambda: house.appliance.engine.sessions.screens_online == 6)
    errors = (await house.local("GET", "/api/monitoring/dashboard")).json["recentErrors"]
    assert [(e["error"], e["screenId"], e["severity"]) for e in errors] == [("BROWSER_STREAMS", "S-5", "WARN")]


async def test_stations_behind_one_address_are_not_taken_for_one_browser(house: House) -> None:
    streams = []
    for number in range(6):
        token = await house.pair(f"S-{number}")
        streams.append(await EventStream(house, token).connect(headers={"User-Agent": CHROME}))
        await streams[-1].expect("welcome")
        assert (await streams[-1].send({"type": "ping", "t": 1})).status == 200
    assert [stream.of("notice") for stream in streams] == [[]] * len(streams)


async def test_streams_of_others_are_not_counted_as_one_browsers(house: House) -> None:
    agents = [CHROME] * 3 + [CHROME.replace("140", "141")] * 3 + ["curl/8.5.0"] * 6
    streams = [await EventStream(house, house.key).connect(headers={"User-Agent": agent}) for agent in agents]
    for stream in streams:
        await stream.expect("welcome")
    for _ in range(3):  # one that comes and goes
        back = await EventStream(house, house.key).connect(headers={"User-Agent": CHROME})
        await back.expect("welcome")
        await back.close()
        await until(lambda: len(house.appliance.engine.sessions) == len(streams))
    assert [stream.of("notice") for stream in streams] == [[]] * len(streams)


async def test_the_live_page_counts_too(house: House) -> None:
    browser = await signed_in(house)
    for _ in range(4):
        await EventStream(house).connect(headers=browser, path="/api/monitoring/stream")
    stream = await EventStream(house).connect(headers=browser)
    assert (await stream.expect("notice"))["code"] == "BROWSER_STREAMS"
