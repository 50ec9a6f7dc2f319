"""A power cut at any moment: what had been answered is there, and the appliance starts."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import msgspec
import pytest

from appliance import settings
from appliance.engine import Engine
from appliance.relay import secrets
from tests.power.conftest import MakeShimmed
from tests.power.images import images, read
from tests.power.judge import cuts_of, faults, put, survey
from tests.power.load import Floor, Ledger
from tests.power.machine import Of, On, Shimmed

IMAGES = 2_000
CONTROL_IMAGES = 150


async def a_morning(shimmed: Shimmed, triggers: int = 120, *, crash: bool = True) -> Ledger:
    """Records the floor on a new data directory, from its first start on; `crash` ends the process in between."""
    ledger = Ledger(lambda: shimmed.control.logged)
    chance = random.Random(1)
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        await floor.work(triggers, chance=chance)
        if crash:
            working = asyncio.create_task(floor.work(triggers // 4, chance=chance, websocket=False))
            await asyncio.sleep(0.05)
            await shimmed.kill()
            await shimmed.start()
            await floor.connect()
            await working
            await floor.work(triggers // 4, chance=chance)
    finally:
        await floor.close()
    await shimmed.kill()
    assert len(ledger.receipts) >= triggers * 1.5
    assert ledger.ended and ledger.sequences
    return ledger


@pytest.mark.timeout(300)
async def test_nothing_accepted_is_missing_after_a_power_cut(make_shimmed: MakeShimmed, memory: Path) -> None:
    shimmed = make_shimmed(record=True, flaws=("small-wal", "upkeep"))
    ledger = await a_morning(shimmed)
    cuts = cuts_of(ledger, shimmed.control.logged, IMAGES, random.Random(2))
    assert survey(shimmed.recording, cuts, ledger, memory, seed=3) == []
    await starts_whole(shimmed, ledger, memory, times=15)


@pytest.mark.long
@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("flaws", [(), ("small-wal",), ("upkeep",)], ids=["as shipped", "checkpoints", "cut short"])
async def test_nothing_is_missing_in_many_more(make_shimmed: MakeShimmed, memory: Path, flaws: tuple[str, ...]) -> None:
    shimmed = make_shimmed(record=True, flaws=flaws)
    ledger = await a_morning(shimmed, 300)
    for seed in range(3):
        cuts = cuts_of(ledger, shimmed.control.logged, IMAGES, random.Random(seed))
        assert survey(shimmed.recording, cuts, ledger, memory, seed) == []


@pytest.mark.parametrize("flaw", ["sync-off", "sync-normal", "receipt-first"])
async def test_the_same_finds_what_a_flaw_loses(make_shimmed: MakeShimmed, memory: Path, flaw: str) -> None:
    shimmed = make_shimmed(record=True, flaws=("small-wal", flaw))
    ledger = await a_morning(shimmed, 60, crash=False)
    cuts = cuts_of(ledger, shimmed.control.logged, CONTROL_IMAGES, random.Random(2))
    found = survey(shimmed.recording, cuts, ledger, memory, seed=3)
    assert any("is missing" in fault for fault in found)


async def test_a_first_start_that_is_cut_off_can_be_made_again(make_shimmed: MakeShimmed, memory: Path) -> None:
    shimmed = make_shimmed(record=True)
    await shimmed.start()
    await shimmed.kill()
    whole = shimmed.data / "secrets.json"
    keys, chance = secrets.load(whole), random.Random(4)
    after_each = [record.end for record in read(shimmed.recording)]
    before = after = 0
    for cut, files in images(shimmed.recording, after_each * 3, chance):
        data = put(memory / "image", files, chance)
        assert faults(data, cut, Ledger()) == []
        found = msgspec.structs.replace(secrets.load(data.secrets), audit_begun=True)  # noted a little later
        with sqlite3.connect(data.database) as connection:
            begun = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
        connection.close()
        # Keys may only be made anew for as long as nothing has been signed with them.
        assert found == keys or not begun, f"cut at {cut}"
        before, after = before + (found != keys), after + (found == keys)
    assert before > 20 and after > 20


async def starts_whole(shimmed: Shimmed, ledger: Ledger, memory: Path, times: int) -> None:
    """Starts all of the appliance but its doors on what is left, and asks it."""
    chance = random.Random(5)
    for cut, files in images(shimmed.recording, cuts_of(ledger, shimmed.control.logged, times, chance), chance):
        data = put(memory / "image", files, chance)
        engine = Engine(settings.load(None, {}, {"orders": {"folder": str(shimmed.orders)}}), data, holder="serve")
        try:
            await engine.start()
            for receipt in ledger.receipts:
                if receipt.position <= cut:
                    found = {delivery.id for delivery in await engine.outbox.of_trigger(receipt.trigger_id)}
                    assert found == receipt.deliveries
            seen = [number for position, number in ledger.sequences if position <= cut]
            assert engine.outbox.next_seq() > max(seen, default=0)
        finally:
            await engine.stop()


@pytest.mark.parametrize(
    "of",
    [Of.DATA, pytest.param(Of.WAL, marks=pytest.mark.long), pytest.param(Of.DATABASE, marks=pytest.mark.long)],
    ids=["both", "log", "database"],
)
async def test_syncs_that_fail_cost_nothing_accepted(make_shimmed: MakeShimmed, memory: Path, of: Of) -> None:
    """A failed sync may have dropped its pages for good, with the next one none the wiser."""
    shimmed = make_shimmed(record=True, flaws=("small-wal", "soon"))
    ledger = await a_morning_of_failing_syncs(shimmed, of)
    for seed in range(3):
        cuts = cuts_of(ledger, shimmed.control.logged, 150, random.Random(seed))
        assert survey(shimmed.recording, cuts, ledger, memory, seed) == []


async def test_failed_syncs_that_are_ignored_are_found(make_shimmed: MakeShimmed, memory: Path) -> None:
    shimmed = make_shimmed(record=True, flaws=("small-wal", "errors-ignored"))
    # So many in a row that what is lost can't be acknowledgements alone.
    ledger = await a_morning_of_failing_syncs(shimmed, Of.WAL, in_a_row=(8,))

    def found(seed: int) -> bool:
        """Only few moments are bad ones, so more images are made until one of them is hit."""
        cuts = cuts_of(ledger, shimmed.control.logged, CONTROL_IMAGES, random.Random(seed))
        return any("is missing" in fault for fault in survey(shimmed.recording, cuts, ledger, memory, seed=seed))

    assert any(found(seed) for seed in range(8))


async def a_morning_of_failing_syncs(shimmed: Shimmed, of: Of, in_a_row: tuple[int, ...] = (1, 1, 2)) -> Ledger:
    """Records the floor while one sync or two fail every now and then, and the process crashes after one of them."""
    ledger, chance = Ledger(lambda: shimmed.control.logged), random.Random(6)
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        for round_ in range(5):
            working = asyncio.create_task(floor.work(30, chance=chance, websocket=False))
            before = shimmed.control.hits(On.SYNC)
            shimmed.control.fail(On.SYNC, of=of, times=chance.choice(in_a_row))
            async with asyncio.timeout(8):
                while shimmed.control.hits(On.SYNC) == before:
                    await floor.send("*")
            if round_ == 2:  # what the next process reads back may never have been written
                await shimmed.kill()
                shimmed.control.mend()
                await shimmed.start()
                await floor.connect()
            await working
        shimmed.control.mend()
        await floor.work(40, chance=chance, websocket=False)
    finally:
        await floor.close()
    await shimmed.kill()
    return ledger
