"""The record: who was shown what, where and when."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from appliance.storage import deliveries as storage
from tests.support.house import House
from tests.support.letters import die, many_die

PATH = "/api/deliveries"


async def found(house: House, query: str = "", bearer: str | None = None) -> list[dict[str, Any]]:
    """All pages of what is found, with a trigger's id instead of each delivery's."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await house.call("GET", f"{PATH}?{query}{cursor}", bearer=bearer or house.key)
        assert answer.status == 200, answer.text
        items += answer.json["items"]
        if answer.json["cursor"] is None:
            return items
        cursor = f"&cursor={answer.json['cursor']}"


async def ids(house: House, query: str = "", bearer: str | None = None) -> list[str]:
    return [item["triggerId"] for item in await found(house, query, bearer)]


async def test_what_was_shown_where_and_when(house: House) -> None:
    screen = await house.screen()
    await house.local("PATCH", "/api/screens/S-1", {"name": "절단 1"})
    trigger_id = await house.accepted(displayIndex=1)
    navigate = await screen.navigate()
    await screen.received(navigate)
    await screen.shown(navigate, display={"index": 1, "name": "DELL"}, windowId="w-7")
    await house.becomes(trigger_id, "shown")
    (item,) = await found(house)
    assert {name: item[name] for name in ("triggerId", "orderId", "screenId", "screenName", "state", "final")} == {
        "triggerId": trigger_id, "orderId": "ORD-1001", "screenId": "S-1", "screenName": "절단 1", "state": "shown",
        "final": True,
    }  # fmt: skip
    assert item["evidence"]["display"] == {"index": 1, "name": "DELL"}
    assert (item["evidence"]["windowId"], item["evidence"]["url"]) == ("w-7", navigate["url"])
    assert item["acceptedAt"] <= item["sentAt"] <= item["receivedAt"] <= item["shownAt"] == item["endedAt"]
    assert item["senderName"] == "key-1"
    assert (item["sender"].partition(":")[0], item["mode"], item["code"]) == ("key", "latest", None)


async def test_the_newest_state_is_told_though_it_is_hardly_on_disk(house: House) -> None:
    screen = await house.screen()
    for _ in range(20):
        await house.accepted()
        await screen.navigate()
        (newest, *_) = (await house.call("GET", f"{PATH}?limit=1", bearer=house.key)).json["items"]
        assert newest["state"] == "sent"


async def test_it_is_searched_by_screen_order_state_and_time(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    house.order("ORD-1003")
    await house.knows("ORD-1003")
    first = await house.accepted("ORD-1001", "S-1")
    await one.show_next()
    await house.becomes(first, "shown")
    second = (await die(house, two, "S-2", "ORD-1002")).partition(":")[0]
    both = await house.accepted("ORD-1003", screen_id=None, target="screen:S-*", mode="queue")
    await one.navigate()
    await two.navigate()
    items = await found(house)
    assert [item["triggerId"] for item in items] == [both, both, second, first]
    at = {item["triggerId"]: item["acceptedAt"] for item in items}
    for query, expected in (
        ("screenId=S-1", [both, first]),
        ("screenId=S-9", []),
        ("orderId=ORD-1003", [both, both]),
        ("orderId=%20ORD-1001%20", [first]),
        ("orderId=ORD-100", []),
        ("state=shown", [first]),
        ("state=shown,dead", [second, first]),
        ("state=sent", [both, both]),
        ("state=superseded", []),
        (f"to={at[first]}", [first]),
        (f"from={at[second]}&to={at[second]}", [second]),
        (f"from={at[both]}", [both, both]),
        (f"from={at[both] + 1}", []),
        ("to=5", []),
        ("screenId=S-2&state=dead&orderId=ORD-1002", [second]),
        ("screenId=S-1&state=dead", []),
    ):
        assert await ids(house, query) == expected, query
        assert await ids(house, f"{query}&limit=1") == expected, query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=now", "from"),
        ("to=-5", "to"),
        ("from=2&to=1", "to"),
        ("state=", "state"),
        ("state=lost", "state"),
        ("state=shown,lost", "state"),
        ("orderId=a%25b", "orderId"),
        ("orderId=", "orderId"),
        ("screenId=%2e", "screenId"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=1-2", "cursor"),
    ],
)
async def test_wrong_values_are_named(house: House, query: str, field: str) -> None:
    problem = (await house.local("GET", f"{PATH}?{query}")).problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("walk", [7, 100_000])
async def test_long_lists_are_paged_and_exported_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, walk: int
) -> None:
    monkeypatch.setattr(storage, "WALK", walk)
    sent = await many_die(house, ["S-1", "S-2", "S-3"], 100)
    newest_first = [delivery_id.partition(":")[0] for delivery_id in sent][::-1]
    assert await ids(house, "limit=70") == newest_first
    screen = await house.screen("S-9")
    page = (await house.call("GET", f"{PATH}?limit=100", bearer=house.key)).json
    await house.accepted(screen_id="S-9")
    await screen.show_next()
    rest = (await house.call("GET", f"{PATH}?limit=500&cursor={page['cursor']}", bearer=house.key)).json["items"]
    assert [item["triggerId"] for item in [*page["items"], *rest]] == newest_first
    mine = [delivery_id for delivery_id in sent if delivery_id.endswith(("S-1", "S-3"))][::-1]
    limited = await house.new_key("viewer", screens=["S-1", "S-3"])
    assert [item["deliveryId"] for item in await found(house, "limit=30", limited)] == mine
    assert await ids(house, "screenId=S-2", limited) == []
    lines = await house.call("GET", PATH, bearer=limited, headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line)["deliveryId"] for line in lines.text.splitlines()] == mine
    sheet = await house.call("GET", f"{PATH}?screenId=S-2", bearer=house.key, headers={"Accept": "text/csv"})
    assert sheet.text.startswith("\ufeffacceptedAt,orderId,")
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"), newline="")))
    assert [row["deliveryId"] for row in rows] == [each for each in sent if each.endswith("S-2")][::-1]
    assert {(row["state"], row["code"], row["shownAt"]) for row in rows} == {("dead", "SCREEN_OFFLINE", "")}


async def test_a_clock_that_was_set_back_hides_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.relay import drafts

    screen = await house.screen()
    before = await house.accepted(mode="queue")
    (item,) = await found(house)
    at = item["acceptedAt"] - 200_000
    with monkeypatch.context() as patched:
        patched.setattr(drafts, "now_ms", lambda: at)
        back = await house.accepted(mode="queue")
    after = await house.accepted(mode="queue")
    assert screen.close_code is None
    assert await ids(house) == [after, back, before]
    assert await ids(house, f"from={at}&to={at}") == [back]
    assert await ids(house, f"from={at + 1}") == [after, before]
    assert await ids(house, f"to={item['acceptedAt']}") == [back, before]


async def test_screens_and_strangers_see_nothing(house: House) -> None:
    token = await house.pair("S-1")
    (await house.call("GET", PATH)).problem(401, "TOKEN_INVALID")
    (await house.call("GET", PATH, bearer=token)).problem(403, "PERMISSION_DENIED")
