"""Dead letters made to order."""

from __future__ import annotations

import sqlite3
from typing import Any

from tests.support.answers import Answer, new_trigger
from tests.support.house import House, until
from tests.support.wire import Wire

PATH = "/api/dead-letters"


async def die(
    house: House, screen: Wire, screen_id: str = "S-1", order_id: str | None = "ORD-1001", **members: Any
) -> str:
    """One that its client refused for good; the delivery's id."""
    trigger_id = await house.accepted(order_id, screen_id, **members)
    await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE", detail="as the client said")
    return str((await house.becomes(trigger_id, "dead"))["id"])


async def many_die(house: House, screens: list[str], number: int) -> list[str]:
    """So many for each of these screens that nobody has switched on, in the order they were accepted."""
    for screen_id in screens:
        await house.pair(screen_id)
    triggers = [
        new_trigger(screen_id=screen_id, mode="queue", ttlSeconds=1) for _ in range(number) for screen_id in screens
    ]
    for start in range(0, len(triggers), 500):
        some = triggers[start : start + 500]
        answer = await house.call("POST", "/api/triggers", {"triggers": some}, bearer=house.key)
        assert {result["status"] for result in answer.json["results"]} == {202}, answer.text[:500]
    await until(lambda: house.appliance.engine.dispatcher.unsettled == 0)
    return [f"{trigger['id']}:{trigger['screenId']}" for trigger in triggers]


async def replay(house: House, delivery_id: str) -> Answer:
    return await house.local("POST", f"{PATH}/{delivery_id}/replay")


async def listed(house: House, query: str = "") -> list[str]:
    """The ids on the list, page after page."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = await house.local("GET", f"{PATH}?{query}{cursor}")
        assert answer.status == 200, answer.text
        found += [letter["deliveryId"] for letter in answer.json["items"]]
        if answer.json["cursor"] is None:
            return found
        cursor = f"&cursor={answer.json['cursor']}"


def audited(house: House, action: str) -> list[tuple[str, str | None, str | None]]:
    """Actor, target and detail of every audit entry of that action, as they are on disk."""
    with sqlite3.connect(house.data.database) as connection:
        return connection.execute(
            "SELECT actor, target, detail FROM audit WHERE action = ? ORDER BY pk", (action,)
        ).fetchall()
