"""Browser sessions: a random value in a cookie, its hash here and on disk, and the CSRF token that belongs to it."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable

from appliance.relay.grants import digest
from appliance.relay.principal import Revoked
from appliance.relay.secrets import Secrets, encode, new_token
from appliance.storage import audit
from appliance.storage import people as table
from appliance.storage.database import Database
from appliance.storage.people import Session

IDLE_MS = 12 * 3600 * 1000
"""A session ends when nobody has used it for this long."""
_WRITE_EVERY_MS = 5 * 60 * 1000
MAX_PER_USER = 50


class CookieSessions:
    """Every live browser session, in memory and written through."""

    def __init__(
        self, database: Database, secrets: Secrets, *, now: Callable[[], int], on_ended: Callable[[Revoked], None]
    ) -> None:
        self._database = database
        self._key = secrets.cookies
        self._now = now
        self._on_ended = on_ended
        self._by_hash: dict[bytes, Session] = {}

    async def start(self) -> None:
        self._by_hash = {session.hash: session for session in await self._database.read(table.sessions)}

    def use_keys(self, secrets: Secrets) -> None:
        """CSRF tokens belong to these keys from now on; pages that hold an older one get a new one by themselves."""
        self._key = secrets.cookies

    async def open(self, user: str) -> str:
        """A new session's cookie value; past `MAX_PER_USER` the user's oldest sessions end."""
        value, now = new_token(), self._now()
        session = Session(digest(value), user, now, now)
        surplus = sorted(self._of(user), key=lambda old: old.used_at)[: -MAX_PER_USER + 1]

        def job(tx: sqlite3.Connection) -> None:
            table.save_session(tx, session)
            table.delete_sessions(tx, [old.hash for old in surplus])
            audit.append(tx, now, f"user:{user}", "auth.login", user)

        await self._database.write(job)
        self._by_hash[session.hash] = session
        self._drop(surplus)
        return value

    def find(self, value: str) -> Session | None:
        """The live session of a cookie's value, its end pushed back; None when it has ended or never was."""
        session = self._by_hash.get(digest(value))
        return session if session is not None and self._slide(session) else None

    def named(self, grant: str) -> Session | None:
        """The live session that a principal's `grant` names, its end pushed back; None when it has ended."""
        found = (session for session in self._by_hash.values() if name(session) == grant)
        return next((session for session in found if self._slide(session)), None)

    def csrf(self, session: Session) -> str:
        """What pages of this session send as `X-CSRF-Token`."""
        return encode(hmac.digest(self._key, b"csrf:" + session.hash, "sha256"))

    async def close(self, grant: str, *, actor: str) -> None:
        """Ends the session a principal's `grant` names: somebody signs out."""
        await self._end([session for session in self._by_hash.values() if name(session) == grant], actor)

    def forget(self, user: str) -> None:
        """Drops a user's sessions from memory, once a transaction has deleted them."""
        self._drop(self._of(user))

    async def sweep(self) -> None:
        """Forgets sessions nobody has used for `IDLE_MS`."""
        await self._end([session for session in self._by_hash.values() if session.used_at + IDLE_MS < self._now()])

    async def _end(self, ended: list[Session], actor: str = "") -> None:
        def job(tx: sqlite3.Connection) -> None:
            table.delete_sessions(tx, [session.hash for session in ended])
            if actor:
                audit.append(tx, self._now(), actor, "auth.logout", ended[0].user)

        if ended:
            self._drop(ended)
            await self._database.write(job)

    def _of(self, user: str) -> list[Session]:
        return [session for session in self._by_hash.values() if session.user == user]

    def _slide(self, session: Session) -> bool:
        now = self._now()
        if session.used_at + IDLE_MS < now:
            return False
        if now - session.used_at > _WRITE_EVERY_MS:
            session.used_at = now
            self._database.post(lambda tx: table.touch_session(tx, session.hash, now))
        return True

    def _drop(self, ended: list[Session]) -> None:
        for session in ended:
            self._by_hash.pop(session.hash, None)
            self._on_ended(Revoked("user", session.user, name(session)))


def name(session: Session) -> str:
    """A session's name inside the program, of no use as a credential."""
    return f"cookie:{session.hash[:8].hex()}"
