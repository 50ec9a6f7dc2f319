"""One trigger for many screens: groups, stars, everyone, and those with a permission; always one commit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import MakeHouse
from tests.support.house import House, until

SCREENS = 1_000


async def register(house: House, screen_id: str, **members: object) -> None:
    made = await house.local("POST", "/api/screens", {"screenId": screen_id, **members})
    assert made.status == 201, made.text


async def reached(house: House, target: str, **members: Any) -> list[str]:
    answer = await house.trigger(screen_id=None, target=target, **members)
    assert answer.status == 202, answer.text
    return [delivery["screenId"] for delivery in answer.json["deliveries"]]


@pytest.fixture
async def floor(house: House) -> House:
    await register(house, "PRESS-01", groups=["line-1"], user="kim")
    await register(house, "PRESS-02", groups=["line-1", "line-2"], permission="supervisor")
    await register(house, "PAINT-01", groups=["line-2"], user="kim", permission="viewer")
    return house


@pytest.mark.parametrize(
    ("target", "permission", "expected"),
    [
        ("*", None, ["PAINT-01", "PRESS-01", "PRESS-02"]),
        ("screen:PRESS-*", None, ["PRESS-01", "PRESS-02"]),
        ("screen:*", None, ["PAINT-01", "PRESS-01", "PRESS-02"]),
        ("screen:PRESS-01", None, ["PRESS-01"]),
        ("group:line-2", None, ["PAINT-01", "PRESS-02"]),
        ("user:kim", None, ["PAINT-01", "PRESS-01"]),
        ("*", "operator", ["PRESS-01", "PRESS-02"]),
        ("*", "supervisor", ["PRESS-02"]),
        ("group:line-1", "viewer", ["PRESS-01", "PRESS-02"]),
    ],
)
async def test_whom_a_target_reaches(floor: House, target: str, permission: str | None, expected: list[str]) -> None:
    assert sorted(await reached(floor, target, requiredPermission=permission)) == expected


@pytest.mark.parametrize(
    ("target", "permission"),
    [("group:line-9", None), ("screen:ZZ*", None), ("user:lee", None), ("*", "admin"), ("screen:PAINT-01", "operator")],
)
async def test_a_target_that_reaches_nobody(floor: House, target: str, permission: str | None) -> None:
    answer = await floor.trigger(screen_id=None, target=target, requiredPermission=permission)
    answer.problem(404, "SCREEN_NOT_FOUND")


async def test_who_is_meant_is_settled_when_it_is_accepted(floor: House) -> None:
    assert await reached(floor, "group:line-1") == ["PRESS-01", "PRESS-02"]
    await register(floor, "PRESS-03", groups=["line-1"])
    screen = await floor.screen("PRESS-03")
    await screen.settled()
    assert screen.of("navigate") == []


async def test_a_thousand_screens_are_one_commit(make_house: MakeHouse) -> None:
    house = await make_house()
    ids = [f"SCREEN-{number:04d}" for number in range(SCREENS)]
    tokens = {}
    for some in (ids[:500], ids[500:]):
        made = await house.local("POST", "/api/pairing/provision", {"screenIds": some})
        tokens.update({item["screenId"]: item["accessToken"] for item in made.json["items"]})
    connected = [await house.session(tokens[screen_id]) for screen_id in ids[:20]]
    database = house.appliance.engine.database
    await database.flush()
    before = database.commits
    answer = await house.trigger(screen_id=None, target="*")
    assert len(answer.json["deliveries"]) == SCREENS
    # One for accepting them, one for what was sent at once; whatever else is due in these moments has its own.
    assert database.commits - before <= 4
    for screen in connected:
        await screen.show_next()
    await until(lambda: house.appliance.engine.metrics.ended.get("shown") == len(connected))
    deliveries = (await house.told_of(answer.json["id"]))["deliveries"]
    states = [delivery["state"] for delivery in deliveries]
    assert (states.count("shown"), states.count("pending")) == (20, SCREENS - 20)


async def test_waiting_for_a_broadcast_ends_with_its_last_screen(floor: House) -> None:
    screens = [await floor.screen(screen_id) for screen_id in ("PRESS-01", "PRESS-02", "PAINT-01")]
    waiting = asyncio.create_task(floor.trigger(screen_id=None, target="*", wait=20_000))
    for screen in screens[:-1]:
        await screen.show_next()
    await until(lambda: floor.appliance.engine.metrics.ended.get("shown") == 2)
    assert not waiting.done()
    await screens[-1].show_next()
    answer = await waiting
    assert (answer.status, answer.json["result"]) == (200, "shown")
    assert {delivery["state"] for delivery in answer.json["deliveries"]} == {"shown"}
