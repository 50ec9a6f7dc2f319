"""Lanes where it is easy to get wrong: after a crash, before a display is there, when they are full."""

from __future__ import annotations

import asyncio
import sqlite3
import time

import pytest

from appliance.relay import dispatcher
from tests.conftest import MakeHouse
from tests.support.house import House, until


async def test_a_crash_brings_no_overtaken_scan_back(house: House) -> None:
    await house.pair("S-1")
    old, older = await house.accepted("ORD-1001"), await house.accepted("ORD-1002")
    newest = await house.accepted("ORD-1001")
    await house.becomes(older, "superseded")
    await house.stop()
    # As a power cut leaves it: the newest is on disk, the marks on what it superseded are not.
    with sqlite3.connect(house.data.database) as disk:
        disk.execute("UPDATE deliveries SET state = 'pending', final = 0 WHERE state = 'superseded'")
    await house.start()
    wire = await house.screen("S-1")
    assert (await wire.show_next())["triggerId"] == newest
    await house.becomes(newest, "shown")
    for trigger_id in (old, older):
        assert (await house.delivery(trigger_id))["state"] == "superseded"
    assert [message["triggerId"] for message in wire.heard if message["type"] == "navigate"] == [newest]


async def test_a_crash_keeps_a_queue_whole(house: House) -> None:
    await house.pair("S-1")
    ids = [await house.accepted("ORD-1001", mode="queue") for _ in range(3)]
    await house.restart()
    wire = await house.screen("S-1")
    assert [(await wire.show_next())["triggerId"] for _ in ids] == ids


async def test_what_is_being_accepted_while_a_queue_goes_out_still_overtakes_what_waits(house: House) -> None:
    await house.pair("S-1")
    queued, old = await house.accepted("ORD-1001", mode="queue"), await house.accepted("ORD-1002")
    await house.restart()
    # The disk takes its time with the newest one; meanwhile the screen comes back and gets the oldest.
    slow = house.appliance.engine.database.submit(lambda _connection: time.sleep(0.3))
    accepting = asyncio.create_task(house.accepted("ORD-1001"))
    wire = await house.screen("S-1")
    first = await wire.navigate()
    newest = await accepting
    await slow
    await wire.shown(first)
    assert (first["triggerId"], (await wire.show_next())["triggerId"]) == (queued, newest)
    assert (await house.becomes(old, "superseded"))["round"] == 1
    await house.becomes(newest, "shown")
    seqs = [message["seq"] for message in wire.of("navigate")]
    assert len(seqs) == 2
    assert seqs == sorted(seqs), "the screen takes one of them for stale"


async def test_a_word_for_what_was_never_sent_hangs_nothing(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"shown_timeout_ms": 60, "retry_base_ms": 10, "ttl_seconds": 20}})
    wire = await house.screen("S-1", displays=[{"index": 0}])
    held = await house.accepted("ORD-1001", displayIndex=2, mode="queue")
    behind = await house.accepted("ORD-1002", displayIndex=2, mode="queue")
    await wire.send({"type": "ack", "id": f"{held}:S-1", "status": "received"})
    await house.becomes(held, "received")
    await house.becomes(held, "pending")  # it was never shown, so its turn comes again
    await wire.send({"type": "displays", "displays": [{"index": 0}, {"index": 2}]})
    assert (await wire.show_next())["triggerId"] == held
    assert (await wire.show_next())["triggerId"] == behind
    await house.becomes(behind, "shown")


async def test_a_word_by_another_session_counts_and_ends_with_it(house: House) -> None:
    wire = await house.screen("S-1", displays=[{"index": 0}])
    held = await house.accepted("ORD-1001", displayIndex=1)
    await wire.send({"type": "ack", "id": f"{held}:S-1", "status": "received"})
    await house.becomes(held, "received")
    await wire.close()
    await house.becomes(held, "pending")


async def test_a_full_lane_refuses_its_own_and_nobody_else_s(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "MAX_OPEN", 3)
    for screen_id in ("S-1", "S-2"):
        await house.pair(screen_id)
    answers = await asyncio.gather(*(house.trigger("ORD-1001", "S-1", mode="queue") for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [202] * 3 + [429] * 17
    full = next(answer for answer in answers if answer.status == 429)
    assert full.problem(429, "QUEUE_FULL") and int(full.headers["Retry-After"]) > 0

    everyone = await house.trigger("ORD-1001", None, target="*", mode="queue")
    assert everyone.status == 202
    states = {d["screenId"]: (d["state"], d["final"], d.get("code")) for d in everyone.json["deliveries"]}
    assert states == {"S-1": ("dead", True, "QUEUE_FULL"), "S-2": ("pending", False, None)}
    (letter,) = await house.dead_letters()
    assert (letter["screenId"], letter["code"]) == ("S-1", "QUEUE_FULL")


async def test_evidence_names_a_display_there_can_be(house: House) -> None:
    wire = await house.screen("S-1")
    trigger_id = await house.accepted("ORD-1001")
    delivery = await wire.navigate()
    await wire.shown(delivery, display={"index": 99})
    error = await wire.expect("error")
    assert error["code"] == "VALIDATION_ERROR"
    assert (await house.delivery(trigger_id))["state"] == "sent"


async def test_nothing_is_restored_to_a_display_that_is_gone(house: House) -> None:
    wire = await house.screen("S-1", displays=[{"index": 0}, {"index": 1}])
    trigger_id = await house.accepted("ORD-1001", displayIndex=1)
    await wire.show_next()
    await house.becomes(trigger_id, "shown")
    await wire.close()
    back = await house.screen("S-1", displays=[{"index": 0}], restore=True)
    await back.settled()
    assert back.of("navigate") == []
    await back.close()
    again = await house.screen("S-1", displays=[{"index": 0}, {"index": 1}], restore=True)
    assert (await again.navigate())["restored"] is True


async def test_a_sender_that_hangs_up_has_sent_all_the_same(house: House) -> None:
    wire = await house.screen("S-1")
    body = {"id": "0b7c7f5e-3a52-4f0e-8c4e-6a2a3c1d9e10", "orderId": "ORD-1001", "screenId": "S-1"}
    waiting = asyncio.create_task(house.trigger("ORD-1001", id=body["id"]))
    await until(lambda: house.appliance.engine.metrics.accepted)
    waiting.cancel()
    assert (await wire.show_next())["triggerId"] == body["id"]
