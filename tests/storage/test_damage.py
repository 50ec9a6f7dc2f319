"""A data file that turns out damaged, or is taken away, while the appliance runs: nothing more is accepted, nobody
tries for ever, and the next start doesn't use it as if nothing had been."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from appliance.errors import Problem
from appliance.metrics import Metrics
from appliance.relay.retention import Retention
from appliance.relay.upkeep import Upkeep
from appliance.storage import aside, connections
from appliance.storage import database as storage
from appliance.storage.aside import kept_aside
from appliance.storage.database import Database
from appliance.storage.files import prepare
from appliance.storage.salvage import salvage
from tests.support.datafile import contents, filled, put
from tests.support.house import until


@pytest.fixture
async def open_file(tmp_path: Path) -> AsyncIterator[Callable[[], asyncio.Future[Database]]]:
    opened: list[Database] = []

    async def start() -> Database:
        database = Database(tmp_path / "vooster.db")
        await database.open()
        opened.append(database)
        return database

    yield lambda: asyncio.ensure_future(start())
    for database in opened:
        await database.close()


OpenFile = Callable[[], "asyncio.Future[Database]"]


def spoil(path: Path, table: str) -> None:
    """Garbage over the first page of `table`, the way a dying disk leaves it: the header stays."""
    with sqlite3.connect(path) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    connection.close()
    with path.open("rb+") as file:
        file.seek((root - 1) * 4096)
        file.write(os.urandom(4096))


def insert(tx: sqlite3.Connection) -> None:
    tx.execute("INSERT INTO audit (at, actor, action) VALUES (1, 'local:x', 'y')")


def count(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM audit").fetchone()[0]
    return found


@pytest.mark.parametrize("how", ["write", "read"])
async def test_damage_stops_acceptance_for_good(tmp_path: Path, open_file: OpenFile, how: str) -> None:
    path = tmp_path / "vooster.db"
    filled(path)
    spoil(path, "audit")
    database = await open_file()
    posted: list[int] = []
    with capture_logs() as logged:
        database.post(lambda tx: posted.append(tx.execute("SELECT 1").fetchone()[0]))
        await database.flush()
        with pytest.raises(Problem) as problem:
            await (database.write(insert) if how == "write" else database.read(count))
        assert problem.value.code == "STORAGE_UNAVAILABLE"
        for _ in range(3):
            with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"):
                await database.write(insert)
            with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"):
                await database.flush()
        database.post(insert)
        database.wake()
        await asyncio.sleep(4 * storage.LINGER_SECONDS)
    assert not database.ok and database.trouble
    assert database.damage is not None
    errors = [entry for entry in logged if entry["log_level"] == "error" and entry["event"] != "storage.given_up"]
    assert [entry["event"] for entry in errors] == ["storage.damaged"]
    assert errors[0]["file"] == str(path) and errors[0]["kept_as"] == database.damage.file
    assert not errors[0].get("exc_info")
    assert database.waiting <= 1, "nobody tries a damaged file again and again"
    await database.close()
    # What the run left behind: the next start keeps the file aside under the name that was logged, and refuses.
    with pytest.raises(Problem) as refused:
        prepare(path)
    assert refused.value.code == "DATABASE_CORRUPT"
    assert refused.value.values["file"] == database.damage.file == str(kept_aside(path)[0])
    assert refused.value.values["command"] == database.damage.command
    assert database.damage.command == f"vooster doctor --salvage {database.damage.file}"
    assert not path.exists()
    with pytest.raises(Problem, match="DATABASE_CORRUPT"):
        prepare(path)
    prepare(path, start_empty=True)


async def test_the_note_counts_even_when_the_process_was_killed(tmp_path: Path, open_file: OpenFile) -> None:
    path = tmp_path / "vooster.db"
    filled(path)
    spoil(path, "audit")
    (await open_file()).condemn("database disk image is malformed")
    # As it is found by another process, with the first one's files still there.
    settled = aside.settle(path)
    assert settled is not None and settled.exists() and not path.exists()
    assert aside.settle(path) is None


async def test_a_wal_of_garbage_is_a_wal_that_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    filled(path, logged=True)
    wal = aside.wal_of(path)
    content = bytearray(wal.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    wal.write_bytes(content)
    prepare(path)
    assert kept_aside(path) == []


@pytest.mark.parametrize("empty", [True, False], ids=["emptied", "gone"])
def test_a_log_whose_file_is_gone_is_not_thrown_away(tmp_path: Path, empty: bool) -> None:
    path = tmp_path / "vooster.db"
    filled(path, logged=True)
    log = aside.wal_of(path).read_bytes()
    if empty:
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(Problem, match="DATABASE_CORRUPT"):
        prepare(path)
    (kept,) = kept_aside(path)
    assert aside.wal_of(kept).read_bytes() == log


def test_a_schema_that_is_not_what_the_header_says_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    with pytest.raises(Problem, match="DATABASE_CORRUPT"):
        prepare(path)


def test_a_newer_file_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(Problem, match="newer"):
        prepare(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


async def test_a_fault_of_a_statement_is_no_damage(tmp_path: Path, open_file: OpenFile) -> None:
    prepare(tmp_path / "vooster.db")
    database = await open_file()
    with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"):
        await database.read(lambda c: c.execute("SELECT nothing FROM nowhere").fetchone())
    assert database.damage is None and database.ok
    await database.write(insert)


def test_rights_that_are_missing_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    filled(path, 20)
    before = path.read_bytes()
    with (
        patch.object(Path, "open", side_effect=PermissionError(13, "Permission denied")),
        pytest.raises(Problem, match="Permission denied") as problem,
    ):
        prepare(path)
    assert problem.value.code == "STORAGE_UNAVAILABLE"
    assert path.read_bytes() == before and kept_aside(path) == []


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
async def test_a_file_taken_away_is_noticed_and_what_it_held_is_saved(
    tmp_path: Path, open_file: OpenFile, replaced: bool
) -> None:
    path = tmp_path / "vooster.db"
    filled(path)
    database = await open_file()
    told: list[bool] = []
    database._on_state = told.append
    upkeep = Upkeep(database, Retention(database, lambda: (), Metrics(lambda: 0)), tmp_path / "spare")
    await upkeep.round()
    assert database.ok and told == []
    for file in list(tmp_path.iterdir()):  # noqa: ASYNC240
        file.unlink()
    if replaced:
        path.write_bytes(b"something else")
    await database.write(insert)  # SQLite itself notices nothing
    with capture_logs() as logged, pytest.raises(Problem, match="STORAGE_UNAVAILABLE"):
        await upkeep.watch()
        await database.write(insert)
    assert told == [False]
    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == ["storage.damaged"]
    assert database.damage is not None
    saved = Path(database.damage.file)
    with sqlite3.connect(saved) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert count(connection) == 151
    connection.close()
    await database.close()
    assert path.exists() == replaced
    if not replaced:
        with pytest.raises(Problem) as refused:
            prepare(path)
        assert refused.value.values["file"] == str(saved)
    else:
        path.unlink()
    report = salvage(saved, path, actor="local:x", now=1, seal_key=b"s" * 32)
    assert report.whole
    prepare(path)


# --- the log ----------------------------------------------------------------------------------------------------------


async def test_a_file_that_cannot_be_looked_at_is_not_taken_for_gone(tmp_path: Path, open_file: OpenFile) -> None:
    path = tmp_path / "vooster.db"
    filled(path)
    database = await open_file()
    upkeep = Upkeep(database, Retention(database, lambda: (), Metrics(lambda: 0)), tmp_path / "spare")
    away = path.with_name("away")
    path.rename(away)
    path.symlink_to(path)  # a link to itself: the file system has no answer
    with pytest.raises(Problem, match="STORAGE_UNAVAILABLE"):
        await upkeep.watch()
    away.replace(path)
    await upkeep.watch()
    assert database.damage is None and database.ok
    await database.write(insert)


async def test_the_log_shrinks_again_after_a_long_reader_and_a_heavy_load(tmp_path: Path, open_file: OpenFile) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    database = await open_file()
    upkeep = Upkeep(database, Retention(database, lambda: (), Metrics(lambda: 0)), tmp_path / "spare", long_wal=1 << 20)
    other = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM triggers").fetchone()
    for step in range(20):
        await database.write(lambda tx, step=step: _load(tx, step))  # type: ignore[misc]
    grown = aside.size_of(aside.wal_of(path))
    assert grown > 16 << 20, "nothing can be copied past what somebody still reads"
    await until(lambda: database.idle)
    began = asyncio.get_running_loop().time()
    assert not await upkeep.shorten()
    assert asyncio.get_running_loop().time() - began < 2, "the writer doesn't wait for the reader"
    other.execute("COMMIT")
    other.close()
    assert await upkeep.shorten()
    assert aside.size_of(aside.wal_of(path)) == 0
    assert not await upkeep.shorten(), "a short log is left alone"
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM triggers").fetchone()[0]) == 20 * 1000


async def test_a_long_log_is_cut_back_even_if_nothing_ever_rests(tmp_path: Path, open_file: OpenFile) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    database = await open_file()
    other = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM triggers").fetchone()
    for step in range(20):
        await database.write(lambda tx, step=step: _load(tx, step))  # type: ignore[misc]
    assert aside.size_of(aside.wal_of(path)) > connections.WAL_BYTES
    other.close()
    for step in range(20, 24):
        await database.write(lambda tx, step=step: _load(tx, step))  # type: ignore[misc]
    assert aside.size_of(aside.wal_of(path)) <= connections.WAL_BYTES


def _load(tx: sqlite3.Connection, step: int) -> None:
    """A thousand triggers in the writer's own transaction."""
    put(tx, 1000, first=1 + step * 2000)


def test_nothing_was_lost_on_the_way(tmp_path: Path) -> None:
    """The fixture itself: what `filled` says is in the file is what SQLite reads there."""
    expected = filled(tmp_path / "vooster.db", logged=True)
    with sqlite3.connect(tmp_path / "vooster.db") as connection:
        assert contents(connection) == expected
    connection.close()
