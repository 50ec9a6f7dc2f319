"""The data file before it is a database: one owner, migrations, and damage that is never papered over."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance import paths, settings
from appliance.engine import Engine
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.storage.aside import kept_aside
from appliance.storage.files import DirectoryLock, Kind, how_to_stop, prepare
from appliance.storage.migrations import available
from tests.support.house import opened


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
    with pytest.raises(Problem) as problem:
        prepare(tmp_path / "vooster.db")
    # A setting to be corrected by the technician, not a scan to be repeated.
    assert problem.value.code == "SETTINGS_INVALID"
    assert problem.value.values["where"] == str(tmp_path / "vooster.db")
    assert "folder" in problem.value.actions()["en"] and "폴더" in problem.value.actions()["ko"]


OWNER = (
    "import asyncio, sys, pathlib, time\nfrom appliance.storage.files import DirectoryLock\n"
    "from appliance.errors import Problem\nlock = DirectoryLock(pathlib.Path(sys.argv[1]), sys.argv[2])\n"
    "try:\n    asyncio.run(lock.acquire(float(sys.argv[3])))\nexcept Problem as p:\n    print(p.code)\n"
    "else:\n    print('mine', flush=True)\n    sys.stdin.read()\n"
)


def owner(path: Path, kind: str = "serve", patience: float = 10) -> subprocess.Popen[str]:
    """A process that takes the lock, says so, and holds it until its standard input ends."""
    run = [sys.executable, "-c", OWNER, str(path), kind, str(patience)]
    return subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def test_one_owner_at_a_time_across_processes(tmp_path: Path) -> None:
    path = tmp_path / "vooster.lock"
    lock = DirectoryLock(path)
    await lock.acquire()
    with owner(path) as other:
        assert await asyncio.to_thread(says, other) == "APPLIANCE_RUNNING"
    began = time.monotonic()
    with pytest.raises(Problem, match="Another Vooster"):
        await DirectoryLock(path).acquire()
    assert time.monotonic() - began < 2, "whoever serves is not waited for"
    assert path.read_text() == f"{os.getpid()} serve"
    lock.release()
    with owner(path) as other:
        assert await asyncio.to_thread(says, other) == "mine"
        other.kill()
    await lock.acquire()  # what the killed one wrote is still there
    lock.release()


def test_how_to_stop_whoever_has_it_is_what_can_be_done_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, unit = tmp_path / "vooster.lock", tmp_path / "vooster.service"
    monkeypatch.setattr(paths, "_UNITS", [unit])
    lock.write_text("4711 serve")
    told = how_to_stop(lock)
    assert told == {
        "ko": "실행한 창에서 Ctrl+C를 눌러 주세요 (프로세스 4711).",
        "en": "Press Ctrl+C in its window (process 4711).",
    }
    unit.touch()
    assert all(text.endswith(": systemctl stop vooster") and "4711" in text for text in how_to_stop(lock).values())
    lock.write_text("4711 command")
    assert "wait until it has ended (process 4711)" in how_to_stop(lock)["en"]
    lock.write_text("")
    assert how_to_stop(lock)["en"] == "Press Ctrl+C in its window, or stop its service: systemctl stop vooster"


@pytest.mark.parametrize("kind", ["serve", "command"])
async def test_a_command_that_has_the_directory_is_waited_for(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "vooster.lock"
    with owner(path, "command") as other:
        assert await asyncio.to_thread(says, other) == "mine"
        with pytest.raises(Problem, match="A command still uses"):
            await DirectoryLock(path, kind).acquire(0.2)
        waiting = DirectoryLock(path, kind)
        task = asyncio.create_task(waiting.acquire())
        await asyncio.sleep(0.2)
        assert not task.done()
        other.communicate()
        await asyncio.wait_for(task, 5)
    assert path.read_text() == f"{os.getpid()} {kind}"
    waiting.release()


async def test_where_no_lock_can_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem) as problem:
        await DirectoryLock(tmp_path / "gone" / "vooster.lock").acquire()
    assert problem.value.code == "SETTINGS_INVALID"
    assert str(tmp_path / "gone") in problem.value.messages()["ko"]


async def test_a_data_file_that_has_vanished_is_said_to_be_new(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        database = house.data.database
    database.unlink()
    with capture_logs() as logged:
        engine = Engine(settings.load(None, {}), DataDir(tmp_path / "data"), holder="command")
        await engine.start()
        await engine.stop()
    (said,) = [entry for entry in logged if entry["event"] == "storage.missing"]
    assert (said["log_level"], said["file"]) == ("warning", str(database))
