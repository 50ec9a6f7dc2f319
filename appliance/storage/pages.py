"""A data file read page by page, as sqlite.org/fileformat2.html describes it, without SQLite.

For salvage: SQLite refuses a whole table for one bad page above its rows. Here a bad page costs what is on it and no
more, and the file is never written to. What its log (`-wal`) holds of finished transactions lies over the file's
pages, also of those behind a broken place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from appliance.storage import wal
from appliance.storage.aside import size_of, wal_of

Value = int | float | str | bytes | None
MAGIC = b"SQLite format 3\0"
LEAF_TABLE, INNER_TABLE, LEAF_INDEX, INNER_INDEX = 0x0D, 0x05, 0x0A, 0x02
_DEFAULT_PAGE = 4096
_MAX_PAYLOAD = 1 << 24
_MAX_DEPTH = 20


class DamageError(Exception):
    """What should be here isn't."""


def _need(sound: bool) -> None:
    if not sound:
        raise DamageError


@dataclass(slots=True)
class Cell:
    """One entry of a page: `rowid` in tables, `left` the page below in inner pages, `payload` a record's bytes."""

    rowid: int = 0
    left: int = 0
    payload: bytes = b""
    overflow: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """A page of a tree. `spoilt` counts cells that make no sense."""

    kind: int
    cells: list[Cell]
    right: int = 0
    spoilt: int = 0


