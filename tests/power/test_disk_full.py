"""A file system that really runs full, or turns read-only, under load: no false accept, and back without a restart."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.paths import DataDir
from appliance.storage import aside
from appliance.storage.spare import BYTES
from tests.power.conftest import MakeShimmed
from tests.power.load import Floor, Ledger
from tests.power.machine import Shimmed
from tests.power.mounts import Mounted, ext4
from tests.power.storms import missing, told_why, until_accepted, until_refused, until_unready
from tests.support.house import until


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


@pytest.mark.parametrize("end", ["killed", "killed, and cleaned up", "killed with a long log", "stopped"])
async def test_a_full_disk_keeps_no_start_from_serving(make_shimmed: MakeShimmed, tmp_path: Path, end: str) -> None:
    with ext4(tmp_path / "disk", 160) as disk:
        shimmed, ledger = make_shimmed(data=disk.at / "data", flaws=("soon", "upkeep")), Ledger()
        spare = DataDir(shimmed.data).spare
        await shimmed.start()
        floor = Floor(shimmed, ledger)
        try:
            await floor.open()
            await floor.work(40, chance=random.Random(1), websocket=False)
            await until(lambda: aside.size_of(spare) == BYTES)
            if end == "stopped":
                assert await shimmed.stop() == 0
            else:
                await shimmed.kill()
            if end == "killed with a long log":
                lengthen_log(DataDir(shimmed.data).database)
            # However often it is started, as people do when something is wrong.
            for _ in range(3):
                if end == "killed, and cleaned up":
                    forget_shared_memory(shimmed)
                disk.fill()
                await shimmed.start_unready()
                if end == "stopped":  # without a log that has some room left: it finds out before anybody scans
                    await until_unready(shimmed)
                await until_refused(floor)
                assert "full" in await told_why(shimmed)
                assert (await shimmed.call("GET", "/login")).status == 200
                if end == "stopped":
                    assert await shimmed.stop() == 0
                else:
                    await shimmed.kill()
            await shimmed.start_unready()
            disk.free()
            await until_accepted(floor)
        finally:
            await floor.close()
        await shimmed.kill()
        assert missing(shimmed, ledger) == []
        assert "Traceback" not in shimmed.log.read_text("utf-8")


@pytest.mark.parametrize("end", ["killed", "stopped"])
async def test_a_start_without_any_room_harms_nothing_and_says_what_to_do(
    make_shimmed: MakeShimmed, disk: Mounted, end: str
) -> None:
    """Nothing was set aside yet, as the disk never had plenty."""
    shimmed, ledger = make_shimmed(data=disk.at / "data", flaws=("soon",)), Ledger()
    await shimmed.start()
    floor = Floor(shimmed, ledger)
    try:
        await floor.open()
        await floor.work(40, chance=random.Random(1), websocket=False)
        if end == "stopped":
            assert await shimmed.stop() == 0
        else:
            await shimmed.kill()
            forget_shared_memory(shimmed)
        disk.fill()
        for _ in range(2):
            log = len(shimmed.log.read_text("utf-8"))
            assert await shimmed.refuses_to_start() == 1
            told = shimmed.log.read_text("utf-8")[log:]
            assert "DISK_FULL" in told and str(shimmed.data) in told and "Traceback" not in told, told
        disk.free()
        await shimmed.start()
        await until_accepted(floor)
    finally:
        await floor.close()
    await shimmed.kill()
    assert missing(shimmed, ledger) == []


def forget_shared_memory(shimmed: Shimmed) -> None:
    """As a boot does where it isn't synced, or somebody who tidies up: SQLite has to find room for it again."""
    database = DataDir(shimmed.data).database
    database.with_name(f"{database.name}-shm").unlink()


def lengthen_log(database: Path) -> None:
    """Leaves a log of 12 MB that nobody has copied into the file, as a run does that was killed late."""
    write = (
        "import os, sqlite3, sys; connection = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "connection.execute('PRAGMA wal_autocheckpoint=0');"
        "connection.execute(\"INSERT INTO meta VALUES ('long', hex(randomblob(6000000)))\"); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", write, str(database)], check=True)
    assert aside.size_of(aside.wal_of(database)) > 12_000_000


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
