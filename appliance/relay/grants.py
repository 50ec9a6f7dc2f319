"""Grants: the families that refresh tokens belong to, one for each sign-in of a program and each pairing of a screen.

A refresh token is good once. Its successor is derived from it with a key of ours, so that a client whose answer got
lost is given the same one again, also after a restart; anything else that shows an old token ends the family.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import structlog

from appliance.errors import Problem
from appliance.relay.principal import Kind, Revoked
from appliance.relay.secrets import Secrets, encode, new_token
from appliance.relay.tokens import AccessTokens
from appliance.storage import audit
from appliance.storage import pairings as table
from appliance.storage.database import Database
from appliance.storage.pairings import Grant, RefreshToken

_log = structlog.get_logger(__name__)

GRACE_MS = 30_000
"""How long after its use an old refresh token still gets the same successor again. Device secrets have no such time:
an old one stays good until the new one is first used, and is refused from then on."""
TOGETHER_MS = 30_000
"""Pairings asked for within this time with one device secret are one browser's, whose tabs woke together."""
MAX_PER_USER = 50

Job = Callable[[sqlite3.Connection], None]


def digest(token: str) -> bytes:
    """How a random credential is kept: its SHA-256."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets. `expires_in` is the access token's life in seconds."""

    access: str
    refresh: str
    expires_in: int
    grant: str


def _derived(key: bytes, token: str) -> str:
    return encode(hmac.digest(key, token.encode(), "sha256"))


class _Outcome(Enum):
    UNKNOWN = auto()
    EXPIRED = auto()
    REUSED = auto()
    GIVEN = auto()


