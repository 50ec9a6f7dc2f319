"""Dead letters sent again or discarded: one, many, and by filter; each with its audit entry."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from appliance.relay import deadletters, dispatcher
from tests.support.house import House
from tests.support.letters import PATH, audited, die, listed, many_die, replay


async def test_many_are_sent_again_in_the_order_they_were_accepted(house: House) -> None:
    screen = await house.screen()
    ids = [await die(house, screen, mode="queue") for _ in range(3)]
    answer = await house.local("POST", f"{PATH}/replay", {"ids": ids[::-1]})
    assert (answer.status, answer.json) == (
        200,
        {
            "results": [{"id": each, "status": 202} for each in ids[::-1]],
            "replayed": 3,
            "refused": 0,
            "reasons": {},
        },
    )
    assert [(await screen.show_next())["id"] for _ in ids] == ids
    assert await listed(house) == []


async def test_each_of_many_has_its_own_result(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    good, foreign = await die(house, one, "S-1"), await die(house, two, "S-2")
    shown = await house.accepted()
    await one.show_next()
    await house.becomes(shown, "shown")
    unknown = f"{uuid.uuid4()}:S-1"
    limited = await house.new_key("supervisor", screens=["S-1"])
    ids = [good, foreign, f"{shown}:S-1", unknown, good, "nonsense"]
    answer = await house.call("POST", f"{PATH}/replay", {"ids": ids}, bearer=limited)
    assert [(line["id"], line["status"], line.get("code")) for line in answer.json["results"]] == [
        (good, 202, None),
        (foreign, 403, "PERMISSION_DENIED"),
        (f"{shown}:S-1", 409, "NOT_DEAD"),
        (unknown, 404, "NOT_FOUND"),
        (good, 202, None),
        ("nonsense", 403, "PERMISSION_DENIED"),
    ]
    assert (answer.json["replayed"], answer.json["refused"]) == (1, 4)
    assert answer.json["reasons"] == {"PERMISSION_DENIED": 2, "NOT_DEAD": 1, "NOT_FOUND": 1}
    assert await listed(house) == [foreign]


async def test_of_several_for_one_display_only_the_newest_comes_and_no_older_flashes_past(house: House) -> None:
    screen = await house.screen()
    ids = [await die(house, screen, order_id=order) for order in ("ORD-1001", "ORD-1002", "ORD-1001")]
    answer = await house.local("POST", f"{PATH}/replay", {"ids": ids})
    assert answer.json["replayed"] == 3
    assert (await screen.show_next())["id"] == ids[2]
    for older in ids[:2]:
        await house.becomes(older.partition(":")[0], "superseded")
    await screen.settled()
    assert [message["id"] for message in screen.of("navigate")] == [*ids, ids[2]]
    assert await listed(house) == []
    assert (await house.local("GET", "/api/metrics")).json["lossRate"] == 0


async def test_by_filter_what_newer_ones_have_overtaken_stays_unless_it_is_wanted(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    stale = await die(house, one, "S-1")
    await house.accepted(screen_id="S-1")
    await one.show_next()
    fresh = await die(house, two, "S-2")
    other = await die(house, two, "S-2", displayIndex=1)
    answer = await house.local("POST", f"{PATH}/replay", {"code": "DOCUMENT_NOT_FRAMEABLE"})
    assert answer.json == {
        "replayed": 2, "stale": 1, "refused": 0, "reasons": {}, "remaining": 0, "cursor": None,
    }  # fmt: skip
    assert {(await two.show_next())["id"], (await two.show_next())["id"]} == {fresh, other}
    assert await listed(house) == [stale]
    for nothing in ({"screenId": "S-2"}, {"code": "EXPIRED"}, {"since": 1, "until": 2}):
        body = {**nothing, "includeStale": True}
        assert (await house.local("POST", f"{PATH}/replay", body)).json["replayed"] == 0
    answer = await house.local("POST", f"{PATH}/replay", {"screenId": "S-1", "includeStale": True})
    assert (answer.json["replayed"], answer.json["stale"]) == (1, 0)
    assert (await one.show_next())["id"] == stale


async def test_all_of_a_long_list_call_by_call(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was sent again before has overtaken nothing that was accepted after it."""
    monkeypatch.setattr(deadletters, "MAX_AT_ONCE", 7)
    ids = await many_die(house, ["S-1", "S-2"], 10)
    gone = [await house.screen("S-1"), await house.screen("S-2")]
    assert (await house.local("DELETE", "/api/screens/S-2")).status == 204
    await gone[1].close()
    totals = {"replayed": 0, "refused": 0, "stale": 0}
    remaining = []
    cursor = None
    while True:
        answer = (await house.local("POST", f"{PATH}/replay", {"all": True, "cursor": cursor})).json
        totals = {name: totals[name] + answer[name] for name in totals}
        remaining.append(answer["remaining"])
        cursor = answer["cursor"]
        if cursor is None:
            break
    assert totals == {"replayed": 10, "refused": 10, "stale": 0}
    assert remaining == [13, 6, 0]
    shown = [(await gone[0].show_next())["id"] for _ in range(10)]
    assert shown == [each for each in ids if each.endswith("S-1")]


