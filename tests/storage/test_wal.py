"""A log that is broken in the middle is damage and is said so; whatever a power cut may leave at its end isn't."""

from __future__ import annotations

import random
import sqlite3
import struct
from pathlib import Path

import pytest

from appliance.errors import Problem
from appliance.storage import aside, wal
from appliance.storage.aside import kept_aside
from appliance.storage.files import prepare
from appliance.storage.salvage import salvage
from tests.support.datafile import put

STEPS = 30
FRAME = wal.FRAME + 4096


def killed(path: Path, *, copied: bool = False) -> list[int]:
    """A data file with all that was accepted, three triggers a commit, still in its log; returns each commit's length
    of the log. `copied` has it in the file too."""
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    log, ends = aside.wal_of(path), []
    for step in range(STEPS):
        connection.execute("BEGIN")
        put(connection, 3, first=1 + 6 * step)
        connection.execute("COMMIT")
        ends.append(log.stat().st_size)
    if copied:
        connection.execute("PRAGMA wal_checkpoint(FULL)")
    for file in (path, log):
        file.with_name(f"kept-{file.name}").write_bytes(file.read_bytes())
    connection.close()
    for file in (path, log):
        file.with_name(f"kept-{file.name}").replace(file)
    return ends


def triggers(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM triggers").fetchone()[0])
    finally:
        connection.close()


def overwrite(file: Path, at: int, content: bytes) -> None:
    with file.open("rb+") as opened:
        opened.seek(at)
        opened.write(content)


def refused(path: Path) -> Path:
    """The start is refused as with any damage; returns what was kept."""
    with pytest.raises(Problem) as problem:
        prepare(path)
    assert problem.value.code == "DATABASE_CORRUPT"
    (kept,) = kept_aside(path)
    assert problem.value.values == {"file": str(kept), "command": f"vooster doctor --salvage {kept}"}
    assert not path.exists() and aside.size_of(aside.wal_of(kept))
    return kept


@pytest.mark.parametrize("step", [1, STEPS // 2, STEPS - 2])
@pytest.mark.parametrize("what", ["content", "checksum", "salts", "zeros", "page"])
def test_a_broken_place_with_commits_behind_it_is_damage(tmp_path: Path, step: int, what: str) -> None:
    path = tmp_path / "vooster.db"
    at = killed(path)[step - 1]  # the first frame of a commit
    log = aside.wal_of(path)
    if what == "page":
        overwrite(log, at // 4096 * 4096, random.Random(1).randbytes(4096))
    elif what == "zeros":
        overwrite(log, at, bytes(512))
    else:
        overwrite(log, at + {"content": 1000, "checksum": 18, "salts": 10}[what], b"\xa5\x5a")
    content = log.read_bytes()
    kept = refused(path)
    assert aside.wal_of(kept).read_bytes() == content
    report = salvage(kept, path, actor="local:x", now=1, seal_key=b"s" * 32)
    # What is behind the broken place counts, and nobody is told that nothing is missing.
    assert not report.whole
    assert triggers(path) >= 3 * (STEPS - 1)
    prepare(path)


def test_the_last_commit_may_be_torn_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    ends = killed(path)
    image, log = path.read_bytes(), aside.wal_of(path)
    whole, chance = log.read_bytes(), random.Random(2)
    for round_ in range(18):
        torn = bytearray(whole)
        before = ends[-2]
        for sector in range(before // 512, len(whole) // 512 + 1):
            if chance.random() < (round_ % 6 + 1) / 7:  # each sector as it was before, or what the blocks held
                start, end = max(before, sector * 512), min(len(whole), sector * 512 + 512)
                torn[start:end] = bytes(end - start) if round_ % 2 else chance.randbytes(end - start)
        path.write_bytes(image)
        log.write_bytes(torn)
        prepare(path)
        assert triggers(path) >= 3 * (STEPS - 1)
    assert kept_aside(path) == []


def test_what_is_left_of_transactions_that_were_given_up_is_no_damage(tmp_path: Path) -> None:
    """Each began where the last saved one ended, and the shorter ones lie over the longer."""
    path = tmp_path / "vooster.db"
    ends = killed(path)
    log = aside.wal_of(path)
    content = bytearray(log.read_bytes()[: ends[9]])
    state = struct.unpack_from(">II", content, len(content) - FRAME + 16)
    salts, chance = bytes(content[16:24]), random.Random(3)
    for count in (9, 5, 3, 1):
        place, chain = len(content) if count == 9 else ends[9], state
        for number in range(count):
            head = struct.pack(">II", number + 2, 40 if number == count - 1 else 0)
            page = chance.randbytes(4096)
            chain = wal._checksum("<" if content[3] & 1 == 0 else ">", head + page, chain)
            content[place : place + FRAME] = head + salts + struct.pack(">II", *chain) + page
            place += FRAME
    content[ends[9] + 100] ^= 1  # the one commit that might have been saved is torn
    log.write_bytes(content)
    prepare(path)
    assert triggers(path) == 30 and kept_aside(path) == []


def test_an_older_use_of_the_log_behind_its_end_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    prepare(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    for step in range(STEPS):
        connection.execute("BEGIN")
        put(connection, 3, first=1 + 6 * step)
        connection.execute("COMMIT")
        if step == STEPS - 3:
            connection.execute("PRAGMA wal_checkpoint(RESTART)")
    files = {file: file.read_bytes() for file in (path, aside.wal_of(path))}
    connection.close()
    for file, content in files.items():
        file.write_bytes(content)
    with aside.wal_of(path).open("rb") as opened:
        found = wal.read(opened, 4096)
    assert found.pages and not found.later
    prepare(path)
    assert triggers(path) == 3 * STEPS


def test_a_log_without_its_header_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    killed(path)
    overwrite(aside.wal_of(path), 0, b"garbage!" * 4)
    report = salvage(refused(path), path, actor="local:x", now=1, seal_key=b"s" * 32)
    assert not report.whole
    assert triggers(path) >= 3 * (STEPS - 1)


def test_a_log_without_its_header_that_was_copied_is_none(tmp_path: Path) -> None:
    path = tmp_path / "vooster.db"
    killed(path, copied=True)
    overwrite(aside.wal_of(path), 0, bytes(32))
    prepare(path)
    assert triggers(path) == 3 * STEPS