class Grants:
    """Every live grant, in memory and written through. `on_ended` is told of each that ends."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        access: AccessTokens,
        *,
        refresh_seconds: int,
        now: Callable[[], int],
        on_ended: Callable[[Revoked], None],
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._before = b"", 0
        """The key before the present one, in memory alone, and until when (ms) it is of use."""
        self._access = access
        self._refresh_ms = refresh_seconds * 1000
        self._now = now
        self._on_ended = on_ended
        self._by_id: dict[str, Grant] = {}
        self._by_subject: dict[tuple[str, str], dict[str, Grant]] = {}

    async def start(self) -> None:
        for grant in await self._database.read(table.grants):
            if grant.expires_at > self._now():
                self.admit(grant)

    def use_keys(self, secrets: Secrets) -> None:
        """Derives successors with these keys from now on, and for `GRACE_MS` still finds those of the ones before."""
        if secrets.successors != self._secrets.successors:
            self._before = self._secrets.successors, self._now() + GRACE_MS
        self._secrets = secrets

    async def knows(self, token: str) -> bool:
        """Whether a refresh token is one of ours, good or not any more."""
        shown = digest(token)
        return await self._database.read(lambda connection: table.refresh_token(connection, shown)) is not None

    def get(self, grant_id: str) -> Grant | None:
        return self._by_id.get(grant_id)

    def of(self, kind: Kind, subject: str) -> list[Grant]:
        """A subject's live grants, oldest first."""
        return list(self._by_subject.get((kind, subject), {}).values())

    def successor(self, token: str) -> str:
        """The token that follows `token`: 256 bits only we can tell."""
        return _derived(self._secrets.successors, token)

    def prepare(self, kind: Kind, subject: str, *, secret: bytes | None = None) -> tuple[Grant, TokenPair, Job]:
        """A new grant with its tokens, and the job that writes it. After the commit hand it to `admit`."""
        now = self._now()
        grant = Grant(random.token_hex(8), kind, subject, now, now + self._refresh_ms, secret)
        refresh = new_token()

        def job(tx: sqlite3.Connection) -> None:
            table.save_grant(tx, grant)
            table.save_refresh_token(tx, RefreshToken(digest(refresh), grant.id, grant.expires_at))

        return grant, self._pair(grant, refresh), job

    def admit(self, grant: Grant) -> None:
        self._by_id[grant.id] = grant
        self._by_subject.setdefault((grant.kind, grant.subject), {})[grant.id] = grant

    async def sign_in(self, user: str, *, actor: str) -> TokenPair:
        """A new grant for a program of `user`; past `MAX_PER_USER` the oldest ones end."""
        grant, pair, job = self.prepare("user", user)
        surplus = self.of("user", user)[: -MAX_PER_USER + 1]

        def both(tx: sqlite3.Connection) -> None:
            job(tx)
            table.delete_grants(tx, [old.id for old in surplus])
            audit.append(tx, self._now(), actor, "auth.login", user, {"tokens": True})

        await self._database.write(both)
        self.admit(grant)
        self.drop(surplus)
        return pair

    async def refresh(self, token: str) -> tuple[Grant, TokenPair]:
        """The next tokens of the family. Raises `TOKEN_INVALID` or `TOKEN_EXPIRED`."""
        shown, now = digest(token), self._now()
        candidates = self._candidates(token, now)
        outcome, grant_id, following = await self._database.write(lambda tx: self._rotate(tx, shown, candidates, now))
        grant = self._by_id.get(grant_id)
        if outcome is _Outcome.EXPIRED:
            raise Problem("TOKEN_EXPIRED")
        if outcome is _Outcome.REUSED and grant is not None:
            _log.warning("auth.refresh_token_reused", kind=grant.kind, subject=grant.subject)
            self.drop([grant])
        if outcome is not _Outcome.GIVEN or grant is None:
            raise Problem("TOKEN_INVALID")
        grant.expires_at = now + self._refresh_ms
        self.use(grant)
        return grant, self._pair(grant, following)

    def _candidates(self, token: str, now: int) -> list[str]:
        """What may follow `token`: what follows it from now on, and what has followed it if keys were made anew while
        the answer was lost."""
        before, until = self._before
        return [self.successor(token), *([_derived(before, token)] if now <= until else [])]

    def _rotate(
        self, tx: sqlite3.Connection, shown: bytes, candidates: list[str], now: int
    ) -> tuple[_Outcome, str, str]:
        """What came of it, the grant, and the token that follows."""
        row = table.refresh_token(tx, shown)
        if row is None:
            return _Outcome.UNKNOWN, "", ""
        if row.used_at is None:
            if row.expires_at <= now:
                return _Outcome.EXPIRED, row.grant_id, ""
            expires_at = now + self._refresh_ms
            table.use_refresh_token(tx, shown, now)
            table.save_refresh_token(tx, RefreshToken(digest(candidates[0]), row.grant_id, expires_at))
            table.extend_grant(tx, row.grant_id, expires_at)
            return _Outcome.GIVEN, row.grant_id, candidates[0]
        if now - row.used_at <= GRACE_MS:
            for following in candidates:
                successor = table.refresh_token(tx, digest(following))
                if successor is not None and successor.used_at is None:
                    return _Outcome.GIVEN, row.grant_id, following
        table.delete_grants(tx, [row.grant_id])
        family = self._by_id.get(row.grant_id)
        kind, subject = (family.kind, family.subject) if family is not None else ("user", "")
        screen = subject if kind == "screen" else None
        audit.append(tx, now, f"{kind}:{subject}", "auth.refresh_reused", subject, screen=screen)
        return _Outcome.REUSED, row.grant_id, ""

    def use(self, grant: Grant) -> None:
        """Notes that somebody holds the grant's tokens. The first use of a new pairing ends the ones before it."""
        if grant.used_at is not None:
            return
        now = grant.used_at = self._now()
        ended = self._ended_by(grant)

        def job(tx: sqlite3.Connection) -> None:
            table.use_grant(tx, grant.id, now)
            table.delete_grants(tx, [other.id for other in ended])
            if grant.secret is not None:
                table.confirm_device_secret(tx, grant.subject, grant.secret, now)

        self._database.post(job)
        self.drop(ended)

    def _ended_by(self, grant: Grant) -> list[Grant]:
        """What the first use of a pairing ends: the screen's pairings before it."""
        others = [other for other in self.of("screen", grant.subject) if other is not grant] if grant.secret else []
        if any(other.secret == grant.secret and other.used_at is not None for other in others):
            return []  # another tab of the same browser was first
        # Two tabs that wake together ask twice and share a secret; one asked for long before was for somebody else.
        return [
            other
            for other in others
            if other.secret != grant.secret or other.created_at < grant.created_at - TOGETHER_MS
        ]

    async def end(self, grant_id: str) -> None:
        """Ends one grant, as who holds it signs out; unknown ones are ended already."""
        grant = self._by_id.get(grant_id)
        if grant is None:
            return
        actor, screen = f"{grant.kind}:{grant.subject}", grant.subject if grant.kind == "screen" else None

        def job(tx: sqlite3.Connection) -> None:
            table.delete_grants(tx, [grant_id])
            audit.append(tx, self._now(), actor, "auth.logout", grant.subject, {"tokens": True}, screen=screen)

        self.drop([grant])
        await self._database.write(job)

    async def end_family_of(self, token: str) -> None:
        """Ends the grant a refresh token belongs to, whether or not the token is still good."""
        row = await self._database.read(lambda connection: table.refresh_token(connection, digest(token)))
        if row is not None:
            await self.end(row.grant_id)

    def forget(self, kind: Kind, subject: str) -> None:
        """Drops a subject's grants from memory, once a transaction has deleted them."""
        self.drop(self.of(kind, subject))

    async def sweep(self) -> None:
        """Forgets what has ended by itself."""
        now = self._now()
        await self._database.write(lambda tx: table.sweep(tx, now))
        self.drop([grant for grant in self._by_id.values() if grant.expires_at <= now])

    def superseded(self, screen_id: str, secrets: set[bytes]) -> list[Grant]:
        """A screen's grants that came with other device secrets than these."""
        return [grant for grant in self.of("screen", screen_id) if grant.secret not in secrets]

    def drop(self, ended: list[Grant]) -> None:
        """Takes grants out of memory, once a transaction has deleted them or surely will."""
        for grant in ended:
            self._by_id.pop(grant.id, None)
            family = self._by_subject.get((grant.kind, grant.subject), {})
            family.pop(grant.id, None)
            if not family:
                self._by_subject.pop((grant.kind, grant.subject), None)
            kind: Kind = "screen" if grant.kind == "screen" else "user"
            self._on_ended(Revoked(kind, grant.subject, grant.id))

    def _pair(self, grant: Grant, refresh: str) -> TokenPair:
        access = self._access.make(grant.kind, grant.subject, grant.id)
        return TokenPair(access, refresh, self._access.seconds, grant.id)
