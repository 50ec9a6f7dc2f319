"""The doctor's look at the data file, what was kept aside of earlier ones, and the disk. Read-only throughout."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from appliance.cli.findings import Finding, not_ok, ok
from appliance.cli.findings import size as told
from appliance.storage import aside
from appliance.storage.faults import is_trouble
from appliance.storage.migrations import available

WHOLE_BELOW_BYTES = 256 << 20
"""Larger files are looked at for damage without comparing every index with its table, which takes minutes."""
_LONG_WAL_BYTES = 64 << 20
_LITTLE_BYTES, _LOW_BYTES = 100 << 20, 1 << 30


def data_file(path: Path) -> Iterator[Finding]:
    try:
        noted = aside.note(path)
    except OSError as error:
        yield _shut(path, error)
        return
    if noted is not None:
        yield _damaged(path, noted.reason, path.with_name(noted.name))
        return
    size = aside.size_of(path)
    log = aside.size_of(aside.wal_of(path))
    if not size:
        if path.is_dir() or log:
            yield _damaged(path, "It is no file with content.")
        elif not aside.kept_aside(path):
            yield ok("data", f"{path}: 아직 없습니다.", f"{path}: not there yet.")
        else:
            yield _missing(path)
        return
    yield _content(path, size)
    if log > _LONG_WAL_BYTES:
        yield not_ok(
            "log", "attention",
            f"기록 파일이 깁니다: {told(log)}", f"The data file's log is long: {told(log)}",
            "다른 프로그램이 데이터 파일을 열고 있으면 닫아 주세요.",
            "If another program has the data file open, close it.",
        )  # fmt: skip
    else:
        yield ok("log", f"기록 파일 {told(log)}", f"The data file's log: {told(log)}")


def _content(path: Path, size: int) -> Finding:
    try:
        version, complaint, whole = _checked(path, size)
    except sqlite3.DatabaseError as error:
        if is_trouble(error):
            return _shut(path, error)
        return _damaged(path, str(error))
    newest = available()[-1][0]
    if complaint:
        return _damaged(path, complaint)
    if version > newest:
        return not_ok(
            "data", "problem", f"{path}: 더 새로운 Vooster가 쓴 파일입니다 ({version} > {newest}).",
            f"{path}: written by a newer Vooster ({version} > {newest}).",
            "새 버전의 Vooster로 실행해 주세요.", "Run the newer version of Vooster.",
        )  # fmt: skip
    how = ("전부 검사", "checked whole") if whole else ("빠르게 검사", "checked quickly")
    return ok(
        "data",
        f"{path}: {told(size)}, 스키마 {version}, 손상 없음({how[0]})",
        f"{path}: {told(size)}, schema {version}, no damage ({how[1]})",
    )


def _shut(path: Path, error: Exception) -> Finding:
    return not_ok(
        "data", "problem", f"{path}: 열 수 없습니다 ({error}).", f"{path}: can't be opened ({error}).",
        "Vooster를 실행하는 사용자로 다시 하고, 그래도 안 되면 디스크를 확인해 주세요.",
        "Run this again as the user that Vooster runs as; if that fails too, check the disk.",
    )  # fmt: skip


def _checked(path: Path, size: int) -> tuple[int, str, bool]:
    """The schema's number, what is wrong with the content (empty: nothing), and whether all of it was checked."""
    connection = read_only(path)
    try:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        whole = size <= WHOLE_BELOW_BYTES
        complaint = connection.execute(f"PRAGMA {'integrity_check' if whole else 'quick_check'}(1)").fetchone()[0]
        return version, "" if complaint == "ok" else str(complaint).splitlines()[-1], whole
    finally:
        connection.close()


def read_only(path: Path) -> sqlite3.Connection:
    # Where no log is, nobody writes, and no file of ours may be left for the service's user to stumble over.
    how = "mode=ro" if aside.wal_of(path).exists() else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)


def _damaged(path: Path, reason: str, kept: Path | None = None) -> Finding:
    command = f"vooster doctor --salvage {kept or path}"
    return not_ok(
        "data", "problem",
        f"데이터 파일이 손상되었습니다: {path} ({reason})", f"The data file is damaged: {path} ({reason})",
        f"Vooster를 멈춘 뒤 백업을 되돌리거나 읽을 수 있는 것을 살려 주세요: {command}",
        f"Stop Vooster, then restore a backup, or salvage what can be read: {command}",
    )  # fmt: skip


def _missing(path: Path) -> Finding:
    newest = aside.kept_aside(path)[-1]
    command = f"vooster doctor --salvage {newest}"
    return not_ok(
        "data", "problem", f"{path}: 데이터 파일이 없고, 손상된 파일이 따로 보관되어 있습니다.",
        f"{path}: there is no data file; a damaged one was kept aside.",
        f"읽을 수 있는 것을 살려 주세요: {command}\n버려도 되면 빈 파일로 시작할 수 있습니다: "
        "vooster serve --start-empty",
        f"Salvage what can be read: {command}\nOr begin with an empty one: vooster serve --start-empty",
    )  # fmt: skip


def kept(path: Path) -> Iterator[Finding]:
    for file in aside.kept_aside(path):
        size = told(aside.size_of(file) + aside.size_of(aside.wal_of(file)))
        yield not_ok(
            "kept", "attention",
            f"따로 보관한 손상된 파일: {file} ({size})", f"A damaged file kept aside: {file} ({size})",
            f"필요한 것을 살렸으면 지워도 됩니다. 아직이면: vooster doctor --salvage {file}",
            f"Once what is needed was saved it may be deleted. If it wasn't: vooster doctor --salvage {file}",
        )  # fmt: skip


def disk(root: Path) -> Finding:
    there = next((place for place in (root, *root.parents) if place.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    if free >= _LOW_BYTES:
        return ok("disk", f"디스크 여유 {told(free)}", f"{told(free)} free on the disk")
    return not_ok(
        "disk", "problem" if free < _LITTLE_BYTES else "attention",
        f"디스크 여유가 {told(free)}뿐입니다.", f"Only {told(free)} free on the disk.",
        f"이 디스크를 비워 주세요: {there}", f"Make room on the disk of {there}.",
    )  # fmt: skip
