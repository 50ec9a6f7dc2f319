"""Saves what can be read of a damaged data file into a new one.

The damaged file is only read, page by page (`storage.pages`), never opened as a database. Each table's rows come from
its tree; where something above them is bad, the good pages that hang nowhere are looked through too. A row counts only
if every column fits (`storage.shapes`) and what it belongs to is there. The new file is checked whole before it gets
the data file's name.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from appliance.errors import Problem
from appliance.storage import aside, audit, chain, replaced
from appliance.storage.aside import sync_directory, sync_file
from appliance.storage.chain import Broken, Checked, Keyed
from appliance.storage.migrations import migrate, refuse_newer
from appliance.storage.pages import LEAF_TABLE, Cell, DamageError, Page, PageFile, Walk, record, walk
from appliance.storage.shapes import TABLES, Shape

SAFE_BLOCK = 1_000_000
"""Keys left out after the highest one seen: higher ones may have been lost."""
_BATCH = 500
_PARENTS = {
    "cookie_sessions": ("user", "users", "name"),
    "refresh_tokens": ("grant_id", "grants", "id"),
    "deliveries": ("trigger_pk", "triggers", "pk"),
}


@dataclass(slots=True)
class Count:
    """One table: rows `read`, and `lost`, at least that many when not `exact`. Of the lost ones `stray` were readable,
    but what they belonged to is gone."""

    read: int = 0
    lost: int = 0
    exact: bool = True
    stray: int = 0


@dataclass(slots=True)
class Report:
    """What came of it. `bare` triggers have no delivery left; `highest` is the highest key seen anywhere."""

    source: Path
    """Where the damaged file is now."""
    tables: dict[str, Count] = field(default_factory=dict)
    bare: int = 0
    highest: int = 0
    record: Checked = field(default_factory=Checked)
    """The audit record as it was read, before it was sealed anew: where entries were lost, it breaks."""

    @property
    def whole(self) -> bool:
        return all(not count.lost and count.exact for count in self.tables.values())


@dataclass(slots=True)
class _Found:
    """What is known of a table in the damaged file."""

    root: int
    indexes: list[int] = field(default_factory=list)
    walk: Walk = field(default_factory=Walk)
    refused: int = 0

    @property
    def sound(self) -> bool:
        return self.walk.whole and not self.walk.hollow and not self.refused


def salvage(source: Path, target: Path, *, actor: str, now: int, seal_key: bytes) -> Report:
    """Reads `source` (and its log) into a new data file at `target`, which nobody may have open. What is left of the
    audit record is sealed anew with `seal_key`, and its last entry says whether it fitted together before.

    `source` may be what is at `target`: it is kept aside, with its content untouched. Raises `DATABASE_EXISTS` when
    another file is there, `DATABASE_CORRUPT` when nothing can be read, `SETTINGS_INVALID` for a file of a newer
    version, and `STORAGE_UNAVAILABLE` when the new one can't be written; then everything is as it was.
    """
    if target.exists() and not target.samefile(source):
        raise Problem("DATABASE_EXISTS", values={"file": str(target), "command": f"vooster doctor --salvage {target}"})
    made = target.with_name(f"salvaging-{target.name}")
    _clear(made)
    try:
        with PageFile(source) as file:
            refuse_newer(file.version)
            connection = sqlite3.connect(made, isolation_level=None, factory=Keyed)
            connection.seal_key = seal_key
            try:
                report = _Salvage(file, connection).run(actor, now)
            finally:
                connection.close()
        sync_file(made)
        if target.exists() or aside.size_of(aside.wal_of(target)):
            kept = aside.keep_aside(target)  # its log too, which must never meet another file
            report.source = source if source.exists() else kept
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        made.replace(target)
        sync_directory(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise Problem("STORAGE_UNAVAILABLE", f"The new data file can't be written: {error}") from None
    finally:
        _clear(made)
    return report


def _clear(made: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            made.with_name(made.name + suffix).unlink(missing_ok=True)


class _Salvage:
    def __init__(self, file: PageFile, connection: Keyed) -> None:
        self._file = file
        self._to = connection
        self._report = Report(file.path)
        self._claimed: set[int] = set()
        """Leaves of tables whose rows were taken."""

    def run(self, actor: str, now: int) -> Report:
        to = self._to
        to.execute("PRAGMA journal_mode=MEMORY")
        to.execute("PRAGMA synchronous=OFF")
        migrate(to)
        to.execute("BEGIN")
        tables = self._tables()
        with chain.unlocked(to):  # the same entry may be found twice
            for name, found in tables.items():
                self._copy(name, found)
            self._copy_loose([found for name, found in tables.items() if TABLES[name].rowid])
        self._cut_loose_ends()
        for name, found in tables.items():
            self._count(name, found)
        if not any(count.read for count in self._report.tables.values()):
            raise Problem(
                "DATABASE_CORRUPT",
                f"Nothing in {self._file.path} can be read.",
                values={"file": str(self._file.path), "command": "vooster serve --start-empty"},
            )
        self._finish(actor, now)
        return self._report

    # --- what there is to read --------------------------------------------------------------------------------------

    def _tables(self) -> dict[str, _Found]:
        """Where each table begins, from the file's own list. Where that is lost, tables begin where a file that has
        always been of this version has them: rows that don't fit tell when that is wrong."""
        listed, whole = self._schema()
        if not whole:
            fresh = self._to.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema")
            listed += [row for row in fresh if (row[0], row[1]) not in {(r[0], r[1]) for r in listed}]
        found = {name: _Found(0) for name in TABLES}
        for kind, name, table, root, sql in listed:
            if table not in found or not isinstance(root, int):
                continue
            if kind == "table":
                found[table].root = root
            elif name.startswith("sqlite_autoindex") or " WHERE " not in (sql or "").upper():
                found[table].indexes.append(root)
        if whole:
            # A table that isn't listed came with a later version.
            found = {name: table for name, table in found.items() if table.root}
            for table in found.values():
                table.walk.hollow = self._file.log_broken  # pages of different moments, which may not fit together
            return found
        for table in found.values():
            table.walk.hollow = True
        return found

    def _schema(self) -> tuple[list[tuple[Any, ...]], bool]:
        into, rows = Walk(), []
        for _, page in walk(self._file, 1, index=False, into=into):
            for cell in page.cells if page.kind == LEAF_TABLE else ():
                with contextlib.suppress(DamageError):
                    values = record(cell.payload)
                    if len(values) == 5 and all(isinstance(value, str) for value in values[:3]):
                        rows.append(tuple(values))
        known = {row[1] for row in rows if row[0] == "table"}
        return rows, into.whole and known >= {"meta", "triggers", "deliveries"}

    # --- rows -------------------------------------------------------------------------------------------------------

    def _copy(self, name: str, found: _Found) -> None:
        shape = TABLES[name]
        self._insert(name, self._rows(shape, found))

    def _rows(self, shape: Shape, found: _Found) -> Iterator[list[Any]]:
        for number, page in walk(self._file, found.root, index=not shape.rowid, into=found.walk):
            good = 0
            for cell in page.cells if page.kind == LEAF_TABLE or not shape.rowid else ():
                values = _values(cell, shape)
                if values is None or not shape.fits(values):
                    found.refused += 1
                    continue
                good += 1
                yield values
            if page.kind == LEAF_TABLE and good:
                self._claimed.add(number)

    def _copy_loose(self, tables: list[_Found]) -> None:
        """Rows of the good leaves that no tree leads to any more. Where the list of free pages is lost too, they may be
        of rows deleted before; then they are taken only if something above the leaves is bad: a finished trigger too
        many is better than one too few."""
        free, whole = self._file.free()
        if all(found.sound for found in tables) or not (whole or any(found.walk.hollow for found in tables)):
            return
        loose: dict[str, list[list[Any]]] = {name: [] for name, shape in TABLES.items() if shape.rowid}
        for number in range(2, self._file.count + 1):
            if number in self._claimed or number in free:
                continue
            for values, name in self._loose_rows(number):
                loose[name].append(values)
                if len(loose[name]) >= _BATCH:
                    self._insert(name, loose[name])
                    loose[name] = []
        for name, rows in loose.items():
            self._insert(name, rows)

    def _loose_rows(self, number: int) -> Iterator[tuple[list[Any], str]]:
        page: Page | None = None
        with contextlib.suppress(DamageError):
            page = self._file.tree_page(number)
        if page is None or page.kind != LEAF_TABLE:
            return
        for cell in page.cells:
            for name, shape in TABLES.items():
                values = _values(cell, shape) if shape.rowid else None
                if values is not None and len(values) in shape.widths and shape.fits(values):
                    yield values, name
                    break

    def _insert(self, name: str, rows: Iterable[list[Any]]) -> None:
        shape = TABLES[name]
        columns = list(shape.columns)
        source = iter(rows)
        while batch := list(islice(source, _BATCH)):
            for width in {len(values) for values in batch}:
                names = ", ".join(columns[:width])
                marks = ", ".join("?" * width)
                statement = f"INSERT INTO {name} ({names}) VALUES ({marks}) ON CONFLICT "  # noqa: S608 - our names
                if shape.newest:
                    changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:width])
                    newer = shape.newest.replace("(", "(excluded.")
                    own = shape.newest.replace("(", f"({name}.")
                    statement += f"({columns[0]}) DO UPDATE SET {changes} WHERE {newer} > {own}"
                else:
                    statement += "DO NOTHING"
                self._to.executemany(statement, [values for values in batch if len(values) == width])

    # --- the result -------------------------------------------------------------------------------------------------

    def _cut_loose_ends(self) -> None:
        for name in TABLES:
            self._report.tables[name] = Count()
        for name, (column, parent, key) in _PARENTS.items():
            self._report.tables[name].stray = self._to.execute(
                f"DELETE FROM {name} WHERE {column} NOT IN (SELECT {key} FROM {parent})"  # noqa: S608 - our names
            ).rowcount
        self._report.bare = self._one(
            "SELECT count(*) FROM triggers WHERE pk NOT IN (SELECT trigger_pk FROM deliveries)"
        )

    def _count(self, name: str, found: _Found) -> None:
        count = self._report.tables[name]
        count.read = self._one(f"SELECT count(*) FROM {name}")  # noqa: S608 - our names
        count.lost = count.stray
        if found.sound:
            return
        # Indexes of the table have an entry a row, so they know how many there were.
        known, count.exact = 0, False
        for root in found.indexes:
            into = Walk()
            entries = 0
            for _, page in walk(self._file, root, index=True, into=into):
                entries += len(page.cells)
                if TABLES[name].rowid:
                    self._report.highest = max([self._report.highest, *_last_numbers(page)])
            known = max(known, entries)
            count.exact = count.exact or (into.whole and not self._file.log_broken)
        count.lost = max(count.lost, known - count.read)

    def _finish(self, actor: str, now: int) -> None:
        to = self._to
        keys = self._one(
            "SELECT max(coalesce((SELECT max(pk) FROM triggers), 0), coalesce((SELECT max(max(pk, seq)) "
            "FROM deliveries), 0), coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq'), 0))"
        )
        self._report.highest = max(self._report.highest, keys)
        to.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('seq', ?)", (str(self._report.highest + SAFE_BLOCK),)
        )
        replaced.note(to, now, "salvaged")
        rows = {name: {"read": c.read, "lost": c.lost} for name, c in self._report.tables.items() if c.read or c.lost}
        self._report.record = self._check_record()
        chain.seal(to, to.seal_key)
        detail = {"tables": rows, "bare": self._report.bare, "record": _told(self._report.record.broken)}
        audit.append(to, now, actor, "salvage", self._file.path.name, detail)
        to.execute("COMMIT")
        found = [row[0] for row in to.execute("PRAGMA integrity_check")]
        if found != ["ok"] or to.execute("PRAGMA foreign_key_check").fetchone():
            raise Problem("STORAGE_UNAVAILABLE", f"The new data file is not sound: {found[0]}")

    def _check_record(self) -> Checked:
        sealed = self._one(
            "SELECT EXISTS (SELECT 1 FROM audit WHERE mac IS NOT NULL) "
            "OR EXISTS (SELECT 1 FROM meta WHERE key = 'audit')"
        )
        if not sealed:  # by an earlier version, or nothing is left of it
            return Checked(done=True)
        return chain.check_all(self._to, self._to.seal_key, begun=True)

    def _one(self, query: str) -> int:
        found: int = self._to.execute(query).fetchone()[0]
        return found


def _told(broken: Broken | None) -> dict[str, object]:
    if broken is None:
        return {"intact": True}
    return {"intact": False, "number": broken.number, "reason": broken.reason}


def _values(cell: Cell, shape: Shape) -> list[Any] | None:
    try:
        values = record(cell.payload)
    except DamageError:
        return None
    if shape.rowid and values:
        if values[0] is not None:
            return None
        values[0] = cell.rowid
    return values


def _last_numbers(page: Page) -> Iterator[int]:
    """The keys of the rows that an index page's entries point at."""
    for cell in page.cells:
        with contextlib.suppress(DamageError):
            values = record(cell.payload)
            if values and isinstance(values[-1], int) and values[-1] < 1 << 60:
                yield values[-1]
