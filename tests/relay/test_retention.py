"""What is forgotten, when, and in how small steps; and everything that must stay."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.core.delivery import State
from appliance.core.retention import DAY_MS, Chronicle
from appliance.metrics import Metrics
from appliance.relay.retention import Limits, Retention
from appliance.storage import retention as table
from appliance.storage import rows
from appliance.storage.database import Database
from appliance.storage.files import prepare
from tests.support.datafile import BEGAN, delivery, put, show, trigger
from tests.support.held import Held
from tests.support.house import until

NOW = BEGAN + 40 * DAY_MS
HOUR = 3600.0
YEAR = 365 * DAY_MS


class Clocks:
    """A wall clock and a monotonic one, turned by hand."""

    def __init__(self) -> None:
        self.wall = NOW
        self.mono = 1000.0

    def pass_seconds(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += int(seconds * 1000)


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    prepare(tmp_path / "vooster.db")
    database = Database(tmp_path / "vooster.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


class Rig:
    """Retention on a file, with the first hour of its run over."""

    def __init__(self, db: Database, clocks: Clocks, limits: Limits | None = None) -> None:
        self.open: set[int] = set()
        self.metrics = Metrics(lambda: 0)
        self.clocks = clocks
        self.retention = Retention(
            db,
            lambda: iter(self.open),
            self.metrics,
            limits or Limits(pause_seconds=0, patience_seconds=0),
            wall=lambda: clocks.wall,
            mono=lambda: clocks.mono,
        )

    async def settle(self) -> Rig:
        assert await self.retention.prune() == 0, "nothing goes in the first hour"
        self.clocks.pass_seconds(HOUR)
        return self

    async def prune_again(self) -> int:
        self.clocks.pass_seconds(HOUR)
        return await self.retention.prune()


def known_for(days: int, keys: int) -> Chronicle:
    """A run before this one, that saw every key below `keys` given out `days` days ago."""
    return Chronicle(days * DAY_MS, NOW, [(0, keys)])


async def keys(db: Database) -> list[int]:
    found: list[int] = await db.read(lambda c: [pk for (pk,) in c.execute("SELECT pk FROM triggers ORDER BY pk")])
    return found


async def deliveries(db: Database) -> int:
    found: int = await db.read(lambda c: c.execute("SELECT count(*) FROM deliveries").fetchone()[0])
    return found


async def old_and_new(db: Database, *, days: int = 31) -> None:
    """A hundred triggers that ended `days` ago, and a hundred of yesterday."""

    def job(tx: sqlite3.Connection) -> None:
        put(tx, 100, first=1, at=NOW - days * DAY_MS)
        put(tx, 100, first=1001, at=NOW - DAY_MS)
        table.save_chronicle(tx, known_for(days, 1000))

    await db.write(job)


# --- by age -----------------------------------------------------------------------------------------------------------


async def test_what_ended_more_than_thirty_days_ago_goes(db: Database, clocks: Clocks) -> None:
    await old_and_new(db)
    rig = await Rig(db, clocks).settle()
    with capture_logs() as logged:
        assert await rig.retention.prune() == 75
    # A quarter of them are dead letters: they leave the list first, and go with the next look.
    (line,) = [entry for entry in logged if entry["event"] == "retention.pruned"]
    assert (line["log_level"], line["deliveries"], line["triggers"], line["unlisted"]) == ("info", 75, 75, 25)
    assert await db.read(lambda c: c.execute("SELECT count(*) FROM deliveries WHERE listed = 1").fetchone()[0]) == 25
    assert await rig.prune_again() == 25
    assert await keys(db) == list(range(1001, 1201, 2))
    assert rig.metrics.pruned == 100
    assert await rig.prune_again() == 0


async def test_what_is_younger_stays(db: Database, clocks: Clocks) -> None:
    await old_and_new(db, days=29)
    rig = await Rig(db, clocks).settle()
    assert await rig.retention.prune() == 0
    assert len(await keys(db)) == 200


async def test_open_ones_current_ones_and_late_ends_stay(db: Database, clocks: Clocks) -> None:
    def job(tx: sqlite3.Connection) -> None:
        put(tx, 40, first=1, at=NOW - 31 * DAY_MS)
        old = NOW - 31 * DAY_MS
        for pk, state in ((201, State.PENDING), (211, State.SHOWN), (221, State.SHOWN)):
            record = trigger(pk, old)
            rows.insert_triggers(tx, [record])
            one = delivery(pk + 1, record, state, "S-9")
            if pk == 221:  # shown only after somebody sent it again, a week ago
                one.history[-1] = type(one.history[-1])(NOW - 7 * DAY_MS, "shown", 2, 1)
                one.seq = 900
            rows.insert_deliveries(tx, [rows.inserted(one)])
            if pk == 211:
                show(tx, record, one)
        table.save_chronicle(tx, known_for(31, 1000))

    await db.write(job)
    rig = await Rig(db, clocks).settle()
    await rig.retention.prune()
    await rig.prune_again()
    assert await keys(db) == [201, 211, 221]
    assert await deliveries(db) == 3


async def test_a_broadcast_goes_in_small_steps_and_only_when_all_of_it_has_ended(db: Database, clocks: Clocks) -> None:
    def job(tx: sqlite3.Connection) -> None:
        for pk, last in ((1, State.SHOWN), (2001, State.PENDING)):
            record = trigger(pk, NOW - 31 * DAY_MS)
            rows.insert_triggers(tx, [record])
            many = [delivery(pk + 1 + n, record, State.SHOWN if n < 999 else last, f"S-{n}") for n in range(1000)]
            rows.insert_deliveries(tx, [rows.inserted(one) for one in many])
        table.save_chronicle(tx, known_for(31, 5000))

    await db.write(job)
    rig = await Rig(db, clocks).settle()
    commits = db.commits
    assert await rig.retention.prune() == 1000
    assert db.commits - commits >= 10
    assert await keys(db) == [2001]
    assert await deliveries(db) == 1000


@pytest.mark.parametrize("leap", [YEAR, -YEAR, 35 * DAY_MS])
async def test_a_leaping_clock_deletes_nothing(db: Database, clocks: Clocks, leap: int) -> None:
    """Yesterday's history, a clock that leaps while it runs, stays wrong over a restart, and is put right again."""
    await db.write(lambda tx: put(tx, 100, first=1, at=NOW - DAY_MS))
    rig = await Rig(db, clocks).settle()
    clocks.wall += leap
    for _ in range(24):
        assert await rig.prune_again() == 0
    await db.write(lambda tx: put(tx, 100, first=1001, at=clocks.wall))
    assert await rig.prune_again() == 0
    again = Rig(db, clocks)
    assert await again.retention.prune() == 0
    for _ in range(24):
        assert await again.prune_again() == 0
    clocks.wall -= leap  # what was stamped meanwhile looks years old, or years young
    for _ in range(24):
        assert await again.prune_again() == 0
    last = Rig(db, clocks)
    assert await last.retention.prune() == 0
    assert await last.prune_again() == 0
    assert len(await keys(db)) == 200


