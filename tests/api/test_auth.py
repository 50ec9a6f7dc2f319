from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from appliance.errors import Problem
from appliance.relay.keyring import Keyring
from appliance.storage.people import familiar_addresses
from tests.gatehouse import (
    BEST,
    PASSWORD,
    Gatehouse,
    fixture_gate,  # noqa: F401
)

WRONG = "correct horse batter"


async def log_in(gate: Gatehouse, password: str = PASSWORD, *, name: str = "kim", **more: Any) -> Any:
    return await gate.call("POST", "/api/auth/login", {"username": name, "password": password, **more})


async def tokens_of(gate: Gatehouse, name: str = "kim") -> dict[str, Any]:
    answer = await log_in(gate, name=name, tokens=True)
    assert answer.status == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


async def refresh(gate: Gatehouse, token: str) -> Any:
    return await gate.call("POST", "/api/auth/refresh", {"refreshToken": token})


async def me(gate: Gatehouse, token: str) -> Any:
    return await gate.call("GET", "/api/me", bearer=token)


async def test_sign_in_gives_a_strict_cookie_and_no_token(gate: Gatehouse) -> None:
    await gate.admin()
    answer = await log_in(gate)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"vooster_{gate.instance_id[:8]}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert set(answer.json) == {"username", "role", "csrfToken"}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_names_are_found_whatever_their_capitals_and_however_hangul_is_composed(gate: Gatehouse) -> None:
    await gate.admin()
    await gate.user("김반장", "supervisor")
    decomposed = await log_in(gate, name="\u1100\u1175\u11b7\u1107\u1161\u11ab\u110c\u1161\u11bc")
    assert decomposed.json["username"] == "김반장"
    assert (await log_in(gate, name="KIM")).json["username"] == "kim"


async def test_a_wrong_password_and_an_unknown_user_look_the_same(gate: Gatehouse) -> None:
    await gate.admin()
    wrong, unknown = await log_in(gate, WRONG), await log_in(gate, WRONG, name="nobody")
    assert (wrong.status, wrong.code) == (unknown.status, unknown.code) == (401, "CREDENTIALS_INVALID")
    assert {**wrong.json, "traceId": ""} == {**unknown.json, "traceId": ""} | {"action": wrong.json["action"]}


async def test_five_wrong_ones_pause_that_name_from_that_address_for_a_minute(gate: Gatehouse) -> None:
    await gate.admin()
    for _ in range(5):
        assert (await log_in(gate, WRONG)).code == "CREDENTIALS_INVALID"
    paused = await log_in(gate)
    assert (paused.status, paused.code) == (429, "RATE_LIMITED")
    assert paused.headers["Retry-After"] == "60"
    assert paused.json["seconds"] == 60
    assert "60" in paused.json["action"]["en"]
    # The same person at another PC isn't kept out.
    assert (await gate.people.log_in("kim", PASSWORD, address="192.168.10.77")).name == "kim"
    gate.now.forward(seconds=60)
    assert (await log_in(gate)).status == 200


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
async def test_fifty_attackers_keep_nobody_out(gate: Gatehouse, restarted: bool) -> None:
    await gate.admin()
    office, phone = "192.168.10.5", "192.168.10.77"
    assert (await gate.people.log_in("kim", PASSWORD, address=office)).name == "kim"
    if restarted:
        await gate.restart()

    async def attack(address: str) -> str:
        with pytest.raises(Problem) as problem:
            await gate.people.log_in("kim", WRONG, address=address)
        return problem.value.code

    for number in range(400):
        code = await attack(f"10.0.0.{number % 50}")
        assert code == ("CREDENTIALS_INVALID" if number < 250 else "RATE_LIMITED")
        if number % 100 == 0:
            assert (await gate.people.log_in("kim", PASSWORD, address=f"192.168.11.{number // 100}")).name == "kim"
        gate.now.forward(seconds=0.1)
    # The office is known, and so it stays whatever is tried at it: a stranger would wait for two minutes and more.
    for _ in range(3):
        assert [await attack(office) for _ in range(6)] == ["CREDENTIALS_INVALID"] * 5 + ["RATE_LIMITED"]
        gate.now.forward(seconds=60)
    assert (await gate.people.log_in("kim", PASSWORD, address=office)).name == "kim"
    assert (await gate.people.log_in("kim", PASSWORD, address=phone)).name == "kim"
    assert (await log_in(gate)).status == 200


async def test_familiar_addresses_go_with_the_user_and_with_the_password(gate: Gatehouse) -> None:
    await gate.admin()
    await gate.user("lee", "operator")
    await gate.people.log_in("lee", PASSWORD, address="192.168.10.5")
    await gate.people.log_in("Kim", PASSWORD, address="192.168.10.5")
    assert await kept_addresses(gate) == {"kim": ["192.168.10.5"], "lee": ["192.168.10.5"]}
    await gate.people.change_user("kim", actor="local:test", password="a new password for kim")
    await gate.people.remove_user("lee", actor="local:test")
    assert await kept_addresses(gate) == {}
    for _ in range(2):
        for _ in range(5):
            with pytest.raises(Problem):
                await gate.people.log_in("kim", WRONG, address="192.168.10.5")
        gate.now.forward(seconds=60)
    with pytest.raises(Problem) as paused:
        await gate.people.log_in("kim", "a new password for kim", address="192.168.10.5")
    assert (paused.value.code, paused.value.retry_after) == ("RATE_LIMITED", 60)


