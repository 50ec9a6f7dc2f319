"""A sender that lost its connection, or its answer, sends the same again and hears how it ends."""

from __future__ import annotations

from tests.support.answers import new_trigger
from tests.support.house import House


async def test_who_sends_it_again_over_a_new_connection_hears_the_end(house: House) -> None:
    await house.pair("S-1")
    first = await house.session(house.key)
    trigger = {"type": "trigger", **new_trigger("ORD-1001", "S-1")}
    await first.send(trigger)
    await first.expect("trigger:response")
    await first.close()
    second = await house.session(house.key)
    await second.send(trigger)
    answer = await second.expect("trigger:response")
    assert answer["data"]["duplicate"] is True
    screen = await house.screen()
    await screen.show_next()
    assert (await second.expect("delivery"))["state"] == "shown"


async def test_who_sends_it_again_after_a_restart_hears_the_end(house: House) -> None:
    await house.pair("S-1")
    trigger = {"type": "trigger", **new_trigger("ORD-1001", "S-1")}
    sender = await house.session(house.key)
    await sender.send(trigger)
    await sender.expect("trigger:response")
    await house.restart()
    sender = await house.session(house.key)
    await sender.send(trigger)
    await sender.expect("trigger:response")
    screen = await house.screen()
    await screen.show_next()
    assert (await sender.expect("delivery"))["state"] == "shown"


async def test_both_connections_of_a_sender_hear_the_end_once_each(house: House) -> None:
    await house.pair("S-1")
    senders = [await house.session(house.key) for _ in range(2)]
    trigger = {"type": "trigger", **new_trigger("ORD-1001", "S-1")}
    for sender in (*senders, senders[0]):
        await sender.send(trigger)
        await sender.expect("trigger:response")
    screen = await house.screen()
    await screen.show_next()
    for sender in senders:
        await sender.expect("delivery")
        await sender.settled()
        assert len(sender.of("delivery")) == 1


async def test_what_has_ended_is_told_in_the_answer(house: House) -> None:
    screen = await house.screen()
    trigger = {"type": "trigger", **new_trigger("ORD-1001", "S-1")}
    first = await house.session(house.key)
    await first.send(trigger)
    await screen.show_next()
    await first.expect("delivery")
    second = await house.session(house.key)
    await second.send(trigger)
    answer = await second.expect("trigger:response")
    assert [(d["state"], d["final"]) for d in answer["data"]["deliveries"]] == [("shown", True)]
    await second.settled()
    assert second.of("delivery") == []


async def test_a_refused_message_names_what_does_not_fit(house: House) -> None:
    sender = await house.session(house.key)
    await sender.send({"type": "trigger", **new_trigger("ORD-1001", "S-1", displayIndex=99)})
    refused = await sender.expect("trigger:error")
    assert [error["field"] for error in refused["errors"]] == ["displayIndex"]
    assert "displayIndex" in refused["error"]
    await sender.send({"type": "displays", "displays": [{"index": 99, "name": "", "bounds": None, "primary": True}]})
    error = await sender.expect("error")
    assert error["errors"][0]["field"].startswith("displays")


async def test_what_was_sent_before_a_frame_that_makes_no_sense_is_answered(house: House) -> None:
    await house.pair("S-1")
    sender = await house.session(house.key)
    triggers = [{"type": "trigger", **new_trigger("ORD-1001", "S-1")} for _ in range(10)]
    for trigger in triggers:
        await sender.send(trigger)
    await sender.send_text("no JSON")
    assert await sender.closed() == 4400
    assert [answer["id"] for answer in sender.of("trigger:response")] == [trigger["id"] for trigger in triggers]
