"""Salvage: whatever is damaged, nothing that is still there is left behind, nothing is made up, and what was damaged
stays as it is."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.core.delivery import State
from appliance.errors import Problem
from appliance.storage import aside, replaced
from appliance.storage.chain import Keyed
from appliance.storage.files import prepare
from appliance.storage.pages import LEAF_TABLE, PageFile, Walk, walk
from appliance.storage.rows import read_deliveries
from appliance.storage.salvage import SAFE_BLOCK, Report, salvage
from tests.support.datafile import BEGAN, SEAL_KEY, TABLES, Content, contents, filled

PAGE = 4096
OURS = {"seq", "replaced_at", "replaced_how", "audit"}
Homes = dict[tuple[str, int], set[int]]


def saved(source: Path, target: Path) -> tuple[Report, Content]:
    """Salvages and reads the result, which has to be sound."""
    before = source.read_bytes()
    report = salvage(source, target, actor="local:kim", now=BEGAN, seal_key=SEAL_KEY)
    assert report.source.read_bytes() == before
    with sqlite3.connect(target) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        found = contents(connection)
    connection.close()
    return report, found


def invented(found: Content, original: Content) -> dict[str, set[tuple[object, ...]]]:
    """Rows that never were, but for salvage's own notes."""
    more = {name: found[name] - original[name] for name in TABLES}
    more["meta"] = {row for row in more["meta"] if row[0] not in OURS}
    more["audit"] = {row for row in more["audit"] if row[3] != "salvage"}
    return {name: rows for name, rows in more.items() if rows}


def homes(path: Path) -> Homes:
    """On which pages each row of the large tables lies."""
    connection = sqlite3.connect(path)
    roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'"))
    connection.close()
    found: Homes = {}
    with PageFile(path) as file:
        for table in ("triggers", "deliveries", "audit"):
            for number, page in walk(file, roots[table], index=False, into=Walk()):
                for cell in page.cells if page.kind == LEAF_TABLE else ():
                    found[table, cell.rowid] = {number, *cell.overflow}
    return found


@pytest.mark.parametrize("logged", [False, True], ids=["closed", "killed"])
def test_everything_of_a_sound_file_is_saved(tmp_path: Path, logged: bool) -> None:
    source = tmp_path / "old.db"
    original = filled(source, logged=logged)
    log = aside.wal_of(source).read_bytes() if logged else b""
    report, found = saved(source, tmp_path / "vooster.db")
    assert report.whole and report.bare == 0
    for name in set(TABLES) - {"meta", "audit"}:
        assert found[name] == original[name], name
    assert {row for row in original["meta"] if row[0] not in OURS} < found["meta"]
    assert not logged or aside.wal_of(source).read_bytes() == log
    (entry,) = found["audit"] - original["audit"]
    assert entry[2:5] == ("local:kim", "salvage", "old.db")
    assert sorted(file.name for file in tmp_path.iterdir() if "salvaging" in file.name) == []


DAMAGES = ("pages", "zeros", "sectors", "bytes", "cut", "header")


