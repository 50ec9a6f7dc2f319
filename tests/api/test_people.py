from __future__ import annotations

from typing import Any

import pytest

from tests.gatehouse import (
    PASSWORD,
    Browser,
    Gatehouse,
    fixture_gate,  # noqa: F401
)


async def add(admin: Browser, name: str = "lee", **more: Any) -> Any:
    body = {"username": name, "password": PASSWORD, "role": "operator", **more}
    return await admin.call("POST", "/api/users", body)


async def test_users_are_made_listed_changed_and_removed(gate: Gatehouse) -> None:
    admin = await gate.admin()
    made = await add(admin)
    assert (made.status, made.json["id"], made.json["role"]) == (201, "lee", "operator")
    assert "password" not in made.text
    listed = (await admin.call("GET", "/api/users")).json
    assert [user["username"] for user in listed["items"]] == ["kim", "lee"]
    changed = await admin.call("PATCH", "/api/users/lee", {"role": "supervisor", "groups": ["line-1"]})
    assert (changed.json["role"], changed.json["groups"]) == ("supervisor", ["line-1"])
    assert (await admin.call("PATCH", "/api/users/lee", {"groups": None})).json["groups"] is None
    assert (await admin.call("DELETE", "/api/users/lee")).status == 204
    assert (await admin.call("GET", "/api/users/lee")).code == "NOT_FOUND"
    entries = [(actor, action) for actor, action, target in await gate.audit() if target == "lee"]
    assert entries == [
        ("user:kim", "user.add"),
        ("user:kim", "user.change"),
        ("user:kim", "user.change"),
        ("user:kim", "user.remove"),
    ]


async def test_the_last_admin_stays(gate: Gatehouse) -> None:
    admin = await gate.admin()
    for method, body in (("DELETE", None), ("PATCH", {"role": "supervisor"})):
        refused = await admin.call(method, "/api/users/kim", body)
        assert (refused.status, refused.code) == (409, "LAST_ADMIN")
    await add(admin, role="admin")
    assert (await admin.call("DELETE", "/api/users/kim")).status == 204
    assert (await admin.call("GET", "/api/me")).status == 401


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"password": "elevenchars"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"role": "boss"}, "role"),
        ({"username": "kim"}, "username"),
        ({"username": "KIM"}, "username"),
        ({"username": "a/b"}, "username"),
        ({"username": ""}, "username"),
        ({"username": 7}, "username"),
        ({"groups": []}, "groups"),
        ({"groups": ["line\n1"]}, "groups"),
    ],
)
async def test_a_wrong_member_is_named(gate: Gatehouse, more: dict[str, Any], field: str) -> None:
    admin = await gate.admin()
    refused = await add(admin, **more)
    assert (refused.status, refused.code) == (400, "VALIDATION_ERROR")
    assert [error["field"] for error in refused.json["errors"]] == [field]


@pytest.mark.parametrize(
    "password", ["password1234", "leelee123456", "Lee19850312!", "1공장123456789", "Vooster2026!!"]
)
async def test_a_password_that_is_tried_first_is_refused(gate: Gatehouse, password: str) -> None:
    admin = await gate.admin()
    added = await add(admin, username="lee", password=password)
    await gate.user("lee", "operator")
    for refused in (added, await admin.call("PATCH", "/api/users/lee", {"password": password})):
        assert (refused.status, refused.code) == (400, "PASSWORD_GUESSABLE")
        assert [error["field"] for error in refused.json["errors"]] == ["password"]
        assert "낱말" in refused.json["action"]["ko"] and "words" in refused.json["action"]["en"]
        assert password not in refused.text
    signing_in = await gate.call("POST", "/api/auth/login", {"username": "lee", "password": PASSWORD})
    assert signing_in.status == 200, "the one before stays"


