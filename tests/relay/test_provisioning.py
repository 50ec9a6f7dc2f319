"""Pairing many screens at once."""

from __future__ import annotations

from tests.support.house import House

MANY = [f"S-{number}" for number in range(200)]


async def test_many_screens_share_their_commits(house: House) -> None:
    """A disk takes its time for each; two a screen were half a minute for a hall."""
    database = house.appliance.engine.database
    before = database.commits
    made = await house.local("POST", "/api/pairing/provision", {"screenIds": MANY})
    assert [pairing["screenId"] for pairing in made.json["items"]] == MANY
    assert database.commits - before < 20
    ends = (made.json["items"][0], made.json["items"][-1])
    for pairing in ends:
        told = await house.call("GET", "/api/me", bearer=pairing["accessToken"])
        assert told.json["screenId"] == pairing["screenId"]


async def test_a_screen_named_twice_is_paired_once(house: House) -> None:
    made = await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-1", "S-2", "S-1"]})
    assert [pairing["screenId"] for pairing in made.json["items"]] == ["S-1", "S-2"]
    told = await house.call("GET", "/api/me", bearer=made.json["items"][0]["accessToken"])
    assert told.status == 200


async def test_one_bad_name_leaves_all_as_they_were(house: House) -> None:
    made = await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-1", "no name"]})
    made.problem(400, "VALIDATION_ERROR")
    assert (await house.local("GET", "/api/screens")).json["items"] == []
