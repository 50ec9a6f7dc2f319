"""The resource of screens: made, changed, limited, deleted."""

from __future__ import annotations

import pytest

from tests.support.house import House


async def test_a_screen_is_made_read_changed_and_deleted(house: House) -> None:
    made = await house.local("POST", "/api/screens", {"screenId": "S-1", "name": " 조립   1 ", "groups": ["line-1"]})
    assert made.status == 201
    assert made.json == {
        "screenId": "S-1", "name": "조립 1", "groups": ["line-1"], "displayIndex": 0, "user": None,
        "permission": "operator", "paired": False, "online": False, "lastSeenAt": None, "displays": [],
        "currentDocument": None, "client": None, "state": "unpaired",
        "warnings": [],
    }  # fmt: skip
    assert (await house.local("GET", "/api/screens/S-1")).json == made.json
    assert (await house.local("GET", "/api/screens")).json == {"items": [made.json], "cursor": None}
    change = {"name": "Saw", "groups": [], "displayIndex": 2, "user": "kim", "permission": "admin"}
    changed = await house.local("PATCH", "/api/screens/S-1", change)
    assert changed.json == {**made.json, **change}
    await house.restart()
    assert (await house.local("GET", "/api/screens/S-1")).json == changed.json
    assert (await house.local("DELETE", "/api/screens/S-1")).status == 204
    (await house.local("GET", "/api/screens/S-1")).problem(404, "SCREEN_NOT_FOUND")
    (await house.local("DELETE", "/api/screens/S-1")).problem(404, "SCREEN_NOT_FOUND")


async def test_all_that_a_screen_has_can_be_given_when_it_is_made(house: House) -> None:
    given = {"screenId": "S-1", "name": "Saw", "groups": ["a"], "displayIndex": 1, "user": "kim", "permission": "admin"}
    made = await house.local("POST", "/api/screens", given)
    assert made.status == 201
    await house.restart()
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert {name: found[name] for name in given} == given


async def test_a_line_is_found_however_it_was_typed(house: House) -> None:
    composed, decomposed = "\uc870\ub9bd", "\u110c\u1169\u1105\u1175\u11b8"
    groups = [f" {composed} ", decomposed, composed, "line 1"]
    made = await house.local("POST", "/api/screens", {"screenId": "S-1", "groups": groups})
    assert made.json["groups"] == [composed, "line 1"]
    await house.local("POST", "/api/screens", {"screenId": "S-2"})
    changed = await house.local("PATCH", "/api/screens/S-2", {"groups": [decomposed, "line 1 "], "user": decomposed})
    assert changed.json["groups"] == [composed, "line 1"]
    for group in (composed, decomposed, "line 1"):
        answer = await house.trigger(screen_id=None, target=f"group:{group}")
        assert [delivery["screenId"] for delivery in answer.json["deliveries"]] == ["S-1", "S-2"]
    answer = await house.trigger(screen_id=None, target=f"user:{composed}")
    assert [delivery["screenId"] for delivery in answer.json["deliveries"]] == ["S-2"]
    limited = await house.new_key("supervisor", groups=[composed])
    typed = {"screenId": "S-3", "groups": [f"{decomposed} "]}
    assert (await house.call("POST", "/api/screens", typed, bearer=limited)).status == 201


async def test_an_id_is_taken_once(house: House) -> None:
    await house.local("POST", "/api/screens", {"screenId": "S-1", "name": "first"})
    (await house.local("POST", "/api/screens", {"screenId": "S-1"})).problem(409, "SCREEN_EXISTS")
    assert (await house.local("GET", "/api/screens/S-1")).json["name"] == "first"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "screenId"),
        ({"screenId": ""}, "screenId"),
        ({"screenId": "S 1"}, "screenId"),
        ({"screenId": "S/1"}, "screenId"),
        ({"screenId": "화면"}, "screenId"),
        ({"screenId": "S" * 65}, "screenId"),
        ({"screenId": 1}, "screenId"),
        ({"screenId": "S-1", "name": "x" * 81}, "name"),
        ({"screenId": "S-1", "name": 1}, "name"),
        ({"screenId": "S-1", "groups": "line"}, "groups"),
        ({"screenId": "S-1", "groups": [""]}, "groups"),
        ({"screenId": "S-1", "groups": [f"line-{n}" for n in range(21)]}, "groups"),
        ({"screenId": "."}, "screenId"),
        ({"screenId": ".."}, "screenId"),
        ({"screenId": "S-1", "groups": ["  "]}, "groups"),
        ({"screenId": "S-1", "groups": ["line*"]}, "groups"),
        ({"screenId": "S-1", "groups": ["line\n1"]}, "groups"),
        ({"screenId": "S-1", "groups": ["line\u00851"]}, "groups"),
        ({"screenId": "S-1", "groups": ["x" * 81]}, "groups"),
        ({"screenId": "S-1", "user": ""}, "user"),
        ({"screenId": "S-1", "user": "*"}, "user"),
        ({"screenId": "S-1", "user": "kim\t1"}, "user"),
        ({"screenId": "S-1", "user": 1}, "user"),
        ({"screenId": "S-1", "permission": "root"}, "permission"),
        ({"screenId": "S-1", "permission": None}, "permission"),
        ({"screenId": "S-1", "displayIndex": 16}, "displayIndex"),
        ({"screenId": "S-1", "displayIndex": -1}, "displayIndex"),
        ({"screenId": "S-1", "displayIndex": "0"}, "displayIndex"),
    ],
)
async def test_a_screen_that_does_not_fit(house: House, body: dict[str, object], field: str) -> None:
    problem = (await house.local("POST", "/api/screens", body)).problem(400, "VALIDATION_ERROR")
    assert [error["field"].partition("[")[0] for error in problem["errors"]] == [field]
    assert (await house.local("GET", "/api/screens")).json["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": None},
        {"groups": None},
        {"groups": ["line*"]},
        {"user": "k*"},
        {"permission": "root"},
        {"permission": None},
        {"displayIndex": 99},
    ],
)
async def test_a_change_that_does_not_fit(house: House, body: dict[str, object]) -> None:
    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    before = (await house.local("GET", "/api/screens/S-1")).json
    (await house.local("PATCH", "/api/screens/S-1", body)).problem(400, "VALIDATION_ERROR")
    assert (await house.local("GET", "/api/screens/S-1")).json == before


