"""The writer: groups of jobs in one synced commit, none of which harms another, and a disk that refuses."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.errors import Problem
from appliance.storage import database as storage
from appliance.storage import draining, groups
from appliance.storage.database import Database
from appliance.storage.files import prepare
from appliance.storage.groups import Bulk
from tests.support.disk import refusing
from tests.support.held import Held
from tests.support.house import until

Job = Callable[[sqlite3.Connection], int]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing is printed: while the disk refuses, a test run's own output couldn't be written either."""
    with capture_logs():
        yield


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    prepare(tmp_path / "vooster.db")
    database = Database(tmp_path / "vooster.db")
    await database.open()
    await database.write(_make_table)
    yield database
    await database.close()


def _make_table(tx: sqlite3.Connection) -> None:
    tx.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, at INTEGER)")


def put(n: int) -> Job:
    def job(tx: sqlite3.Connection) -> int:
        tx.execute("INSERT INTO t (n) VALUES (?)", (n,))
        return n * 10

    return job


def kept(path: Path) -> list[int]:
    """What another program reads from the file, in the order it was written."""
    with sqlite3.connect(path) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY rowid")]


async def test_the_file_is_synced_at_every_commit(db: Database) -> None:
    def pragmas(tx: sqlite3.Connection) -> tuple[str, int]:
        return tx.execute("PRAGMA journal_mode").fetchone()[0], tx.execute("PRAGMA synchronous").fetchone()[0]

    assert await db.write(pragmas) == ("wal", 2)


async def test_a_result_comes_after_the_commit(db: Database) -> None:
    assert await db.write(put(1)) == 10
    assert kept(db.path) == [1]


async def test_the_log_is_emptied_between_two_groups_however_busy_the_writer_is(db: Database) -> None:
    stopped = False

    async def write_on() -> None:
        number = 0
        while not stopped:
            number += 1
            await db.write(put(number))

    writing = asyncio.create_task(write_on())
    try:
        await until(lambda: db.commits > 20)
        async with asyncio.timeout(5):
            assert await db.checkpoint()
    finally:
        stopped = True
        await writing


async def test_what_waits_together_is_committed_together_in_order(db: Database) -> None:
    held = Held(db)
    await held.begun()
    commits = db.commits
    futures = [db.submit(put(n)) for n in range(100)]
    await asyncio.sleep(0)
    assert not any(future.done() for future in futures)
    assert kept(db.path) == []
    await held.release()
    assert await asyncio.gather(*futures) == [n * 10 for n in range(100)]
    assert kept(db.path) == list(range(100))
    assert db.commits == commits + 2


async def test_a_long_line_is_cut_into_bounded_groups(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "MAX_GROUP", 10)
    held = Held(db)
    await held.begun()
    commits = db.commits
    futures = [db.submit(put(n)) for n in range(35)]
    await held.release()
    await asyncio.gather(*futures)
    assert db.commits == commits + 1 + 4
    assert kept(db.path) == list(range(35))


async def test_a_job_that_refuses_before_it_writes_harms_nobody(db: Database) -> None:
    def refuse(_tx: sqlite3.Connection) -> int:
        raise Problem("DUPLICATE_NONCE")

    held = Held(db)
    await held.begun()
    commits = db.commits
    jobs: list[Job] = [put(1), refuse, put(2)]
    futures = [db.submit(job) for job in jobs]
    await held.release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert [results[0], results[2]] == [10, 20]
    assert isinstance(results[1], Problem) and results[1].code == "DUPLICATE_NONCE"
    assert kept(db.path) == [1, 2]
    assert db.commits == commits + 2
    assert db.ok


