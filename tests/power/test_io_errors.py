"""A disk that fails call by call: what it may have swallowed is never taken for kept, and it is tried again."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from appliance.storage.aside import kept_aside
from tests.power.load import Floor, Ledger
from tests.power.machine import FOREVER, Of, On, Shimmed
from tests.power.storms import missing, told_why, until_accepted, until_refused


@dataclass(frozen=True)
class Storm:
    """Calls that fail for as long as it lasts, with this errno."""

    name: str
    calls: tuple[On, ...]
    number: int
    of: Of = Of.DATA


REFUSING = (
    Storm("writes", (On.WRITE,), errno.EIO),
    Storm("writes of the log", (On.WRITE,), errno.EIO, Of.WAL),
    Storm("syncs", (On.SYNC,), errno.EIO),
    Storm("full", (On.WRITE, On.TRUNCATE), errno.ENOSPC),
    Storm("read-only", (On.OPEN, On.WRITE, On.SYNC, On.TRUNCATE), errno.EROFS, Of.ALL),
    Storm("gone", (On.OPEN, On.READ, On.WRITE, On.SYNC, On.TRUNCATE), errno.EIO, Of.ALL),
)


@contextlib.asynccontextmanager
async def opened(shimmed: Shimmed, ledger: Ledger) -> AsyncIterator[Floor]:
    """The floor around a started appliance; nothing may be missing, or have been a fault of the program, at the end."""
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        yield floor
        pid = shimmed.pid
        assert (await shimmed.call("GET", "/api/health/ready")).status == 200
        assert shimmed.pid == pid
    finally:
        await floor.close()
    await shimmed.kill()
    assert missing(shimmed, ledger) == []
    assert "Traceback" not in shimmed.log.read_text("utf-8")


@pytest.mark.timeout(90)
async def test_a_disk_that_fails_refuses_and_comes_back_by_itself(shimmed: Shimmed) -> None:
    ledger, chance = Ledger(), random.Random(1)
    async with opened(shimmed, ledger) as floor:
        for storm in REFUSING:
            working = asyncio.create_task(floor.work(100, chance=chance, websocket=False))
            await asyncio.sleep(0.1)
            for call in storm.calls:
                shimmed.control.fail(call, storm.number, of=storm.of)
            await until_refused(floor)
            assert len(await told_why(shimmed)) > 40, storm.name
            accepted = len(ledger.receipts)
            assert (await floor.send("*")).status == 503, storm.name  # type: ignore[union-attr]
            assert len(ledger.receipts) == accepted
            shimmed.control.mend()
            await until_accepted(floor)
            await working
        assert {answer.status for answer in ledger.refusals} == {503}


@pytest.mark.parametrize(
    "number", [errno.EIO, pytest.param(errno.ENOSPC, marks=pytest.mark.long)], ids=["error", "full"]
)
async def test_single_failures_are_got_over(shimmed: Shimmed, number: int) -> None:
    """One call here and there, of every kind: whoever was in that commit is refused, nobody else and nothing else."""
    ledger, chance = Ledger(), random.Random(2)
    async with opened(shimmed, ledger) as floor:
        for call in (On.WRITE, On.SYNC, On.WRITE, On.SYNC):
            before = shimmed.control.hits(call)
            shimmed.control.fail(call, number, of=Of.WAL, times=1)
            await floor.work(40, chance=chance, websocket=False)
            assert shimmed.control.hits(call) == before + 1
            await until_accepted(floor)
        assert ledger.refusals


async def test_writes_that_stop_half_way(shimmed: Shimmed) -> None:
    ledger, chance = Ledger(), random.Random(3)
    async with opened(shimmed, ledger) as floor:
        shimmed.control.fail(On.WRITE, 0, times=40)
        await floor.work(100, chance=chance, websocket=False)
        assert shimmed.control.hits(On.WRITE) == 40
        assert not ledger.refusals


async def test_errors_while_reading(shimmed: Shimmed) -> None:
    ledger, chance = Ledger(), random.Random(4)
    async with opened(shimmed, ledger) as floor:
        await floor.work(60, chance=chance)
        shimmed.control.fail(On.READ)
        statuses = set()
        for receipt in ledger.receipts:
            answer = await shimmed.call("GET", f"/api/triggers/{receipt.trigger_id}", bearer=floor.key)
            statuses.add(answer.status)
            if answer.status != 200:
                answer.problem(503, "STORAGE_UNAVAILABLE")
        assert statuses <= {200, 503}
        await floor.work(20, chance=chance, websocket=False)
        assert shimmed.control.hits(On.READ)
        shimmed.control.mend()
        await until_accepted(floor)
        receipt = ledger.receipts[0]
        answer = await shimmed.call("GET", f"/api/triggers/{receipt.trigger_id}", bearer=floor.key)
        assert {delivery["id"] for delivery in answer.json["deliveries"]} == receipt.deliveries


async def test_a_disk_that_cannot_be_read_at_the_start_is_not_taken_for_a_damaged_file(shimmed: Shimmed) -> None:
    """SQLite says "malformed" in both cases. Only one of them is for good."""
    ledger = Ledger()
    async with opened(shimmed, ledger) as floor:
        await floor.work(40, chance=random.Random(5), websocket=False)
        await shimmed.kill()
        for times in (FOREVER, 2):
            shimmed.control.fail(On.READ, times=times)
            log = len(shimmed.log.read_text("utf-8"))
            assert await shimmed.refuses_to_start() == 1
            told = shimmed.log.read_text("utf-8")[log:]
            assert "STORAGE_UNAVAILABLE" in told and "Traceback" not in told, told
            shimmed.control.mend()
        await shimmed.start()
        await until_accepted(floor)
    assert kept_aside(shimmed.data / "vooster.db") == []