async def test_a_full_lane_takes_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = await house.screen()
    ids = [await die(house, screen, mode="queue") for _ in range(3)]
    monkeypatch.setattr(dispatcher, "MAX_OPEN", 2)
    answer = await house.local("POST", f"{PATH}/replay", {"ids": ids})
    assert [line.get("code") for line in answer.json["results"]] == [None, None, "QUEUE_FULL"]
    refused = await replay(house, ids[2])
    refused.problem(429, "QUEUE_FULL")
    assert int(refused.headers["Retry-After"]) >= 1
    assert await listed(house) == [ids[2]]
    await screen.show_next()
    await house.becomes(ids[0].partition(":")[0], "shown")
    assert (await replay(house, ids[2])).status == 202


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, ""),
        ([], ""),
        ({"ids": []}, "ids"),
        ({"ids": ["x"] * 501}, "ids"),
        ({"ids": ["x"], "screenId": "S-1"}, "ids"),
        ({"ids": "x"}, "ids"),
        ({"screenId": "a b"}, "screenId"),
        ({"code": "NO_SUCH"}, "code"),
        ({"since": -1}, "since"),
        ({"since": 5, "until": 4}, "until"),
        ({"until": "now"}, "until"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_what_is_not_said_well_changes_nothing(house: House, verb: str, body: object, field: str) -> None:
    problem = (await house.local("POST", f"{PATH}/{verb}", body)).problem(400, "VALIDATION_ERROR")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_one_that_is_discarded_leaves_the_list_and_stays_in_history(house: House) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    trigger_id = delivery_id.partition(":")[0]
    assert (await house.local("DELETE", f"{PATH}/{delivery_id}")).status == 204
    assert await listed(house) == []
    (await house.local("DELETE", f"{PATH}/{delivery_id}")).problem(404, "NOT_FOUND")
    (await house.local("GET", f"{PATH}/{delivery_id}")).problem(404, "NOT_FOUND")
    (await replay(house, delivery_id)).problem(409, "NOT_DEAD")
    for _ in range(2):
        kept = await house.delivery(trigger_id)
        assert (kept["state"], kept["code"]) == ("dead", "DOCUMENT_NOT_FRAMEABLE")
        assert kept["history"][-1]["state"] == "discarded"
        assert kept["history"][-1]["detail"].startswith("local:")
        await house.restart()
    screen = await house.screen()
    navigate = {"id": delivery_id, "displayIndex": 0, "url": "http://127.0.0.1/x"}
    await screen.shown(navigate)
    assert (await house.becomes(trigger_id, "shown"))["final"] is True


async def test_many_are_discarded_only_when_that_was_said(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    ids = [await die(house, one, "S-1"), await die(house, two, "S-2"), await die(house, two, "S-2")]
    for body in ({}, {"screenid": "S-1"}, {"all": False}):
        problem = (await house.local("POST", f"{PATH}/discard", body)).problem(400, "VALIDATION_ERROR")
        assert problem["errors"][0]["field"] == "all"
    answer = await house.local("POST", f"{PATH}/discard", {"ids": [ids[1], "nonsense"]})
    assert answer.json == {
        "results": [{"id": ids[1], "status": 204}, {"id": "nonsense", "status": 404, "code": "NOT_FOUND"}],
        "discarded": 1, "refused": 1, "reasons": {"NOT_FOUND": 1},
    }  # fmt: skip
    answer = await house.local("POST", f"{PATH}/discard", {"screenId": "S-1"})
    assert answer.json == {"discarded": 1, "refused": 0, "reasons": {}, "remaining": 0, "cursor": None}
    assert await listed(house) == [ids[2]]
    limited = await house.new_key("supervisor", screens=["S-1"])
    assert (await house.call("POST", f"{PATH}/discard", {"all": True}, bearer=limited)).json["discarded"] == 0
    assert (await house.local("POST", f"{PATH}/discard", {"all": True})).json["discarded"] == 1
    assert await listed(house) == []


async def test_what_a_deleted_screen_left_behind_can_be_discarded(house: House) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    await house.local("DELETE", "/api/screens/S-1")
    refused = (await replay(house, delivery_id)).problem(404, "SCREEN_NOT_FOUND")
    assert "was deleted" in refused["detail"]
    answer = (await house.local("POST", f"{PATH}/replay", {"all": True})).json
    assert (answer["replayed"], answer["reasons"]) == (0, {"SCREEN_NOT_FOUND": 1})
    assert (await house.local("DELETE", f"{PATH}/{delivery_id}")).status == 204


async def test_it_is_on_disk_who_did_what_when_the_answer_comes(house: House) -> None:
    screen = await house.screen()
    ids = [await die(house, screen) for _ in range(4)]
    key = await house.new_key("supervisor")
    await house.call("POST", f"{PATH}/{ids[0]}/replay", bearer=key)
    ((actor, target, detail),) = audited(house, "dead-letter.replay")
    assert (actor.startswith("key:"), target, detail) == (True, ids[0], None)
    await house.call("DELETE", f"{PATH}/{ids[1]}", bearer=key)
    assert [line[1] for line in audited(house, "dead-letter.discard")] == [ids[1]]
    await house.local("POST", f"{PATH}/discard", {"ids": [ids[2], ids[1]]})
    _, target, detail = audited(house, "dead-letter.discard")[-1]
    assert (target, json.loads(detail or "")) == (None, {"ids": [ids[2], ids[1]], "count": 1})
    await house.local("POST", f"{PATH}/replay", {"screenId": "S-1", "since": 5, "includeStale": True})
    actor, target, detail = audited(house, "dead-letter.replay")[-1]
    assert (actor.startswith("local:"), target) == (True, None)
    assert json.loads(detail or "") == {"filter": {"screenId": "S-1", "since": 5}, "includeStale": True, "count": 1}
    before = len(audited(house, "dead-letter.replay"))
    await replay(house, ids[1])
    await house.local("POST", f"{PATH}/replay", {"ids": [ids[1], "x"]})
    assert len(audited(house, "dead-letter.replay")) == before, "nothing was done"


async def test_of_many_who_send_again_at_once_exactly_one_does(house: House) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    answers = await asyncio.gather(*(replay(house, delivery_id) for _ in range(12)))
    assert sorted(answer.status for answer in answers) == [202] + [409] * 11
    assert (await screen.show_next())["round"] == 2
    await screen.settled()
    assert len(screen.of("navigate")) == 2
    assert len(audited(house, "dead-letter.replay")) == 1


async def test_discarding_and_sending_again_at_once_end_in_one_of_the_two(house: House) -> None:
    screen = await house.screen()
    for _ in range(8):
        delivery_id = await die(house, screen)
        many = {"ids": [delivery_id, "x"]}
        sent, gone, bulk, found = await asyncio.gather(
            replay(house, delivery_id),
            house.local("DELETE", f"{PATH}/{delivery_id}"),
            house.local("POST", f"{PATH}/discard", many),
            house.local("POST", f"{PATH}/replay", {"all": True, "includeStale": True}),
        )
        discards = [gone.status == 204, bulk.json["discarded"] == 1]
        replays = [sent.status == 202, found.json["replayed"] == 1]
        assert sum(discards + replays) == 1, (sent.text, gone.text, bulk.text, found.text)
        state = (await house.delivery(delivery_id.partition(":")[0]))["state"]
        if any(discards):
            assert state == "dead"
        else:
            assert (await screen.show_next())["id"] == delivery_id
        await house.accepted("ORD-1002")
        await screen.show_next()
    assert await listed(house) == []


@pytest.mark.parametrize("body", [{}, {"ids": None}, {"screenid": "S-1"}, {"includeStale": True}])
async def test_everything_is_sent_again_only_when_that_is_said(house: House, body: dict[str, object]) -> None:
    screen = await house.screen()
    delivery_id = await die(house, screen)
    found = (await house.local("POST", f"{PATH}/replay", body)).problem(400, "VALIDATION_ERROR")
    assert found["errors"][0]["field"] == "all"
    assert await listed(house) == [delivery_id]


async def test_what_a_person_cancelled_is_sent_again_by_name_only(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    assert (await house.local("POST", f"/api/triggers/{trigger_id}/cancel")).status == 200
    for body in ({"all": True}, {"screenId": "S-1", "includeStale": True}):
        answer = await house.local("POST", f"{PATH}/replay", body)
        assert (answer.json["replayed"], answer.json["remaining"]) == (0, 0)
    assert await listed(house) == [f"{trigger_id}:S-1"]
    assert (await house.local("POST", f"{PATH}/replay", {"code": "CANCELLED"})).json["replayed"] == 1
    assert (await house.delivery(trigger_id))["state"] == "pending"
