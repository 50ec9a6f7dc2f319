"""The blocking half: listing the folder, and looking at one file closely enough to know that all of it is there.

A scan reads names only. That is the cheap part (20,000 files: about 30 ms; with a stat of each, four times that), so it
can be repeated every two seconds on any file system. A file itself is looked at when somebody asks for it.
"""

# Paths stay strings here: as objects they would double the time a scan takes.
# ruff: noqa: PTH112, PTH116, PTH118, PTH123

from __future__ import annotations

import os
import stat
import sys
import time
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from appliance.adapters.orders_folder import names
from appliance.core.documents import CONTENT_TYPES

MAX_FILES: Final = 500_000
MAX_DEPTH: Final = 40
_QUIET_SECONDS: Final = 60.0
_PATIENCE_SETTLES: Final = 20
_TAIL_BYTES: Final = 2048
# How a whole file of its kind begins and ends: a copy may have reserved its full size before its content is there.
_MARKS: Final = {"pdf": (b"%PDF-", b"%%EOF"), "png": (b"\x89PNG", b"IEND")}

Signature = tuple[int, int, int]
"""Size, mtime in nanoseconds, inode: another one means another content."""


class State(Enum):
    """What is known of a file's content."""

    WHOLE = "all of it is there"
    SETTLING = "it may still be written to"
    BROKEN = "it doesn't change any more and yet isn't whole"


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a file; `since` is the monotonic time, in seconds, at which this signature was first seen."""

    state: State
    signature: Signature
    since: float


@dataclass(slots=True)
class File:
    """A file that names an order. `path` is relative, with `/`; `location` absolute; `sight` the latest look at it."""

    path: str
    stem: str
    extension: str
    location: str
    sight: Sight | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a scan found. By order key: the files that can be shown, and the extension of one that can't be.

    `documents` counts the files that can be shown, `doubles` are the keys with more than one of them. `unread` names
    sub-folders that could be listed before and can't be now; `device` is the disk's number.
    """

    files: dict[str, File] = field(default_factory=dict)
    shown: dict[str, list[File]] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    documents: int = 0
    doubles: tuple[str, ...] = ()
    folders: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    device: int = 0


def signature(found: os.stat_result) -> Signature:
    """What two looks at the same content have in common."""
    return found.st_size, found.st_mtime_ns, found.st_ino


def is_gone(problem: OSError) -> bool:
    """Whether an error says that there is no such file, rather than that nobody can tell."""
    return isinstance(problem, (FileNotFoundError, NotADirectoryError))


def is_unchanged(file: File) -> bool:
    """Whether a file that was seen whole is still the same: one stat, microseconds on a local disk."""
    sight = file.sight
    if sight is None or sight.state is not State.WHOLE:
        return False
    try:
        return signature(os.stat(file.location)) == sight.signature
    except OSError:
        return False


def look(file: File, settle: float, now: float) -> Sight:
    """Looks at `file` again; `settle` in seconds, `now` monotonic. Raises OSError when it is gone or can't be read.

    Whole is what stayed the same for `settle` seconds, isn't empty and has the marks of its kind. What was last touched
    more than a minute ago needs no second look. What isn't whole is given 20 times `settle` before it counts as broken.
    """
    found = os.stat(file.location)
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError(file.location)
    seen, earlier = signature(found), file.sight
    if earlier is not None and earlier.signature == seen:
        if earlier.state is State.WHOLE:
            return earlier
        since = earlier.since
    else:
        since = now
    quiet = time.time() - max(found.st_mtime, found.st_ctime) > _QUIET_SECONDS
    if not quiet and now - since < settle:
        return Sight(State.SETTLING, seen, since)
    if found.st_size > 0 and _is_whole(file, found.st_size):
        return Sight(State.WHOLE, seen, since)
    given_up = quiet or now - since > _PATIENCE_SETTLES * settle
    return Sight(State.BROKEN if given_up else State.SETTLING, seen, since)


