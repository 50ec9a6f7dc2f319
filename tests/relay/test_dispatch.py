"""Deliveries on their way: retries, time-outs, failures, supersession, queues, restores and the end of time to live."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from appliance.relay import dispatcher, endings
from tests.conftest import MakeHouse
from tests.support.answers import check_words, new_trigger
from tests.support.house import House, until

QUICK: dict[str, dict[str, Any]] = {
    "delivery": {"ack_timeout_ms": 60, "shown_timeout_ms": 60, "retry_base_ms": 15},
    "heartbeat": {"timeout_seconds": 2},
}


def steps(delivery: dict[str, Any]) -> list[tuple[str, int]]:
    return [(line["state"], line["attempt"]) for line in delivery["history"]]


# --- time-outs and retries ------------------------------------------------------------------------------------------


async def test_a_client_that_lives_but_never_acks_is_sent_to_four_times(make_house: MakeHouse) -> None:
    house = await make_house(QUICK)
    screen = await house.screen()
    trigger_id = await house.accepted()
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["code"], dead["cause"], dead["attempt"]) == ("RETRIES_EXHAUSTED", "ACK_TIMEOUT", 4)
    await screen.settled()
    assert [navigate["attempt"] for navigate in screen.of("navigate")] == [1, 2, 3, 4]
    assert {(n["seq"], n["round"]) for n in screen.of("navigate")} == {(screen.of("navigate")[0]["seq"], 1)}
    times = [line["at"] for line in dead["history"] if line["state"] in {"pending", "sent"}][1:]
    waits = [after - before for before, after in zip(times[1::2], times[2::2], strict=False)]
    assert [wait >= least for wait, least in zip(waits, (14, 29, 59), strict=True)] == [True] * 3
    assert screen.close_code is None
    (letter,) = await house.dead_letters()
    assert (letter["deliveryId"], letter["code"], letter["cause"]) == (dead["id"], "RETRIES_EXHAUSTED", "ACK_TIMEOUT")
    assert (letter["round"], letter["attempt"], letter["orderId"]) == (1, 4, "ORD-1001")
    check_words({**letter, "retryable": False})
    assert "4" in letter["messages"]["en"]


async def test_received_but_never_shown_is_retried_too(make_house: MakeHouse) -> None:
    house = await make_house({**QUICK, "delivery": {**QUICK["delivery"], "max_retries": 1}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.received(await screen.navigate())
    again = await screen.navigate()
    assert again["attempt"] == 2
    await screen.received(again)
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["code"], dead["cause"]) == ("RETRIES_EXHAUSTED", "SHOWN_TIMEOUT")


async def test_a_retry_that_succeeds_counts_as_shown(make_house: MakeHouse) -> None:
    house = await make_house(QUICK)
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    again = await screen.navigate()
    await screen.shown(again)
    shown = await house.becomes(trigger_id, "shown")
    assert (shown["attempt"], "code" in shown) == (2, False)
    assert await house.dead_letters() == []


async def test_a_timeout_with_a_dead_link_is_no_retry(make_house: MakeHouse) -> None:
    house = await make_house({**QUICK, "heartbeat": {"timeout_seconds": 0.1}})
    screen = await house.screen(answers_pings=False)
    trigger_id = await house.accepted()
    await screen.navigate()
    assert await screen.closed() == 4408
    back = await house.becomes(trigger_id, "pending")
    assert (back["attempt"], back["history"][-1]["cause"]) == (1, "SESSION_LOST")


@pytest.mark.parametrize("code", ["DOCUMENT_LOAD_FAILED", "INTERNAL_ERROR", "CLIENT_FAILED", None, "WHAT_IS_THIS"])
async def test_a_temporary_failure_is_tried_again(make_house: MakeHouse, code: str | None) -> None:
    house = await make_house(QUICK)
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate(), code, detail="x" * 2_000)
    again = await screen.navigate()
    assert again["attempt"] == 2
    await screen.shown(again)
    shown = await house.becomes(trigger_id, "shown")
    (line,) = [line for line in shown["history"] if line.get("cause")]
    known = {"DOCUMENT_LOAD_FAILED", "INTERNAL_ERROR", "CLIENT_FAILED"}
    assert line["cause"] == (code if code in known else "CLIENT_FAILED")
    assert line["detail"] == "x" * 500


@pytest.mark.parametrize(
    "code",
    ["DISPLAY_PERMISSION_DENIED", "DOCUMENT_URL_REFUSED", "DOCUMENT_NOT_FRAMEABLE", "DOCUMENT_TYPE_UNSUPPORTED"],
)
async def test_a_final_failure_ends_at_once(house: House, code: str) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    await screen.received(navigate)
    await screen.failed(navigate, code)
    told = await screen.expect("delivery")
    assert (told["state"], told["code"]) == ("dead", code)
    check_words({**told, "retryable": False})
    assert (await house.delivery(trigger_id))["attempt"] == 1


async def test_failures_use_up_the_retries_and_name_the_cause(make_house: MakeHouse) -> None:
    house = await make_house({**QUICK, "delivery": {**QUICK["delivery"], "max_retries": 2, "ack_timeout_ms": 5_000}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    for attempt in (1, 2, 3):
        navigate = await screen.navigate()
        assert navigate["attempt"] == attempt
        await screen.failed(navigate, "DOCUMENT_LOAD_FAILED")
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["code"], dead["cause"]) == ("RETRIES_EXHAUSTED", "DOCUMENT_LOAD_FAILED")


async def test_the_back_off_keeps_the_lane_busy(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"retry_base_ms": 250}})
    screen = await house.screen()
    first = await house.accepted(mode="queue")
    await screen.failed(await screen.navigate())
    await house.becomes(first, "pending")
    await house.accepted("ORD-1002", mode="queue")
    await screen.settled()
    assert len(screen.of("navigate")) == 1
    assert (await screen.navigate())["triggerId"] == first


async def test_a_new_session_ends_the_back_off(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"retry_base_ms": 60_000}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate())
    await house.becomes(trigger_id, "pending")
    await screen.close()
    again = await house.screen()
    navigate = await again.show_next()
    assert (navigate["triggerId"], navigate["attempt"]) == (trigger_id, 2)


# --- displays -------------------------------------------------------------------------------------------------------


async def test_a_missing_display_waits_until_the_displays_change(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"retry_base_ms": 10}})
    screen = await house.screen()
    trigger_id = await house.accepted(displayIndex=1)
    await screen.failed(await screen.navigate(), "DISPLAY_NOT_AVAILABLE")
    held = await house.becomes(trigger_id, "pending")
    assert (held["history"][-1]["cause"], held["attempt"]) == ("DISPLAY_NOT_AVAILABLE", 1)
    await asyncio.sleep(0.1)  # ten times the back-off that must not run
    await screen.settled()
    assert len(screen.of("navigate")) == 1
    await screen.send({"type": "displays", "displays": [{"index": 0}, {"index": 1}]})
    assert (await screen.show_next())["attempt"] == 1
    await house.becomes(trigger_id, "shown")


async def test_a_display_known_to_be_missing_is_not_sent_to(house: House) -> None:
    screen = await house.screen(displays=[{"index": 0}])
    other = await house.accepted(displayIndex=1)
    await house.accepted("ORD-1002", displayIndex=0)
    assert (await screen.show_next())["orderId"] == "ORD-1002"
    await screen.settled()
    assert len(screen.of("navigate")) == 1
    assert (await house.delivery(other))["state"] == "pending"
    await screen.send({"type": "displays", "displays": [{"index": 0}, {"index": 1}]})
    assert (await screen.show_next())["triggerId"] == other


async def test_a_missing_display_waits_for_the_next_session(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate(), "DISPLAY_NOT_AVAILABLE")
    await house.becomes(trigger_id, "pending")
    await screen.close()
    assert (await (await house.screen()).show_next())["triggerId"] == trigger_id


# --- acks that don't fit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"display": {"index": 0}},
        {"url": "http://x/"},
        {"display": {"index": 0}, "url": ""},
    ],
)
async def test_shown_without_evidence_is_an_error_and_no_state(house: House, evidence: dict[str, Any]) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    await screen.send({"type": "ack", "id": navigate["id"], "status": "shown", **evidence})
    assert (await screen.expect("error"))["code"] == "VALIDATION_ERROR"
    assert (await house.delivery(trigger_id))["state"] == "sent"
    await screen.shown(navigate)
    await house.becomes(trigger_id, "shown")


async def test_an_ack_for_an_unknown_or_a_foreign_delivery_is_not_found(house: House) -> None:
    one, two = await house.screen("S-1"), await house.screen("S-2")
    trigger_id = await house.accepted(screen_id="S-1")
    navigate = await one.navigate()
    producer = await house.session(house.key)
    for wire, delivery_id in (
        (two, navigate["id"]),
        (producer, navigate["id"]),
        (one, f"{uuid.uuid4()}:S-1"),
        (one, "nonsense"),
        (one, ""),
        (one, navigate["id"] + " "),
    ):
        ack = {"type": "ack", "id": delivery_id, "status": "shown", "display": {"index": 0}, "url": "http://x/"}
        await wire.send(ack)
        assert (await wire.expect("error"))["code"] == "NOT_FOUND"
    assert (await house.delivery(trigger_id))["state"] == "sent"


async def test_acks_that_come_twice_or_late_change_nothing(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.show_next()
    await house.becomes(trigger_id, "shown")
    await screen.shown(navigate)
    await screen.received(navigate)
    await screen.failed(navigate, "DOCUMENT_URL_REFUSED")
    await screen.settled()
    found = await house.delivery(trigger_id)
    assert (found["state"], found["final"]) == ("shown", True)
    assert [line["state"] for line in found["history"]][-3:] == ["late", "late", "late"]
    assert screen.of("error") == []


async def test_late_words_are_noted_up_to_a_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "MAX_HISTORY", 8)
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.show_next()
    for _ in range(20):
        await screen.shown(navigate)
    await screen.settled()
    assert len((await house.becomes(trigger_id, "shown"))["history"]) == 8


async def test_shown_without_received_before_is_enough(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.shown(await screen.navigate())
    await house.becomes(trigger_id, "shown")


async def test_received_is_the_end_for_a_client_that_cannot_tell_more(house: House) -> None:
    screen = await house.screen(capabilities=[])
    trigger_id = await house.accepted()
    await screen.received(await screen.navigate())
    told = await screen.expect("delivery")
    assert (told["state"], told["final"]) == ("received", True)
    assert (await house.delivery(trigger_id))["final"] is True
    found = (await house.local("GET", "/api/screens/S-1")).json
    assert found["currentDocument"]["orderId"] == "ORD-1001"


async def test_a_failure_counts_only_from_the_session_it_was_sent_to(house: House) -> None:
    old = await house.screen()
    trigger_id = await house.accepted()
    navigate = await old.navigate()
    await old.failed(navigate, "DISPLAY_NOT_AVAILABLE")
    await house.becomes(trigger_id, "pending")
    # Not on its way to anyone: a second word about it has no effect.
    await old.failed(navigate, "DOCUMENT_URL_REFUSED")
    await old.settled()
    assert (await house.delivery(trigger_id))["state"] == "pending"


# --- lanes ----------------------------------------------------------------------------------------------------------


async def test_a_newer_one_takes_the_place_of_an_older_one_on_its_way(house: House) -> None:
    screen, producer = await house.screen(), await house.session(house.key)
    first = new_trigger()
    await producer.send({"type": "trigger", **first})
    older = await screen.navigate()
    second = await house.accepted("ORD-1002")
    newer = await screen.navigate()
    assert newer["seq"] > older["seq"]
    told = await producer.expect("delivery")
    assert (told["triggerId"], told["state"], told["final"]) == (first["id"], "superseded", True)
    # The late ack of the older one is history.
    await screen.shown(older)
    await screen.shown(newer)
    await house.becomes(second, "shown")
    found = await house.delivery(first["id"])
    assert (found["state"], found["history"][-1]["state"]) == ("superseded", "late")
    assert (await house.local("GET", "/api/screens/S-1")).json["currentDocument"]["orderId"] == "ORD-1002"


async def test_only_the_newest_goes_to_a_screen_that_comes_back(house: House) -> None:
    await house.pair("S-1")
    ids = [await house.accepted(order) for order in ("ORD-1001", "ORD-1002", "ORD-1001")]
    screen = await house.screen()
    assert (await screen.show_next())["triggerId"] == ids[-1]
    await house.becomes(ids[-1], "shown")
    assert [(await house.delivery(i))["state"] for i in ids] == ["superseded", "superseded", "shown"]
    assert len(screen.of("navigate")) == 1


async def test_displays_are_lanes_of_their_own(house: House) -> None:
    screen = await house.screen()
    await house.accepted(displayIndex=0)
    await house.accepted("ORD-1002", displayIndex=1)
    found = [await screen.navigate(), await screen.navigate()]
    assert [navigate["displayIndex"] for navigate in found] == [0, 1]
    for navigate in found:
        await screen.shown(navigate)
        await house.becomes(navigate["triggerId"], "shown")


async def test_a_queue_keeps_its_order_one_at_a_time(house: House) -> None:
    screen = await house.screen()
    ids = [await house.accepted(order, mode="queue") for order in ("ORD-1001", "ORD-1002", "ORD-1001")]
    for number, trigger_id in enumerate(ids, 1):
        navigate = await screen.navigate()
        assert navigate["triggerId"] == trigger_id
        await screen.received(navigate)
        await screen.settled()
        assert len(screen.of("navigate")) == number
        await screen.shown(navigate)
    await house.becomes(ids[-1], "shown")


async def test_the_older_ones_mode_decides(house: House) -> None:
    await house.pair("S-1")
    queued = await house.accepted(mode="queue")
    latest = await house.accepted("ORD-1002")
    last = await house.accepted("ORD-1001", mode="queue")
    assert (await house.delivery(latest))["state"] == "superseded"
    screen = await house.screen()
    assert [(await screen.show_next())["triggerId"] for _ in range(2)] == [queued, last]
    await house.becomes(last, "shown")


async def test_seq_grows_with_every_delivery_of_a_screen(house: House) -> None:
    screen = await house.screen()
    seqs = []
    for order in ("ORD-1001", "ORD-1002", "ORD-1001"):
        await house.accepted(order)
        seqs.append((await screen.show_next())["seq"])
        await screen.expect("delivery")
    assert seqs == sorted(set(seqs))


async def test_a_lane_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "MAX_OPEN", 3)
    await house.pair("S-1")
    for _ in range(3):
        await house.accepted(mode="queue")
    refused = await house.trigger(mode="queue")
    refused.problem(429, "QUEUE_FULL")
    assert int(refused.headers["Retry-After"]) > 0
    assert (await house.trigger(displayIndex=3)).status == 202


# --- restores -------------------------------------------------------------------------------------------------------


async def test_a_monitor_that_comes_back_gets_its_document_again(house: House) -> None:
    screen = await house.screen(restore=True)
    trigger_id = await house.accepted()
    shown = await screen.show_next()
    await house.becomes(trigger_id, "shown")
    await screen.close()
    again = await house.screen(restore=True)
    restored = await again.navigate()
    assert restored["restored"] is True
    assert {k: restored[k] for k in ("id", "seq", "round", "title")} == {
        k: shown[k] for k in ("id", "seq", "round", "title")
    }
    assert [message["type"] for message in again.heard[:2]] == ["welcome", "navigate"]
    before = await house.delivery(trigger_id)
    await again.shown(restored)
    await again.settled()
    assert again.of("error") == []
    assert (await house.delivery(trigger_id))["state"] == before["state"] == "shown"
    plain = await house.screen(restore=False)
    await plain.settled()
    assert plain.of("navigate") == []


async def test_nothing_is_restored_where_something_new_waits(house: House) -> None:
    screen = await house.screen()
    await house.becomes(await _show(house, screen), "shown")
    await screen.close()
    newer = await house.accepted("ORD-1002")
    again = await house.screen(restore=True)
    assert (await again.show_next())["triggerId"] == newer
    await again.settled()
    assert len(again.of("navigate")) == 1


async def test_what_was_cleared_or_refused_is_not_restored(house: House) -> None:
    screen = await house.screen()
    await _show(house, screen)
    await house.local("POST", "/api/screens/S-1/clear")
    await screen.expect("clear")
    again = await house.screen(restore=True)
    await again.settled()
    assert again.of("navigate") == []
    await _show(house, again)
    await house.trigger("ORD-9999")
    await again.expect("error")
    last = await house.screen(restore=True)
    await last.settled()
    assert last.of("navigate") == []


async def test_what_is_too_old_is_not_restored(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"restore_hours": 0}})
    screen = await house.screen()
    await house.becomes(await _show(house, screen), "shown")
    await asyncio.sleep(0.01)
    again = await house.screen(restore=True)
    await again.settled()
    assert again.of("navigate") == []


# --- time to live ---------------------------------------------------------------------------------------------------


async def test_a_screen_that_stays_off_makes_dead_letters(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted(ttlSeconds=1)
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "SCREEN_OFFLINE"
    (letter,) = await house.dead_letters()
    check_words({**letter, "retryable": False})
    assert letter["diedAt"] - letter["acceptedAt"] >= 1_000


async def test_what_waits_too_long_for_its_turn_expires(house: House) -> None:
    screen = await house.screen()
    await house.accepted(mode="queue")
    await screen.received(await screen.navigate())
    behind = await house.accepted("ORD-1002", mode="queue", ttlSeconds=1)
    assert (await house.becomes(behind, "dead"))["code"] == "EXPIRED"


async def test_an_attempt_under_way_runs_out_before_it_expires(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"ack_timeout_ms": 1_800, "retry_base_ms": 10}})
    screen = await house.screen()
    trigger_id = await house.accepted(ttlSeconds=1)
    await screen.navigate()
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "EXPIRED"
    assert dead["history"][-1]["at"] - dead["history"][0]["at"] >= 1_750
    await screen.settled()
    assert len(screen.of("navigate")) == 1


async def test_an_attempt_under_way_may_still_succeed(make_house: MakeHouse) -> None:
    house = await make_house()
    screen = await house.screen()
    trigger_id = await house.accepted(ttlSeconds=1)
    navigate = await screen.navigate()
    await asyncio.sleep(1.6)  # past its time to live and the sweep after it
    await screen.shown(navigate)
    await house.becomes(trigger_id, "shown")


# --- dead letters ---------------------------------------------------------------------------------------------------


async def test_a_dead_letter_sent_again_is_a_new_round(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    first = await screen.navigate()
    await screen.failed(first, "DOCUMENT_NOT_FRAMEABLE")
    dead = await house.becomes(trigger_id, "dead")
    answer = await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")
    assert (answer.status, answer.json["id"]) == (202, dead["id"])
    assert await house.dead_letters() == []
    again = await screen.navigate()
    assert (again["id"], again["round"], again["attempt"]) == (dead["id"], 2, 1)
    assert again["seq"] > first["seq"]
    assert again["expiresAt"] > first["expiresAt"]
    await screen.received(again)
    await screen.shown(again)
    shown = await house.becomes(trigger_id, "shown")
    assert shown["round"] == 2
    (await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")).problem(409, "NOT_DEAD")


async def test_a_late_word_of_the_round_before_has_no_effect(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE")
    dead = await house.becomes(trigger_id, "dead")
    await screen.close()
    await until(lambda: house.appliance.engine.sessions.of_screen("S-1") is None)
    await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")
    again = await house.screen()
    await again.show_next()
    assert (await house.becomes(trigger_id, "shown"))["round"] == 2


async def test_a_replay_supersedes_what_waits_in_its_lane(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE")
    dead = await house.becomes(trigger_id, "dead")
    newer = await house.accepted("ORD-1002")
    await screen.navigate()
    await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")
    assert (await screen.show_next())["triggerId"] == trigger_id
    await house.becomes(newer, "superseded")


@pytest.mark.parametrize(
    "delivery_id",
    ["nonsense", f"{uuid.uuid4()}:S-1", f"{uuid.uuid4()}:S-9"],
    ids=["no delivery's id", "no such trigger", "no such screen"],
)
async def test_replaying_what_is_not_there(house: House, delivery_id: str) -> None:
    await house.pair("S-1")
    (await house.local("POST", f"/api/dead-letters/{delivery_id}/replay")).problem(404, "NOT_FOUND")


async def test_only_a_supervisor_sends_again(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    (await house.local("POST", f"/api/dead-letters/{trigger_id}:S-1/replay")).problem(409, "NOT_DEAD")
    await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE")
    dead = await house.becomes(trigger_id, "dead")
    path = f"/api/dead-letters/{dead['id']}/replay"
    (await house.call("POST", path, bearer=house.key)).problem(403, "PERMISSION_DENIED")
    supervisor = await house.new_key("supervisor")
    assert (await house.call("POST", path, bearer=supervisor)).status == 202


async def test_a_late_shown_takes_a_dead_letter_off_the_list(make_house: MakeHouse) -> None:
    house = await make_house({**QUICK, "delivery": {**QUICK["delivery"], "max_retries": 0}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    navigate = await screen.navigate()
    await house.becomes(trigger_id, "dead")
    await screen.shown(navigate)
    shown = await house.becomes(trigger_id, "shown")
    assert "code" not in shown
    assert await house.dead_letters() == []
    assert (await house.local("GET", "/api/screens/S-1")).json["currentDocument"]["orderId"] == "ORD-1001"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_late_shown_is_history_once_a_newer_one_was_shown(make_house: MakeHouse, restarted: bool) -> None:
    house = await make_house({**QUICK, "delivery": {**QUICK["delivery"], "max_retries": 0}})
    screen = await house.screen()
    first = await house.accepted()
    old = await screen.navigate()
    await house.becomes(first, "dead")
    second = await house.accepted("ORD-1002")
    await screen.show_next()
    await house.becomes(second, "shown")
    if restarted:
        await house.restart()
        screen = await house.screen()
    await screen.shown(old)
    await screen.settled()
    assert (await house.delivery(first))["state"] == "dead"
    assert (await house.local("GET", "/api/screens/S-1")).json["currentDocument"]["orderId"] == "ORD-1002"


async def test_a_late_shown_counts_while_the_newer_one_is_not_shown_yet(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"ack_timeout_ms": 100, "max_retries": 0, "shown_timeout_ms": 5_000}})
    screen = await house.screen()
    first = await house.accepted()
    old = await screen.navigate()
    await house.becomes(first, "dead")
    await house.accepted("ORD-1002")
    await screen.received(await screen.navigate())
    await screen.shown(old)
    await house.becomes(first, "shown")


async def test_a_screen_that_comes_back_gets_what_used_up_its_retries(make_house: MakeHouse) -> None:
    house = await make_house({**QUICK, "delivery": {**QUICK["delivery"], "max_retries": 0}})
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    await house.becomes(trigger_id, "dead")
    await screen.close()
    again = await house.screen()
    navigate = await again.show_next()
    assert (navigate["triggerId"], navigate["round"], navigate["attempt"]) == (trigger_id, 2, 1)
    await house.becomes(trigger_id, "shown")


# --- screens that go ------------------------------------------------------------------------------------------------


async def test_a_deleted_screen_takes_its_open_deliveries_along(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    assert (await house.local("DELETE", "/api/screens/S-1")).status == 204
    assert await screen.closed() == 4401
    dead = await house.becomes(trigger_id, "dead")
    assert dead["code"] == "SCREEN_REMOVED"
    (await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")).problem(404, "SCREEN_NOT_FOUND")
    (await house.trigger()).problem(404, "SCREEN_NOT_FOUND")


async def test_a_revoked_screen_keeps_its_deliveries_for_the_next_pairing(house: House) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.navigate()
    assert (await house.local("POST", "/api/screens/S-1/revoke")).status == 204
    assert (await house.becomes(trigger_id, "pending"))["attempt"] == 1
    house.tokens.clear()
    again = await house.screen()
    await again.show_next()
    await house.becomes(trigger_id, "shown")


async def test_twenty_lost_sessions_are_enough(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    for _ in range(20):
        screen = await house.screen()
        await screen.navigate()
        await screen.close()
        await until(lambda: house.appliance.engine.sessions.of_screen("S-1") is None)
    dead = await house.becomes(trigger_id, "dead")
    assert (dead["code"], dead["cause"], dead["attempt"]) == ("RETRIES_EXHAUSTED", "SESSION_LOST", 1)


async def test_ids_and_deliveries_go_on_where_they_were_after_a_restart(house: House) -> None:
    screen = await house.screen()
    body = await house.accepted()
    first = await screen.show_next()
    await house.becomes(body, "shown")
    epoch = screen.of("welcome")[0]["epoch"]
    await house.restart()
    again = await house.screen()
    assert again.of("welcome")[0]["epoch"] == epoch
    await house.accepted("ORD-1002")
    assert (await again.show_next())["seq"] > first["seq"]
    assert (await house.delivery(body))["state"] == "shown"


async def _show(house: House, screen: Any) -> str:
    trigger_id = await house.accepted()
    await screen.show_next()
    await screen.expect("delivery")
    return trigger_id
