from __future__ import annotations

import asyncio

from tests.gatehouse import (
    PASSWORD,
    Browser,
    Gatehouse,
    fixture_gate,  # noqa: F401
)


def first_admin(token: str, **other: str) -> dict[str, str]:
    return {"token": token, "username": "kim", "password": PASSWORD, **other}


async def test_the_link_shows_the_checks_and_makes_the_first_admin_once(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()

    looked = await gate.call("GET", "/api/setup", bearer=token)
    assert looked.json["complete"] is False
    assert looked.json["checks"][0]["name"] == "address"

    made = await gate.call("POST", "/api/setup", first_admin(token, name=" 1공장 "))
    assert made.status == 201
    assert (made.json["username"], made.json["role"]) == ("kim", "admin")
    assert gate.people.plant == "1공장"

    me = await Browser(gate, made).call("GET", "/api/me")
    assert (me.json["username"], me.json["role"], me.json["plant"]) == ("kim", "admin", "1공장")

    for method, body in (("GET", None), ("POST", first_admin(token))):
        again = await gate.call(method, "/api/setup", body, bearer=token)
        assert (again.status, again.code) == (409, "SETUP_COMPLETE")


async def test_a_link_ends_after_thirty_minutes(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    gate.now.forward(minutes=29, seconds=59)
    assert (await gate.call("GET", "/api/setup", bearer=token)).status == 200
    gate.now.forward(seconds=1)
    late = await gate.call("POST", "/api/setup", first_admin(token))
    assert (late.status, late.code) == (410, "SETUP_LINK_EXPIRED")
    assert gate.people.complete is False


async def test_a_new_link_ends_the_one_before_and_a_wrong_token_is_no_link(gate: Gatehouse) -> None:
    old, _ = await gate.people.new_setup_token()
    await gate.restart()
    new, _ = await gate.people.new_setup_token()
    assert (await gate.call("GET", "/api/setup", bearer=old)).code == "SETUP_LINK_EXPIRED"
    assert (await gate.call("GET", "/api/setup", bearer="x" * 43)).code == "TOKEN_INVALID"
    assert (await gate.call("GET", "/api/setup")).status == 401
    assert (await gate.call("POST", "/api/setup", first_admin(new))).status == 201


async def test_a_wrong_form_names_the_field_and_keeps_the_link(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    for wrong, field in (({"password": "short"}, "password"), ({"username": "a b/c"}, "username")):
        refused = await gate.call("POST", "/api/setup", {**first_admin(token), **wrong})
        assert (refused.status, refused.code) == (400, "VALIDATION_ERROR")
        assert refused.json["errors"][0]["field"] == field
    guessable = await gate.call("POST", "/api/setup", {**first_admin(token), "password": "dkssudgktpdy1!"})
    assert (guessable.status, guessable.code) == (400, "PASSWORD_GUESSABLE")
    named = await gate.call(
        "POST", "/api/setup", {**first_admin(token), "name": "우진정밀", "password": "우진정밀20260101"}
    )
    assert named.code == "PASSWORD_GUESSABLE", "the name that is given with it"
    assert (await gate.call("POST", "/api/setup", first_admin(token))).status == 201


async def test_of_two_at_once_one_becomes_admin(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    forms = [{**first_admin(token), "username": name} for name in ("kim", "lee")]
    answers = await asyncio.gather(*(gate.call("POST", "/api/setup", form) for form in forms))
    assert sorted(answer.status for answer in answers) == [201, 409]
    assert len(gate.people.users()) == 1


async def test_who_is_at_the_machine_needs_no_link_and_can_make_one(gate: Gatehouse) -> None:
    assert (await gate.call("POST", "/api/setup/link")).status == 404
    link = await gate.call("POST", "/api/setup/link", local=True)
    token = link.json["url"].partition("#token=")[2]
    assert (await gate.call("GET", "/api/setup", bearer=token)).status == 200

    form = {"username": "kim", "password": PASSWORD}
    assert (await gate.call("POST", "/api/setup", form)).code == "TOKEN_INVALID"
    assert (await gate.call("POST", "/api/setup", form, local=True)).status == 201
    assert (await gate.call("POST", "/api/setup/link", local=True)).code == "SETUP_COMPLETE"


async def test_no_secret_is_on_the_disk_in_clear(gate: Gatehouse) -> None:
    token, _ = await gate.people.new_setup_token()
    browser = Browser(gate, await gate.call("POST", "/api/setup", first_admin(token)))
    key = await browser.call("POST", "/api/keys", {"name": "ERP", "role": "operator"})
    body = {"username": "kim", "password": PASSWORD, "tokens": True}
    tokens = (await gate.call("POST", "/api/auth/login", body)).json
    planted = [token, PASSWORD, key.json["key"], tokens["refreshToken"], browser.cookie.partition("=")[2]]
    await gate.database.flush()
    for file in gate.directory.glob("vooster.db*"):
        content = file.read_bytes()
        assert [secret for secret in planted if secret.encode() in content] == []
