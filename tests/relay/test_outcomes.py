"""What a person reads of an end, and what the figures make of it."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from appliance.relay import clock, dispatcher
from tests.conftest import MakeHouse
from tests.support.answers import check_words
from tests.support.house import House

IMPATIENT = {"delivery": {"max_retries": 1, "retry_base_ms": 10, "queue_dwell_ms": 0}}


async def _recovery(house: House) -> float:
    share: float = (await house.local("GET", "/api/metrics")).json["recoveryRate"]
    return share


@pytest.mark.parametrize("members", [{}, {"detail": "the viewer can't do it: .exe"}])
async def test_a_type_that_a_client_cannot_show_is_the_files(house: House, members: dict[str, str]) -> None:
    screen = await house.screen()
    trigger_id = await house.accepted()
    await screen.failed(await screen.navigate(), "DOCUMENT_TYPE_UNSUPPORTED", **members)
    await house.becomes(trigger_id, "dead")
    (letter,) = await house.dead_letters()
    assert letter["messages"]["en"] == "This kind of file can't be shown: pdf"
    check_words({**letter, "retryable": False})


async def test_a_lost_connection_counts_what_was_sent_and_a_clients_fault_has_no_number(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {**IMPATIENT["delivery"], "max_retries": 0}})
    screen = await house.screen()
    first = await house.accepted()
    await screen.navigate()
    await screen.close()
    screen = await house.screen()
    await screen.failed(await screen.navigate(), "INTERNAL_ERROR")
    await house.becomes(first, "dead")
    (letter,) = await house.dead_letters()
    assert letter["cause"] == "INTERNAL_ERROR"
    assert letter["messages"]["en"].startswith("Sent 2 times")
    assert letter["action"]["en"] == "Restart that PC's browser, then send again."


async def test_only_what_needed_a_retry_and_no_person_was_recovered(make_house: MakeHouse) -> None:
    house = await make_house(IMPATIENT)
    screen = await house.screen()
    first = await house.accepted()
    await screen.failed(await screen.navigate(), "CLIENT_FAILED")
    await screen.show_next()
    await house.becomes(first, "shown")
    assert await _recovery(house) == 100
    second = await house.accepted("ORD-1002")
    for _ in range(2):
        await screen.failed(await screen.navigate(), "CLIENT_FAILED")
    dead = await house.becomes(second, "dead")
    assert await _recovery(house) == 50
    assert (await house.local("POST", f"/api/dead-letters/{dead['id']}/replay")).status == 202
    await screen.show_next()
    await house.becomes(second, "shown")
    assert await _recovery(house) == 50, "a person did that"


async def test_what_came_through_in_a_round_of_its_own_is_no_failure(make_house: MakeHouse) -> None:
    house = await make_house(IMPATIENT)
    screen = await house.screen()
    trigger_id = await house.accepted()
    for _ in range(2):
        await screen.failed(await screen.navigate(), "CLIENT_FAILED")
    await house.becomes(trigger_id, "dead")
    assert await _recovery(house) == 0
    await screen.close()
    again = await house.screen()
    await again.show_next()
    await house.becomes(trigger_id, "shown")
    assert await _recovery(house) == 100


async def test_a_clock_set_back_across_a_restart_makes_no_negative_latency(house: House) -> None:
    await house.pair("S-1")
    trigger_id = await house.accepted()
    await house.stop()
    with patch.object(dispatcher, "now_ms", lambda: clock.now_ms() - 86_400_000):
        await house.start()
    screen = await house.screen()
    await screen.show_next()
    await house.becomes(trigger_id, "shown")
    await asyncio.sleep(0)
    assert (await house.local("GET", "/api/metrics")).json["averageLatency"] >= 0
