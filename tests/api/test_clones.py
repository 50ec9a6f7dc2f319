"""The warning that a screen's key was used on two PCs: it names the screen, and stays until somebody has seen to it."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest

from tests.support.house import House


async def renewed(house: House, pairing: dict[str, Any]) -> Any:
    body = {"screenId": pairing["screenId"], "deviceSecret": pairing["deviceSecret"]}
    return await house.call("POST", "/api/auth/device", body)


async def cloned(house: House) -> dict[str, Any]:
    """A screen whose PC has renewed its key and whose copy then used the old one; what the rightful PC holds."""
    await house.local("POST", "/api/screens", {"screenId": "S-1", "name": "포장 3"})
    made = await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-1"]})
    (first,) = made.json["items"]
    second: dict[str, Any] = (await renewed(house, first)).json
    assert (await house.call("GET", "/api/me", bearer=second["accessToken"])).status == 200
    (await renewed(house, first)).problem(401, "TOKEN_INVALID")
    return {"old": first, "new": second}


async def warnings(house: House) -> list[dict[str, Any]]:
    (screen,) = (await house.local("GET", "/api/screens")).json["items"]
    found: list[dict[str, Any]] = screen["warnings"]
    return found


async def test_a_copied_key_is_told_at_its_screen_over_restarts_and_changes(house: House) -> None:
    before = int(time.time() * 1000)
    await cloned(house)
    (warning,) = await warnings(house)
    assert warning["code"] == "SCREEN_CLONED"
    assert warning["address"] == "127.0.0.1"
    assert before <= warning["at"] <= int(time.time() * 1000)
    await house.local("PATCH", "/api/screens/S-1", {"name": "포장 4"})
    assert await warnings(house) == [warning]
    await house.restart()
    assert await warnings(house) == [warning]
    await house.local("PATCH", "/api/screens/S-1", {"name": "포장 5"})
    await house.restart()
    assert await warnings(house) == [warning]


async def test_a_copy_that_goes_on_trying_writes_nothing_more(house: House) -> None:
    held = await cloned(house)
    (warning,) = await warnings(house)
    for _ in range(3):
        (await renewed(house, held["old"])).problem(401, "TOKEN_INVALID")
    assert await warnings(house) == [warning]
    dashboard = (await house.local("GET", "/api/monitoring/dashboard")).json
    assert [error["error"] for error in dashboard["recentErrors"]] == ["SCREEN_CLONED"]
    disk = sqlite3.connect(house.data.database)
    assert disk.execute("SELECT address FROM audit WHERE action = 'screen.cloned'").fetchall() == [("127.0.0.1",)]
    disk.close()


@pytest.mark.parametrize("way", ["revoked", "paired anew"])
async def test_the_warning_ends_with_the_key(house: House, way: str) -> None:
    held = await cloned(house)
    if way == "revoked":
        assert (await house.local("POST", "/api/screens/S-1/revoke")).status == 204
    else:
        assert (await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-1"]})).status == 201
    assert await warnings(house) == []
    await house.restart()
    assert await warnings(house) == []
    for pairing in held.values():
        assert (await renewed(house, pairing)).status == 401
    assert await warnings(house) == []