async def test_a_new_password_ends_every_session_of_that_user(gate: Gatehouse) -> None:
    admin = await gate.admin()
    lee = await gate.user("lee", "operator")
    body = {"username": "lee", "password": PASSWORD, "tokens": True}
    token = (await gate.call("POST", "/api/auth/login", body)).json["accessToken"]
    assert (await admin.call("PATCH", "/api/users/lee", {"password": "another good one"})).status == 200
    assert (await lee.call("GET", "/api/me")).status == 401
    assert (await gate.call("GET", "/api/me", bearer=token)).status == 401
    await gate.restart()
    assert (await lee.call("GET", "/api/me")).status == 401
    assert (await gate.call("POST", "/api/auth/login", body)).code == "CREDENTIALS_INVALID"
    assert (await gate.call("POST", "/api/auth/login", {**body, "password": "another good one"})).status == 200


async def test_a_changed_role_counts_at_once(gate: Gatehouse) -> None:
    admin = await gate.admin()
    lee = await gate.user("lee", "admin")
    body = {"username": "lee", "password": PASSWORD, "tokens": True}
    token = (await gate.call("POST", "/api/auth/login", body)).json["accessToken"]
    assert (await gate.call("GET", "/api/users", bearer=token)).status == 200
    await admin.call("PATCH", "/api/users/lee", {"role": "viewer"})
    for refused in (await gate.call("GET", "/api/users", bearer=token), await lee.call("GET", "/api/users")):
        assert (refused.status, refused.code) == (403, "PERMISSION_DENIED")
        assert "admin" in refused.json["action"]["en"]


async def test_only_admins_reach_people_and_keys(gate: Gatehouse) -> None:
    await gate.admin()
    supervisor = await gate.user("lee", "supervisor")
    calls = [("GET", "/api/users"), ("POST", "/api/users"), ("PATCH", "/api/users/kim"), ("DELETE", "/api/users/kim")]
    calls += [("GET", "/api/keys"), ("POST", "/api/keys"), ("DELETE", "/api/keys/00000001")]
    for method, path in calls:
        body: dict[str, Any] | None = {} if method in {"POST", "PATCH"} else None
        assert (await supervisor.call(method, path, body)).code == "PERMISSION_DENIED", (method, path)
        assert (await gate.call(method, path, body)).status == 401


async def test_a_key_is_shown_once_works_and_can_be_taken_away(gate: Gatehouse) -> None:
    admin = await gate.admin()
    made = await admin.call("POST", "/api/keys", {"name": "ERP", "role": "operator", "groups": ["line-1"]})
    key = made.json["key"]
    assert made.status == 201
    assert len(key) == 3 + 43
    assert key.startswith("vk_")
    listed = await admin.call("GET", "/api/keys")
    assert key not in listed.text
    assert listed.json["items"][0]["lastUsedAt"] is None
    echoed = await gate.call("POST", "/api/echo", {"a": 1}, bearer=key)
    assert echoed.json == {"actor": f"key:{made.json['id']}", "body": {"a": 1}}
    assert (await admin.call("GET", "/api/keys")).json["items"][0]["lastUsedAt"] == gate.now()
    principal = gate.auth.cached(key)
    assert principal is not None
    assert principal.reaches("SCREEN-001", ["line-1"])
    assert not principal.reaches("SCREEN-001", ["line-2"])
    await gate.restart()
    assert (await gate.call("GET", "/api/me", bearer=key)).json["kind"] == "key"
    assert (await admin.call("DELETE", f"/api/keys/{made.json['id']}")).status == 204
    assert (await gate.call("GET", "/api/me", bearer=key)).code == "TOKEN_INVALID"


async def test_a_key_ends_when_it_was_said_to(gate: Gatehouse) -> None:
    admin = await gate.admin()
    body = {"name": "ERP", "role": "operator", "expiresAt": gate.now() + 60_000}
    key = (await admin.call("POST", "/api/keys", body)).json["key"]
    assert (await gate.call("GET", "/api/me", bearer=key)).status == 200
    gate.now.forward(minutes=1)
    assert (await gate.call("GET", "/api/me", bearer=key)).code == "TOKEN_EXPIRED"
    late = await admin.call("POST", "/api/keys", {**body, "name": "late"})
    assert late.json["errors"][0]["field"] == "expiresAt"
    twice = await admin.call("POST", "/api/keys", {"name": "ERP", "role": "operator"})
    assert twice.json["errors"][0]["field"] == "name"
