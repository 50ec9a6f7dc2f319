"""A disk that takes long: what waits is answered when it is there and not before, and nobody else is kept waiting."""

from __future__ import annotations

import asyncio
import random
import time

from tests.power.load import Floor, Ledger
from tests.power.machine import Shimmed
from tests.power.storms import missing, told_why, until_accepted

LONG_MS = 60_000
WAITING = 12


async def test_a_write_that_takes_long_stops_acceptance_until_it_has_ended(shimmed: Shimmed) -> None:
    ledger = Ledger()
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        await floor.work(20, chance=random.Random(1), websocket=False)
        before = len(ledger.receipts)
        shimmed.control.delay_syncs(LONG_MS)
        waiting = [asyncio.create_task(floor.send("*")) for _ in range(WAITING)]
        for _ in range(100):
            if (await shimmed.call("GET", "/api/health/ready")).status != 200:
                break
            await asyncio.sleep(0.1)
        assert "slow" in await told_why(shimmed)
        began = time.monotonic()
        refused = await floor.send("*")
        assert refused is not None
        refused.problem(503, "STORAGE_UNAVAILABLE")
        assert int(refused.headers["Retry-After"]) >= 1
        assert time.monotonic() - began < 2, "a refusal needs no disk"
        assert len(ledger.receipts) == before, "nothing may be promised before it is on disk"
        shimmed.control.mend()
        answers = await asyncio.gather(*waiting)
        assert {answer.status for answer in answers if answer is not None} <= {202, 503}
        await until_accepted(floor)
        assert (await shimmed.local("GET", "/api/health")).json["checks"]["storage"]["status"] == "ok"
    finally:
        await floor.close()
    assert len(ledger.receipts) > before
    await shimmed.kill()
    assert missing(shimmed, ledger) == []


async def test_a_disk_that_is_slow_but_works_refuses_nobody(shimmed: Shimmed) -> None:
    ledger = Ledger()
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        shimmed.control.delay_syncs(200)
        await floor.work(10, chance=random.Random(1))
        assert ledger.refusals == []
        assert len(ledger.receipts) >= 15
    finally:
        await floor.close()
    await shimmed.kill()
    assert missing(shimmed, ledger) == []