async def test_stamps_from_the_future_do_not_stay_for_ever(db: Database, clocks: Clocks) -> None:
    def job(tx: sqlite3.Connection) -> None:
        put(tx, 4, first=1, at=NOW + 10 * YEAR)
        table.save_chronicle(tx, known_for(31, 1000))

    await db.write(job)
    rig = await Rig(db, clocks).settle()
    await rig.retention.prune()
    await rig.prune_again()
    assert await keys(db) == []


async def test_what_is_sent_again_at_that_moment_stays(db: Database, clocks: Clocks) -> None:
    await old_and_new(db)
    assert await db.write(lambda tx: table.unlist(tx, [5])) == 1
    # Between the look and the deletion.
    await db.write(
        lambda tx: tx.execute("UPDATE deliveries SET state = 'pending', final = 0 WHERE trigger_pk = 5").rowcount
    )
    assert await db.write(lambda tx: table.remove(tx, [1, 5], 100)) == (1, 1)
    assert 5 in await keys(db)
    # A letter still on the list isn't deleted either, for that is where it can be sent again from.
    assert await db.write(lambda tx: table.remove(tx, [13], 100)) == (0, 0)


async def test_ages_are_remembered_across_runs(db: Database, clocks: Clocks) -> None:
    await db.write(lambda tx: put(tx, 100, first=1, at=NOW))
    rig = Rig(db, clocks)
    for _ in range(35 * 4):
        await rig.retention.prune()
        clocks.pass_seconds(6 * HOUR)
        if _ % 8 == 7:  # a new run every other day
            await db.flush()
            rig = Rig(db, clocks)
    assert len(await keys(db)) == 0


# --- by size ----------------------------------------------------------------------------------------------------------


async def used(db: Database) -> int:
    return await db.read(table.used_bytes)


