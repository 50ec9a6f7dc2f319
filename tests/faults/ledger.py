"""What was seen outside the appliance, line by line in files of its own: the only witness that a kill leaves alone.

The *ledger* holds every answer a producer got, synced before the producer goes on; the *sights* hold what screens were
sent and what they showed, in the order in which it happened. Both are read back from their files for the verdict.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

EntryKind = Literal["accepted", "refused", "unknown"]
SightKind = Literal["sent", "showed", "held", "told", "epoch"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, or the lack of one (`unknown`: the request went out and its answer was lost)."""

    kind: EntryKind
    trigger: str
    order: str
    target: str
    mode: str
    via: str
    at: float
    """When it was written down, in seconds since the epoch."""
    again: bool = False
    """Whether the request was a repeat of one that had been sent before."""
    duplicate: bool = False
    deliveries: tuple[str, ...] = ()
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a client saw: `sent` to it, `showed` by it, `held` (final for it), `told` as an end, an `epoch`."""

    kind: SightKind
    who: str
    delivery: str = ""
    display: int = 0
    round: int = 0
    seq: int = 0
    restored: bool = False
    state: str = ""


class Ledger:
    """Appends answers and syncs each one before it returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self.accepted = 0
        self.duplicates = 0

    def write(self, entry: Entry) -> None:
        self._file.write(_line(entry))
        os.fdatasync(self._file.fileno())
        self.accepted += entry.kind == "accepted"
        self.duplicates += entry.duplicate

    def close(self) -> None:
        self._file.close()


class Sights:
    """Appends what clients see; whoever writes outlives every kill, so closing is soon enough for the disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def write(self, sight: Sight) -> None:
        self._file.write(_line(sight))

    def close(self) -> None:
        self._file.close()


def read_ledger(path: Path) -> list[Entry]:
    """Every answer, in the order in which they came."""
    return [Entry(**{**line, "deliveries": tuple(line["deliveries"])}) for line in _lines(path)]


def read_sights(path: Path) -> list[Sight]:
    return [Sight(**line) for line in _lines(path)]


def _line(what: Entry | Sight) -> bytes:
    members = {name: getattr(what, name) for name in what.__dataclass_fields__}
    return json.dumps(members, ensure_ascii=False).encode() + b"\n"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
