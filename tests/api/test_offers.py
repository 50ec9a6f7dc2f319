"""An offer ends with the screen that it is for, and with what whoever made it may."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from appliance.storage.files import prepare
from appliance.storage.migrations import available
from tests.api.test_pairing import approve, begin, claim, offer, paired, works
from tests.gatehouse import (
    PASSWORD,
    Browser,
    Gatehouse,
    fixture_gate,  # noqa: F401
)
from tests.support.house import House

HOUR = {"ttlSeconds": 3600}


async def token(by: Browser, screen: str = "SCREEN-001", **more: Any) -> str:
    answer = await offer(by, screen, **HOUR, **more)
    assert answer.status == 201, answer.text
    return str(answer.json["token"])


async def with_key(gate: Gatehouse, bearer: str, screen: str) -> str:
    answer = await gate.call("POST", "/api/pairing/offers", {"screenId": screen, **HOUR}, bearer=bearer)
    assert answer.status == 201, answer.text
    return str(answer.json["token"])


async def is_over(gate: Gatehouse, token: str, screen: str = "SCREEN-001") -> None:
    """Nobody is let in with it, and it changes nothing."""
    before = gate.screens.get(screen)
    refused = await claim(gate, token, screen)
    assert (refused.status, refused.code) == (410, "PAIRING_EXPIRED")
    assert gate.screens.get(screen) == before
    assert await gate.database.read(
        lambda connection: connection.execute("SELECT count(*) FROM grants WHERE kind = 'screen'").fetchone()
    ) == (0,)


# The screen.


@pytest.mark.parametrize("end", ["revoke", "delete"])
async def test_a_screen_s_offers_end_with_its_pairing(house: House, end: str) -> None:
    await house.pair("L2-A")
    body = {"screenId": "L2-A", "replace": True, **HOUR}
    made = (await house.local("POST", "/api/pairing/offers", body)).json["token"]
    if end == "revoke":
        assert (await house.local("POST", "/api/screens/L2-A/revoke")).status in {200, 204}
    else:
        assert (await house.local("DELETE", "/api/screens/L2-A")).status == 204
    claimed = await house.call("POST", "/api/pairing/claim", {"screenId": "L2-A", "token": made})
    claimed.problem(410, "PAIRING_EXPIRED")
    after = await house.local("GET", "/api/screens/L2-A")
    assert after.status == 404 if end == "delete" else not after.json["paired"]


@pytest.mark.parametrize("end", ["revoke", "remove"])
async def test_they_end_in_the_same_commit(gate: Gatehouse, end: str) -> None:
    admin = await gate.admin()
    await paired(gate, admin)
    made = await token(admin, replace=True)
    gate.screens.on_revoked.clear()
    gate.screens.on_removed.clear()
    await getattr(gate.screens, end)("SCREEN-001", actor="user:kim")
    await gate.restart()
    await is_over(gate, made)


async def test_an_offer_made_before_somebody_else_was_let_in_doesn_t_put_him_out(gate: Gatehouse) -> None:
    admin = await gate.admin()
    await paired(gate, admin)
    early = await token(admin, replace=True)
    waiting = await begin(gate)
    assert (await approve(admin, waiting, replace=True)).status == 200
    present = (await gate.call("POST", "/api/pairing/token", {"device_code": waiting["device_code"]})).json
    assert (await claim(gate, early)).code == "PAIRING_EXPIRED"
    assert await works(gate, present)


async def test_a_new_offer_after_all_that_is_good(gate: Gatehouse) -> None:
    admin = await gate.admin()
    await paired(gate, admin)
    await gate.screens.revoke("SCREEN-001", actor="user:kim")
    assert await works(gate, (await claim(gate, await token(admin))).json)
    await gate.screens.remove("SCREEN-001", actor="user:kim")
    assert await works(gate, (await claim(gate, await token(admin))).json)


# The person.

CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("DELETE", {}),
    ("PATCH", {"role": "operator"}),
    ("PATCH", {"role": "admin"}),
    ("PATCH", {"groups": ["line-1"]}),
    ("PATCH", {"password": "another long password"}),
]


@pytest.mark.parametrize(("method", "change"), CHANGES, ids=["removed", "demoted", "promoted", "limited", "password"])
async def test_a_person_s_offers_end_with_what_he_was(gate: Gatehouse, method: str, change: dict[str, Any]) -> None:
    admin = await gate.admin()
    await gate.screens.add("SCREEN-001", actor="user:kim", groups=["line-1"])
    lee, other = await gate.user("lee", "supervisor"), await gate.user("park", "supervisor")
    ended, stays = await token(lee), await token(other)
    assert (await admin.call(method, "/api/users/lee", change or None)).status in {200, 204}
    if method == "DELETE":
        await gate.user("lee", "supervisor")  # somebody else of that name
    await is_over(gate, ended)
    assert (await claim(gate, stays)).status == 200


async def test_what_changes_nothing_ends_nothing(gate: Gatehouse) -> None:
    admin, lee = await gate.admin(), await gate.user("lee", "supervisor")
    made = await token(lee)
    assert (await admin.call("PATCH", "/api/users/lee", {"role": "supervisor"})).status == 200
    body = {"username": "lee", "password": PASSWORD}
    assert (await gate.call("POST", "/api/auth/login", body)).status == 200
    await gate.restart()
    assert (await claim(gate, made)).status == 200


async def test_a_screen_that_has_left_his_lines_is_no_more_his_to_offer(gate: Gatehouse) -> None:
    await gate.admin()
    for screen in ("SCREEN-001", "SCREEN-002"):
        await gate.screens.add(screen, actor="user:kim", groups=["line-1"])
    lee = await gate.user("lee", "supervisor", ["line-1"])
    moved, stays = await token(lee), await token(lee, "SCREEN-002")
    await gate.screens.update("SCREEN-001", actor="user:kim", groups=["line-2"])
    await is_over(gate, moved)
    assert (await claim(gate, stays, "SCREEN-002")).status == 200


# A key.


async def test_a_key_s_offers_end_with_it(gate: Gatehouse) -> None:
    admin = await gate.admin()
    until = gate.now() + 60_000
    deleted, text = await gate.people.add_key("MES", "supervisor", actor="local:test")
    _, other = await gate.people.add_key("ERP", "supervisor", actor="local:test")
    _, short = await gate.people.add_key("guest", "supervisor", actor="local:test", expires_at=until)
    ended, late = await with_key(gate, text, "S-1"), await with_key(gate, short, "S-2")
    stays = await with_key(gate, other, "S-3")
    assert (await admin.call("DELETE", f"/api/keys/{deleted.id}")).status == 204
    gate.now.forward(minutes=1)
    await is_over(gate, ended, "S-1")
    await is_over(gate, late, "S-2")
    assert (await claim(gate, stays, "S-3")).status == 200


async def test_a_key_for_one_screen_doesn_t_make_it(gate: Gatehouse) -> None:
    await gate.screens.add("S-1", actor="local:test")
    _, text = await gate.people.add_key("MES", "supervisor", actor="local:test", screens=["S-1"])
    made = await with_key(gate, text, "S-1")
    body = {"screenId": "S-1"}
    assert (await claim(gate, made, "S-1")).status == 200
    await gate.screens.remove("S-1", actor="local:test")
    assert (await gate.call("POST", "/api/pairing/offers", body, bearer=text)).code == "PERMISSION_DENIED"


# The machine itself, and what an earlier version has left.


async def test_who_is_at_the_machine_offers_without_end(gate: Gatehouse) -> None:
    made = (await gate.call("POST", "/api/pairing/offers", {"screenId": "S-1"}, local=True)).json["token"]
    await gate.restart()
    assert (await claim(gate, made, "S-1")).status == 200


async def test_an_offer_from_before_the_upgrade_is_good_until_it_ends(gate: Gatehouse) -> None:
    admin = await gate.admin()
    good, late = await token(admin), await token(admin, "SCREEN-002")
    await gate.stop()
    path = gate.directory / "vooster.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("ALTER TABLE pairing_offers DROP COLUMN actor")
    connection.execute("PRAGMA user_version = 5")
    connection.close()
    prepare(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (available()[-1][0],)
    assert connection.execute("SELECT actor FROM pairing_offers").fetchall() == [(None,), (None,)]
    connection.close()
    await gate.start()
    assert (await claim(gate, good)).status == 200
    gate.now.forward(hours=1)
    assert (await claim(gate, late, "SCREEN-002")).code == "PAIRING_EXPIRED"
