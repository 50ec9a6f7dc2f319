"""The list of what couldn't be delivered."""

from __future__ import annotations

from appliance.api import deadletters
from tests.conftest import MakeHouse
from tests.support.answers import check_words, now_ms
from tests.support.house import House
from tests.support.wire import Wire


async def die(house: House, screen: Wire, screen_id: str, code: str = "DOCUMENT_NOT_FRAMEABLE") -> str:
    trigger_id = await house.accepted(screen_id=screen_id)
    await screen.failed(await screen.navigate(), code, detail="as the client said")
    return str((await house.becomes(trigger_id, "dead"))["id"])


async def test_a_dead_letter_tells_all_a_supervisor_needs(house: House) -> None:
    screen = await house.screen()
    await house.local("PATCH", "/api/screens/S-1", {"name": "Saw"})
    delivery_id = await die(house, screen, "S-1")
    (letter,) = await house.dead_letters()
    assert (letter["deliveryId"], letter["triggerId"]) == (delivery_id, delivery_id.partition(":")[0])
    assert {name: letter[name] for name in ("orderId", "screenId", "screenName", "displayIndex", "code", "cause")} == {
        "orderId": "ORD-1001", "screenId": "S-1", "screenName": "Saw", "displayIndex": 0,
        "code": "DOCUMENT_NOT_FRAMEABLE", "cause": None,
    }  # fmt: skip
    assert letter["title"]
    assert letter["acceptedAt"] <= letter["diedAt"] <= now_ms()
    assert (letter["round"], letter["attempt"]) == (1, 1)
    check_words({**letter, "retryable": False})


async def test_the_newest_come_first_page_by_page(make_house: MakeHouse) -> None:
    house = await make_house()
    screen = await house.screen()
    ids = [await die(house, screen, "S-1") for _ in range(5)]
    page, deadletters.PAGE = deadletters.PAGE, 2
    try:
        found: list[str] = []
        path = "/api/dead-letters"
        while True:
            body = (await house.local("GET", path)).json
            found += [letter["deliveryId"] for letter in body["items"]]
            if body["cursor"] is None:
                break
            path = f"/api/dead-letters?cursor={body['cursor']}"
    finally:
        deadletters.PAGE = page
    assert found == ids[::-1]
    (await house.local("GET", "/api/dead-letters?cursor=x")).problem(400, "VALIDATION_ERROR")


async def test_a_restart_keeps_the_list(house: House) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen, "S-1")
    await house.restart()
    assert [letter["deliveryId"] for letter in await house.dead_letters()] == [delivery_id]
    again = await house.screen()
    assert (await house.local("POST", f"/api/dead-letters/{delivery_id}/replay")).status == 202
    assert (await again.show_next())["round"] == 2


async def test_whoever_is_limited_sees_and_replays_only_their_screens(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    first, second = await die(house, one, "S-1"), await die(house, two, "S-2")
    limited = await house.new_key("supervisor", screens=["S-1"])
    found = await house.call("GET", "/api/dead-letters", bearer=limited)
    assert [letter["deliveryId"] for letter in found.json["items"]] == [first]
    refused = await house.call("POST", f"/api/dead-letters/{second}/replay", bearer=limited)
    refused.problem(403, "PERMISSION_DENIED")
    assert (await house.call("POST", f"/api/dead-letters/{first}/replay", bearer=limited)).status == 202
    (await house.call("GET", "/api/dead-letters")).problem(401, "TOKEN_INVALID")


async def test_the_list_is_filtered_by_screen_code_and_time(house: House) -> None:
    delivery_id = await die(house, await house.screen(), "S-1")
    (letter,) = await house.dead_letters()
    at = letter["diedAt"]
    for query, found in (
        ("screenId=S-1", True),
        ("screenId=S-2", False),
        ("code=DOCUMENT_NOT_FRAMEABLE", True),
        ("code=EXPIRED", False),
        (f"since={at}&until={at}", True),
        (f"since={at + 1}", False),
        (f"until={at - 1}", False),
    ):
        items = (await house.local("GET", f"/api/dead-letters?{query}")).json["items"]
        assert [item["deliveryId"] for item in items] == [delivery_id] * found, query
    (await house.local("GET", "/api/dead-letters?since=yesterday")).problem(400, "VALIDATION_ERROR")
