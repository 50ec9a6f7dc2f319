"""What may be on the disk after a power cut: a model of files and a directory, fed with a recording of the shim.

What a file held at its last sync is there. Of everything since, a disk may have written any part, in any order: each
sector holds any of the versions it has had. The same goes for a file's length, and for the directory's entries until
the directory is synced. A sync that failed may have dropped what it should have written, and the next one that works
says nothing about it (Linux marks such pages clean).
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
PAGE = 4096
_HEADER = struct.Struct("<IIQQ")


class Op(IntEnum):
    OPEN = 1
    WRITE = 2
    TRUNCATE = 3
    SYNC = 4
    SYNC_FAILED = 5
    RENAME = 6
    UNLINK = 7
    SYNC_DIR = 8


class Record(NamedTuple):
    """One change; `end` is the log's length once it had been noted."""

    end: int
    op: Op
    inode: int
    offset: int
    data: bytes


def read(recording: Path) -> Iterator[Record]:
    """The whole records of a log, in order."""
    log = recording.read_bytes()
    position = 0
    while position + _HEADER.size <= len(log):
        op, length, inode, offset = _HEADER.unpack_from(log, position)
        end = position + _HEADER.size + length
        if end > len(log):
            return
        yield Record(end, Op(op), inode, offset, log[position + _HEADER.size : end])
        position = end


class File:
    """One file: what is surely on disk, what the running system sees, and the writes in between."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.current = bytearray()
        self._pending: list[tuple[int, bytes]] = []
        self._lengths: list[int] = []
        self._dropped: set[int] = set()

    def write(self, offset: int, data: bytes) -> None:
        _put(self.current, offset, data)
        touched = range(offset // PAGE, (offset + len(data) - 1) // PAGE + 1)
        if not self._dropped.isdisjoint(touched):  # the page is dirty again, with all that is in it
            self._dropped.difference_update(touched)
            offset = touched.start * PAGE
            data = bytes(self.current[offset : touched.stop * PAGE])
        self._pending.append((offset, data))
        self._lengths.append(len(self.current))

    def truncate(self, length: int) -> None:
        before = len(self.current)
        if length < before:
            self._pending.append((length, bytes(before - length)))
        _resize(self.current, length)
        self._lengths.append(length)

    def sync(self) -> None:
        for offset, data in self._pending:
            _put(self.durable, offset, data)
        _resize(self.durable, len(self.current))
        self._pending, self._lengths = [], []

    def fail_sync(self, chance: random.Random) -> None:
        """Some pages were written, the others are forgotten."""
        kept = self._torn(chance, PAGE)
        _resize(kept, len(self.current))
        for offset, data in self._pending:
            for page in range(offset // PAGE, (offset + len(data)) // PAGE + 1):
                there = slice(page * PAGE, (page + 1) * PAGE)
                if kept[there] != self.current[there]:
                    self._dropped.add(page)
        self.durable, self._pending, self._lengths = kept, [], []

    def crashed(self, chance: random.Random) -> bytes:
        """One of the contents that a power cut now may leave."""
        if not self._lengths:
            return bytes(self.durable)
        how = chance.choice(("none", "all", "pages", "sectors", "sectors"))
        if how == "none":
            content = bytearray(self.durable)
        elif how == "all":
            content = bytearray(self.current)
        else:
            content = self._torn(chance, PAGE if how == "pages" else SECTOR)
        length = chance.choice((len(self.current), len(self.durable), chance.choice(self._lengths)))
        if length > len(content) and chance.random() < 0.5:
            content += chance.randbytes(length - len(content))  # what the blocks held before
        _resize(content, length)
        return bytes(content)

    def _torn(self, chance: random.Random, block: int) -> bytearray:
        """Every block at any one of its versions since the last sync."""
        pieces = [piece for offset, data in self._pending for piece in _split(offset, data, block)]
        versions: dict[int, int] = {}
        for offset, _ in pieces:
            versions[offset // block] = versions.get(offset // block, 0) + 1
        written = {number: chance.randint(0, count) for number, count in versions.items()}
        content = bytearray(self.durable)
        for offset, data in pieces:
            if written[offset // block] > 0:
                written[offset // block] -= 1
                _put(content, offset, data)
        return content


Change = Callable[[dict[str, File]], object]


class Disk:
    """The data directory as the recording goes on."""

    def __init__(self) -> None:
        self._inodes: dict[int, File] = {}
        self._names: dict[str, File] = {}
        self._durable: dict[str, File] = {}
        self._changes: list[Change] = []

    def apply(self, record: Record, chance: random.Random) -> None:
        op, inode = record.op, record.inode
        if op is Op.OPEN:
            if record.offset:
                file, name = File(), record.data.decode()
                self._inodes[inode] = file
                self._change(lambda names: names.__setitem__(name, file))
            else:
                self._inodes[inode].truncate(0)
        elif op is Op.WRITE:
            self._inodes[inode].write(record.offset, record.data)
        elif op is Op.TRUNCATE:
            self._inodes[inode].truncate(record.offset)
        elif op is Op.SYNC:
            self._inodes[inode].sync()
        elif op is Op.SYNC_FAILED:
            self._inodes[inode].fail_sync(chance)
        elif op is Op.RENAME:
            old, _, new = record.data.decode().partition("/")
            self._change(lambda names: names.__setitem__(new, names.pop(old)) if old in names else None)
        elif op is Op.UNLINK:
            gone = record.data.decode()
            self._change(lambda names: names.pop(gone, None))
        elif op is Op.SYNC_DIR:
            self._durable, self._changes = dict(self._names), []

    def crashed(self, chance: random.Random) -> dict[str, bytes]:
        """One of the directories that a power cut now may leave."""
        names = dict(self._durable)
        kept = chance.choice((0.0, 0.5, 1.0, 1.0))
        for change in self._changes:
            if chance.random() < kept:
                change(names)
        return {name: file.crashed(chance) for name, file in names.items()}

    def _change(self, change: Change) -> None:
        change(self._names)
        self._changes.append(change)


def images(recording: Path, cuts: list[int], chance: random.Random) -> Iterator[tuple[int, dict[str, bytes]]]:
    """One directory a cut, in order; a cut is a length of the log up to which things had happened."""
    disk, waiting = Disk(), sorted(cuts, reverse=True)
    for record in read(recording):
        while waiting and waiting[-1] < record.end:
            yield waiting.pop(), disk.crashed(chance)
        disk.apply(record, chance)
    while waiting:
        yield waiting.pop(), disk.crashed(chance)


def _split(offset: int, data: bytes, block: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        size = block - (offset + at) % block
        yield offset + at, data[at : at + size]
        at += size


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        _resize(content, offset)
    content[offset : offset + len(data)] = data


def _resize(content: bytearray, length: int) -> None:
    if length < len(content):
        del content[length:]
    else:
        content.extend(bytes(length - len(content)))
