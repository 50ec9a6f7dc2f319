"""Who this appliance is: its lasting identity, its plant's name, and the epoch of its stored state."""

from __future__ import annotations

import contextlib
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
        self.host_number = 1
        """Of the name it had last on the network, 2 for `vooster-2.local`: so that two appliances don't swap theirs."""

    @property
    def name(self) -> str:
        return self._given() or DEFAULT_NAME

    async def start(self) -> None:
        """Reads, or on the first start makes, the identity."""

        def job(tx: sqlite3.Connection) -> dict[str, str]:
            for key in ("instance_id", "epoch"):
                tx.execute("INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)", (key, str(uuid.uuid4())))
            return dict(tx.execute("SELECT key, value FROM meta WHERE key IN ('instance_id', 'epoch', 'host_number')"))

        meta = await self._database.write(job)
        self.instance_id, self.epoch = meta["instance_id"], meta["epoch"]
        with contextlib.suppress(ValueError):  # whatever else stands there after a salvage is no number
            self.host_number = max(1, int(meta.get("host_number", "1")))

    async def keep_host_number(self, number: int) -> None:
        """Remembers the name on the network over restarts."""

        def job(tx: sqlite3.Connection) -> None:
            tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('host_number', ?)", (str(number),))

        await self._database.write(job)
        self.host_number = number