def _is_whole(file: File, size: int) -> bool:
    first, last = _MARKS.get(file.extension, (b"", b""))
    try:
        with open(file.location, "rb") as content:
            head = content.read(1024)
            content.seek(max(0, size - _TAIL_BYTES))
            tail = content.read(_TAIL_BYTES)
    except PermissionError:  # Windows, while another program still writes it
        return False
    return first in head and last in tail and tail.strip(b"\0") != b""


def scan(root: str, known: Listing) -> Listing:
    """Lists everything under the absolute path `root`. Raises OSError when `root` itself can't be read.

    Files of `known` are carried over together with what was seen of them. Links that lead out of the folder are left
    out, and links to folders are not followed: what they lead to inside is found in its own place.
    """
    walk = _Walk(root, known)
    walk.enter("")
    while walk.waiting:
        folder = walk.waiting.pop()
        try:
            walk.enter(folder)
        except OSError as problem:
            if folder in known.folders and not is_gone(problem):
                walk.keep(folder)
        if len(walk.files) > MAX_FILES:
            walk.unread.append(f"(more than {MAX_FILES} files)")
            break
    return walk.listing()


class _Walk:
    """One scan under way."""

    def __init__(self, root: str, known: Listing) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._device = os.stat(root).st_dev
        self._known = known
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        self.unread: list[str] = []
        self.waiting: list[str] = []

    def enter(self, folder: str) -> None:
        """Lists one folder; its sub-folders wait for their turn."""
        prefix = f"{folder}/" if folder else ""
        files, known = self.files, self._known.files
        with os.scandir(os.path.join(self._root, folder) if folder else self._root) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not names.off_limits(name) and prefix.count("/") < MAX_DEPTH and not _is_junction(entry):
                        self.waiting.append(prefix + name)
                    continue
                path = prefix + name
                file = known.get(path) or self._file(path, name, entry.path)
                if file is not None and (not entry.is_symlink() or self._stays_inside(entry.path)):
                    files[path] = file
        self.folders.add(folder)

    def keep(self, folder: str) -> None:
        """Takes a folder that just can't be read as it was: unavailable isn't gone."""
        self.unread.append(folder)
        inside = f"{folder}/"
        self.folders.update(other for other in self._known.folders if other == folder or other.startswith(inside))
        self.files.update((path, file) for path, file in self._known.files.items() if path.startswith(inside))

    def listing(self) -> Listing:
        """What was found; the index of `known` where nothing came or went."""
        known, folders, unread = self._known, frozenset(self.folders), tuple(self.unread)
        if self.files.keys() == known.files.keys():
            return replace(known, folders=folders, unread=unread, device=self._device)
        shown: dict[str, list[File]] = {}
        unsupported: dict[str, str] = {}
        for file in self.files.values():
            key = names.key(file.stem)
            if file.extension in CONTENT_TYPES:
                shown.setdefault(key, []).append(file)
            else:
                unsupported[key] = min(file.extension, unsupported.get(key, file.extension))
        doubles = tuple(sorted(key for key, files in shown.items() if len(files) > 1))
        documents = sum(map(len, shown.values()))
        return Listing(self.files, shown, unsupported, documents, doubles, folders, unread, self._device)

    def _file(self, path: str, name: str, location: str) -> File | None:
        named = names.split(name)
        return File(path, *named, location) if named else None

    def _stays_inside(self, location: str) -> bool:
        try:
            real = os.path.realpath(location, strict=True)
        except OSError:
            return False
        return real.startswith(self._real_root.rstrip(os.sep) + os.sep) and not os.path.isdir(real)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    if sys.platform != "win32":
        return False
    tag = entry.stat(follow_symlinks=False).st_reparse_tag
    return tag in (stat.IO_REPARSE_TAG_SYMLINK, stat.IO_REPARSE_TAG_MOUNT_POINT)
