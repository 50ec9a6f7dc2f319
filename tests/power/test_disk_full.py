"""A file system that really runs full, or turns read-only, under load: no false accept, and back without a restart."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power.conftest import MakeShimmed
from tests.power.load import Floor, Ledger
from tests.power.mounts import Mounted, ext4
from tests.power.storms import missing, told_why, until_accepted, until_refused


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Mounted]:
    with ext4(tmp_path / "disk") as mounted:
        yield mounted


async def test_a_full_disk_refuses_and_comes_back_by_itself(make_shimmed: MakeShimmed, disk: Mounted) -> None:
    shimmed, ledger, chance = make_shimmed(data=disk.at / "data"), Ledger(), random.Random(1)
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        for _ in range(2):
            working = asyncio.create_task(floor.work(400, chance=chance, websocket=False))
            await asyncio.sleep(0.1)
            disk.fill()
            await until_refused(floor)
            assert "full" in await told_why(shimmed)
            disk.free()
            await until_accepted(floor)
            assert (await shimmed.local("GET", "/api/health")).json["checks"]["storage"]["status"] == "ok"
            await working
        assert all(answer.status == 503 for answer in ledger.refusals)
    finally:
        await floor.close()
    await shimmed.kill()
    assert len(ledger.receipts) > 10
    await shimmed.start()
    answer = await shimmed.call("GET", f"/api/triggers/{ledger.receipts[0].trigger_id}", bearer=floor.key)
    assert answer.status == 200
    await shimmed.kill()
    assert missing(shimmed, ledger) == []
    assert "Traceback" not in shimmed.log.read_text("utf-8")


async def test_a_start_on_a_full_disk_harms_nothing(make_shimmed: MakeShimmed, disk: Mounted) -> None:
    shimmed, ledger = make_shimmed(data=disk.at / "data", flaws=("soon",)), Ledger()
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        await floor.work(40, chance=random.Random(1), websocket=False)
        # After a crash its files have room of their own: it starts, and refuses until there is more.
        await shimmed.kill()
        disk.fill()
        await shimmed.start_unready()
        await until_refused(floor)
        disk.free()
        await until_accepted(floor)
        # After an orderly end there is no room for what it has to make first.
        assert await shimmed.stop() == 0
        disk.fill()
        log = len(shimmed.log.read_text("utf-8"))
        assert await shimmed.refuses_to_start() == 1
        told = shimmed.log.read_text("utf-8")[log:]
        assert "STORAGE_UNAVAILABLE" in told and "Traceback" not in told, told
        disk.free()
        await shimmed.start()
        await until_accepted(floor)
    finally:
        await floor.close()
    await shimmed.kill()
    assert missing(shimmed, ledger) == []


async def test_a_file_system_that_turns_read_only(make_shimmed: MakeShimmed, disk: Mounted) -> None:
    """As the kernel does it after an error: every write fails at once, and only a repair brings it back."""
    shimmed, ledger = make_shimmed(data=disk.at / "data"), Ledger()
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        working = asyncio.create_task(floor.work(300, chance=random.Random(1), websocket=False))
        await asyncio.sleep(0.1)
        disk.break_down()
        await until_refused(floor)
        assert await told_why(shimmed)
        await working
        await shimmed.kill()
        disk.repair()
        await shimmed.start()
        await until_accepted(floor)
    finally:
        await floor.close()
    await shimmed.kill()
    assert missing(shimmed, ledger) == []
