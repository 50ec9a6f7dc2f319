"""The appliance's keys while it runs: the one that signs access tokens is renewed by itself, and all that a stranger
could sign with at a person's word.

New keys are on disk, synced, before anything is signed with them: a crash in between leaves the old ones in force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import structlog

from appliance.errors import Problem
from appliance.relay import secrets
from appliance.relay.secrets import Secrets, SigningKey
from appliance.storage import audit
from appliance.storage.database import Database

_log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
KEY_MS = 30 * DAY_MS
"""How long one key signs access tokens."""
MAX_KEYS = 8
"""Signing keys there may be, whatever the clock does."""


class Keyring:
    """`present` are the keys in force. `access_seconds` is how long a token lives, `now` gives milliseconds.

    `on_renewed` is called after a renewal that nobody notices, `on_replaced` when what the old keys signed has ended.
    """

    def __init__(self, path: Path, found: Secrets, *, access_seconds: int, now: Callable[[], int]) -> None:
        self._path = path
        self._access_ms = access_seconds * 1000
        self._now = now
        self._turn = asyncio.Lock()
        self.present = found
        self.on_renewed: list[Callable[[Secrets], None]] = []
        self.on_replaced: list[Callable[[Secrets], None]] = []

    async def tend(self) -> None:
        """Renews the signing key when it is due, and drops each old one once all that it signed has ended.

        A disk that refuses is tried again next time: the old key is as good as it was.
        """
        async with self._turn:
            now = self._now()
            keys = kept(self.present.jwt, now, self._access_ms)
            if not _is_recent(keys[0], now, KEY_MS):
                keys = kept([secrets.new_signing_key(now), *keys], now, self._access_ms)
            if keys == self.present.jwt:
                return
            try:
                await self._save(msgspec.structs.replace(self.present, jwt=keys))
            except OSError as error:
                _log.warning("keys.not_renewed", file=str(self._path), reason=str(error))
                return
            _log.info("keys.renewed", kid=keys[0].kid, kept=len(keys) - 1)
            for call in self.on_renewed:
                call(self.present)

    async def replace(self, database: Database, *, actor: str) -> None:
        """New keys because somebody may have seen the old ones: every access token and every link to a document ends
        now. Raises `STORAGE_UNAVAILABLE` with the old ones still in force.

        What is random and kept as a hash stays good, for the file says nothing of it: refresh tokens, device secrets,
        API keys and browser sessions. So screens come back by themselves.
        """
        async with self._turn:
            now = self._now()
            await database.write(lambda tx: audit.append(tx, now, actor, "keys.rotate"))
            made = msgspec.structs.replace(
                self.present,
                jwt=[secrets.new_signing_key(now)],
                documents=secrets.new_key(),
                cookies=secrets.new_key(),
                successors=secrets.new_key(),
            )
            try:
                await self._save(made)
            except OSError as error:
                raise Problem("STORAGE_UNAVAILABLE", f"The new keys couldn't be written: {error.strerror}") from None
            _log.warning("keys.replaced", kid=made.jwt[0].kid, actor=actor)
            for call in self.on_replaced:
                call(self.present)

    async def note_audit_begun(self) -> None:
        """Notes that the audit record is sealed with the present key. Raises `OSError`."""
        async with self._turn:
            await self._save(msgspec.structs.replace(self.present, audit_begun=True))

    async def _save(self, made: Secrets) -> None:
        await asyncio.to_thread(secrets.save, self._path, made)
        self.present = made


def kept(keys: list[SigningKey], now: int, access_ms: int) -> list[SigningKey]:
    """The newest, and each older one for as long as a token can live that it signed before the next one took over."""
    older = [old for newer, old in pairwise(keys) if _is_recent(newer, now, access_ms)]
    return [keys[0], *older][:MAX_KEYS]


def _is_recent(key: SigningKey, now: int, within_ms: int) -> bool:
    """Whether it was made less than `within_ms` ago. Made long after now it wasn't: that clock was wrong."""
    return -DAY_MS < now - key.made_at < within_ms