class PageFile:
    """The pages of a file with its log over them. A page that can't be read raises `DamageError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("rb")
        self.page_size = _page_size(self._file.read(100)) or _DEFAULT_PAGE
        self.log_broken = False
        """Whether some finished transactions of the log are lost, and newer ones aren't."""
        self._log: dict[int, int] = {}
        self._log_file: BinaryIO | None = None
        log = wal_of(path)
        if size_of(log):
            self._log_file = log.open("rb")
            found = wal.read(self._log_file, self.page_size)
            self.page_size, self.log_broken = found.page_size, bool(found.later)
            self._log = found.pages | found.later
        header = self._raw(1)[:100]
        self.header_ok = header.startswith(MAGIC) and _page_size(header) > 0
        if self.header_ok:
            self.page_size = _page_size(header)
            self._header = header
        reserved = header[20] if self.header_ok else 0
        self.usable = self.page_size - (reserved if reserved <= 32 else 0)
        in_file = -(-size_of(path) // self.page_size)
        self.count = max([in_file, *self._log])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._log_file is not None:
            self._log_file.close()

    @property
    def version(self) -> int:
        """The schema's number; 0 where the header is lost."""
        return int.from_bytes(self._header[60:64], "big") if self.header_ok else 0

    def page(self, number: int) -> bytes:
        content = self._raw(number)
        _need(len(content) == self.page_size)
        return content

    def free(self) -> tuple[set[int], bool]:
        """The pages that hold nothing any more, and whether the list of them is whole."""
        found: set[int] = set()
        if not self.header_ok:
            return found, False
        trunk, wanted = (int.from_bytes(self._header[at : at + 4], "big") for at in (32, 36))
        try:
            while trunk:
                _need(trunk not in found and 1 < trunk <= self.count)
                found.add(trunk)
                content = self.page(trunk)
                trunk, leaves = struct.unpack_from(">II", content)
                _need(leaves <= self.usable // 4 - 2)
                found.update(struct.unpack_from(f">{leaves}I", content, 8))
        except DamageError:
            return found, False
        return found, len(found) == wanted and all(1 < number <= self.count for number in found)

    def tree_page(self, number: int) -> Page:
        """Page `number` as one of a tree."""
        content = self.page(number)
        start = 100 if number == 1 else 0
        kind = content[start]
        _need(kind in (LEAF_TABLE, INNER_TABLE, LEAF_INDEX, INNER_INDEX))
        inner = kind in (INNER_TABLE, INNER_INDEX)
        count = int.from_bytes(content[start + 3 : start + 5], "big")
        array = start + (12 if inner else 8)
        _need(array + 2 * count <= self.usable)
        right = int.from_bytes(content[start + 8 : start + 12], "big") if inner else 0
        found = Page(kind, [], right)
        for place in struct.unpack_from(f">{count}H", content, array):
            try:
                _need(array + 2 * count <= place < self.usable)
                found.cells.append(self._cell(content, kind, place))
            except (DamageError, IndexError, struct.error):
                found.spoilt += 1
        return found

    # --- the inside -------------------------------------------------------------------------------------------------

    def _cell(self, content: bytes, kind: int, at: int) -> Cell:
        cell = Cell()
        if kind in (INNER_TABLE, INNER_INDEX):
            cell.left = int.from_bytes(content[at : at + 4], "big")
            at += 4
        if kind == INNER_TABLE:
            cell.rowid, _ = varint(content, at)
            return cell
        size, at = varint(content, at)
        if kind == LEAF_TABLE:
            cell.rowid, at = varint(content, at)
        _need(0 < size <= _MAX_PAYLOAD)
        local = self._local(size, kind)
        _need(at + local + (4 if local < size else 0) <= self.usable)
        cell.payload = content[at : at + local]
        if local < size:
            self._follow(cell, int.from_bytes(content[at + local : at + local + 4], "big"), size)
        return cell

    def _follow(self, cell: Cell, number: int, size: int) -> None:
        parts, length = [cell.payload], len(cell.payload)
        while length < size:
            _need(1 < number <= self.count and number not in cell.overflow)
            cell.overflow.append(number)
            content = self.page(number)
            parts.append(content[4 : min(self.usable, 4 + size - length)])
            length += len(parts[-1])
            number = int.from_bytes(content[:4], "big")
        _need(not number)
        cell.payload = b"".join(parts)

    def _local(self, size: int, kind: int) -> int:
        usable = self.usable
        most = usable - 35 if kind == LEAF_TABLE else (usable - 12) * 64 // 255 - 23
        if size <= most:
            return size
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        return local if local <= most else least

    def _raw(self, number: int) -> bytes:
        if number in self._log:
            assert self._log_file is not None
            self._log_file.seek(self._log[number])
            return self._log_file.read(self.page_size)
        _need(number > 0)
        self._file.seek((number - 1) * self.page_size)
        try:
            return self._file.read(self.page_size)
        except OSError:
            raise DamageError from None  # a sector that the disk can't read


@dataclass(slots=True)
class Walk:
    """What came of walking a tree: the leaves' and inner pages' numbers, the bad pages, the cells that made no sense.
    `hollow` says that something above the leaves is bad, so that good leaves may hang nowhere."""

    pages: set[int] = field(default_factory=set)
    bad: list[int] = field(default_factory=list)
    spoilt: int = 0
    hollow: bool = False

    @property
    def whole(self) -> bool:
        return not self.bad and not self.spoilt


def walk(file: PageFile, root: int, *, index: bool, into: Walk) -> Iterator[tuple[int, Page]]:
    """Every page of the tree that can be reached, with its number; what can't is noted in `into`."""
    kinds = (LEAF_INDEX, INNER_INDEX) if index else (LEAF_TABLE, INNER_TABLE)
    depth_of_leaves: int | None = None
    bad_depths: list[int] = []
    stack = [(root, 0)]
    while stack:
        number, depth = stack.pop()
        try:
            _need(0 < number <= file.count and number not in into.pages and depth <= _MAX_DEPTH)
            page = file.tree_page(number)
            _need(page.kind in kinds)
        except DamageError:
            into.bad.append(number)
            bad_depths.append(depth)
            continue
        into.pages.add(number)
        into.spoilt += page.spoilt
        for cell in page.cells:
            into.pages.update(cell.overflow)
        if page.kind in (INNER_TABLE, INNER_INDEX):
            if page.spoilt:
                into.hollow = True
            stack += [(page.right, depth + 1), *((cell.left, depth + 1) for cell in reversed(page.cells))]
        else:
            depth_of_leaves = depth
        yield number, page
    if any(depth_of_leaves is None or depth < depth_of_leaves for depth in bad_depths):
        into.hollow = True


def varint(content: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and where the next thing begins."""
    value = 0
    for step in range(8):
        byte = content[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    value = value << 8 | content[at + 8]
    return (value - (1 << 64) if value >= 1 << 63 else value), at + 9


_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8}


def record(payload: bytes) -> list[Value]:
    """A record's values. Raises `DamageError` where it is none, to the last byte."""
    # Called for every row there is, hence written out in one piece.
    values: list[Value] = []
    try:
        at, place = varint(payload, 0)
        end = at
        while place < end:
            kind = payload[place]
            if kind < 0x80:
                place += 1
            else:
                kind, place = varint(payload, place)
            if kind >= 12:
                content = payload[at : at + (kind - 12) // 2]
                _need(len(content) == (kind - 12) // 2)
                values.append(content.decode() if kind & 1 else content)
                at += len(content)
            elif kind == 0:
                values.append(None)
            elif kind in (8, 9):
                values.append(kind - 8)
            else:
                size = _SIZES[kind]
                content = payload[at : at + size]
                _need(len(content) == size)
                values.append(
                    struct.unpack(">d", content)[0] if kind == 7 else int.from_bytes(content, "big", signed=True)
                )
                at += size
    except (IndexError, KeyError, UnicodeDecodeError):
        raise DamageError from None
    _need(place == end and at == len(payload))
    return values


def _page_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and not size & (size - 1) else 0
