"""Changes of one screen that meet on their way to the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from appliance.storage import draining, groups
from tests.support.answers import Answer
from tests.support.house import House, until


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commits take a tenth of a second: what is asked meanwhile meets a change under way."""

    def slowly(*args: Any) -> Any:
        time.sleep(0.1)
        return groups.transact(*args)

    monkeypatch.setattr(draining, "transact", slowly)
    yield
    monkeypatch.undo()


async def _both(first: Coroutine[Any, Any, Answer], second: Coroutine[Any, Any, Answer]) -> tuple[int, int]:
    """Asks for the second while the first is being written; their statuses."""
    begun = asyncio.create_task(first)
    await asyncio.sleep(0.03)
    answer = await second
    return (await begun).status, answer.status


def _stored(house: House) -> dict[str, sqlite3.Row]:
    connection = sqlite3.connect(house.data.database)
    connection.row_factory = sqlite3.Row
    try:
        return {row["screen_id"]: row for row in connection.execute("SELECT * FROM screens")}
    finally:
        connection.close()


async def test_a_deleted_screen_stays_deleted(house: House, request: pytest.FixtureRequest) -> None:
    await house.pair("S-1")
    request.getfixturevalue("slow_disk")
    delete, rename = house.local("DELETE", "/api/screens/S-1"), house.local("PATCH", "/api/screens/S-1", {"name": "x"})
    assert await _both(delete, rename) == (204, 404)
    (await house.local("GET", "/api/screens/S-1")).problem(404, "SCREEN_NOT_FOUND")
    assert "S-1" not in _stored(house)


async def test_a_revoked_screen_stays_revoked(house: House, request: pytest.FixtureRequest) -> None:
    await house.pair("S-1")
    request.getfixturevalue("slow_disk")
    revoke, rename = (
        house.local("POST", "/api/screens/S-1/revoke"),
        house.local("PATCH", "/api/screens/S-1", {"name": "Saw"}),
    )
    assert await _both(revoke, rename) == (204, 200)
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert (found["name"], found["paired"], found["state"]) == ("Saw", False, "revoked")
    assert _stored(house)["S-1"]["paired_at"] is None


async def test_changes_of_different_members_both_stay(house: House, request: pytest.FixtureRequest) -> None:
    await house.pair("S-1")
    request.getfixturevalue("slow_disk")
    first, second = ({"groups": ["line-1"]}, {"name": "Saw"})
    changes = [house.local("PATCH", "/api/screens/S-1", change) for change in (first, second)]
    assert await _both(changes[0], changes[1]) == (200, 200)
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert (found["name"], found["groups"]) == ("Saw", ["line-1"])
    assert (_stored(house)["S-1"]["name"], _stored(house)["S-1"]["groups"]) == ("Saw", '["line-1"]')


async def test_of_two_who_make_the_same_screen_one_does(house: House, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("slow_disk")
    made = [house.local("POST", "/api/screens", {"screenId": "S-1", "name": name}) for name in ("first", "second")]
    assert await _both(made[0], made[1]) == (201, 409)
    assert (await house.local("GET", "/api/screens/S-1")).json["name"] == "first"


async def test_what_a_screen_says_while_it_is_renamed_stays(house: House, request: pytest.FixtureRequest) -> None:
    await house.pair("S-1")
    request.getfixturevalue("slow_disk")
    renaming = asyncio.create_task(house.local("PATCH", "/api/screens/S-1", {"name": "Saw"}))
    await asyncio.sleep(0.03)
    await house.screen("S-1", displays=[{"index": 0}, {"index": 1}])
    assert (await renaming).status == 200
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert (found["name"], len(found["displays"])) == ("Saw", 2)
    await until(lambda: _stored(house)["S-1"]["displays"] == '[{"index":0},{"index":1}]')
    assert _stored(house)["S-1"]["name"] == "Saw"
