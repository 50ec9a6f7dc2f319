"""The dead-letter list: what couldn't be delivered, why, and sending it again."""

from __future__ import annotations

from tests.support.answers import check_words
from tests.support.house import House


async def died(house: House, code: str = "DOCUMENT_NOT_FRAMEABLE") -> tuple[str, str]:
    """Lets a delivery end dead with a final code; returns the trigger's and the delivery's id."""
    wire = await house.screen("S-1")
    trigger_id = await house.accepted("ORD-1001")
    delivery = await wire.navigate()
    await wire.failed(delivery, code, detail="refused to be framed")
    await house.becomes(trigger_id, "dead")
    return trigger_id, delivery["id"]


async def test_it_says_what_why_and_what_to_do(house: House) -> None:
    trigger_id, delivery_id = await died(house)
    (letter,) = await house.dead_letters()
    assert (letter["deliveryId"], letter["triggerId"], letter["orderId"]) == (delivery_id, trigger_id, "ORD-1001")
    assert (letter["screenId"], letter["code"], letter["round"], letter["attempt"]) == (
        "S-1",
        "DOCUMENT_NOT_FRAMEABLE",
        1,
        1,
    )
    assert letter["diedAt"] >= letter["acceptedAt"]
    check_words({**letter, "retryable": False})


async def test_the_newest_come_first_and_pages_lose_none(house: House) -> None:
    wire = await house.screen("S-1")
    ids = []
    for _ in range(105):
        trigger_id = await house.accepted("ORD-1001")
        ids.append(trigger_id)
        await wire.failed(await wire.navigate(), "DOCUMENT_URL_REFUSED")
        await house.becomes(trigger_id, "dead")
    first = (await house.local("GET", "/api/dead-letters")).json
    second = (await house.local("GET", f"/api/dead-letters?cursor={first['cursor']}")).json
    assert [letter["triggerId"] for letter in first["items"] + second["items"]] == ids[::-1]
    assert second["cursor"] is None
    (await house.local("GET", "/api/dead-letters?cursor=x")).problem(400, "VALIDATION_ERROR")


async def test_sent_again_it_is_a_new_round_and_leaves_the_list(house: House) -> None:
    trigger_id, delivery_id = await died(house)
    supervisor = await house.new_key("supervisor")
    answer = await house.call("POST", f"/api/dead-letters/{delivery_id}/replay", bearer=supervisor)
    assert (answer.status, answer.json["id"]) == (202, delivery_id)
    assert await house.dead_letters() == []
    again = await house.wires[0].navigate()
    assert (again["id"], again["round"], again["attempt"]) == (delivery_id, 2, 1)
    await house.wires[0].shown(again)
    found = await house.becomes(trigger_id, "shown")
    assert [line["state"] for line in found["history"]][:3] == ["pending", "sent", "dead"]
    twice = await house.call("POST", f"/api/dead-letters/{delivery_id}/replay", bearer=supervisor)
    twice.problem(409, "NOT_DEAD")


async def test_only_supervisors_send_again_and_only_what_there_is(house: House) -> None:
    _, delivery_id = await died(house)
    path = f"/api/dead-letters/{delivery_id}/replay"
    (await house.call("POST", path, bearer=await house.new_key("operator"))).problem(403, "PERMISSION_DENIED")
    elsewhere = await house.new_key("supervisor", screens=["S-2"])
    (await house.call("POST", path, bearer=elsewhere)).problem(403, "PERMISSION_DENIED")
    listed = await house.call("GET", "/api/dead-letters", bearer=elsewhere)
    assert listed.json["items"] == []
    unknown = "00000000-0000-4000-8000-000000000000:S-1"
    (await house.local("POST", f"/api/dead-letters/{unknown}/replay")).problem(404, "NOT_FOUND")
    assert len(await house.dead_letters()) == 1
