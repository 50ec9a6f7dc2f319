"""The data file before it is a database: one owner, migrations, and damage that is never papered over."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import Problem
from appliance.storage.files import DirectoryLock, kept_aside, prepare
from appliance.storage.migrations import available


def code_of(path: Path, *, start_empty: bool = False) -> str:
    with pytest.raises(Problem) as problem:
        prepare(path, start_empty=start_empty)
    return problem.value.code


def test_a_fresh_file_has_the_newest_schema(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    prepare(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == available()[-1][0]


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in available()] == list(range(1, len(available()) + 1))


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, os.urandom(8192)], ids=["text", "noise"])
def test_a_damaged_file_is_kept_aside_and_refused_until_somebody_decides(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "vooster.db"
    path.write_bytes(damage)
    with pytest.raises(Problem) as problem:
        prepare(path)
    assert problem.value.code == "DATABASE_CORRUPT"
    (aside,) = kept_aside(path)
    assert aside.read_bytes() == damage
    assert str(aside) in problem.value.detail
    assert str(aside) in problem.value.messages()["en"] + problem.value.actions()["en"]
    assert not path.exists()
    # Again at the next start: an empty database in its place would look as if nothing had been lost.
    assert code_of(path) == "DATABASE_CORRUPT"
    assert not path.exists()
    prepare(path, start_empty=True)
    prepare(path)
    assert aside.read_bytes() == damage


def test_damage_inside_the_file_is_found_too(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.executemany(
            "INSERT INTO audit (at, actor, action) VALUES (1, ?, 'x')", [("a" * 500,) for _ in range(200)]
        )
    content = bytearray(path.read_bytes())
    content[4096 * 8 :] = b"\xff" * len(content[4096 * 8 :])
    path.write_bytes(content)
    assert code_of(path) == "DATABASE_CORRUPT"


def test_two_damaged_files_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    for damage in (b"one" * 999, b"two" * 999):
        path.write_bytes(damage)
        assert code_of(path) == "DATABASE_CORRUPT"
    assert {aside.read_bytes() for aside in kept_aside(path)} == {b"one" * 999, b"two" * 999}


def test_an_empty_file_is_simply_new(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    path.touch()
    prepare(path)
    assert kept_aside(path) == []


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    with pytest.raises(Problem) as problem:
        prepare(path)
    assert "newer" in problem.value.detail
    assert path.read_bytes() == before
    assert kept_aside(path) == []


def test_a_place_where_no_file_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "vooster.db").mkdir()
    assert code_of(tmp_path / "vooster.db") == "STORAGE_UNAVAILABLE"


def test_one_owner_at_a_time_across_processes(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path / "vooster.lock")
    lock.acquire()
    script = (
        "import sys, pathlib\nfrom appliance.storage.files import DirectoryLock\nfrom appliance.errors import Problem\n"
        "try:\n    DirectoryLock(pathlib.Path(sys.argv[1])).acquire()\nexcept Problem as p:\n    print(p.code)\n"
        "else:\n    print('mine')\n"
    )

    def other() -> str:
        run = [sys.executable, "-c", script, str(tmp_path / "vooster.lock")]
        return subprocess.run(run, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    assert other() == "APPLIANCE_RUNNING"
    with pytest.raises(Problem):
        DirectoryLock(tmp_path / "vooster.lock").acquire()
    assert (tmp_path / "vooster.lock").read_text() == str(os.getpid())
    lock.release()
    assert other() == "mine"
    lock.acquire()
    lock.release()
