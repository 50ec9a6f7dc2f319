"""SQLite's log (`-wal`) read frame by frame, as sqlite.org/fileformat2.html describes it, without SQLite.

A log is a header and frames, each with a page, the header's salts and a checksum that continues the one before it. A
transaction ends with a frame that says so and counts once it is synced. SQLite takes the first bad frame for the log's
end, whatever follows; here it is told apart from a broken place with finished transactions behind it.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from typing import BinaryIO

HEADER, FRAME = 32, 24
_MAGIC = {b"\x37\x7f\x06\x82": "<", b"\x37\x7f\x06\x83": ">"}
_MANY = 1 << 16
_Sum = tuple[int, int]


@dataclass(slots=True)
class Log:
    """Where each page's newest content of a finished transaction begins in the file, by page number: `pages` of those
    that SQLite reads, `later` of those behind a broken place and of the good frames around it. `headless` says that the
    header is broken."""

    page_size: int
    pages: dict[int, int] = field(default_factory=dict)
    later: dict[int, int] = field(default_factory=dict)
    headless: bool = False


def read(file: BinaryIO, page_size: int) -> Log:
    """Reads a log from its beginning. `page_size` (bytes) is for one whose header is broken.

    A power cut may leave any part of the last transaction, which was still to be synced, and parts of one that was
    given up before it. A later one was only written after the earlier one had been synced. So `later` begins where a
    whole transaction follows directly upon the end of another one that isn't readable, and nothing less than that is
    taken for a broken place.
    """
    file.seek(0)
    header = file.read(HEADER)
    order = _MAGIC.get(header[:4], "<" if sys.byteorder == "little" else ">")
    size = int.from_bytes(header[8:12], "big")
    state: _Sum | None = None
    if len(header) == HEADER and header[:4] in _MAGIC and 512 <= size <= 65536 and not size & (size - 1):
        state = _checksum(order, header[:24], (0, 0))
    headless = state is None or state != struct.unpack(">II", header[24:])
    log = Log(page_size if headless else size, headless=headless)
    if headless:
        state = None
    salts = _salts_of_frames(file, log.page_size) if headless else header[16:24]
    pending: dict[int, int] = {}
    broken, whole, ended = headless, not headless, False
    at = HEADER
    file.seek(at)
    while len(frame := file.read(FRAME + log.page_size)) == FRAME + log.page_size:
        number, finished = struct.unpack_from(">II", frame)
        ours = frame[8:16] == salts and number > 0
        linked = ours and state is not None and _sum_of(order, frame, state) == struct.unpack_from(">II", frame, 16)
        broken = broken or not linked
        # `state` is what the frame before says of itself, so that a whole transaction is known by itself.
        whole = linked if ended else whole and linked
        if linked:
            pending[number] = at + FRAME
        if whole and finished:
            (log.later if broken else log.pages).update(pending)
            pending = {}
        ended = ours and finished > 0
        state = struct.unpack_from(">II", frame, 16) if ours else None
        at += len(frame)
    return log


def _salts_of_frames(file: BinaryIO, page_size: int) -> bytes:
    """What the frames say, for want of a header: the second one, as what broke that may have broken the first too,
    unless the first one is of a later use of the log. The first salt is one more each time."""
    found = []
    for number in (0, 1):
        file.seek(HEADER + number * (FRAME + page_size) + 8)
        found.append(file.read(8))
    ahead = (int.from_bytes(found[0][:4], "big") - int.from_bytes(found[1][:4], "big")) % (1 << 32)
    return found[0] if len(found[1]) < 8 or 0 < ahead < _MANY else found[1]


def _sum_of(order: str, frame: bytes, state: _Sum) -> _Sum:
    return _checksum(order, frame[FRAME:], _checksum(order, frame[:8], state))


def _checksum(order: str, content: bytes, state: _Sum) -> _Sum:
    one, two = state
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
