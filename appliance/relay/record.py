"""The audit record as a whole: begun at the first start, each start and stop in it with what was set otherwise than
before, and whether it still fits together."""

from __future__ import annotations

import asyncio
import hmac
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from appliance import __version__
from appliance.errors import Problem
from appliance.relay.secrets import Secrets
from appliance.settings import Settings
from appliance.storage import audit, chain
from appliance.storage.chain import Checked
from appliance.storage.database import Database

AT_ONCE = 1_000
"""Entries in one read: some milliseconds of the interpreter's lock."""
A_LOOK = 20
"""Reads that one look may take; whoever looks next goes on where it ended."""
MAX_PAUSE_SECONDS = 0.05
_SECRET = ("password", "secret", "token", "credential", "api_key")

_log = structlog.get_logger(__name__)


class Record:
    """One data file's record. `note_begun` keeps beside `keys` that it has been sealed with them, and raises `OSError`
    where it can't; `now` gives milliseconds."""

    def __init__(
        self, database: Database, keys: Secrets, *, note_begun: Callable[[], Awaitable[None]], now: Callable[[], int]
    ) -> None:
        self._database = database
        self._keys = keys
        self._note_begun = note_begun
        self._now = now
        self._looking = asyncio.Lock()
        self.is_started = False
        self._checked = Checked()

    # --- beginnings and ends ----------------------------------------------------------------------------------------

    async def begin(self, *, afresh: bool = False) -> None:
        """Seals what an earlier version has written, once for each key. A record without its end is not made to fit,
        unless an empty data file is what was asked for (`afresh`). Raises `STORAGE_UNAVAILABLE`."""
        begun = self._keys.audit_begun
        lost = await self._database.write(lambda tx: self._begin(tx, begun=begun, afresh=afresh))
        if lost:
            _log.error("audit.lost", file=str(self._database.path))
        if not begun:
            try:
                await self._note_begun()
            except OSError as error:  # the next start does it again
                _log.warning("audit.not_noted", reason=str(error))

    def _begin(self, tx: sqlite3.Connection, *, begun: bool, afresh: bool) -> bool:
        key = self._keys.audit
        if chain.head(tx, key) is not None:
            return False
        empty = not tx.execute("SELECT EXISTS (SELECT 1 FROM audit)").fetchone()[0]
        if begun and not (afresh and empty):
            chain.lose(tx, key)
            audit.append(tx, self._now(), "system", "audit.lost")
            return True
        sealed_before = tx.execute("SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'audit')").fetchone()[0]
        entries = chain.seal(tx, key)
        if entries or begun:
            reason = "--start-empty" if begun else "new key" if sealed_before else "new version"
            audit.append(tx, self._now(), "system", "audit.seal", detail={"entries": entries, "reason": reason})
        return False

    async def started(self, settings: Settings) -> None:
        """Notes a start, and what is set otherwise than at the one before."""
        self.is_started = True
        values = shown(settings, self._keys.audit)
        try:
            last = await self._database.write(lambda tx: self._started(tx, values))
        except Problem as problem:  # a full disk is no reason not to start: it is noted once there is room
            _log.warning("audit.start_not_noted_yet", reason=problem.detail)
            self._database.post(lambda tx: self._started(tx, values))
        else:
            _log.info("audit.begins", entries=last.entries, seal=last.mac.hex())

    def _started(self, tx: sqlite3.Connection, values: dict[str, Any]) -> chain.Head:
        last = chain.end(tx, self._keys.audit)[0]
        found = tx.execute("SELECT value FROM meta WHERE key = 'settings'").fetchone()
        before = _decoded(found[0]) if found is not None else shown(Settings(), self._keys.audit)
        changes: dict[str, object] = {
            name: {"from": before.get(name), "to": values.get(name)}
            for name in sorted(before.keys() | values.keys())
            if before.get(name) != values.get(name)
        }
        now = self._now()
        audit.append(tx, now, "system", "appliance.start", detail={"version": __version__})
        if changes:
            audit.append(tx, now, "system", "settings.change", detail=changes)
        if changes or found is None:
            told = msgspec.json.encode(values).decode()
            tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('settings', ?)", (told,))
        return last

    async def stopped(self) -> None:
        """Notes a stop, if the storage takes it: no stop waits for that."""

        def job(tx: sqlite3.Connection) -> chain.Head:
            audit.append(tx, self._now(), "system", "appliance.stop", detail={"version": __version__})
            return chain.end(tx, self._keys.audit)[0]

        try:
            last = await self._database.write(job)
        except Problem as problem:
            _log.warning("audit.stop_not_noted", reason=problem.detail)
        else:
            _log.info("audit.ends", entries=last.entries, seal=last.mac.hex())

    def exporting(self, actor: str, what: str, kind: str, meant: dict[str, object]) -> Callable[[], Awaitable[None]]:
        """What notes an export of the list `what`, filtered by `meant`, before it is given. While the storage refuses,
        it is given all the same, and the newest of each actor and list is noted as soon as that is over."""
        detail: dict[str, object] = {"format": kind, "filter": meant}

        async def note() -> None:
            at = self._now()

            def job(tx: sqlite3.Connection) -> None:
                audit.append(tx, at, actor, "export", what, detail)

            try:
                await self._database.write(job)
            except Problem:
                self._database.post(job, key=("export", actor, what))

        return note

    # --- whether it is whole ----------------------------------------------------------------------------------------

    async def check(self, *, everything: bool = False) -> Checked:
        """How far the record fits together: what came since the last look, a bounded number of entries at once; or,
        with `everything`, all of it from its beginning. Raises `STORAGE_UNAVAILABLE`."""
        async with self._looking:
            before = self._checked
            if before.broken is not None and not everything:
                return before  # it doesn't mend
            found = Checked() if everything else Checked(before.head, before.last_at, before.entries)
            reads, loop = 0, asyncio.get_running_loop()
            while not found.done and found.broken is None and (everything or reads < A_LOOK):
                began = loop.time()
                found = await self._database.read(lambda connection, so_far=found: self._look(connection, so_far))  # type: ignore[misc]
                reads += 1
                # As much time for everything else as this has taken: scans come first.
                await asyncio.sleep(min(loop.time() - began, MAX_PAUSE_SECONDS))
            self._checked = found
            if found.broken is not None and found.broken != before.broken:
                _log.error("audit.broken", number=found.broken.number, reason=found.broken.reason)
            return found

    def _look(self, connection: sqlite3.Connection, so_far: Checked) -> Checked:
        return chain.check(connection, self._keys.audit, so_far, AT_ONCE)


def shown(settings: Settings, key: bytes) -> dict[str, Any]:
    """Every setting by its name. Of one that is a secret only whether it is another one than before can be seen."""
    found: dict[str, Any] = {}
    for section, members in msgspec.to_builtins(settings).items():
        for name, value in members.items():
            if value and any(word in name for word in _SECRET):
                value = f"(hidden {hmac.digest(key, str(value).encode(), 'sha256').hex()[:8]})"  # noqa: PLW2901
            found[f"{section}.{name}"] = value
    return found


def _decoded(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, TypeError):
        return {}
