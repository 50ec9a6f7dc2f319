"""What the appliance has on disk, read from its data file while it runs: what was accepted must be there, and ended."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path


def states(data: Path) -> dict[bytes, str]:
    """The state of each trigger's delivery, for triggers to one screen each."""
    connection = sqlite3.connect(f"file:{data / 'vooster.db'}?mode=ro", uri=True)
    try:
        found = connection.execute("SELECT id, state FROM triggers JOIN deliveries ON trigger_pk = triggers.pk")
        return {trigger.encode(): state for trigger, state in found}
    finally:
        connection.close()


def ends(data: Path, accepted: list[bytes]) -> Counter[str]:
    """How many of the accepted triggers are in which state; `lost` are those that the file doesn't know."""
    known = states(data)
    return Counter(known.get(trigger, "lost") for trigger in accepted)
