"""Mode `queue`: what was queued stays on the monitor for a while, so that nothing flashes past unread."""

from __future__ import annotations

import asyncio
import itertools

from tests.conftest import MakeHouse
from tests.support.house import House

DWELL_MS = 250


async def dwelling(make_house: MakeHouse) -> House:
    return await make_house({"delivery": {"queue_dwell_ms": DWELL_MS}})


async def test_each_of_a_queue_stays_a_while(make_house: MakeHouse) -> None:
    house = await dwelling(make_house)
    screen = await house.screen()
    ids = [await house.accepted(mode="queue") for _ in range(3)]
    loop = asyncio.get_running_loop()
    moments = []
    for trigger_id in ids:
        assert (await screen.show_next())["triggerId"] == trigger_id
        moments.append(loop.time())
    gaps = [(after - before) * 1000 for before, after in itertools.pairwise(moments)]
    assert all(gap >= DWELL_MS * 0.9 for gap in gaps), gaps


async def test_a_newer_scan_waits_for_what_was_queued_too(make_house: MakeHouse) -> None:
    house = await dwelling(make_house)
    screen = await house.screen()
    await house.accepted(mode="queue")
    await screen.show_next()
    shown_at = asyncio.get_running_loop().time()
    newer = await house.accepted("ORD-1002")
    assert (await screen.show_next())["triggerId"] == newer
    assert (asyncio.get_running_loop().time() - shown_at) * 1000 >= DWELL_MS * 0.9


async def test_what_was_not_queued_makes_nobody_wait(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"queue_dwell_ms": 60_000}})
    screen = await house.screen()
    await house.accepted()
    await screen.show_next()
    queued = await house.accepted("ORD-1002", mode="queue")
    assert (await screen.show_next())["triggerId"] == queued


async def test_other_lanes_do_not_wait(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"queue_dwell_ms": 60_000}})
    screen, other = await house.screen("S-1"), await house.screen("S-2")
    await house.accepted(mode="queue")
    await screen.show_next()
    on_another_display = await house.accepted(displayIndex=3)
    assert (await screen.show_next())["triggerId"] == on_another_display
    elsewhere = await house.accepted(screen_id="S-2")
    assert (await other.show_next())["triggerId"] == elsewhere


async def test_a_queued_one_that_ends_unshown_holds_nobody_up(make_house: MakeHouse) -> None:
    house = await make_house({"delivery": {"queue_dwell_ms": 60_000}})
    screen = await house.screen()
    await house.accepted(mode="queue")
    behind = await house.accepted("ORD-1002", mode="queue")
    await screen.failed(await screen.navigate(), "DOCUMENT_TYPE_UNSUPPORTED")
    assert (await screen.show_next())["triggerId"] == behind


async def test_a_client_that_can_not_tell_shown_is_given_its_while_too(make_house: MakeHouse) -> None:
    house = await dwelling(make_house)
    screen = await house.screen(capabilities=[])
    for _ in range(2):
        await house.accepted(mode="queue")
    await screen.received(await screen.navigate())
    received_at = asyncio.get_running_loop().time()
    await screen.navigate()
    assert (asyncio.get_running_loop().time() - received_at) * 1000 >= DWELL_MS * 0.9
