"""Room set aside on the disk, for the one thing that can't wait until somebody has made some: the next start.

To open the data file SQLite makes its shared memory anew beside it, and then its log; on a full disk it can do neither,
and an appliance that doesn't start can't even say why. So a file that holds nothing keeps that room. A start that finds
the disk full has it for as long as it lasts. Then the file takes its room again, what is accepted never comes out of
it, and so the start after that succeeds as well.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import structlog

from appliance.errors import Problem
from appliance.storage import aside
from appliance.storage.connections import WAL_BYTES

BYTES = WAL_BYTES + (4 << 20)
"""For a whole log that a start copies into the data file, and for the files that it then makes."""
_PLENTY = 5 * BYTES
"""So much has to be free before any of it is set aside."""
_NOTHING = 1 << 20
"""Less than this is a full disk, if something couldn't be written."""
_PIECE = 64 << 10

_log = structlog.get_logger(__name__)


def keep(path: Path) -> None:
    """Sets the room aside, once there is plenty."""
    if aside.size_of(path) < BYTES and _free(path) >= _PLENTY:
        _take(path, BYTES)


@contextlib.contextmanager
def lent(path: Path) -> Iterator[bool]:
    """Gives the room at `path` up while a start lasts, where the disk has too little; whether it has. What the start
    refuses with when there is nothing left becomes `DISK_FULL`."""
    size, free = aside.size_of(path), _free(path)
    short = free < BYTES
    if short and size:
        _log.warning("storage.little_room", folder=str(path.parent), free=free, lent=size)
        _give(path)
    try:
        yield short
    except Problem as problem:
        if problem.code != "STORAGE_UNAVAILABLE" or _free(path) >= _NOTHING:
            raise
        raise Problem("DISK_FULL", problem.detail, values={"folder": str(path.parent)}) from None
    finally:
        if short and size:
            _take(path, size)


def _free(path: Path) -> float:
    """Bytes; without end where the disk doesn't say."""
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return math.inf


def _give(path: Path) -> None:
    # The file stays: a full disk may have no room for another name either.
    with contextlib.suppress(OSError):
        os.truncate(path, 0)
        aside.sync_file(path)  # some file systems hand out what was freed only then


def _take(path: Path, size: int) -> None:
    """As much of `size` as there is."""
    with contextlib.suppress(OSError), path.open("ab") as file:
        while size >= _PIECE and not _allocated(file, size):
            size //= 2


def _allocated(file: BinaryIO, size: int) -> bool:
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)  # Windows gives a file room for the whole of its length
    except OSError:
        return False
    return True
