"""The audit record: append-only, and no change of the data file behind our back goes unseen by `vooster doctor`."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from appliance.cli.auditcheck import audit_record
from appliance.cli.findings import Finding
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.storage import audit, chain
from appliance.storage.chain import Checked, Keyed
from appliance.storage.database import Database
from appliance.storage.files import prepare
from appliance.storage.salvage import salvage

BEGAN = 1_790_000_000_000
ENTRIES = 60


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[DataDir]:
    """A closed data file with `ENTRIES` entries, written as the appliance writes them."""
    data = DataDir(tmp_path)
    await write(data, ENTRIES)
    yield data


async def write(data: DataDir, count: int, first: int = 1) -> None:
    keys = secrets.load(data.secrets)
    prepare(data.database)
    database = Database(data.database, seal_key=keys.audit)
    await database.open()
    if not keys.audit_begun:
        await database.write(lambda tx: chain.seal(tx, keys.audit))
        secrets.save(data.secrets, msgspec.structs.replace(keys, audit_begun=True))
    await asyncio.gather(*(database.write(entry(number)) for number in range(first, first + count)))
    await database.close()


def entry(number: int) -> Callable[[sqlite3.Connection], None]:
    def job(tx: sqlite3.Connection) -> None:
        audit.append(
            tx, BEGAN + number, "user:kim", "screen.change", f"S-{number}", {"n": number}, screen=f"S-{number}"
        )

    return job


def doctor(data: DataDir) -> Finding:
    (finding,) = audit_record(data)
    return finding


def tampered(data: DataDir, *statements: str) -> None:
    """What somebody does who has the file, a tool for it, and no key."""
    with sqlite3.connect(data.database) as connection:
        for trigger in ("audit_no_update", "audit_no_delete", "audit_no_replace"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_record_as_it_was_written_is_intact(data: DataDir) -> None:
    found = doctor(data)
    assert (found.state, found.message["ko"]) == ("ok", "기록이 온전합니다 (60건 확인)")
    assert found.message["en"] == "The record is intact (60 entries checked)"


SWAP = (
    "UPDATE audit SET pk = 1000 WHERE pk = 20", "UPDATE audit SET pk = 20 WHERE pk = 21",
    "UPDATE audit SET pk = 21 WHERE pk = 1000",
)  # fmt: skip
INSERT = "INSERT INTO audit SELECT {pk}, at, actor, action, target, detail, screen_id, address, prev, mac FROM audit "


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["UPDATE audit SET actor = 'user:lee' WHERE pk = 20"], "Entry 20 "),
        (["UPDATE audit SET at = at + 1 WHERE pk = 20"], "Entry 20 "),
        (["UPDATE audit SET detail = NULL WHERE pk = 20"], "Entry 20 "),
        (["UPDATE audit SET target = screen_id, screen_id = target || 'x' WHERE pk = 20"], "Entry 20 "),
        (["UPDATE audit SET address = '10.0.0.1' WHERE pk = 20"], "Entry 20 "),
        (["UPDATE audit SET mac = NULL, prev = NULL"], "Entry 1 "),
        (["UPDATE audit SET actor = CAST(x'ff00fe' AS TEXT) WHERE pk = 20"], "Entry 20 "),
        (["UPDATE audit SET at = CAST(at AS BLOB), action = CAST(action AS BLOB) WHERE pk = 20"], "Entry 20 "),
        (["DELETE FROM audit WHERE pk = 20"], "before entry 21 "),
        (["DELETE FROM audit WHERE pk <= 20"], "before entry 21 "),
        (["DELETE FROM audit WHERE pk > 50"], "From entry 51 on"),
        (["DELETE FROM audit WHERE pk > 50", "DELETE FROM meta WHERE key = 'audit'"], "From entry 51 on"),
        (["DELETE FROM audit"], "From entry 1 on"),
        (["DELETE FROM audit", "DELETE FROM meta WHERE key = 'audit'"], "From entry 1 on"),
        (["UPDATE meta SET value = replace(value, '60 60 ', '59 60 ') WHERE key = 'audit'"], "From entry 61 on"),
        (SWAP, "Entry 20 "),
        ([INSERT.format(pk=61) + "WHERE pk = 60"], "Entry 61 "),
        (["UPDATE audit SET pk = pk + 1000 WHERE pk > 20", INSERT.format(pk=21) + "WHERE pk = 20",
          "UPDATE audit SET pk = pk - 999 WHERE pk > 1000"], "Entry 21 "),
    ],
)  # fmt: skip
def test_no_tampering_goes_unseen(data: DataDir, statements: list[str], told: str) -> None:
    tampered(data, *statements)
    found = doctor(data)
    assert found.state == "problem"
    assert told in found.message["en"], found.message["en"]
    assert found.action is not None and str(data.database) in found.action["ko"]


async def test_an_older_table_in_the_place_of_this_one_is_seen(data: DataDir, tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    older.write_bytes(data.database.read_bytes())
    await write(data, 5, first=ENTRIES + 1)
    assert doctor(data).message["en"] == "The record is intact (65 entries checked)"
    tampered(data, f"ATTACH '{older}' AS older", "DELETE FROM audit", "INSERT INTO audit SELECT * FROM older.audit")
    assert "From entry 61 on" in doctor(data).message["en"]


async def test_what_is_added_after_a_cut_mends_nothing(data: DataDir) -> None:
    tampered(data, "DELETE FROM audit WHERE pk > 50")
    await write(data, 3, first=100)
    assert "before entry 61 " in doctor(data).message["en"]


async def test_what_is_added_behind_a_forged_entry_mends_nothing_and_is_not_refused(data: DataDir) -> None:
    tampered(data, INSERT.format(pk=61) + "WHERE pk = 60")
    await write(data, 3, first=100)
    assert "Entry 61 " in doctor(data).message["en"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'user:lee' WHERE pk = 3",
        "DELETE FROM audit WHERE pk = 3",
        "DELETE FROM audit",
        INSERT.replace("INSERT", "INSERT OR REPLACE").format(pk=3) + "WHERE pk = 4",
    ],
)
def test_sqlite_itself_refuses_to_change_what_is_there(data: DataDir, statement: str) -> None:
    with sqlite3.connect(data.database) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert doctor(data).state == "ok"


async def test_a_commit_of_many_chains_them_in_order_whatever_fails_between_them(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await write(data, 1)
    database = Database(data.database, seal_key=secrets.load(data.secrets).audit)
    await database.open()

    def halfway(tx: sqlite3.Connection) -> None:
        entry(666)(tx)
        raise Problem("VALIDATION_ERROR")

    def twice(tx: sqlite3.Connection) -> None:
        entry(7)(tx)
        entry(8)(tx)

    before = database.commits
    jobs = [entry(2), halfway, twice, halfway, entry(9)]
    outcomes = await asyncio.gather(*(database.write(job) for job in jobs), return_exceptions=True)
    assert [isinstance(outcome, Problem) for outcome in outcomes] == [False, True, False, True, False]
    assert database.commits == before + 1, "one group, undone and done again job by job"
    targets = await database.read(lambda c: [row[0] for row in c.execute("SELECT target FROM audit ORDER BY pk")])
    assert targets == ["S-1", "S-2", "S-7", "S-8", "S-9"]
    await database.close()
    assert doctor(data).message["en"] == "The record is intact (5 entries checked)"


async def test_each_entry_says_where_its_job_was_asked_for(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    await write(data, 1)
    database = Database(data.database, seal_key=secrets.load(data.secrets).audit)
    await database.open()

    async def ask(address: str | None, number: int) -> None:
        audit.came_from.set(address)
        await database.write(entry(number))

    await asyncio.gather(*(asyncio.create_task(ask(a, n)) for n, a in enumerate(["10.0.0.1", None, "10.0.0.2"])))
    found, _ = await database.read(lambda c: audit.search(c, audit.Filter(), 3))
    await database.close()
    assert [each.address for each in found] == ["10.0.0.2", None, "10.0.0.1"]


async def test_a_look_goes_on_where_the_last_one_ended(data: DataDir) -> None:
    key = secrets.load(data.secrets).audit
    connection = sqlite3.connect(data.database, isolation_level=None)
    found = chain.check(connection, key, Checked(), 40)
    assert (found.head.entries, found.entries, found.done) == (40, 60, False)
    found = chain.check(connection, key, found, 40)
    assert (found.head.entries, found.done, found.broken) == (60, True, None)
    connection.close()
    await write(data, 5, first=61)
    connection = sqlite3.connect(data.database, isolation_level=None)
    found = chain.check(connection, key, Checked(found.head, found.last_at), 40)
    connection.close()
    assert (found.head.entries, found.done, found.broken) == (65, True, None)


def test_another_key_seals_nothing_that_passes_for_ours(data: DataDir) -> None:
    connection = sqlite3.connect(data.database, isolation_level=None, factory=Keyed)
    connection.seal_key = b"x" * 32
    entry(61)(connection)
    connection.close()
    assert "Entry 61 " in doctor(data).message["en"]


def test_salvage_seals_what_is_left_anew_and_says_where_it_broke(data: DataDir, tmp_path: Path) -> None:
    key = secrets.load(data.secrets).audit
    tampered(data, "DELETE FROM audit WHERE pk = 20")
    report = salvage(data.database, data.database, actor="local:kim", now=BEGAN, seal_key=key)
    assert report.record.broken is not None and report.record.broken.number == 21
    assert doctor(data).message["en"] == "The record is intact (60 entries checked)"
    connection = sqlite3.connect(data.database)
    (last,), _ = audit.search(connection, audit.Filter(action="salvage"), 2)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM audit")
    connection.close()
    assert last.detail is not None
    assert last.detail["record"] == {"intact": False, "number": 21, "reason": "missing"}


async def test_sealing_costs_next_to_nothing_beside_the_disk(tmp_path: Path) -> None:
    """10,000 audited changes, in groups as they come: with their seals, and as plain rows."""

    def plain(number: int) -> Callable[[sqlite3.Connection], None]:
        def job(tx: sqlite3.Connection) -> None:
            values = (BEGAN, "user:kim", "screen.change", f"S-{number}", f'{{"n":{number}}}')
            tx.execute("INSERT INTO audit (at, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)", values)

        return job

    async def seconds(name: str, kind: Callable[[int], Callable[[sqlite3.Connection], None]]) -> float:
        prepare(tmp_path / name)
        database = Database(tmp_path / name, seal_key=b"k" * 32)
        await database.open()
        began = time.process_time()  # what else this computer does is no matter
        for first in range(0, 10_000, 50):
            await asyncio.gather(*(database.write(kind(number)) for number in range(first, first + 50)))
        took = time.process_time() - began
        await database.close()
        return took

    sealed = [await seconds(f"sealed{n}.db", entry) for n in range(2)]
    bare = [await seconds(f"plain{n}.db", plain) for n in range(2)]
    print(f"10,000 audited changes: {min(sealed):.2f} s of CPU sealed, {min(bare):.2f} s plain")
    assert min(sealed) < min(bare) + 2.0, "0.2 ms each is far more than it needs"
