"""Who has durable changes that gather up between groups: what all of them have at one moment is one job."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import structlog

from appliance.storage.groups import Job, Waiting, name_of

Gathered = tuple[Job[None], Callable[[], None]] | None
"""What changed since, as one job, and what to call after its commit; None when nothing did."""
Source = Callable[[], Gathered]
"""Asked as each group is put together. What all sources have at that moment is kept or lost as one."""

_log = structlog.get_logger(__name__)


def gather(sources: list[Source]) -> Waiting | None:
    """What they have; a fault of one of them is logged and keeps nobody else's from the disk."""
    found = []
    for source in sources:
        try:
            found.append(source())
        except Exception:
            _log.exception("storage.source_failed", source=name_of(source))
    together = [some for some in found if some is not None]
    return _as_one(together) if together else None


def _as_one(gathered: list[tuple[Job[None], Callable[[], None]]]) -> Waiting:
    def job(tx: sqlite3.Connection) -> None:
        for some, _ in gathered:
            some(tx)

    def then() -> None:
        for _, call in gathered:
            try:
                call()
            except Exception:
                _log.exception("storage.answer_failed", job=name_of(call))

    return Waiting(job, durable=True, then=then)
