"""Socket.IO's official JavaScript clients 3 and 4 against the appliance, over every way they can come."""

from __future__ import annotations

import base64

import pytest
from aiohttp import web

from appliance.transports.socketio.engine import Options
from tests.clients.conftest import MakeClients
from tests.clients.official import Driver, Official, each, one_of_each
from tests.conformance.socketio_echo import server
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger
from tests.support.house import House
from tests.support.process import free_port

BINARY = {"$binary": base64.b64encode(bytes(range(256))).decode()}
"""What `driver.mjs` makes a buffer of, and of a buffer."""
SHOWS = {"capabilities": ["shown"]}


async def test_each_comes_by_the_way_it_was_told(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        welcome = await client.connect(house.url, await house.pair(screen_id), client={"name": "js", "version": "1"})
        assert welcome["screenId"] == screen_id
        assert (await client.state())["transport"] == client.transports[-1]

    await each(clients(), play)


async def test_a_screen_receives_and_shows_what_it_is_sent(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id), **SHOWS)
        trigger_id = await house.accepted("ORD-1001", screen_id)
        delivery = await client.navigate()
        assert (delivery["triggerId"], delivery["orderId"]) == (trigger_id, "ORD-1001")
        assert "type" not in delivery
        await house.becomes(trigger_id, "received")
        client.shown(delivery)
        assert (await house.becomes(trigger_id, "shown"))["final"]
        assert (await client.expect("delivery"))["state"] == "shown"

    await each(clients(), play)


async def test_a_screen_that_cannot_show_says_so_in_the_callback(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id), **SHOWS)
        trigger_id = await house.accepted("ORD-1001", screen_id)
        await client.navigate(received=False, code="DOCUMENT_URL_REFUSED", error="no such place")
        delivery = await house.becomes(trigger_id, "dead")
        assert delivery["code"] == "DOCUMENT_URL_REFUSED"
        assert delivery["history"][-1]["detail"] == "no such place"

    await each(clients(), play)


async def test_a_trigger_is_answered_in_its_callback_or_by_an_event(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, house.key)
        screen = await house.screen(screen_id)
        body = new_trigger("ORD-1001", screen_id)
        answer = await client.call("trigger", body)
        assert (answer["id"], answer["success"], answer["data"]["status"]) == (body["id"], True, "accepted")
        await screen.show_next()
        assert (await client.expect("delivery"))["state"] == "shown"

        body = new_trigger("ORD-1002", screen_id)
        client.emit("trigger", body)
        answer = await client.expect("trigger:response")
        assert (answer["id"], answer["data"]["duplicate"]) == (body["id"], False)
        await screen.show_next()
        assert (await client.expect("delivery"))["triggerId"] == body["id"]

        body = new_trigger("ORD-9999", screen_id)
        refused = await client.call("trigger", body)
        assert (refused["id"], refused["code"]) == (body["id"], "ORDER_NOT_FOUND")
        check_words(refused)
        client.emit("trigger", new_trigger("ORD-9999", screen_id))
        assert (await client.expect("trigger:error"))["code"] == "ORDER_NOT_FOUND"

    await each(clients(), play)


async def test_whoever_may_sends_an_address_to_a_screen(house: House, clients: MakeClients) -> None:
    supervisor = await house.new_key("supervisor")

    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, supervisor)
        screen = await house.screen(screen_id)
        body = new_trigger(None, screen_id, url="http://127.0.0.1/board.html", title="Board")
        assert (await client.call("navigate", body))["success"] is True
        assert (await screen.show_next())["url"] == body["url"]
        assert (await client.expect("delivery"))["state"] == "shown"

    await each(clients(), play)


async def test_status_and_ping_are_answered_in_their_callbacks(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id))
        assert (await client.call("status"))["screenId"] == screen_id
        answer = await client.call("ping", {"timestamp": 12})
        assert answer["timestamp"] == 12 and answer["serverTime"] > 1_600_000_000_000

    await each(clients(), play)


@pytest.mark.parametrize("code", ["TOKEN_INVALID", "TOKEN_EXPIRED"])
async def test_a_refused_connect_says_why(house: House, clients: MakeClients, code: str) -> None:
    async def play(client: Official, screen_id: str) -> None:
        token = "nothing of ours"
        if code == "TOKEN_EXPIRED":
            with house.an_hour_ago():
                token = await house.pair(screen_id)
        client.open(house.url, {"token": token})
        error = await client.expect("connect_error")
        data = error["data"]
        assert set(data) == {"code", "messages", "action", "retryable", "content"}
        assert (data["code"], error["message"]) == (code, data["messages"]["en"])
        assert data["content"]["message"] == ("Token expired" if code == "TOKEN_EXPIRED" else error["message"])
        check_words(data)
        if client.version == 4:  # version 3 doesn't come back by itself either, but doesn't say so
            assert error["active"] is False

        client.authenticate({"token": house.key})
        client.again()
        assert (await client.expect("welcome"))["role"] == "operator"

    for number, client in enumerate(clients()):  # one after the other: each patches the same clock
        await play(client, f"S-{number}")


async def test_binary_is_read_and_refused_in_words_and_the_session_goes_on(house: House, clients: MakeClients) -> None:
    async def play(client: Official, screen_id: str) -> None:
        await client.connect(house.url, await house.pair(screen_id))
        refused = await client.call("trigger", {**new_trigger("ORD-1001", screen_id), "nonce": BINARY})
        assert refused["code"] == "VALIDATION_ERROR"
        client.emit("picture", BINARY, [BINARY])
        assert (await client.expect("error"))["code"] == "VALIDATION_ERROR"
        assert (await client.call("status"))["screenId"] == screen_id

    await each(clients(), play)


async def test_binary_goes_both_ways_over_the_transport(driver: Driver) -> None:
    app = web.Application()
    app.add_routes(server(Options(), engine_only=False).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()

    async def play(client: Official, _screen_id: str) -> None:
        client.open(f"http://127.0.0.1:{port}", {"picture": BINARY})
        assert (await client.expect("auth"))["picture"]
        told = {"depth": {"picture": BINARY}, "list": [BINARY, 1]}
        assert await client.call("message-with-ack", told) == told
        client.emit("message", told)
        assert await client.expect("message-back") == told

    mine = one_of_each(driver)
    try:
        await each(mine, play)
    finally:
        for client in mine:
            client.close()
        await runner.cleanup()


async def test_a_page_of_another_site_may_connect_only_where_it_is_allowed(
    make_house: MakeHouse, clients: MakeClients
) -> None:
    house = await make_house({"server": {"allowed_origins": ["http://mes.example"]}})
    token = await house.pair("S-0")
    client = clients()[1]
    client.open(house.url, {"token": token}, extraHeaders={"Origin": "http://mes.example"})
    await client.expect("welcome")
    stranger = clients()[1]
    stranger.open(house.url, {"token": token}, extraHeaders={"Origin": "http://other.example"})
    assert (await stranger.expect("connect_error"))["message"] in {"xhr poll error", "xhr post error"}
    assert stranger.of("welcome") == []
