"""What the bench's processes note down for each other: which trigger, and when, by the clock all processes share."""

from __future__ import annotations

import struct
from pathlib import Path

_ENTRY = struct.Struct("<36sqq")


class Record:
    """Trigger ids with up to two moments (`time.monotonic_ns`), in memory until `save`, which begins anew."""

    def __init__(self) -> None:
        self._entries: list[bytes] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, trigger_id: bytes, first: int, second: int = 0) -> None:
        self._entries.append(_ENTRY.pack(trigger_id, first, second))

    def save(self, file: Path) -> None:
        file.write_bytes(b"".join(self._entries))
        self._entries.clear()


def load(file: Path) -> list[tuple[bytes, int, int]]:
    return list(_ENTRY.iter_unpack(file.read_bytes()))


def percentile(sorted_values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; the values must be in order."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]
