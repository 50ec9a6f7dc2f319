"""A browser that somebody has signed in with is known again, so that others' wrong passwords at its address count for
them alone.
"""

from __future__ import annotations

from typing import Any

from tests.gatehouse import (
    PASSWORD,
    Answer,
    Gatehouse,
    fixture_gate,  # noqa: F401
)

WRONG = "correct horse batter"


async def log_in(gate: Gatehouse, password: str = PASSWORD, cookie: str = "", name: str = "kim", **more: Any) -> Answer:
    body = {"username": name, "password": password, **more}
    return await gate.call("POST", "/api/auth/login", body, headers={"Cookie": cookie} if cookie else {})


def device_of(answer: Answer, gate: Gatehouse) -> str:
    """The cookie that stays when the session's is gone."""
    (kept,) = [f"{name}={value}" for name, value in answer.cookies.items() if name != session_name(gate)]
    return kept


def session_name(gate: Gatehouse) -> str:
    return f"vooster_{gate.instance_id[:8]}"


async def five_wrong_ones(gate: Gatehouse, cookie: str = "", name: str = "kim") -> None:
    for _ in range(5):
        assert (await log_in(gate, WRONG, cookie, name)).code == "CREDENTIALS_INVALID"
    assert (await log_in(gate, WRONG, cookie, name)).code == "RATE_LIMITED"


async def test_others_wrong_passwords_at_its_address_keep_it_not_out(gate: Gatehouse) -> None:
    await gate.admin()
    mine = device_of(await log_in(gate), gate)
    for _ in range(3):
        await five_wrong_ones(gate)
        assert (await log_in(gate)).code == "RATE_LIMITED"
        assert (await log_in(gate, cookie=mine)).status == 200
        assert (await log_in(gate, cookie=mine, tokens=True)).status == 200
        await gate.restart()
        assert (await log_in(gate, cookie=mine)).status == 200
        gate.now.forward(minutes=1)


async def test_its_own_wrong_ones_pause_it_alone(gate: Gatehouse) -> None:
    await gate.admin()
    mine, other = device_of(await log_in(gate), gate), device_of(await log_in(gate), gate)
    await five_wrong_ones(gate, mine)
    assert (await log_in(gate, cookie=mine)).code == "RATE_LIMITED"
    assert (await log_in(gate, cookie=other)).status == 200
    assert (await log_in(gate)).status == 200  # nobody at its address pays for it
    gate.now.forward(minutes=1)
    assert device_of(await log_in(gate, cookie=mine), gate) == mine


async def test_it_is_one_user_s_and_whoever_makes_one_up_has_none(gate: Gatehouse) -> None:
    await gate.admin()
    await gate.user("lee", "operator")
    mine = device_of(await log_in(gate), gate)
    lees = device_of(await log_in(gate, name="Lee"), gate)
    name, value = mine.split("=", 1)
    device, _, seal = value.partition(".")
    assert lees.partition("=")[0] != name  # one browser keeps both
    await five_wrong_ones(gate)
    swapped = seal[:-2] + seal[-1] + seal[-2] if seal[-1] != seal[-2] else seal[::-1]
    made_up = (f"{device[::-1]}.{seal}", f"{device}.{swapped}", device, ".", "", f".{seal}", lees.partition("=")[2])
    for wrong in made_up:
        assert (await log_in(gate, cookie=f"{name}={wrong}")).code == "RATE_LIMITED", wrong
    assert (await log_in(gate, cookie=f"{lees}; {mine}")).status == 200


async def test_it_lets_nobody_in(gate: Gatehouse) -> None:
    admin = await gate.admin()
    answer = await log_in(gate)
    mine = device_of(answer, gate)
    name, value = mine.split("=", 1)
    sent = [line for line in answer.headers.getall("Set-Cookie") if line.startswith(f"{name}=")]
    assert all(part in sent[0] for part in ("HttpOnly", "SameSite=Strict", "Path=/api/auth/login", "Max-Age=34560000"))
    assert "kim" not in sent[0]
    for cookie in (mine, f"{session_name(gate)}={value}"):
        for path in ("/api/me", "/api/csrf", "/api/users"):
            assert (await gate.call("GET", path, headers={"Cookie": cookie})).status == 401
    assert (await gate.call("GET", "/api/me", bearer=value)).code == "TOKEN_INVALID"
    assert (await log_in(gate, WRONG, mine)).code == "CREDENTIALS_INVALID"
    assert (await admin.call("GET", "/api/me")).status == 200


async def test_it_ends_with_the_password_and_who_changes_his_own_gets_a_new_one(gate: Gatehouse) -> None:
    admin = await gate.admin()
    mine = device_of(await log_in(gate), gate)
    changed = await admin.call("PATCH", "/api/users/kim", {"password": "another horse battery"})
    new = device_of(changed, gate)
    await five_wrong_ones(gate)
    assert (await log_in(gate, "another horse battery", mine)).code == "RATE_LIMITED"
    back = await log_in(gate, "another horse battery", new)
    assert back.status == 200
    await gate.people.change_user("kim", actor="local:test", password=PASSWORD)
    assert (await log_in(gate, PASSWORD, new)).code == "RATE_LIMITED"


async def test_the_first_admin_s_browser_is_known_too(gate: Gatehouse) -> None:
    admin = await gate.admin()
    (mine,) = [part for part in admin.cookie.split("; ") if not part.startswith(f"{session_name(gate)}=")]
    await five_wrong_ones(gate)
    assert (await log_in(gate, cookie=mine)).status == 200
