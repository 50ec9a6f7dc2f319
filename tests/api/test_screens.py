"""The resource of screens: made, changed, identified, blanked, unpaired and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.house import House, until


async def listed(house: House) -> dict[str, dict[str, Any]]:
    answer = await house.local("GET", "/api/screens")
    assert answer.json["cursor"] is None
    return {screen["screenId"]: screen for screen in answer.json["items"]}


async def test_a_screen_is_made_changed_and_deleted(house: House) -> None:
    made = await house.local("POST", "/api/screens", {"screenId": "CUT.1", "name": "절단 1", "groups": ["line-1"]})
    assert made.status == 201
    assert (made.json["name"], made.json["state"], made.json["paired"]) == ("절단 1", "unpaired", False)
    again = await house.local("POST", "/api/screens", {"screenId": "CUT.1"})
    again.problem(409, "SCREEN_EXISTS")
    change = {"name": "절단 2", "groups": ["line-2"], "displayIndex": 2, "user": "kim", "permission": "supervisor"}
    assert (await house.local("PATCH", "/api/screens/CUT.1", change)).status == 200
    await house.restart()
    kept = (await listed(house))["CUT.1"]
    assert {name: kept[name] for name in change} == change
    assert (await house.local("DELETE", "/api/screens/CUT.1")).status == 204
    (await house.local("GET", "/api/screens/CUT.1")).problem(404, "SCREEN_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"screenId": "절단"}, "screenId"),
        ({"screenId": "A" * 65}, "screenId"),
        ({"screenId": ""}, "screenId"),
        ({"screenId": "A", "name": " "}, "name"),
        ({"screenId": "A", "displayIndex": 16}, "displayIndex"),
        ({"screenId": "A", "groups": [""]}, "groups"),
        ({"screenId": "A", "groups": "line-1"}, "groups"),
        ({}, "screenId"),
    ],
)
async def test_what_does_not_fit_is_named(house: House, body: dict[str, Any], field: str) -> None:
    problem = (await house.local("POST", "/api/screens", body)).problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_screen_says_what_it_is_and_what_it_shows(house: House) -> None:
    wire = await house.screen("S-1", displays=[{"index": 0, "name": "왼쪽"}, {"index": 1, "primary": True}])
    seen = (await listed(house))["S-1"]
    assert (seen["online"], seen["state"], seen["currentDocument"]) == (True, "ready", None)
    assert [display["index"] for display in seen["displays"]] == [0, 1]
    assert seen["client"]["address"] == "127.0.0.1"
    await house.accepted("ORD-1001")
    await wire.show_next()
    await until(lambda: house.appliance.currents.of_screen("S-1"))
    shown = (await listed(house))["S-1"]
    assert (shown["state"], shown["currentDocument"]["orderId"]) == ("showing", "ORD-1001")
    await wire.close()
    await until(lambda: house.appliance.sessions.of_screen("S-1") is None)
    gone = (await listed(house))["S-1"]
    assert (gone["online"], gone["state"]) == (False, "offline")
    assert gone["lastSeenAt"] >= shown["currentDocument"]["shownAt"]


async def test_identify_and_clear_reach_the_monitor(house: House) -> None:
    wire = await house.screen("S-1")
    assert (await house.local("POST", "/api/screens/S-1/identify")).status == 204
    assert (await wire.expect("identify"))["label"] == "S-1"
    assert (await house.local("POST", "/api/screens/S-1/clear")).status == 204
    await wire.expect("clear")


async def test_an_operator_looks_and_changes_nothing(house: House) -> None:
    await house.screen("S-1")
    for role, allowed in (("viewer", False), ("operator", False), ("supervisor", True)):
        key = await house.new_key(role)
        assert (await house.call("GET", "/api/screens/S-1", bearer=key)).status == 200
        answer = await house.call("PATCH", "/api/screens/S-1", {"name": "x"}, bearer=key)
        assert (answer.status == 200) == allowed
        if not allowed:
            answer.problem(403, "PERMISSION_DENIED")
    (await house.call("GET", "/api/screens")).problem(401, "TOKEN_INVALID")


async def test_whoever_is_limited_to_lines_stays_within_them(house: House) -> None:
    for screen_id, group in (("A", "line-1"), ("B", "line-2")):
        await house.local("POST", "/api/screens", {"screenId": screen_id, "groups": [group]})
    key = await house.new_key("supervisor", groups=["line-1"])
    items = (await house.call("GET", "/api/screens", bearer=key)).json["items"]
    assert [screen["screenId"] for screen in items] == ["A"]
    for method, path, body in (
        ("GET", "/api/screens/B", None),
        ("PATCH", "/api/screens/B", {"name": "mine"}),
        ("PATCH", "/api/screens/A", {"groups": ["line-2"]}),
        ("POST", "/api/screens", {"screenId": "C", "groups": ["line-2"]}),
        ("DELETE", "/api/screens/B", None),
        ("POST", "/api/screens/B/revoke", None),
    ):
        (await house.call(method, path, body, bearer=key)).problem(403, "PERMISSION_DENIED")


async def test_unpairing_ends_the_session_and_the_credential(house: House) -> None:
    wire = await house.screen("S-1")
    token = house.tokens["S-1"]
    assert (await house.call("GET", "/api/me", bearer=token)).status == 200
    assert (await house.local("POST", "/api/screens/S-1/revoke")).status == 204
    assert await wire.closed() == 4401
    (await house.call("GET", "/api/me", bearer=token)).problem(401, "TOKEN_INVALID")
    assert (await listed(house))["S-1"]["state"] == "revoked"