async def test_past_the_size_the_oldest_go_until_it_fits(db: Database, clocks: Clocks) -> None:
    await db.write(lambda tx: put(tx, 3000, first=1, at=NOW - DAY_MS, open_last=5))
    full = await used(db)
    rig = await Rig(db, clocks, Limits(keep_bytes=full // 2, pause_seconds=0, patience_seconds=0)).settle()
    await rig.retention.prune()
    await rig.prune_again()
    left = await keys(db)
    assert await used(db) <= full // 2
    assert 500 < len(left) < 2500
    assert left[-1] == 5999
    assert left[0] > 1, "the oldest went"
    assert set(left[-500:]) == set(range(5001, 6000, 2)), "the newest are all there"
    # Freed pages are used again: as much again makes the file no longer.
    await db.checkpoint()
    size = db.path.stat().st_size
    await db.write(lambda tx: put(tx, 1000, first=10_001, at=NOW))
    await db.checkpoint()
    assert db.path.stat().st_size <= size


async def test_the_last_hour_stays_whatever_the_size(db: Database, clocks: Clocks) -> None:
    await db.write(lambda tx: put(tx, 300, first=1, at=NOW - DAY_MS))
    rig = Rig(db, clocks, Limits(keep_bytes=1, pause_seconds=0, patience_seconds=0))
    for minute in range(59):
        assert await rig.retention.prune() == 0, minute
        clocks.pass_seconds(60)
    await db.write(lambda tx: put(tx, 10, first=1001, at=clocks.wall))
    clocks.pass_seconds(60)
    # Sent an hour ago or more, but open until a moment ago, or still.
    rig.open = {1}
    await rig.retention.prune()
    rig.open = set()
    for _ in range(20):
        clocks.pass_seconds(60)
        await rig.retention.prune()
    assert await keys(db) == [1, *range(1001, 1020, 2)]
    clocks.pass_seconds(HOUR)
    await rig.retention.prune()
    clocks.pass_seconds(60)
    await rig.retention.prune()
    assert await keys(db) == []


async def test_the_wall_clock_does_not_shorten_the_last_hour(db: Database, clocks: Clocks) -> None:
    await db.write(lambda tx: put(tx, 100, first=1, at=NOW))
    rig = Rig(db, clocks, Limits(keep_bytes=1, pause_seconds=0, patience_seconds=0))
    clocks.wall += YEAR
    for _ in range(59):
        assert await rig.retention.prune() == 0
        clocks.pass_seconds(60)
    assert len(await keys(db)) == 100


# --- gently -----------------------------------------------------------------------------------------------------------


async def test_steps_wait_for_a_writer_with_nothing_to_do(db: Database, clocks: Clocks) -> None:
    await old_and_new(db)
    rig = await Rig(db, clocks, Limits(pause_seconds=0, patience_seconds=60)).settle()
    await db.flush()
    held = Held(db)
    await held.begun()
    pruning = asyncio.create_task(rig.retention.prune())
    await asyncio.sleep(0.1)
    before = db.waiting
    await asyncio.sleep(0.1)
    assert db.waiting == before <= 1, "no step joins the queue; at most the note of ages does"
    clocks.pass_seconds(61)  # its patience ends: even under a load without a pause the file must not grow for ever
    await until(lambda: db.waiting > before)
    await held.release()
    await asyncio.wait_for(pruning, 10)
    assert len(await keys(db)) == 125


RUN = """
import asyncio, pathlib, sys
from appliance.metrics import Metrics
from appliance.relay.retention import Limits, Retention
from appliance.storage.database import Database
async def main():
    db = Database(pathlib.Path(sys.argv[1]))
    await db.open()
    now = [0.0]
    limits = Limits(step_rows=7, pause_seconds=0.001)
    clocks = {"mono": lambda: now[0], "wall": lambda: int(sys.argv[2])}
    subject = Retention(db, lambda: (), Metrics(lambda: 0), limits, **clocks)
    await subject.prune()
    now[0] += 3600.0
    print("go", flush=True)
    while True:
        await subject.prune()
        now[0] += 3600.0
asyncio.run(main())
"""


async def test_a_kill_in_the_middle_leaves_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    put(connection, 2000, first=1, at=NOW - 31 * DAY_MS)
    put(connection, 50, first=5001, at=NOW - DAY_MS)
    table.save_chronicle(connection, known_for(31, 5000))
    connection.execute("COMMIT")
    connection.close()
    dice, counts = random.Random(5), []
    for _ in range(8):
        with subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-c", RUN, str(path), str(NOW)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "go\n"
            await asyncio.sleep(dice.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
        prepare(path)
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert connection.execute("PRAGMA foreign_key_check").fetchone() is None
            counts.append(connection.execute("SELECT count(*) FROM triggers").fetchone()[0])
            left = connection.execute("SELECT count(*) FROM deliveries WHERE trigger_pk >= 5000").fetchone()[0]
            assert left == 50
        connection.close()
    assert counts == sorted(counts, reverse=True)
    assert 50 <= counts[-1] < counts[0]