async def test_what_can_t_be_read_of_familiar_addresses_keeps_nothing_from_starting(gate: Gatehouse) -> None:
    await gate.admin()
    await gate.database.write(lambda tx: tx.execute("INSERT INTO meta VALUES ('familiar:kim', '[1,')"))
    await gate.restart()
    assert (await gate.people.log_in("kim", PASSWORD, address="192.168.10.5")).name == "kim"
    assert await kept_addresses(gate) == {"kim": ["192.168.10.5"]}


async def kept_addresses(gate: Gatehouse) -> dict[str, list[str]]:
    await gate.database.write(lambda _tx: None)  # after whatever was posted
    return await gate.database.read(familiar_addresses)


async def test_guesses_sent_side_by_side_gain_nothing(gate: Gatehouse) -> None:
    await gate.admin()
    answers = await asyncio.gather(*(log_in(gate, f"{WRONG}{number}") for number in range(12)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7


async def test_changes_by_cookie_need_the_csrf_token(gate: Gatehouse) -> None:
    admin = await gate.admin()
    assert (await admin.call("POST", "/api/echo", {})).status == 200
    for wrong in ("", "x", "한"):
        refused = await admin.call("POST", "/api/echo", {}, **{"X-CSRF-Token": wrong})
        assert (refused.status, refused.code) == (403, "CSRF_INVALID"), wrong
    other = await gate.user("lee", "operator")
    assert (await admin.call("POST", "/api/echo", {}, **{"X-CSRF-Token": other.csrf})).code == "CSRF_INVALID"
    assert (await admin.call("GET", "/api/csrf")).json == {"csrfToken": admin.csrf}
    assert (await admin.call("GET", "/api/me", **{"X-CSRF-Token": ""})).status == 200


async def test_a_browser_session_slides_for_twelve_hours_and_survives_a_restart(gate: Gatehouse) -> None:
    admin = await gate.admin()
    for _ in range(3):
        gate.now.forward(hours=11)
        assert (await admin.call("GET", "/api/me")).status == 200
    await gate.restart()
    gate.now.forward(hours=11)
    assert (await admin.call("GET", "/api/me")).status == 200
    gate.now.forward(hours=12, seconds=1)
    ended = await admin.call("GET", "/api/me")
    assert (ended.status, ended.code) == (401, "TOKEN_EXPIRED")


async def test_signing_out_ends_the_session_and_takes_the_cookie(gate: Gatehouse) -> None:
    admin = await gate.admin()
    ended: list[Any] = []
    gate.auth.on_revoked.append(ended.append)
    out = await admin.call("POST", "/api/auth/logout")
    assert out.status == 204
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    assert [(what.kind, what.subject) for what in ended] == [("user", "kim")]
    assert (await admin.call("GET", "/api/me")).status == 401
    assert (await admin.call("POST", "/api/auth/logout", **{"X-CSRF-Token": ""})).status == 204


async def test_nobody_is_told_to_sign_in_by_bearer_or_cookie(gate: Gatehouse) -> None:
    answer = await gate.call("GET", "/api/me")
    assert (answer.status, answer.code, answer.headers["WWW-Authenticate"]) == (401, "TOKEN_INVALID", "Bearer")
    for header in ("Basic a2ltOng=", "Bearer", "Bearer ", "Bearer \u00e9", "Bearer vk_" + "x" * 43):
        refused = await gate.call("GET", "/api/me", headers={"Authorization": header})
        assert (refused.status, refused.code) == (401, "TOKEN_INVALID"), header


async def test_an_access_token_ends_after_fifteen_minutes_also_where_it_was_known(gate: Gatehouse) -> None:
    await gate.admin()
    tokens = await tokens_of(gate)
    assert tokens["expiresIn"] == 900
    assert (await me(gate, tokens["accessToken"])).json["username"] == "kim"
    assert gate.auth.cached(tokens["accessToken"]) is not None
    gate.now.forward(minutes=15)
    assert (await me(gate, tokens["accessToken"])).code == "TOKEN_EXPIRED"
    fresh = (await refresh(gate, tokens["refreshToken"])).json
    assert (await me(gate, fresh["accessToken"])).status == 200


async def test_a_refresh_token_is_good_once_and_showing_an_old_one_ends_the_family(gate: Gatehouse) -> None:
    await gate.admin()
    first = await tokens_of(gate)
    second = (await refresh(gate, first["refreshToken"])).json
    third = (await refresh(gate, second["refreshToken"])).json
    ended: list[Any] = []
    gate.auth.on_revoked.append(ended.append)
    stolen = await refresh(gate, first["refreshToken"])
    assert (stolen.status, stolen.code) == (401, "TOKEN_INVALID")
    assert len(ended) == 1
    for dead in (third["accessToken"], second["accessToken"]):
        assert (await me(gate, dead)).code == "TOKEN_INVALID"
    assert (await refresh(gate, third["refreshToken"])).code == "TOKEN_INVALID"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_lost_answer_gets_the_same_successor_for_thirty_seconds(gate: Gatehouse, restarted: bool) -> None:
    await gate.admin()
    first = await tokens_of(gate)
    lost = (await refresh(gate, first["refreshToken"])).json
    if restarted:
        await gate.restart()
    gate.now.forward(seconds=30)
    again = (await refresh(gate, first["refreshToken"])).json
    assert again["refreshToken"] == lost["refreshToken"]
    gate.now.forward(seconds=1)
    assert (await refresh(gate, first["refreshToken"])).code == "TOKEN_INVALID"
    assert (await refresh(gate, lost["refreshToken"])).code == "TOKEN_INVALID"


async def test_an_old_token_has_no_grace_once_its_successor_was_used(gate: Gatehouse) -> None:
    await gate.admin()
    first = await tokens_of(gate)
    second = (await refresh(gate, first["refreshToken"])).json
    third = (await refresh(gate, second["refreshToken"])).json
    assert (await refresh(gate, first["refreshToken"])).code == "TOKEN_INVALID"
    assert (await refresh(gate, third["refreshToken"])).code == "TOKEN_INVALID"


async def test_a_refresh_token_ends_after_a_day(gate: Gatehouse) -> None:
    await gate.admin()
    tokens = await tokens_of(gate)
    gate.now.forward(hours=24)
    assert (await refresh(gate, tokens["refreshToken"])).code == "TOKEN_EXPIRED"
    await gate.auth.sweep()
    assert (await refresh(gate, tokens["refreshToken"])).code == "TOKEN_INVALID"


async def test_an_old_token_ends_the_family_also_after_its_own_end(gate: Gatehouse) -> None:
    await gate.admin()
    first = await tokens_of(gate)
    gate.now.forward(hours=23)
    second = (await refresh(gate, first["refreshToken"])).json
    gate.now.forward(hours=2)
    assert (await refresh(gate, first["refreshToken"])).code == "TOKEN_INVALID"
    assert (await refresh(gate, second["refreshToken"])).code == "TOKEN_INVALID"
    assert "auth.refresh_reused" in [action for _, action, _ in await gate.audit()]


async def test_a_lost_answer_outlives_keys_that_are_made_anew_meanwhile(gate: Gatehouse) -> None:
    await gate.admin()
    first = await tokens_of(gate)
    lost = (await refresh(gate, first["refreshToken"])).json
    ring = Keyring(gate.directory / "secrets.json", gate.secrets, access_seconds=900, now=gate.now)
    ring.on_replaced.append(lambda keys: gate.auth.use_keys(keys, replaced=True))
    gate.now.forward(seconds=10)
    await ring.replace(gate.database, actor="local:test")
    gate.now.forward(seconds=20)
    again = await refresh(gate, first["refreshToken"])
    assert (again.status, again.json["refreshToken"]) == (200, lost["refreshToken"])
    following = (await refresh(gate, lost["refreshToken"])).json
    assert (await refresh(gate, lost["refreshToken"])).json["refreshToken"] == following["refreshToken"]
    assert (await refresh(gate, first["refreshToken"])).code == "TOKEN_INVALID"
    assert (await refresh(gate, following["refreshToken"])).code == "TOKEN_INVALID"


async def test_signing_out_a_program_ends_its_tokens(gate: Gatehouse) -> None:
    await gate.admin()
    tokens = await tokens_of(gate)
    body = {"refreshToken": tokens["refreshToken"]}
    assert (await gate.call("POST", "/api/auth/logout", body)).status == 204
    assert (await me(gate, tokens["accessToken"])).code == "TOKEN_INVALID"
    assert (await refresh(gate, tokens["refreshToken"])).code == "TOKEN_INVALID"


async def test_tokens_survive_a_restart(gate: Gatehouse) -> None:
    await gate.admin()
    tokens = await tokens_of(gate)
    await gate.restart()
    assert (await me(gate, tokens["accessToken"])).status == 200


async def test_the_control_socket_is_the_machine_s_own_admin(gate: Gatehouse) -> None:
    answer = await gate.call("GET", "/api/me", local=True)
    assert (answer.json["kind"], answer.json["role"]) == ("local", "admin")
    assert answer.json["address"] == BEST.partition("://")[2]


async def test_verifying_a_known_token_is_cheap(gate: Gatehouse) -> None:
    await gate.admin()
    token = (await tokens_of(gate))["accessToken"]
    await gate.auth.bearer(token)
    started = time.perf_counter()
    for _ in range(1000):
        assert gate.auth.cached(token) is not None
    assert time.perf_counter() - started < 0.1  # 1,000 signatures would take longer
