"""Who this appliance is: its lasting identity, its plant's name, and the epoch of its stored state."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable

from appliance.storage.database import Database

DEFAULT_NAME = "Vooster"


class Plant:
    """`instance_id` never changes; `epoch` changes only when stored state was lost or replaced.

    `given` tells the name that a person gave the plant, empty while nobody has.
    """

    def __init__(self, database: Database, *, given: Callable[[], str]) -> None:
        self._database = database
        self._given = given
        self.instance_id = ""
        self.epoch = ""

    @property
    def name(self) -> str:
        return self._given() or DEFAULT_NAME

    async def start(self) -> None:
        """Reads, or on the first start makes, the identity."""

        def job(tx: sqlite3.Connection) -> dict[str, str]:
            for key in ("instance_id", "epoch"):
                tx.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", (key, str(uuid.uuid4())))
            return dict(tx.execute("SELECT key, value FROM meta WHERE key IN ('instance_id', 'epoch')"))

        meta = await self._database.write(job)
        self.instance_id, self.epoch = meta["instance_id"], meta["epoch"]