@pytest.mark.parametrize("fault", [RuntimeError("a fault of ours"), sqlite3.IntegrityError("x"), ValueError()])
async def test_a_job_that_fails_half_way_is_undone_alone(db: Database, fault: Exception) -> None:
    def half(tx: sqlite3.Connection) -> int:
        tx.execute("INSERT INTO t (n) VALUES (99)")
        raise fault

    held = Held(db)
    await held.begun()
    jobs: list[Job] = [put(1), half, put(2), put(1), put(3)]
    futures = [db.submit(job) for job in jobs]
    await held.release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert [results[0], results[2], results[4]] == [10, 20, 30]
    assert results[1] is fault
    assert isinstance(results[3], sqlite3.IntegrityError)
    assert kept(db.path) == [1, 2, 3]
    assert db.ok


async def test_a_cancelled_caller_tears_nothing(db: Database) -> None:
    held = Held(db)
    await held.begun()
    tasks = [asyncio.create_task(db.write(put(n))) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    await held.release()
    assert (await tasks[0], await tasks[2]) == (0, 20)
    await db.flush()
    assert kept(db.path) == [0, 1, 2]


async def test_a_caller_cancelled_during_its_commit_tears_nothing(db: Database) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(tx: sqlite3.Connection) -> int:
        entered.set()
        assert leave.wait(10)
        return put(5)(tx)

    task = asyncio.create_task(db.write(slow))
    await asyncio.to_thread(entered.wait, 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    leave.set()
    assert await db.write(put(6)) == 60
    assert kept(db.path) == [5, 6]


async def test_flush_waits_for_what_was_before_it_and_not_for_what_follows(db: Database) -> None:
    stop = False

    async def flood() -> int:
        count = 0
        while not stop:
            futures = [db.submit(put(1_000 + count + n)) for n in range(20)]
            count += 20
            await futures[-1]
        return count

    flooding = asyncio.create_task(flood())
    seen: list[str] = []
    db.post(lambda tx: seen.append("written"))
    async with asyncio.timeout(5):
        await db.flush()
    assert seen == ["written"]
    stop = True
    assert await flooding > 0


async def test_gathered_changes_go_with_the_next_commit_newest_first_seen(db: Database) -> None:
    changes = [1, 2, 3]
    told: list[int] = []

    def gather() -> tuple[Callable[[sqlite3.Connection], None], Callable[[], None]] | None:
        if not changes:
            return None
        batch = list(changes)
        changes.clear()

        def job(tx: sqlite3.Connection) -> None:
            tx.executemany("INSERT INTO t (n) VALUES (?)", [(n,) for n in batch])

        return job, lambda: told.extend(batch)

    db.attach(gather)
    db.wake()
    await db.flush()
    assert kept(db.path) == told == [1, 2, 3]


async def test_reading_sees_what_is_committed_and_cannot_write(db: Database) -> None:
    held = Held(db)
    await held.begun()
    db.submit(put(1))
    assert await db.read(lambda c: c.execute("SELECT count(*) FROM t").fetchone()[0]) == 0
    await held.release()
    await db.flush()
    assert await db.read(lambda c: c.execute("SELECT count(*) FROM t").fetchone()[0]) == 1
    with pytest.raises(Problem) as problem:
        await db.read(put(2))
    assert problem.value.code == "STORAGE_UNAVAILABLE"


async def test_a_long_read_holds_up_no_commit(db: Database) -> None:
    reading, leave = threading.Event(), threading.Event()

    def long(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM t").fetchone()
        reading.set()
        assert leave.wait(10)
        connection.execute("COMMIT")

    task = asyncio.create_task(db.read(long))
    await asyncio.to_thread(reading.wait, 10)
    async with asyncio.timeout(2):
        assert await db.write(put(1)) == 10
    leave.set()
    await task


# --- a disk that refuses --------------------------------------------------------------------------------------------


async def test_a_refusing_disk_keeps_nothing_says_so_and_comes_back(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    states: list[bool] = []
    db._on_state = states.append
    await db.write(put(1))
    with refusing():
        for n in (2, 3):
            with pytest.raises(Problem) as problem:
                await db.write(put(n))
            assert (problem.value.code, problem.value.retry_after) == ("STORAGE_UNAVAILABLE", 1)
        assert (db.ok, bool(db.last_error)) == (False, True)
        assert await db.read(lambda c: c.execute("SELECT count(*) FROM t").fetchone()[0]) == 1
        with pytest.raises(Problem):
            await db.flush()
        # Refused at once, without trying: whoever scans isn't kept waiting.
        assert db.submit(put(4)).done()
    await until(lambda: db.ok)
    assert await db.write(put(5)) == 50
    assert kept(db.path) == [1, 5]
    assert states == [False, True]


@pytest.mark.parametrize("owed", [False, True])
async def test_while_the_disk_refuses_it_is_never_called_well(
    db: Database, owed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is tried again meanwhile really writes something, also where all that is owed changes nothing."""
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    states: list[bool] = []
    db._on_state = states.append
    held = Held(db)
    await held.begun()
    asked = db.submit(put(1))
    if owed:
        db.post(lambda tx: tx.execute("DELETE FROM t WHERE n = 99"))
    with refusing():
        await held.release()
        with pytest.raises(Problem):
            await asked
        await asyncio.sleep(0.2)  # several tries
        assert (states, db.ok) == ([False], False)
    await until(lambda: db.ok)
    assert states == [False, True]


async def test_a_fault_in_the_writer_is_told_to_whoever_waits_and_passes(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    faults = iter([MemoryError(), MemoryError("no room")])

    def faulty(connection: sqlite3.Connection, group: list[groups.Waiting]) -> list[groups.Outcome]:
        for fault in faults:
            raise fault
        return groups.transact(connection, group)

    monkeypatch.setattr(draining, "transact", faulty)
    with pytest.raises(Problem) as problem:
        await db.write(put(1))
    assert (problem.value.code, problem.value.detail) == ("STORAGE_UNAVAILABLE", "MemoryError")
    db.post(put(2))
    await until(lambda: db.ok)
    assert await db.write(put(3)) == 30
    assert kept(db.path) == [2, 3]


async def test_a_file_found_damaged_is_given_up_even_when_nothing_can_be_noted_about_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_self: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    states: list[bool] = []
    db._on_state = states.append
    with monkeypatch.context() as disk:
        disk.setattr(Path, "exists", unreadable)
        db.condemn("database disk image is malformed")
    assert (db.damage is not None, db.trouble, states) == (True, "database disk image is malformed", [False])
    with pytest.raises(Problem) as problem:
        await db.write(put(1))
    assert problem.value.code == "STORAGE_UNAVAILABLE"


async def test_what_is_posted_before_the_file_is_open_is_written_once_it_is(tmp_path: Path) -> None:
    prepare(tmp_path / "vooster.db")
    db = Database(tmp_path / "vooster.db")
    db.post(_make_table)
    await db.open()
    try:
        await until(lambda: db.idle)
        async with asyncio.timeout(5):
            assert await db.write(put(1)) == 10
    finally:
        await db.close()


async def test_what_has_happened_is_written_once_the_disk_is_back(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    with refusing():
        for n in (1, 2):
            db.post(put(n))
        await until(lambda: not db.ok)
        db.post(put(3))
        await asyncio.sleep(0.1)  # several tries
        assert kept(db.path) == []
    await until(lambda: db.ok)
    await db.flush()
    assert kept(db.path) == [1, 2, 3]


async def test_what_is_owed_and_what_is_asked_for_part_ways(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    held = Held(db)
    await held.begun()
    db.post(put(1))
    asked = db.submit(put(2))
    with refusing():
        await held.release()
        with pytest.raises(Problem):
            await asked
    await until(lambda: db.ok)
    await db.flush()
    assert kept(db.path) == [1]


async def test_no_caller_is_refused_whose_job_was_kept(db: Database) -> None:
    """A group that has to be run one by one, and a disk that refuses in the middle of it."""

    def half(tx: sqlite3.Connection) -> int:
        tx.execute("INSERT INTO t (n) VALUES (99)")
        raise RuntimeError

    def broken(tx: sqlite3.Connection) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    held = Held(db)
    await held.begun()
    jobs: list[Job] = [put(1), half, broken, put(2)]
    futures = [db.submit(job) for job in jobs]
    await held.release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    answered = [n for n, result in ((1, results[0]), (2, results[3])) if not isinstance(result, Exception)]
    assert kept(db.path) == answered
    assert isinstance(results[2], Problem)


async def test_what_changes_while_the_disk_refuses_piles_up_by_the_row_not_by_the_change(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    rows: dict[int, int] = {}

    def gather() -> tuple[Callable[[sqlite3.Connection], None], Callable[[], None]] | None:
        if not rows:
            return None
        batch = dict(rows)
        rows.clear()
        return lambda tx: _put_all(tx, batch), lambda: None

    db.attach(gather)
    with refusing():
        db.post(put(1_000))
        await until(lambda: not db.ok)
        for n in range(300):
            rows[n % 3] = n
            db.wake()
            db.post(lambda tx, n=n: _put_all(tx, {9: n}), key="seen")  # type: ignore[misc]
            if n % 30 == 0:
                await asyncio.sleep(0.02)  # longer than the changes linger, and sometimes than a try takes
        assert db.waiting <= 4
    await until(lambda: db.ok)
    await db.flush()
    with sqlite3.connect(db.path) as connection:
        found = connection.execute("SELECT n, at FROM t WHERE n < 1000 ORDER BY n").fetchall()
    assert found == [(0, 297), (1, 298), (2, 299), (9, 299)]
    await until(lambda: db.idle)


async def test_a_newer_job_of_a_key_is_not_undone_by_the_one_that_was_being_tried(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "RETRY_SECONDS", 0.02)
    held = Held(db)
    await held.begun()
    tried = threading.Event()

    def older(tx: sqlite3.Connection) -> None:
        _put_all(tx, {1: 1})
        tried.set()

    with refusing():
        db.post(older, key="k")
        await asyncio.gather(held.release(), return_exceptions=True)
        await asyncio.to_thread(tried.wait, 10)
        db.post(lambda tx: _put_all(tx, {1: 2}), key="k")
        await until(lambda: not db.ok)
    await until(lambda: db.ok)
    await db.flush()
    assert await db.read(lambda c: c.execute("SELECT at FROM t WHERE n = 1").fetchone()[0]) == 2


def _put_all(tx: sqlite3.Connection, rows: dict[int, int]) -> None:
    tx.executemany("INSERT OR REPLACE INTO t (n, at) VALUES (?, ?)", list(rows.items()))


async def test_what_several_sources_have_is_committed_as_one(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "MAX_GROUP", 1)
    first, second = Source(), Source()
    db.attach(first)
    db.attach(second)
    held = Held(db)
    await held.begun()
    before = db.submit(put(1_000))
    seen: list[tuple[int, int]] = []
    for n in range(1, 200, 2):
        first.add(n)
        second.add(n + 1)
        db.wake()
        if n == 101:
            await held.release()
        await asyncio.sleep(0)
        seen.append(await db.read(_counts))
    await before
    await db.flush()
    assert [pair for pair in seen if pair[0] != pair[1]] == []
    assert await db.read(_counts) == (100, 100)
    assert (len(first.told), len(second.told)) == (100, 100)


class Source:
    """Changes that gather up, and those that were told of after their commit."""

    def __init__(self, *, then: Callable[[], None] = lambda: None) -> None:
        self.changes: list[int] = []
        self.told: list[int] = []
        self._then = then

    def add(self, n: int) -> None:
        self.changes.append(n)

    def __call__(self) -> tuple[Callable[[sqlite3.Connection], None], Callable[[], None]] | None:
        if not self.changes:
            return None
        batch, self.changes = self.changes, []

        def told() -> None:
            self._then()
            self.told += batch

        def job(tx: sqlite3.Connection) -> None:
            for n in batch:
                put(n)(tx)

        return job, told


def _counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many odd and how many even numbers are there, the thousandth and later ones left out."""
    found = connection.execute("SELECT sum(n % 2), sum(n % 2 = 0) FROM t WHERE n < 1000").fetchone()
    return found[0] or 0, found[1] or 0


async def test_an_answer_that_fails_keeps_nobody_elses(db: Database) -> None:
    def fault() -> None:
        raise RuntimeError("a fault of ours")

    first, second = Source(then=fault), Source()
    db.attach(first)
    db.attach(second)
    held = Held(db)
    await held.begun()
    first.add(1)
    second.add(2)
    db.wake()
    await asyncio.sleep(2 * storage.LINGER_SECONDS)
    future = db.submit(put(3))
    with capture_logs() as logged:
        await held.release()
        assert await future == 30
    assert [entry["event"] for entry in logged] == ["storage.answer_failed"]
    assert (first.told, second.told) == ([], [2])
    assert kept(db.path) == [1, 2, 3]
    assert db._load == 0
    assert await db.write(put(4)) == 40


async def test_what_was_refused_is_not_told_as_saved(db: Database) -> None:
    first, second = Source(), Source()
    db.attach(first)
    db.attach(second)
    await db.write(put(2))
    first.add(1)
    second.add(2)  # there already: a fault of ours
    with capture_logs() as logged:
        db.wake()
        await db.flush()
    assert kept(db.path) == [2], "what belongs together is kept together or not at all"
    assert (first.told, second.told) == ([], [])
    (error,) = logged
    assert (error["event"], error["log_level"], error["gathered"]) == ("storage.job_failed", "error", True)
    assert isinstance(error["exc_info"], sqlite3.IntegrityError)
    first.add(5)
    db.wake()
    await db.flush()
    assert first.told == [5]


@pytest.mark.parametrize("max_group", [1, 512])
async def test_closing_on_a_refusing_disk_answers_all_who_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_group: int
) -> None:
    monkeypatch.setattr(draining, "MAX_GROUP", max_group)
    prepare(tmp_path / "vooster.db")
    database = Database(tmp_path / "vooster.db")
    await database.open()
    held = Held(database)
    await held.begun()
    futures = [database.submit(put(n)) for n in range(5)]
    with refusing():
        closing = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        held._release.set()
        async with asyncio.timeout(5):
            await closing
    assert all(future.done() for future in futures)
    found = await asyncio.gather(*futures, return_exceptions=True)
    assert {problem.code for problem in found if isinstance(problem, Problem)} == {"STORAGE_UNAVAILABLE"}
    assert len(found) == 5 and database._load == 0
    await asyncio.gather(held._done, return_exceptions=True)


async def test_condemned_while_writing_answers_everyone_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "MAX_GROUP", 1)
    for round_ in range(10):
        path = tmp_path / str(round_) / "vooster.db"
        path.parent.mkdir()
        prepare(path)
        database = Database(path)
        await database.open()
        await database.write(_make_table)
        futures = [database.submit(put(n)) for n in range(100)]
        await futures[round_]
        database.condemn("taken away")
        await database.close()
        found = await asyncio.gather(*futures, return_exceptions=True)
        saved = [n for n, result in enumerate(found) if not isinstance(result, Exception)]
        assert {each.code for each in found if isinstance(each, Problem)} <= {"STORAGE_UNAVAILABLE"}
        assert len(saved) >= round_ and set(saved) <= set(kept(path))
        assert database.waiting == 0 and database._load == 0


async def test_closing_on_a_refusing_disk_ends(tmp_path: Path) -> None:
    prepare(tmp_path / "vooster.db")
    database = Database(tmp_path / "vooster.db")
    await database.open()
    with refusing():
        database.post(put(1))
        await until(lambda: not database.ok)
        async with asyncio.timeout(3):
            await database.close()


async def test_after_closing_nothing_is_taken(tmp_path: Path) -> None:
    prepare(tmp_path / "vooster.db")
    database = Database(tmp_path / "vooster.db")
    await database.open()
    last = database.submit(_make_table)
    await database.close()
    assert last.done() and last.exception() is None
    with pytest.raises(Problem) as problem:
        await database.write(put(1))
    assert problem.value.code == "SHUTTING_DOWN"


async def test_too_much_waiting_is_refused(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_WAITING", 6)
    held = Held(db)  # what is under way counts too
    await held.begun()
    futures = [db.submit(put(n)) for n in range(8)]
    await held.release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Problem)]
    assert {problem.code for problem in refused} == {"STORAGE_UNAVAILABLE"}
    assert kept(db.path) == [0, 1, 2, 3, 4]
    assert len(refused) == 3


async def test_what_waits_is_weighed_not_counted(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_WAITING", 6)
    held = Held(db)
    await held.begun()
    bulk = Bulk[int, int](lambda tx, numbers: [put(n)(tx) for n in numbers])
    heavy, light = db.submit_to(bulk, 1, weight=5), db.submit(put(2))
    await held.release()
    assert await heavy == 10
    with pytest.raises(Problem):
        await light
    assert await db.write(put(3)) == 30, "what was answered weighs nothing any more"


async def test_what_would_pass_the_bound_is_refused_unless_nothing_else_waits(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MAX_WAITING", 10)
    monkeypatch.setattr(storage, "MAX_ALONE", 20)
    bulk = Bulk[int, int](lambda tx, numbers: [put(n)(tx) for n in numbers])
    held = Held(db)
    await held.begun()
    heavy = db.submit_to(bulk, 1, weight=10)
    await held.release()
    with pytest.raises(Problem, match="Too much waits"):
        await heavy
    assert await db.submit_to(bulk, 2, weight=20) == 20
    with pytest.raises(Problem, match="too much to be saved at once") as problem:
        await db.submit_to(bulk, 3, weight=21)
    assert problem.value.code == "STORAGE_UNAVAILABLE"
    assert kept(db.path) == [2]


async def test_a_bulk_takes_all_of_a_group_at_once(db: Database) -> None:
    calls: list[list[int]] = []

    def run(tx: sqlite3.Connection, numbers: list[int]) -> list[int | Exception]:
        calls.append(numbers)
        return [put(n)(tx) if n != 3 else Problem("DUPLICATE_NONCE") for n in numbers]

    bulk = Bulk(run)
    held = Held(db)
    await held.begun()
    commits = db.commits
    futures = [db.submit_to(bulk, n) for n in (1, 2, 3)]
    between, last = db.submit(put(4)), db.submit_to(bulk, 5)
    await held.release()
    assert [await future for future in (futures[0], futures[1], between, last)] == [10, 20, 40, 50]
    with pytest.raises(Problem):
        await futures[2]
    assert calls == [[1, 2, 3], [5]]
    assert db.commits <= commits + 2  # the held one, and one for all of these
    assert kept(db.path) == [1, 2, 4, 5]


async def test_a_bulk_that_fails_as_a_whole_fails_for_the_one_it_is_about(db: Database) -> None:
    def run(tx: sqlite3.Connection, numbers: list[int]) -> list[int | Exception]:
        return [put(n)(tx) for n in numbers]

    bulk = Bulk(run)
    await db.write(put(2))
    held = Held(db)
    await held.begun()
    futures = [db.submit_to(bulk, n) for n in (1, 2, 3)]
    await held.release()
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert results[0] == 10
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert results[2] == 30
    assert sorted(kept(db.path)) == [1, 2, 3]


async def test_a_write_that_does_not_come_back_stops_acceptance_until_it_does(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "STALL_SECONDS", 0.05)
    held = Held(db)
    await held.begun()
    waiting = db.submit(put(1))
    await until(lambda: bool(db.trouble))
    assert "slow" in db.trouble
    with pytest.raises(Problem) as problem:
        await db.write(put(2))
    assert (problem.value.code, problem.value.retry_after) == ("STORAGE_UNAVAILABLE", 1)
    await held.release()
    assert await waiting == 10
    assert not db.trouble
    assert await db.write(put(3)) == 30
    assert kept(db.path) == [1, 3]
