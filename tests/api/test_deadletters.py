"""The list of what couldn't be delivered: seeing it, page by page and whole."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.conftest import MakeHouse
from tests.support.answers import check_words, now_ms
from tests.support.house import House
from tests.support.letters import PATH, die, listed, many_die, replay
from tests.support.wire import Wire


async def test_a_dead_letter_tells_all_a_supervisor_needs(house: House) -> None:
    screen = await house.screen()
    await house.local("PATCH", "/api/screens/S-1", {"name": "Saw"})
    delivery_id = await die(house, screen)
    (letter,) = await house.dead_letters()
    assert (letter["deliveryId"], letter["triggerId"]) == (delivery_id, delivery_id.partition(":")[0])
    assert {name: letter[name] for name in ("orderId", "screenId", "screenName", "displayIndex", "code", "cause")} == {
        "orderId": "ORD-1001", "screenId": "S-1", "screenName": "Saw", "displayIndex": 0,
        "code": "DOCUMENT_NOT_FRAMEABLE", "cause": None,
    }  # fmt: skip
    assert letter["title"]
    assert letter["acceptedAt"] <= letter["diedAt"] <= now_ms()
    assert (letter["round"], letter["attempt"]) == (1, 1)
    assert (letter["mode"], letter["target"]) == ("latest", "screen:S-1")
    assert letter["sender"].startswith("key:")
    assert letter["senderName"] == "key-1"
    check_words({**letter, "retryable": False})


async def test_one_is_shown_with_its_whole_history_for_as_long_as_it_is_on_the_list(house: House) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    letter = (await house.local("GET", f"{PATH}/{delivery_id}")).json
    check_words({**letter, "retryable": False})
    assert [line["state"] for line in letter["history"]] == ["pending", "sent", "dead"]
    assert (letter["history"][-1]["code"], letter["history"][-1]["detail"]) == (
        "DOCUMENT_NOT_FRAMEABLE", "as the client said",
    )  # fmt: skip
    assert (letter["state"], letter["evidence"]) == ("dead", None)
    upper = delivery_id.partition(":")[0].upper() + ":S-1"
    assert (await house.local("GET", f"{PATH}/{upper}")).json["deliveryId"] == delivery_id
    for unknown in ("nonsense", f"{delivery_id}x", delivery_id.replace("S-1", "S-2")):
        (await house.local("GET", f"{PATH}/{unknown}")).problem(404, "NOT_FOUND")
    word = await house.local("GET", f"{PATH}/replay")
    word.problem(405, "METHOD_NOT_ALLOWED")
    assert word.headers["Allow"] == "POST"
    await replay(house, delivery_id)
    (await house.local("GET", f"{PATH}/{delivery_id}")).problem(404, "NOT_FOUND")


async def test_what_used_up_its_retries_says_why_in_both_languages(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"ack_timeout_ms": 50, "max_retries": 0}})
    screen = await house.screen()
    await house.becomes(await house.accepted(), "dead")
    await screen.settled()
    (letter,) = await house.dead_letters()
    assert (letter["code"], letter["cause"]) == ("RETRIES_EXHAUSTED", "ACK_TIMEOUT")
    assert letter["causeMessages"]["ko"] == "모니터가 받았다고 답하지 않았습니다."
    assert letter["messages"]["en"].startswith("Sent 1 times")


async def test_the_one_that_died_last_comes_first_and_later_words_move_none(house: House) -> None:
    await house.pair("S-2")
    first = await house.accepted(screen_id="S-2", ttlSeconds=1)
    screen = await house.screen()
    second = await house.accepted()
    refused = await screen.navigate()
    await screen.failed(refused, "DOCUMENT_NOT_FRAMEABLE")
    await house.becomes(second, "dead")
    await house.becomes(first, "dead")
    assert await listed(house) == [f"{first}:S-2", f"{second}:S-1"]
    before = await house.dead_letters()
    await screen.received(refused)
    await screen.settled()
    assert (await house.delivery(second))["history"][-1]["state"] == "late"
    assert await house.dead_letters() == before


async def test_a_restart_keeps_the_list(house: House) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    await house.restart()
    assert await listed(house) == [delivery_id]
    again = await house.screen()
    assert (await replay(house, delivery_id)).status == 202
    assert (await again.show_next())["round"] == 2


async def test_1500_letters_are_paged_while_others_come_and_go(house: House) -> None:
    """None is skipped and none comes twice, but for those that someone takes away before their page."""
    ids = await many_die(house, ["S-1", "S-2", "S-3"], 500)
    newest_first = await listed(house, "limit=500")
    assert sorted(newest_first) == sorted(ids)
    screen = await house.screen("S-9")
    replayed, discarded = newest_first[700], newest_first[1100]
    seen: list[str] = []
    cursor = ""
    for number in range(30):
        page = (await house.local("GET", f"{PATH}?limit=100{cursor}")).json
        seen += [letter["deliveryId"] for letter in page["items"]]
        if number < 3:
            await die(house, screen, "S-9")
        if number == 3:
            assert (await replay(house, replayed)).status == 202
            assert (await house.local("DELETE", f"{PATH}/{discarded}")).status == 204
            await replay(house, newest_first[50])  # seen already
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert seen == [one for one in newest_first if one not in {replayed, discarded}]


async def test_whoever_is_limited_sees_full_pages_of_their_screens_alone(house: House) -> None:
    screens = {screen_id: await house.screen(screen_id) for screen_id in ("S-1", "S-2")}
    await house.local("PATCH", "/api/screens/S-2", {"groups": ["line-2"]})
    mine: list[str] = []
    for _ in range(4):
        mine.append(await die(house, screens["S-1"], "S-1"))
        await die(house, screens["S-2"], "S-2")
        await die(house, screens["S-2"], "S-2")
    limited = await house.new_key("supervisor", screens=["S-1"])
    page = (await house.call("GET", f"{PATH}?limit=3", bearer=limited)).json
    assert [letter["deliveryId"] for letter in page["items"]] == mine[:0:-1]
    rest = (await house.call("GET", f"{PATH}?limit=3&cursor={page['cursor']}", bearer=limited)).json
    assert ([letter["deliveryId"] for letter in rest["items"]], rest["cursor"]) == (mine[:1], None)
    line = await house.new_key("viewer", groups=["line-2"])
    assert len((await house.call("GET", PATH, bearer=line)).json["items"]) == 8
    assert (await house.call("GET", f"{PATH}?screenId=S-1", bearer=line)).json["items"] == []
    exported = await house.call("GET", PATH, bearer=limited, headers={"Accept": "application/x-ndjson"})
    assert {json.loads(row)["screenId"] for row in exported.text.splitlines()} == {"S-1"}
    foreign = (await house.call("GET", f"{PATH}?screenId=S-2", bearer=line)).json["items"][0]["deliveryId"]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/replay")):
        answer = await house.call(method, f"{PATH}/{foreign}{path}", bearer=limited)
        answer.problem(403, "PERMISSION_DENIED")
    for method, path in (("DELETE", f"/{foreign}"), ("POST", "/replay"), ("POST", "/discard")):
        answer = await house.call(method, PATH + path, {} if method == "POST" else None, bearer=line)
        answer.problem(403, "PERMISSION_DENIED")
    assert (await house.call("POST", f"{PATH}/{mine[0]}/replay", bearer=limited)).status == 202
    (await house.call("GET", PATH)).problem(401, "TOKEN_INVALID")
    (await house.call("GET", PATH, bearer=house.tokens["S-1"])).problem(403, "PERMISSION_DENIED")


async def test_the_list_is_filtered_by_screen_code_and_time(house: House) -> None:
    delivery_id = await die(house, await house.screen())
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
        (f"screenId=S-1&code=DOCUMENT_NOT_FRAMEABLE&since={at}", True),
    ):
        assert await listed(house, query) == [delivery_id] * found, query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("until=-1", "until"),
        ("since=2&until=1", "until"),
        ("since=99999999999999999999", "since"),
        ("screenId=a%20b", "screenId"),
        ("screenId=", "screenId"),
        ("code=WHATEVER", "code"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=1", "cursor"),
        ("cursor=1-2-3", "cursor"),
        ("cursor=-1-2", "cursor"),
        ("cursor=1-٢", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=1%20OR%201-2", "cursor"),
    ],
)
async def test_wrong_values_are_named(house: House, query: str, field: str) -> None:
    problem = (await house.local("GET", f"{PATH}?{query}")).problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_the_whole_list_as_a_spreadsheet_opens_it(house: House) -> None:
    screen = await house.screen()
    await house.local("PATCH", "/api/screens/S-1", {"name": "=절단 1"})
    nasty = ['=HYPERLINK("http://evil.example","x")', "+1", "-1", "@SUM(A1)", "＝1+1", 'say "hi", 안녕']
    for title in nasty:
        trigger = await house.call("POST", "/api/trigger", _address(title), bearer=await house.new_key("supervisor"))
        assert trigger.status == 202, trigger.text
        await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE")
        await house.becomes(trigger.json["id"], "dead")
    answer = await house.call("GET", PATH, bearer=house.key, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="vooster-undelivered-') and disposition.endswith('.csv"')
    assert answer.text.startswith("\ufeffdiedAt,acceptedAt,orderId,title,")
    assert answer.text.count("\r\n") == answer.text.count("\n") == len(nasty) + 1
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert [row["title"] for row in rows] == [title if title.startswith("say") else "'" + title for title in nasty][
        ::-1
    ]
    assert {row["screenName"] for row in rows} == {"'=절단 1"}
    assert all(cell[:1] not in set("=+-@\t\r") for row in rows for cell in row.values())
    assert (rows[0]["reasonKo"], rows[0]["actionKo"]) == (
        "이 문서는 브라우저 화면 안에 띄울 수 없습니다.", "그 PC에 확장 프로그램을 설치해 주세요.",
    )  # fmt: skip
    assert (rows[0]["reasonEn"], rows[0]["code"]) == (
        "This document can't be shown inside the page.",
        "DOCUMENT_NOT_FRAMEABLE",
    )


def _address(title: str) -> dict[str, object]:
    from tests.support.answers import new_trigger

    return new_trigger(None, "S-1", url="http://127.0.0.1/x", title=title)


async def test_the_whole_list_line_by_line_is_what_its_pages_say(house: House) -> None:
    await many_die(house, ["S-1"], 250)
    items = (await house.local("GET", f"{PATH}?limit=500")).json["items"]
    answer = await house.call("GET", PATH, bearer=house.key, headers={"Accept": "application/x-ndjson"})
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"].endswith('.jsonl"')
    assert [json.loads(line) for line in answer.text.splitlines()] == items
    some = await house.call("GET", f"{PATH}?screenId=S-2", bearer=house.key, headers={"Accept": "application/x-ndjson"})
    assert (some.status, some.text) == (200, "")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=x, ;;", "application/json"),
        ("TEXT/CSV; header=present", "text/csv"),
    ],
)
async def test_the_format_that_is_asked_for(house: House, accept: str, expected: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await house.call(method, PATH, bearer=house.key, headers={"Accept": accept})
        assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, expected)


async def test_what_the_storage_still_holds_can_be_read_while_it_refuses(house: House) -> None:
    from tests.support.disk import refusing

    screen: Wire = await house.screen()
    delivery_id = await die(house, screen)
    with refusing():
        assert await listed(house) == [delivery_id]
        assert (await house.local("GET", f"{PATH}/{delivery_id}")).status == 200
        answer = await house.call("GET", PATH, bearer=house.key, headers={"Accept": "text/csv"})
        assert delivery_id in answer.text