async def test_a_screen_says_what_state_it_is_in(house: House) -> None:
    async def state() -> str:
        return str((await house.local("GET", "/api/screens/S-1")).json["state"])

    await house.local("POST", "/api/screens", {"screenId": "S-1"})
    assert await state() == "unpaired"
    await house.pair("S-1")
    assert await state() == "offline"
    screen = await house.screen()
    assert await state() == "ready"
    trigger_id = await house.accepted()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    assert await state() == "showing"
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert found["currentDocument"]["orderId"] == "ORD-1001"
    assert found["currentDocument"]["title"]
    assert found["currentDocument"]["shownAt"] <= found["lastSeenAt"] + 60_000
    await house.local("POST", "/api/screens/S-1/revoke")
    assert await state() == "revoked"
    assert await screen.closed() == 4401


async def test_identifying_a_screen_that_is_off_says_so(house: House) -> None:
    await house.pair("S-1")
    (await house.local("POST", "/api/screens/S-1/identify")).problem(409, "SCREEN_OFFLINE")
    assert (await house.local("POST", "/api/screens/S-1/clear")).status == 204
    (await house.local("POST", "/api/screens/S-9/clear")).problem(404, "SCREEN_NOT_FOUND")


async def test_viewers_read_and_supervisors_write(house: House) -> None:
    await house.pair("S-1")
    viewer, operator = await house.new_key("viewer"), house.key
    supervisor = await house.new_key("supervisor")
    assert (await house.call("GET", "/api/screens", bearer=viewer)).status == 200
    for method, path, body in (
        ("POST", "/api/screens", {"screenId": "S-2"}),
        ("PATCH", "/api/screens/S-1", {"name": "x"}),
        ("DELETE", "/api/screens/S-1", None),
        ("POST", "/api/screens/S-1/clear", None),
        ("POST", "/api/screens/S-1/identify", None),
        ("POST", "/api/screens/S-1/revoke", None),
    ):
        (await house.call(method, path, body, bearer=operator)).problem(403, "PERMISSION_DENIED")
        (await house.call(method, path, body)).problem(401, "TOKEN_INVALID")
    assert (await house.call("PATCH", "/api/screens/S-1", {"name": "x"}, bearer=supervisor)).status == 200


async def test_whoever_is_limited_sees_and_changes_only_those(house: House) -> None:
    await house.local("POST", "/api/screens", {"screenId": "A-1", "groups": ["line-1"]})
    await house.local("POST", "/api/screens", {"screenId": "B-1", "groups": ["line-2"]})
    limited = await house.new_key("supervisor", groups=["line-1"])
    found = await house.call("GET", "/api/screens", bearer=limited)
    assert [screen["screenId"] for screen in found.json["items"]] == ["A-1"]
    for method, path, body in (
        ("GET", "/api/screens/B-1", None),
        ("PATCH", "/api/screens/B-1", {"name": "mine"}),
        ("DELETE", "/api/screens/B-1", None),
        ("POST", "/api/screens", {"screenId": "C-1", "groups": ["line-2"]}),
        ("PATCH", "/api/screens/A-1", {"groups": ["line-2"]}),
    ):
        (await house.call(method, path, body, bearer=limited)).problem(403, "PERMISSION_DENIED")
    made = await house.call("POST", "/api/screens", {"screenId": "A-2", "groups": ["line-1"]}, bearer=limited)
    assert made.status == 201


async def test_whoever_is_limited_draws_no_scans_of_others_to_a_screen(house: House) -> None:
    limited = await house.new_key("supervisor", groups=["line-1"])
    await house.local("POST", "/api/screens", {"screenId": "S-1", "groups": ["line-1"], "user": "kim"})
    path = "/api/screens/S-1"
    for change in ({"user": "mina"}, {"permission": "admin"}, {"name": "Cutting 1", "user": None}):
        (await house.call("PATCH", path, change, bearer=limited)).problem(403, "PERMISSION_DENIED")
    made = {"screenId": "S-2", "groups": ["line-1"], "user": "mina"}
    (await house.call("POST", "/api/screens", made, bearer=limited)).problem(403, "PERMISSION_DENIED")
    same = await house.call("PATCH", path, {"name": "Cutting 1", "user": "kim"}, bearer=limited)
    assert (same.status, same.json["name"]) == (200, "Cutting 1")
