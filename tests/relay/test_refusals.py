"""Refused sign-ins: each of them in the audit record, and however many there are, never more than a few entries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.relay import refusals
from appliance.storage.audit import came_from
from tests.gatehouse import PASSWORD, Gatehouse, fixture_gate

__all__ = ["fixture_gate"]


async def refused(gate: Gatehouse, action: str = "auth.refused") -> list[tuple[Any, ...]]:
    """Target, address and detail of every entry, once all that was counted is on disk."""
    await gate.database.flush()
    found = await gate.database.read(
        lambda c: c.execute(
            "SELECT target, address, detail FROM audit WHERE action = ? ORDER BY pk", (action,)
        ).fetchall()
    )
    return [(target, address, json.loads(detail) if detail else None) for target, address, detail in found]


async def wrong(gate: Gatehouse, name: str = "kim", count: int = 1) -> None:
    for _ in range(count):
        answer = await gate.call("POST", "/api/auth/login", {"username": name, "password": "not it, surely"})
        assert answer.status in {401, 429}


async def test_the_first_is_written_at_once_and_the_rest_of_the_minute_as_one(gate: Gatehouse) -> None:
    await gate.admin()
    await wrong(gate, count=9)
    assert await refused(gate) == [("kim", "127.0.0.1", None)]
    since = gate.now()
    gate.now.forward(minutes=1)
    await wrong(gate)
    assert await refused(gate) == [
        ("kim", "127.0.0.1", None),
        ("kim", "127.0.0.1", {"more": 8, "since": since}),
        ("kim", "127.0.0.1", None),
    ]


async def test_a_name_that_nobody_has_is_not_kept(gate: Gatehouse) -> None:
    await gate.admin()
    await wrong(gate, "my secret passphrase")
    assert await refused(gate) == [(None, "127.0.0.1", None)]
    log = await gate.database.read(lambda c: c.execute("SELECT * FROM audit").fetchall())
    assert "passphrase" not in repr(log)


async def test_what_was_counted_is_on_disk_after_a_stop(gate: Gatehouse) -> None:
    await gate.admin()
    await wrong(gate, count=3)
    await gate.restart()
    assert [detail and detail["more"] for _, _, detail in await refused(gate)] == [None, 2]


async def test_ten_thousand_wrong_passwords_leave_a_few_entries(gate: Gatehouse) -> None:
    await gate.admin()
    before = len(await gate.audit())
    # The gate itself, as from many addresses at once: each of them may try again and again.
    for number in range(10_000):
        came_from.set(f"10.0.{number % 250}.{number % 7}")
        await gate.refusals.note("auth.refused", "kim" if number % 2 else "")
    came_from.set(None)
    gate.refusals.flush()
    found = await refused(gate)
    assert len(await gate.audit()) - before == len(found) <= 2 * refusals.OWN_ENTRIES + 1
    assert [detail for _, _, detail in found].count(None) == refusals.OWN_ENTRIES
    counted = sum((d or {}).get("more", 0) + (d or {}).get("others", 0) for _, _, d in found)
    assert counted + refusals.OWN_ENTRIES == 10_000, "none was forgotten"


@pytest.mark.parametrize("seconds", [10, 3600])
async def test_a_flood_over_the_wire_stays_bounded(gate: Gatehouse, seconds: int) -> None:
    await gate.admin()
    for _ in range(3):
        await wrong(gate, count=20)
        gate.now.forward(seconds=seconds)
    gate.refusals.flush()
    found = await refused(gate)
    assert sum(1 if detail is None else detail["more"] for _, _, detail in found) == 60
    assert len(found) == (2 if seconds == 10 else 6)


async def test_a_cloned_screen_fills_no_disk(gate: Gatehouse) -> None:
    await gate.admin()
    (first,) = await gate.pairings.provision(["S-1"], actor="local:test", server_url="")
    second = await gate.pairings.renew("S-1", first.device_secret, server_url="", address="10.0.0.7")
    await gate.auth.bearer(second.access_token)  # its first use: the old secret betrays a copy from now on
    body = {"screenId": "S-1", "deviceSecret": first.device_secret}
    for _ in range(5):
        assert (await gate.call("POST", "/api/auth/device", body)).code == "TOKEN_INVALID"
    assert await refused(gate, "screen.cloned") == [("S-1", "127.0.0.1", None)]
    assert (await gate.call("POST", "/api/auth/device", {**body, "deviceSecret": "no"})).code == "TOKEN_INVALID"
    assert await refused(gate, "pairing.refused") == [("S-1", "127.0.0.1", None)]


async def test_a_wrong_set_up_link_is_noted(gate: Gatehouse) -> None:
    body = {"token": "wrong", "username": "kim", "password": PASSWORD}
    assert (await gate.call("POST", "/api/setup", body)).code == "TOKEN_INVALID"
    assert await refused(gate, "setup.refused") == [(None, "127.0.0.1", None)]