def damage(content: bytes, how: str, dice: random.Random) -> tuple[bytes, set[int]]:
    """A damaged copy and the numbers of the pages that it concerns."""
    data, bad = bytearray(content), set[int]()
    pages = len(content) // PAGE
    for _ in range(dice.choice([1, 1, 2, 5, 20])):
        if how in {"pages", "zeros"}:
            number = dice.randrange(pages)
            data[number * PAGE : (number + 1) * PAGE] = dice.randbytes(PAGE) if how == "pages" else bytes(PAGE)
            bad.add(number + 1)
        elif how in {"sectors", "bytes"}:
            size = 512 if how == "sectors" else dice.randrange(1, 64)
            at = (
                dice.randrange(len(content) // 512 - 1) * 512 if how == "sectors" else dice.randrange(pages * PAGE - 64)
            )
            data[at : at + size] = dice.choice([bytes(size), dice.randbytes(size)])
            bad |= {at // PAGE + 1, (at + size - 1) // PAGE + 1}
        elif how == "cut":
            at = dice.randrange(PAGE, len(content))
            return bytes(data[:at]), set(range(at // PAGE + 1, pages + 1))
        else:
            size = dice.choice([16, 100, PAGE])
            data[:size] = bytes(size)
            return bytes(data), {1}
    return bytes(data), bad


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Content, Homes]:
    path = tmp_path_factory.mktemp("sound") / "vooster.db"
    original = filled(path)
    return path.read_bytes(), original, homes(path)


@pytest.mark.parametrize("how", DAMAGES)
def test_what_is_on_good_pages_is_saved_and_nothing_is_made_up(
    tmp_path: Path, sound: tuple[bytes, Content, Homes], how: str
) -> None:
    content, original, where = sound
    rows = {name: {row[0]: row for row in original[name]} for name in ("triggers", "deliveries", "audit")}
    for seed in range(12):
        damaged, bad = damage(content, how, random.Random(f"{how} {seed}"))
        source, target = tmp_path / "damaged.db", tmp_path / "vooster.db"
        source.write_bytes(damaged)
        target.unlink(missing_ok=True)
        report, found = saved(source, target)
        if how != "bytes":  # a few bytes inside a name or a hash can't be told from right ones
            assert invented(found, original) == {}, seed
        for (table, pk), on in where.items():
            row = rows[table][pk]
            needs = on | (where["triggers", row[1]] if table == "deliveries" else set())  # type: ignore[index]
            assert needs & bad or row in found[table], (seed, table, pk)
        for table in ("triggers", "deliveries"):
            count = report.tables[table]
            truth = len(original[table]) - count.read
            assert count.lost == truth if count.exact else count.lost <= truth, (seed, table)


def test_a_table_without_its_root_is_saved_from_its_leaves(tmp_path: Path) -> None:
    source = tmp_path / "old.db"
    original = filled(source, 2000)
    connection = sqlite3.connect(source)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries'").fetchone()[0]
    connection.close()
    with source.open("rb+") as file:
        file.seek((root - 1) * PAGE)
        file.write(os.urandom(PAGE))
    connection = sqlite3.connect(source)
    with pytest.raises(sqlite3.DatabaseError):
        connection.execute("SELECT count(history) FROM deliveries").fetchone()
    connection.close()
    report, found = saved(source, tmp_path / "vooster.db")
    assert found["deliveries"] == original["deliveries"]
    assert (report.tables["deliveries"].lost, report.tables["deliveries"].exact) == (0, True)


def test_deleted_rows_do_not_come_back(tmp_path: Path) -> None:
    source = tmp_path / "old.db"
    filled(source, 1000)
    connection = sqlite3.connect(source)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("DELETE FROM deliveries WHERE pk < 901")
    connection.execute("DELETE FROM triggers WHERE pk < 901")
    connection.commit()
    original = contents(connection)
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries'").fetchone()[0]
    connection.close()
    with source.open("rb+") as file:
        file.seek((root - 1) * PAGE)
        file.write(bytes(PAGE))
    _, found = saved(source, tmp_path / "vooster.db")
    assert found["deliveries"] == original["deliveries"]
    assert found["triggers"] == original["triggers"]


def test_a_delivery_without_its_trigger_is_counted_not_kept(
    tmp_path: Path, sound: tuple[bytes, Content, Homes]
) -> None:
    content, original, where = sound
    page = max(where["triggers", 1])
    gone = {pk for (table, pk), on in where.items() if table == "triggers" and page in on}
    source = tmp_path / "old.db"
    source.write_bytes(content[: (page - 1) * PAGE] + bytes(PAGE) + content[page * PAGE :])
    report, found = saved(source, tmp_path / "vooster.db")
    assert report.tables["triggers"].lost == len(gone)
    assert report.tables["deliveries"].stray == report.tables["deliveries"].lost == len(gone)
    assert {row[1] for row in found["deliveries"]} == {row[0] for row in found["triggers"]}
    assert len(found["triggers"]) == len(original["triggers"]) - len(gone)


def test_the_state_counts_as_replaced_at_the_next_start(tmp_path: Path) -> None:
    source, target = tmp_path / "old.db", tmp_path / "vooster.db"
    original = filled(source, 100, open_last=7)
    report, found = saved(source, target)
    assert ("seq", str(report.highest + SAFE_BLOCK)) in found["meta"]
    assert report.highest >= max(int(str(row[4])) for row in original["deliveries"])
    prepare(target)
    with sqlite3.connect(target, isolation_level=None, factory=Keyed) as connection:
        before = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        connection.execute("BEGIN")
        letters = replaced.take_up(connection, BEGAN + 5)
        connection.execute("COMMIT")
        assert letters is not None and len(letters) == 7
        for letter in read_deliveries(connection, "WHERE d.code = 'RESTORED'"):
            assert (letter.state, letter.final, letter.listed) == (State.DEAD, True, True)
            assert (letter.history[-1].at, letter.history[-1].detail) == (BEGAN + 5, "salvaged")
        assert connection.execute("SELECT count(*) FROM deliveries WHERE final = 0").fetchone()[0] == 0
        assert connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0] != before
        assert replaced.take_up(connection, BEGAN + 6) is None, "once"
    connection.close()


# --- where the new file goes ------------------------------------------------------------------------------------------


def test_another_file_in_place_is_never_overwritten(tmp_path: Path) -> None:
    source, target = tmp_path / "old.db", tmp_path / "vooster.db"
    filled(source, 20)
    prepare(target)
    before = target.read_bytes()
    with pytest.raises(Problem) as problem:
        salvage(source, target, actor="local:x", now=BEGAN, seal_key=SEAL_KEY)
    assert problem.value.code == "DATABASE_EXISTS"
    assert str(target) in problem.value.messages()["ko"]
    assert target.read_bytes() == before


def test_the_file_in_place_is_kept_aside_with_its_log(tmp_path: Path) -> None:
    target = tmp_path / "vooster.db"
    original = filled(target, 200, logged=True)
    before, log = target.read_bytes(), aside.wal_of(target).read_bytes()
    report, found = saved(target, target)
    (kept,) = aside.kept_aside(target)
    assert report.source == kept
    assert (kept.read_bytes(), aside.wal_of(kept).read_bytes()) == (before, log)
    assert not aside.wal_of(target).exists()
    assert found["deliveries"] == original["deliveries"]


def test_a_log_that_was_left_behind_never_meets_the_new_file(tmp_path: Path) -> None:
    source, target = tmp_path / "old.db", tmp_path / "vooster.db"
    filled(target, 300, logged=True)
    target.replace(tmp_path / "elsewhere.db")
    original = filled(source, 20)
    _, found = saved(source, target)
    assert found["triggers"] == original["triggers"]
    assert len(aside.kept_aside(target)) == 1


def test_nothing_readable_leaves_everything_as_it_was(tmp_path: Path) -> None:
    source, target = tmp_path / "old.db", tmp_path / "vooster.db"
    for content in (b"", b"no database", os.urandom(200_000), bytes(200_000)):
        source.write_bytes(content)
        with pytest.raises(Problem) as problem:
            salvage(source, target, actor="local:x", now=BEGAN, seal_key=SEAL_KEY)
        assert problem.value.code == "DATABASE_CORRUPT"
        assert "--start-empty" in problem.value.actions()["en"]
        assert [file.name for file in tmp_path.iterdir()] == ["old.db"]


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "old.db"
    filled(source, 20)
    connection = sqlite3.connect(source)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(Problem, match="newer"):
        salvage(source, tmp_path / "vooster.db", actor="local:x", now=BEGAN, seal_key=SEAL_KEY)
    assert not (tmp_path / "vooster.db").exists()


RUN = (
    "import sys, pathlib\nfrom appliance.storage.salvage import salvage\nprint('go', flush=True)\n"
    "salvage(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), actor='local:x', now=1, "
    "seal_key=bytes(32))\nprint('done', flush=True)\n"
)


def test_a_kill_at_any_moment_leaves_either_nothing_or_the_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "old.db", tmp_path / "vooster.db"
    original = filled(source, 1500)
    before = source.read_bytes()
    dice, halves = random.Random(3), 0
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", RUN, str(source), str(target)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None and process.stdout.readline() == "go\n"
            try:
                process.wait(dice.uniform(0.0, 0.4))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        assert source.read_bytes() == before
        if target.exists():
            with sqlite3.connect(target) as connection:
                assert contents(connection)["deliveries"] == original["deliveries"]
            connection.close()
            target.unlink()
        else:
            halves += 1
    assert halves, "no kill came in time"
    saved(source, target)
    assert [file.name for file in tmp_path.iterdir() if "salvaging" in file.name] == []
