"""An empty data file, as the first start makes it: made once for all tests of a process, which begin with a copy."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from appliance.storage.files import prepare


def lay_empty(path: Path) -> None:
    """Puts one there. Making it takes a sync of the disk for each step of its schema; the tests of the start, of the
    storage and of the program as a process have it made."""
    path.write_bytes(_empty())


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vooster.db")
        prepare(path)
        return path.read_bytes()
