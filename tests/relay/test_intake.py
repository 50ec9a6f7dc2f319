"""What comes in and can't be accepted: each a clear problem in both languages, nothing kept, nothing lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from typing import Any

import aiohttp
import pytest

from appliance.relay.orders import Document
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger, now_ms
from tests.support.house import House


async def nothing_kept(house: House) -> None:
    found = await house.local("GET", "/api/monitoring/dashboard")
    assert (found.json["today"]["accepted"], found.json["recentScans"]) == (0, [])
    assert len(house.appliance.engine.dispatcher.opened) == 0


async def test_an_unknown_order(house: House) -> None:
    await house.pair("S-1")
    body = (await house.trigger("ORD-9999")).problem(404, "ORDER_NOT_FOUND")
    assert "ORD-9999" in body["action"]["ko"] and "ORD-9999" in body["action"]["en"]
    assert body["retryable"] is False
    await nothing_kept(house)


async def test_an_order_of_a_type_no_monitor_shows(house: House) -> None:
    await house.pair("S-1")
    house.order("ORD-3", "xlsx")
    (await house.trigger("ORD-3")).problem(422, "DOCUMENT_TYPE_UNSUPPORTED")
    await nothing_kept(house)


async def test_an_unknown_screen(house: House) -> None:
    body = (await house.trigger(screen_id="S-NOBODY")).problem(404, "SCREEN_NOT_FOUND")
    assert "S-NOBODY" in body["messages"]["ko"]
    await nothing_kept(house)


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"{", b"not json", b"[]", b"null", b"7", b'"text"', b"{}", b'{"id":}', b"\xff\xfe", b"\x00",
        b'{"id":"\\ud800"}', b"[" * 100_000, b'{"a":' * 50_000, '{"id":"ㅁ'.encode(), b"NaN",
    ],
    ids=range(17),
)  # fmt: skip
async def test_a_body_that_is_no_trigger(house: House, data: bytes) -> None:
    answer = await house.call("POST", "/api/trigger", data=data, bearer=house.key)
    body = answer.problem(400, "VALIDATION_ERROR")
    assert body["errors"] and all(error["reason"] for error in body["errors"])
    await nothing_kept(house)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
async def test_a_body_of_another_type(house: House, kind: str) -> None:
    data = json.dumps(new_trigger()).encode()
    answer = await house.call("POST", "/api/trigger", data=data, bearer=house.key, headers={"Content-Type": kind})
    answer.problem(415, "UNSUPPORTED_MEDIA_TYPE")


async def test_json_with_a_charset_is_json(house: House) -> None:
    await house.pair("S-1")
    data = json.dumps(new_trigger()).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert (await house.call("POST", "/api/trigger", data=data, bearer=house.key, headers=headers)).status == 202


WRONG: dict[str, tuple[Any, ...]] = {
    "id": (None, 1, True, [], {}, "", "x", "0" * 36, "0b0e6f9c-0000-4000-8000-00000000000g"),
    "timestamp": (None, "now", 1.5, True, [], {}, -1, 10**30),
    "orderId": (None, 1, True, [], {}, "", "%2e%2e", "a\\b", "x" * 129, "a\0"),
    "screenId": (1, True, [], {}, "", "S 1", "S/1", "x" * 65, "*"),
    "displayIndex": ("0", 1.5, True, [], {}, -1, 16, 10**30),
    "nonce": (1, True, [], {}, "", "short", "x" * 65),
    "mode": (1, True, [], {}, "", "LATEST", "newest"),
    "ttlSeconds": ("600", 1.5, True, [], {}, 0, -1, 86_401, 10**30),
    "requiredPermission": (1, True, [], {}, "", "root"),
    "title": (1, True, [], {}, "", "x" * 201, "a\nb"),
    "url": (1, True, [], {}, "", "file:///etc/passwd", "javascript:alert(1)"),
    "target": (1, True, [], {}, "", "group:", "line-1", "screen:A*B"),
}


async def test_wrong_types_and_values_in_every_member(house: House) -> None:
    await house.pair("S-1")
    for member, value in ((member, value) for member, values in WRONG.items() for value in values):
        body = new_trigger()
        if member in {"url", "target"}:
            del body["orderId" if member == "url" else "screenId"]
        body[member] = value
        answer = await house.call("POST", "/api/trigger", body, bearer=house.key)
        problem = answer.problem(400, "VALIDATION_ERROR")
        fields = [error["field"] for error in problem["errors"]]
        assert member in fields, (member, value, problem["errors"])
    await nothing_kept(house)


@pytest.mark.parametrize("member", ["id", "timestamp", "orderId", "screenId"])
async def test_a_member_that_is_missing(house: House, member: str) -> None:
    body = new_trigger()
    del body[member]
    problem = (await house.call("POST", "/api/trigger", body, bearer=house.key)).problem(400, "VALIDATION_ERROR")
    assert {error["field"] for error in problem["errors"]} & {member, "target"}


async def test_members_nobody_knows_are_ignored(house: House) -> None:
    await house.pair("S-1")
    assert (await house.trigger(colour="red", nested={"a": [1]})).status == 202


@pytest.mark.parametrize("off", [-301_000, 301_000, -(10**12)])
async def test_a_clock_that_is_off(house: House, off: int) -> None:
    await house.pair("S-1")
    body = (await house.trigger(timestamp=now_ms() + off)).problem(400, "REQUEST_EXPIRED")
    assert abs(body["serverTime"] - now_ms()) < 5_000
    await nothing_kept(house)


@pytest.mark.parametrize("off", [-299_000, 299_000])
async def test_a_clock_that_is_a_little_off(house: House, off: int) -> None:
    await house.pair("S-1")
    assert (await house.trigger(timestamp=now_ms() + off)).status == 202


async def test_a_body_too_large(house: House) -> None:
    await house.pair("S-1")
    big = json.dumps({**new_trigger(), "colour": "x" * (10 << 20)}).encode()
    (await house.call("POST", "/api/trigger", data=big, bearer=house.key)).problem(413, "PAYLOAD_TOO_LARGE")
    fits = json.dumps({**new_trigger(), "colour": "x" * (900 << 10)}).encode()
    assert (await house.call("POST", "/api/trigger", data=fits, bearer=house.key)).status == 202


async def test_a_body_too_large_that_says_no_length(house: House) -> None:
    async def pieces() -> Any:
        for _ in range(160):
            yield b"x" * (64 << 10)

    headers = {"Authorization": f"Bearer {house.key}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{house.url}/api/trigger", data=pieces(), headers=headers) as answer,
    ):
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "PAYLOAD_TOO_LARGE"
    await nothing_kept(house)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer vk_" + "x" * 43},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyOmFkbWluIn0."},
        {"Authorization": "Bearer " + "x" * 6_000},
    ],
    ids=range(8),
)
async def test_a_bad_credential(house: House, headers: dict[str, str]) -> None:
    await house.pair("S-1")
    answer = await house.call("POST", "/api/trigger", new_trigger(), headers=headers)
    answer.problem(401, "TOKEN_INVALID")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    await nothing_kept(house)


@pytest.mark.parametrize("query", ["wait=now", "wait=", "wait=shown&timeoutMs=x", "wait=shown&timeoutMs=30001"])
async def test_a_wait_that_makes_no_sense(house: House, query: str) -> None:
    await house.pair("S-1")
    answer = await house.call("POST", f"/api/trigger?{query}", new_trigger(), bearer=house.key)
    answer.problem(400, "VALIDATION_ERROR")
    await nothing_kept(house)


async def test_a_method_or_a_path_that_is_not_there(house: House) -> None:
    answer = await house.call("PUT", "/api/trigger", new_trigger(), bearer=house.key)
    answer.problem(405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]
    (await house.call("GET", "/api/nothing", bearer=house.key)).problem(404, "NOT_FOUND")
    (await house.call("GET", "/api/triggers/nonsense", bearer=house.key)).problem(404, "NOT_FOUND")


# --- the order source -----------------------------------------------------------------------------------------------


async def test_a_folder_that_vanishes_makes_triggers_wait_and_shows_them_once_it_is_back(house: House) -> None:
    screen = await house.screen()
    await house.accepted()
    await screen.show_next()
    await screen.expect("delivery")
    away = house.root / "away"
    house.orders.rename(away)
    answer = await house.trigger("ORD-1002")
    assert (answer.status, answer.json["deliveries"][0]["state"]) == (202, "awaitingOrder")
    error = await screen.expect("error")
    assert (error["code"], error["orderId"], error["displayIndex"]) == ("ORDER_SOURCE_UNAVAILABLE", "ORD-1002", 0)
    assert error["retryable"] is True
    check_words(error)
    assert (await house.local("GET", "/api/screens/S-1")).json["currentDocument"] is None
    # A broadcast waits too, but tells nobody to put anything away.
    await house.pair("S-2")
    other = await house.screen("S-2")
    await house.accepted("ORD-1001", screen_id=None, target="screen:S-2*", mode="queue")
    away.rename(house.orders)
    navigate = await screen.show_next()
    assert (navigate["orderId"], navigate["triggerId"]) == ("ORD-1002", answer.json["id"])
    shown = await house.becomes(answer.json["id"], "shown")
    assert [line["state"] for line in shown["history"]][:2] == ["awaitingOrder", "pending"]
    await other.show_next()
    await other.settled()
    assert other.of("error") == []


async def test_an_order_that_turns_out_unknown_dies_as_unknown(house: House) -> None:
    screen = await house.screen()
    away = house.root / "away"
    house.orders.rename(away)
    trigger_id = await house.accepted("ORD-9999")
    assert (await screen.expect("error"))["code"] == "ORDER_SOURCE_UNAVAILABLE"
    away.rename(house.orders)
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "ORDER_NOT_FOUND"
    assert (await screen.expect("error"))["code"] == "ORDER_NOT_FOUND"


async def test_a_source_that_stays_away_ends_as_a_dead_letter(house: House) -> None:
    await house.pair("S-1")
    shutil.rmtree(house.orders)
    trigger_id = await house.accepted(ttlSeconds=1)
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "ORDER_SOURCE_UNAVAILABLE"
    (letter,) = await house.dead_letters()
    check_words({**letter, "retryable": False})


async def test_a_newer_scan_takes_the_place_of_one_that_waits_for_its_order(house: House) -> None:
    screen = await house.screen()
    away = house.root / "away"
    house.orders.rename(away)
    first = await house.accepted("ORD-1001")
    supervisor = await house.new_key("supervisor")
    body = new_trigger(None, url="http://192.168.10.9/d.pdf")
    assert (await house.call("POST", "/api/trigger", body, bearer=supervisor)).status == 202
    await screen.show_next()
    await house.becomes(first, "superseded")
    away.rename(house.orders)


async def test_a_waiting_order_is_waited_for_across_a_restart(house: House) -> None:
    await house.pair("S-1")
    away = house.root / "away"
    house.orders.rename(away)
    trigger_id = await house.accepted()
    await house.restart()
    assert (await house.delivery(trigger_id))["state"] == "awaitingOrder"
    screen = await house.screen()
    away.rename(house.orders)
    assert (await screen.show_next())["triggerId"] == trigger_id
    await house.becomes(trigger_id, "shown")


async def test_a_slow_source_makes_nobody_wait(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house = await make_house({"orders": {"timeout_ms": 100}})
    await house.pair("S-1")
    real = house.appliance.engine.source.look_up
    held = asyncio.Event()

    async def slow(order_id: str) -> Any:
        await held.wait()
        return await real(order_id)

    monkeypatch.setattr(house.appliance.engine.source, "at_hand", lambda _order_id: None)
    monkeypatch.setattr(house.appliance.engine.source, "look_up", slow)
    body = new_trigger()
    async with asyncio.timeout(2):
        first, second = await asyncio.gather(
            *(house.call("POST", "/api/trigger", body, bearer=house.key) for _ in range(2))
        )
    assert sorted([first.status, second.status]) == [200, 202]
    assert first.json["deliveries"][0]["state"] == "awaitingOrder"
    held.set()
    screen = await house.screen()
    await screen.show_next()
    await house.becomes(body["id"], "shown")


async def test_the_id_is_taken_out_of_a_longer_barcode(make_house: MakeHouse) -> None:
    house = await make_house({"orders": {"barcode_pattern": r"^P(\w+-\d+)\$"}})
    screen = await house.screen()
    trigger_id = await house.accepted("PORD-1001$20261122$7")
    assert (await screen.show_next())["orderId"] == "ORD-1001"
    assert (await house.told_of(trigger_id))["orderId"] == "ORD-1001"
    await house.accepted("ORD-1002")
    assert (await screen.show_next())["orderId"] == "ORD-1002"


async def test_a_stopping_appliance_accepts_nothing(house: House) -> None:
    await house.pair("S-1")
    house.appliance._not_ready()
    answer = await house.trigger()
    answer.problem(503, "SHUTTING_DOWN")
    (await house.call("GET", "/api/triggers/" + str(uuid.uuid4()), bearer=house.key)).problem(404, "NOT_FOUND")


@pytest.mark.parametrize("newer", [True, False])
async def test_a_slow_refusal_leaves_a_newer_document_alone(
    house: House, monkeypatch: pytest.MonkeyPatch, newer: bool
) -> None:
    screen = await house.screen()
    await house.accepted()
    await screen.show_next()
    real, looking, go_on = house.appliance.engine.source.look_up, asyncio.Event(), asyncio.Event()

    async def slow(order_id: str) -> Document:
        if order_id == "ORD-9999":
            looking.set()
            await go_on.wait()
        return await real(order_id)

    monkeypatch.setattr(house.appliance.engine.source, "at_hand", lambda _order_id: None)
    monkeypatch.setattr(house.appliance.engine.source, "look_up", slow)
    scanned = asyncio.create_task(house.trigger("ORD-9999"))
    await looking.wait()
    if newer:
        trigger_id = await house.accepted("ORD-1002")
        await screen.show_next()
        await house.becomes(trigger_id, "shown")
    go_on.set()
    (await scanned).problem(404, "ORDER_NOT_FOUND")
    await screen.settled()
    assert [message["code"] for message in screen.of("error")] == ([] if newer else ["ORDER_NOT_FOUND"])
    current = house.appliance.engine.currents.get("S-1", 0)
    assert (current.order_id if current else None) == ("ORD-1002" if newer else None)


async def test_a_screen_without_the_permission_is_not_called_unknown(house: House) -> None:
    await house.pair("S-1")
    body = (await house.trigger(requiredPermission="admin")).problem(404, "SCREEN_NOT_FOUND")
    assert body["detail"] == "No screen of that target has that permission."
    assert "screen:S-1" not in body["messages"]["en"] + body["messages"]["ko"]
