"""The contract's section 4.2 on a running appliance, over WebSocket, polling and both after one another."""

from __future__ import annotations

import asyncio
import json
from typing import get_args

import msgspec
import pytest

from appliance.core import messages
from appliance.transports.socketio import link
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger, now_ms
from tests.support.house import House
from tests.transports.socketio.conftest import MakePeer
from tests.transports.socketio.peer import Peer

TRANSPORTS = ["websocket", "polling"]


async def screen(
    house: House, peer: MakePeer, screen_id: str = "S-1", transport: str = "websocket", **auth: object
) -> Peer:
    """A screen that is in."""
    token = await house.pair(screen_id)
    found = await peer(house, transport=transport)
    welcome = await found.connect(token, **auth)
    assert welcome["screenId"] == screen_id
    return found


@pytest.mark.parametrize("kind", get_args(messages.ServerMessage))
def test_every_message_is_an_event_without_its_type(kind: type[msgspec.Struct]) -> None:
    message = kind(**{field.name: "값" for field in msgspec.structs.fields(kind) if field.required})
    name, body = link.event(message)  # type: ignore[arg-type]
    assert {"type": name, **json.loads(body)} == json.loads(msgspec.json.encode(message))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_connect_answers_with_the_welcome(house: House, peer: MakePeer, transport: str) -> None:
    found = await peer(house, transport=transport)
    opened = dict(found.opened)
    assert opened.pop("sid")
    assert opened == {
        "upgrades": ["websocket"] if transport == "polling" else [],
        "pingInterval": 20_000,
        "pingTimeout": 5_000,
        "maxPayload": 1_000_000,
    }
    welcome = await found.connect(
        await house.pair("S-1"), client={"name": "line", "version": "7"}, displays=[{"index": 1}]
    )
    assert found.connected is not None and set(found.connected) == {"sid", "pid"}
    assert welcome["screenId"] == "S-1" and "type" not in welcome
    assert (welcome["role"], welcome["heartbeatSeconds"]) == ("operator", 20)
    seen = (await house.local("GET", "/api/screens/S-1")).json
    assert (seen["online"], seen["client"]["name"], [d["index"] for d in seen["displays"]]) == (True, "line", [1])


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_trigger_with_a_callback_is_answered_there(house: House, peer: MakePeer, transport: str) -> None:
    shown = await screen(house, peer)
    producer = await peer(house, transport=transport)
    await producer.connect(house.key)
    body = new_trigger()
    answer = await producer.call("trigger", body)
    assert (answer["id"], answer["success"], answer["data"]["status"]) == (body["id"], True, "accepted")
    _, delivery, number = await shown.expect("navigate")
    assert (delivery["triggerId"], delivery["orderId"]) == (body["id"], "ORD-1001")
    assert delivery["url"].startswith(house.url)
    await shown.acknowledge(number, {"received": True, "id": delivery["id"]})
    told = (await producer.expect("delivery"))[1]
    assert (told["id"], told["state"], told["final"]) == (delivery["id"], "received", True)
    assert "trigger:response" not in await producer.settled()


async def test_a_trigger_without_a_callback_is_answered_by_an_event(house: House, peer: MakePeer) -> None:
    producer = await peer(house)
    await producer.connect(house.key)
    await house.pair("S-1")
    body = new_trigger()
    await producer.emit("trigger", body)
    answer = (await producer.expect("trigger:response"))[1]
    assert (answer["id"], answer["success"]) == (body["id"], True)
    await producer.emit("trigger", new_trigger(screen_id="S-9"))
    refused = (await producer.expect("trigger:error"))[1]
    assert refused["code"] == "SCREEN_NOT_FOUND"
    check_words(refused)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_capable_screen_acks_shown_by_an_event(house: House, peer: MakePeer, transport: str) -> None:
    shown = await screen(house, peer, transport=transport, capabilities=["shown"])
    trigger_id = await house.accepted()
    _, delivery, number = await shown.expect("navigate")
    await shown.acknowledge(number, {"received": True, "id": delivery["id"]})
    await house.becomes(trigger_id, "received")
    ack = {"id": delivery["id"], "status": "shown", "display": {"index": 0}, "url": delivery["url"]}
    assert await shown.call("ack", ack) == {}
    assert (await house.delivery(trigger_id))["state"] == "shown"


async def test_a_refused_navigate_is_a_failed_ack(house: House, peer: MakePeer) -> None:
    shown = await screen(house, peer)
    trigger_id = await house.accepted()
    _, delivery, number = await shown.expect("navigate")
    no = {"received": False, "id": delivery["id"], "code": "DISPLAY_PERMISSION_DENIED", "error": "no second monitor"}
    await shown.acknowledge(number, no)
    dead = await house.becomes(trigger_id, "dead")
    assert dead["history"][-1]["code"] == "DISPLAY_PERMISSION_DENIED"


async def test_an_upgrade_in_mid_talk_loses_nothing(house: House, peer: MakePeer) -> None:
    shown = await screen(house, peer, transport="polling", capabilities=["shown"])
    first = await house.accepted(mode="queue")
    await shown.upgrade()
    second = await house.accepted("ORD-1002", mode="queue")
    for trigger_id in (first, second):
        _, delivery, number = await shown.expect("navigate")
        assert delivery["triggerId"] == trigger_id
        await shown.acknowledge(number, {"received": True, "id": delivery["id"]})
        await shown.emit("ack", {"id": delivery["id"], "status": "shown", "display": {"index": 0}, "url": "http://x/"})
        await house.becomes(trigger_id, "shown")


async def test_ping_is_answered(house: House, peer: MakePeer) -> None:
    found = await screen(house, peer)
    answer = await found.call("ping", {"t": 42})
    assert set(answer) == {"timestamp", "serverTime"} and answer["timestamp"] == 42
    assert abs((await found.call("ping"))["timestamp"] - now_ms()) < 5_000
    await found.emit("ping", {"t": 43})
    assert (await found.expect("pong"))[1]["t"] == 43


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refused_connect_says_why(house: House, peer: MakePeer, transport: str) -> None:
    found = await peer(house, transport=transport)
    await found.say_connect("nonsense")
    error = await found.refusal()
    assert error["message"] == error["data"]["messages"]["en"]
    assert error["data"]["code"] == "TOKEN_INVALID"
    assert error["data"]["content"] == {"message": error["message"]}
    check_words(error["data"])


async def test_an_expired_token_is_told_in_so_many_words(make_house: MakeHouse, peer: MakePeer) -> None:
    house = await make_house({"tokens": {"access_seconds": 1}})
    token = await house.pair("S-1")
    await asyncio.sleep(1.1)  # the token's own second
    found = await peer(house)
    await found.say_connect(token)
    error = await found.refusal()
    assert error["data"]["code"] == "TOKEN_EXPIRED"
    assert error["data"]["content"] == {"message": "Token expired"}
