"""One timer for all: each is looked at when it is due, and what has closed is neither looked at nor kept."""

from __future__ import annotations

import asyncio

from appliance.relay.timetable import NEVER, Timetable
from tests.support.house import until


class Thing:
    def __init__(self) -> None:
        self.due, self.closed = NEVER, False


async def test_things_are_looked_at_in_their_order_and_as_often_as_they_say() -> None:
    loop = asyncio.get_running_loop()
    looks: list[tuple[Thing, float]] = []
    one, two = Thing(), Thing()

    def look(thing: Thing, now: float) -> float:
        looks.append((thing, now))
        return now + 0.02 if thing is two and len(looks) < 4 else NEVER

    table = Timetable(look)
    began = loop.time()
    table.put(one, began + 0.05)
    table.put(two, began + 0.02)
    table.put(two, began + 0.5)  # it is looked at sooner anyway
    table.put(one, began + 0.03)
    await until(lambda: len(looks) == 4)
    assert [thing for thing, _ in looks[:2]] == [two, one]
    assert looks[0][1] - began >= 0.02
    assert looks[1][1] - began >= 0.03
    assert [thing for thing, _ in looks].count(one) == 1
    await asyncio.sleep(0.06)
    assert len(looks) == 4


async def test_what_has_closed_is_forgotten_long_before_it_is_due() -> None:
    loop = asyncio.get_running_loop()
    table: Timetable[Thing] = Timetable(lambda _thing, _now: NEVER)
    for _ in range(1_000):
        thing = Thing()
        table.put(thing, loop.time() + 60)
        thing.closed = True
        table.closed()
    assert len(table) <= 1


async def test_one_that_fails_stops_no_other() -> None:
    loop = asyncio.get_running_loop()
    failed: list[str] = []
    loop.set_exception_handler(lambda _loop, context: failed.append(str(context["exception"])))
    looks: list[Thing] = []

    def look(thing: Thing, _now: float) -> float:
        if thing is bad:
            raise ValueError("bad")
        looks.append(thing)
        return NEVER

    bad, good = Thing(), Thing()
    table = Timetable(look)
    table.put(bad, loop.time() + 0.01)
    table.put(good, loop.time() + 0.011)
    await until(lambda: looks == [good])
    assert failed == ["bad"]
