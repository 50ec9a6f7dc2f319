"""Whoever is limited to some screens or lines reaches those on every call and every message, and no others.

Two lines with a screen each, `S-1` and `S-2`; what is limited is limited to the first.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import msgspec
import pytest

from tests.support.answers import Answer, new_trigger, now_ms
from tests.support.house import House, until
from tests.transports.eventstream import EventStream


async def two_lines(house: House) -> None:
    for number in (1, 2):
        body = {"screenId": f"S-{number}", "groups": [f"line-{number}"], "user": "park"}
        assert (await house.local("POST", "/api/screens", body)).status == 201


async def limited(house: House, role: str = "supervisor") -> dict[str, str]:
    """A key for the line, and one for the screen."""
    return {
        "line": await house.new_key(role, groups=["line-1"]),
        "screen": await house.new_key(role, screens=["S-1"]),
    }


BOTH = pytest.mark.parametrize("by", ["line", "screen"])


@BOTH
@pytest.mark.parametrize("target", ["*", "group:line-2", "screen:S-*", "screen:S-2", "user:park"])
async def test_a_target_is_cut_down_to_what_is_reached(house: House, by: str, target: str) -> None:
    await two_lines(house)
    key = (await limited(house, "operator"))[by]
    answer = await house.call("POST", "/api/trigger", new_trigger(screen_id=None, target=target), bearer=key)
    if target in {"group:line-2", "screen:S-2"}:
        answer.problem(403, "PERMISSION_DENIED")
    else:
        assert [delivery["screenId"] for delivery in answer.json["deliveries"]] == ["S-1"]
    batch = {"triggers": [new_trigger(screen_id=None, target=target)]}
    (one,) = (await house.call("POST", "/api/triggers", batch, bearer=key)).json["results"]
    assert one["status"] == answer.status
    wire = await house.session(key)
    await wire.send({"type": "trigger", **new_trigger(screen_id=None, target=target)})
    told = await wire.expect("trigger:response" if answer.status == 202 else "trigger:error")
    assert told.get("code") == answer.json.get("code")


@BOTH
async def test_anothers_trigger_is_seen_as_far_as_its_screens_are(house: House, by: str) -> None:
    await two_lines(house)
    key = (await limited(house))[by]
    both = await house.accepted(screen_id=None, target="*", mode="queue")
    far = await house.accepted(screen_id="S-2")
    seen = await house.call("GET", f"/api/triggers/{both}", bearer=key)
    assert [delivery["screenId"] for delivery in seen.json["deliveries"]] == ["S-1"]
    (await house.call("GET", f"/api/triggers/{far}", bearer=key)).problem(404, "NOT_FOUND")
    (await house.call("POST", f"/api/triggers/{far}/cancel", bearer=key)).problem(404, "NOT_FOUND")
    (await house.call("POST", f"/api/deliveries/{far}:S-2/cancel", bearer=key)).problem(404, "NOT_FOUND")
    cancelled = await house.call("POST", f"/api/triggers/{both}/cancel", bearer=key)
    assert [delivery["screenId"] for delivery in cancelled.json["deliveries"]] == ["S-1"]
    states = {d["screenId"]: d["state"] for d in (await house.told_of(both))["deliveries"]}
    assert states == {"S-1": "dead", "S-2": "pending"}


@BOTH
async def test_another_senders_id_tells_nothing(house: House, by: str) -> None:
    await two_lines(house)
    key = (await limited(house, "operator"))[by]
    far = await house.accepted(screen_id="S-2")
    taken = {**new_trigger(screen_id="S-1"), "id": far}
    for query in ("", "?wait=shown&timeoutMs=10"):
        refused = await house.call("POST", f"/api/trigger{query}", taken, bearer=key)
        body = refused.problem(409, "IDEMPOTENCY_CONFLICT")
        assert "S-2" not in refused.text
        assert "deliveries" not in body


@BOTH
async def test_lists_name_no_other_screen(house: House, by: str) -> None:
    await two_lines(house)
    key = (await limited(house))[by]
    for screen_id in ("S-1", "S-2"):
        trigger_id = await house.accepted(screen_id=screen_id)
        assert (await house.local("POST", f"/api/triggers/{trigger_id}/cancel")).status == 200
    for path in ("/api/screens", "/api/deliveries", "/api/dead-letters", "/api/monitoring/dashboard"):
        for accept in ("application/json", "text/csv", "application/x-ndjson"):
            answer = await house.call("GET", path, bearer=key, headers={"Accept": accept})
            assert answer.status == 200
            assert "S-1" in answer.text, path
            assert "S-2" not in answer.text, path
    for path in ("/api/deliveries?screenId=S-2", "/api/dead-letters?screenId=S-2"):
        assert (await house.call("GET", path, bearer=key)).json["items"] == []
    figures = (await house.call("GET", "/api/monitoring/dashboard", bearer=key)).json
    assert (figures["screens"]["total"], figures["deadLetters"]) == (1, 1)
    stream = await EventStream(house, key).connect({}, path="/api/monitoring/stream")
    await until(lambda: b"S-1" in stream.raw)
    assert b"S-2" not in stream.raw


@BOTH
async def test_no_call_changes_another_screen(house: House, by: str) -> None:
    await two_lines(house)
    key = (await limited(house))[by]
    far = await house.accepted(screen_id="S-2")
    assert (await house.local("POST", f"/api/triggers/{far}/cancel")).status == 200
    letter = f"/api/dead-letters/{far}:S-2"
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/api/screens/S-2", None),
        ("PATCH", "/api/screens/S-2", {"name": "mine"}),
        ("DELETE", "/api/screens/S-2", None),
        ("POST", "/api/screens/S-2/revoke", None),
        ("POST", "/api/screens/S-2/identify", None),
        ("POST", "/api/screens/S-2/clear", None),
        ("GET", letter, None),
        ("DELETE", letter, None),
        ("POST", f"{letter}/replay", None),
        ("POST", "/api/pairing/offers", {"screenId": "S-2"}),
        ("POST", "/api/pairing/offers", {"screenId": "S-2", "replace": True}),
        ("POST", "/api/pairing/provision", {"screenIds": ["S-2"]}),
    ]
    for method, path, body in calls:
        (await house.call(method, path, body, bearer=key)).problem(403, "PERMISSION_DENIED")
    for verb in ("replay", "discard"):
        many = await house.call("POST", f"/api/dead-letters/{verb}", {"ids": [f"{far}:S-2"]}, bearer=key)
        assert many.json["results"] == [{"id": f"{far}:S-2", "status": 403, "code": "PERMISSION_DENIED"}]
        everything = await house.call("POST", f"/api/dead-letters/{verb}", {"all": True}, bearer=key)
        assert everything.json[f"{verb}ed" if verb == "discard" else "replayed"] == 0
    assert (await house.local("GET", letter)).status == 200


@BOTH
async def test_a_code_is_approved_for_ones_own_screens_alone(house: House, by: str) -> None:
    await two_lines(house)
    key = (await limited(house))[by]
    waiting = (await house.call("POST", "/api/pairing/device", {})).json
    code = waiting["user_code"]
    for screen_id in ("S-2", "S-9"):
        body = {"user_code": code, "confirm": code[-4:], "screenId": screen_id, "replace": True}
        answer = await house.call("POST", "/api/pairing/approve", body, bearer=key)
        answer.problem(403, "PERMISSION_DENIED")
    body["screenId"] = "S-1"
    assert (await house.call("POST", "/api/pairing/approve", body, bearer=key)).status == 200


@BOTH
@pytest.mark.parametrize("groups", [["line-1", "line-2"], ["line-2"], [], ["line-1", "new"]])
async def test_no_screen_is_moved_to_where_others_documents_go(house: House, by: str, groups: list[str]) -> None:
    """In line 2 as well, `S-1` would be shown what line 2 is sent."""
    await two_lines(house)
    key = (await limited(house))[by]
    moved = await house.call("PATCH", "/api/screens/S-1", {"groups": groups}, bearer=key)
    moved.problem(403, "PERMISSION_DENIED")
    made = await house.call("POST", "/api/screens", {"screenId": "S-3", "groups": groups}, bearer=key)
    made.problem(403, "PERMISSION_DENIED")
    renamed = await house.call("PATCH", "/api/screens/S-1", {"name": "Saw", "groups": ["line-1"]}, bearer=key)
    assert renamed.json["name"] == "Saw"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/api/screens/S-1", {"groups": ["line-1"]}),
        ("PATCH", "/api/screens/S-1", {"name": "mine"}),
        ("DELETE", "/api/screens/S-1", None),
        ("POST", "/api/screens/S-1/revoke", None),
    ],
)
async def test_a_screen_that_has_left_ones_lines_meanwhile_stays_as_it_is(
    house: House, method: str, path: str, body: Any
) -> None:
    await two_lines(house)
    key = (await limited(house))["line"]
    screens = house.appliance.engine.screens
    async with screens._turn("S-1"):
        asked = asyncio.create_task(house.call(method, path, body, bearer=key))
        await until(lambda: screens._turn("S-1")._waiters)
        screens._by_id["S-1"] = msgspec.structs.replace(screens.require("S-1"), groups=["line-2"])
    (await asked).problem(403, "PERMISSION_DENIED")
    assert screens.require("S-1").groups == ["line-2"]


async def test_a_screen_may_be_made_in_ones_own_line(house: House) -> None:
    key = (await limited(house))["line"]
    made = await house.call("POST", "/api/screens", {"screenId": "S-3", "groups": ["line-1"]}, bearer=key)
    assert made.status == 201
    gone = await house.call("PATCH", "/api/screens/S-3", {"groups": ["line-1", "line-1"]}, bearer=key)
    assert gone.status == 200


async def test_nobody_limited_is_an_administrator(house: House) -> None:
    """He would make himself a key without limits."""
    for scope in ({"groups": ["line-1"]}, {"screens": ["S-1"]}):
        body = {"name": "k", "role": "admin", **scope}
        (await house.local("POST", "/api/keys", body)).problem(400, "VALIDATION_ERROR")
    user = {"username": "lee", "password": "correct horse battery", "role": "admin", "groups": ["line-1"]}
    (await house.local("POST", "/api/users", user)).problem(400, "VALIDATION_ERROR")
    assert (await house.local("POST", "/api/users", {**user, "role": "supervisor"})).status == 201
    (await house.local("PATCH", "/api/users/lee", {"role": "admin"})).problem(400, "VALIDATION_ERROR")
    assert (await house.local("PATCH", "/api/users/lee", {"role": "admin", "groups": None})).status == 200
    (await house.local("PATCH", "/api/users/lee", {"groups": ["line-1"]})).problem(400, "VALIDATION_ERROR")


async def test_a_limited_administrator_of_an_older_data_file_is_a_supervisor(house: House) -> None:
    engine = house.appliance.engine
    key = await house.new_key("supervisor", groups=["line-1"])
    (row,) = [row for row in engine.auth.api_keys() if row.groups]
    row.role = "admin"
    engine.auth._cache.clear()
    engine.auth._cached_of.clear()
    assert (await house.call("GET", "/api/me", bearer=key)).json["role"] == "supervisor"
    for method, path in (("GET", "/api/users"), ("GET", "/api/keys"), ("POST", "/api/keys/rotate")):
        (await house.call(method, path, bearer=key)).problem(403, "PERMISSION_DENIED")


async def test_an_ack_of_a_key_counts_for_no_screen(house: House) -> None:
    await two_lines(house)
    key = (await limited(house))["line"]
    trigger_id = await house.accepted(screen_id="S-1")
    ack = {"type": "ack", "id": f"{trigger_id}:S-1", "status": "received"}
    (await house.call("POST", "/api/events/ack", ack, bearer=key)).problem(404, "NOT_FOUND")
    screen = await house.pair("S-2")
    (await house.call("POST", "/api/events/ack", ack, bearer=screen)).problem(404, "NOT_FOUND")


async def test_anothers_stream_takes_no_words_of_mine(house: House) -> None:
    await two_lines(house)
    keys = await limited(house)
    stream = await EventStream(house, keys["line"]).connect({})
    session = (await stream.expect("welcome"))["sessionId"]
    await EventStream(house, keys["screen"]).connect({})
    path = f"/api/events/send?sessionId={session}"
    (await house.call("POST", path, {"type": "status"}, bearer=keys["screen"])).problem(404, "NOT_FOUND")
    assert (await house.call("POST", path, {"type": "status"}, bearer=keys["line"])).status == 200


async def test_a_screens_token_reaches_itself_alone(house: House) -> None:
    await two_lines(house)
    mine = await house.pair("S-1")
    far = await house.accepted(screen_id="S-2")
    near = await house.accepted(screen_id="S-1")

    async def sent(**members: Any) -> Answer:
        body = {"id": str(uuid.uuid4()), "timestamp": now_ms(), "orderId": "ORD-1001", **members}
        return await house.call("POST", "/api/trigger", body, bearer=mine)

    for members in ({"screenId": "S-2"}, {"target": "*"}, {"target": "group:line-1"}, {"target": "screen:S-*"}):
        (await sent(**members)).problem(403, "PERMISSION_DENIED")
    own = (await sent()).json["id"]
    assert (await house.call("GET", f"/api/triggers/{own}", bearer=mine)).status == 200
    for foreign in (far, near):
        (await house.call("GET", f"/api/triggers/{foreign}", bearer=mine)).problem(404, "NOT_FOUND")
