"""Credentials to principal: access tokens, API keys and browser sessions, looked up in memory.

Every credential points at something live (a grant, a key, a session, a user, a paired screen), so that whatever is
ended, demoted or unpaired stops working at the next request, and `on_revoked` tells who holds live sessions.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.core.roles import Role
from appliance.core.screens import Screen
from appliance.errors import Problem
from appliance.relay.attempts import Attempts
from appliance.relay.cookies import CookieSessions
from appliance.relay.cookies import name as session_name
from appliance.relay.devices import Devices
from appliance.relay.grants import Grants, TokenPair, digest
from appliance.relay.principal import Ended, Principal, Revoked, TokensEnded
from appliance.relay.screens import Screens
from appliance.relay.secrets import Secrets
from appliance.relay.tokens import AccessTokens
from appliance.settings import Tokens
from appliance.storage import people as table
from appliance.storage.database import Database
from appliance.storage.people import Key, Session, User

__all__ = ["KEY_PREFIX", "Auth", "Principal", "Revoked", "TokenPair"]

KEY_PREFIX = "vk_"
MAX_CACHED = 32_768
"""Verified tokens: those of ten thousand screens, the one before the last renewal beside each, and then some."""
WRONG_REFRESHES = 100
"""Refresh tokens that may be wrong from one address before it pauses: after a restored backup all of a floor's are."""
_KEY_USED_EVERY_MS = 60_000


class Auth:
    """The one place that says who a credential stands for. `now` gives milliseconds since the epoch."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        screens: Screens,
        *,
        instance_id: str,
        tokens: Tokens,
        now: Callable[[], int],
        limited: bool = True,
    ) -> None:
        self._database = database
        self._screens = screens
        self._now = now
        self._access = AccessTokens(secrets.jwt, instance_id=instance_id, seconds=tokens.access_seconds, now=now)
        self.grants = Grants(
            database, secrets, self._access, refresh_seconds=tokens.refresh_seconds, now=now, on_ended=self.revoked
        )
        self.cookies = CookieSessions(database, secrets, now=now, on_ended=self.revoked)
        self.devices = Devices(secrets)
        self.on_revoked: list[Callable[[Ended], None]] = []
        """Called at once when credentials end: whoever holds live sessions ends those that are covered."""
        screens.on_changed.append(self._screen_changed)
        self._refreshed = Attempts(wrong=WRONG_REFRESHES, pause_ms=10_000, now=now, limited=limited)
        self._users: dict[str, User] = {}
        self._keys: dict[bytes, Key] = {}
        self._keys_by_id: dict[str, Key] = {}
        self._cache: dict[str, Principal] = {}
        self._cached_of: dict[tuple[str, str], tuple[str, ...]] = {}
        self._screen_roles: dict[str, Role] = {}
        """What each screen was let in as."""

    async def start(self) -> None:
        """Reads every live credential. `Screens` must have started."""
        self._users = {user.folded: user for user in await self._database.read(table.users)}
        for key in await self._database.read(table.keys):
            self.put_key(key)
        await self.cookies.start()
        await self.grants.start()

    async def sweep(self) -> None:
        """Forgets what has ended by itself; to be called now and then, an hour apart or so."""
        await self.cookies.sweep()
        await self.grants.sweep()

    def cached(self, token: str) -> Principal | None:
        """The principal of a token verified before that is still good; None means: ask `bearer`."""
        principal = self._cache.get(token)
        if principal is None:
            return None
        now = self._now()
        if principal.expires_at is not None and principal.expires_at <= now:
            self._uncache(token)
            return None
        if principal.kind == "key":
            self._key_used(self._keys_by_id[principal.subject], now)
        return principal

    async def bearer(self, token: str) -> Principal:
        """The principal of an access token or API key. Raises `TOKEN_EXPIRED` or `TOKEN_INVALID`."""
        principal = self.cached(token)
        if principal is None:
            principal = self._key(token) if token.startswith(KEY_PREFIX) else self._access_token(token)
            self._remember(token, principal)
        return principal

    def session(self, cookie: str) -> tuple[Principal, Session] | None:
        """The principal behind a session cookie; None when the session has ended."""
        session = self.cookies.find(cookie)
        user = self.user(session.user) if session is not None else None
        if session is None or user is None:
            return None
        return self._user_principal(user, session_name(session), None), session

    def again(self, principal: Principal) -> Principal:
        """The same credential as it is now: what was decided a while ago may have been taken back since. A browser's
        session is kept from idling out. Raises `TOKEN_EXPIRED` or `TOKEN_INVALID`."""
        if principal.kind == "local":
            return principal
        if principal.expires_at is not None and principal.expires_at <= self._now():
            raise Problem("TOKEN_EXPIRED")
        if principal.kind == "key":
            key = self._keys_by_id.get(principal.subject)
            if key is None:
                raise Problem("TOKEN_INVALID")
            return _key_principal(key)
        if principal.grant.startswith("cookie:"):
            session = self.cookies.named(principal.grant)
            user = self.user(principal.subject)
            if session is None or user is None:
                raise Problem("TOKEN_EXPIRED", "The browser session has ended.")
            return self._user_principal(user, principal.grant, None)
        grant = self.grants.get(principal.grant)
        if grant is None or not self._access.knows(principal.kid):
            raise Problem("TOKEN_INVALID")
        return self._granted(grant.kind, grant.subject, grant.id, principal.expires_at, principal.kid)

    def present(self, actor: str) -> Principal | None:
        """What an `actor` may by now; None when there is no such user or key any more. A screen's is never asked."""
        kind, _, subject = actor.partition(":")
        if kind == "local":
            return Principal("local", subject, Role.ADMIN)
        if kind == "user":
            user = self.user(subject)
            return self._user_principal(user, "", None) if user is not None else None
        key = self._keys_by_id.get(subject) if kind == "key" else None
        if key is None or (key.expires_at is not None and key.expires_at <= self._now()):
            return None
        return _key_principal(key)

    def check(self, principal: Principal) -> None:
        """Raises `TOKEN_EXPIRED` or `TOKEN_INVALID` unless the credential is still good and may what it might."""
        if self.again(principal) != principal:
            raise Problem("TOKEN_EXPIRED")

    def touch(self, principal: Principal) -> bool:
        """The same as an answer, for what goes on as long as it is so."""
        try:
            self.check(principal)
        except Problem:
            return False
        return True

    async def refresh(self, token: str, *, address: str) -> tuple[Principal, TokenPair]:
        """The next pair of tokens. Raises `TOKEN_EXPIRED` or `TOKEN_INVALID`, or `RATE_LIMITED` for an unknown one from
        an address that was wrong too often."""
        known = self._refreshed.paused(address) and await self.grants.knows(token)
        with self._refreshed.counted(address, "TOKEN_INVALID", known=known):
            grant, pair = await self.grants.refresh(token)
        return self._granted(grant.kind, grant.subject, grant.id, grant.expires_at), pair

    async def end(self, principal: Principal) -> None:
        """Signs out: ends the browser session or grant behind `principal`. An API key stays."""
        if principal.grant.startswith("cookie:"):
            await self.cookies.close(principal.grant, actor=principal.actor)
        elif principal.kind in {"user", "screen"}:
            await self.grants.end(principal.grant)

    def use_keys(self, secrets: Secrets, *, replaced: bool) -> None:
        """From now on these keys. With `replaced` all that the ones before have signed has ended."""
        self._access.use(secrets.jwt)
        self.grants.use_keys(secrets)
        self.cookies.use_keys(secrets)
        self.devices.use_keys(secrets)
        if replaced:
            ended = TokensEnded()
            for token in [token for token, principal in self._cache.items() if ended.covers(principal)]:
                self._uncache(token)
            for call in self.on_revoked:
                call(ended)

    def revoked(self, what: Revoked) -> None:
        """Makes ended credentials fail from now on and tells `on_revoked`."""
        for token in list(self._cached_of.get((what.kind, what.subject), ())):
            if what.covers(self._cache[token]):
                self._uncache(token)
        for call in self.on_revoked:
            call(what)

    # What `people` keeps up to date.

    def user(self, name: str) -> User | None:
        """The user of that name, whatever its capitals."""
        return self._users.get(name.casefold())

    def users(self) -> list[User]:
        return list(self._users.values())

    def put_user(self, user: User) -> None:
        """Adds or changes one; a changed role or scope ends live sessions, which then come back with the new one."""
        before = self._users.get(user.folded)
        self._users[user.folded] = user
        if before is not None and (before.role, before.groups) != (user.role, user.groups):
            self.revoked(Revoked("user", user.name))

    def forget_user(self, name: str) -> None:
        """Drops every session and token of a user, once a transaction has deleted them."""
        self.cookies.forget(name)
        self.grants.forget("user", name)
        self.revoked(Revoked("user", name))

    def drop_user(self, name: str) -> None:
        self._users.pop(name.casefold(), None)
        self.forget_user(name)

    def api_keys(self) -> list[Key]:
        return list(self._keys_by_id.values())

    def key_name(self, key_id: str) -> str | None:
        """What people call a key; None where it was deleted."""
        key = self._keys_by_id.get(key_id)
        return key.name if key is not None else None

    def put_key(self, key: Key) -> None:
        self._keys[key.hash] = self._keys_by_id[key.id] = key

    def drop_key(self, key_id: str) -> None:
        key = self._keys_by_id.pop(key_id, None)
        if key is not None:
            self._keys.pop(key.hash, None)
            self.revoked(Revoked("key", key_id))

    def _key(self, token: str) -> Principal:
        key = self._keys.get(digest(token))
        if key is None:
            raise Problem("TOKEN_INVALID")
        now = self._now()
        if key.expires_at is not None and key.expires_at <= now:
            raise Problem("TOKEN_EXPIRED")
        self._key_used(key, now)
        return _key_principal(key)

    def _key_used(self, key: Key, now: int) -> None:
        if key.last_used_at is None or now - key.last_used_at > _KEY_USED_EVERY_MS:
            key.last_used_at = now
            self._database.post(lambda tx: table.touch_key(tx, key.id, now), key=("key", key.id))

    def _access_token(self, token: str) -> Principal:
        claims = self._access.verify(token)
        grant = self.grants.get(claims.grant)
        if grant is None or (grant.kind, grant.subject) != (claims.kind, claims.subject):
            raise Problem("TOKEN_INVALID")
        principal = self._granted(claims.kind, claims.subject, grant.id, claims.expires_at, claims.kid)
        self.grants.use(grant)
        return principal

    def _screen_changed(self, screen: Screen) -> None:
        """What a screen may do is in its live session and among the cached tokens: with a new permission both end, and
        it comes back."""
        role = _screen_role(screen)
        if self._screen_roles.get(screen.screen_id, role) is not role:
            self._screen_roles[screen.screen_id] = role
            for grant in self.grants.of("screen", screen.screen_id):
                self.revoked(Revoked("screen", screen.screen_id, grant.id))

    def _granted(self, kind: str, subject: str, grant: str, expires_at: int | None, kid: str = "") -> Principal:
        if kind == "user":
            user = self.user(subject)
            if user is None:
                raise Problem("TOKEN_INVALID")
            return self._user_principal(user, grant, expires_at, kid)
        screen = self._screens.get(subject)
        if screen is None or not screen.paired:
            raise Problem("TOKEN_INVALID")
        role = self._screen_roles[subject] = _screen_role(screen)
        return Principal("screen", subject, role, subject, expires_at, frozenset({subject}), grant=grant, kid=kid)

    def _user_principal(self, user: User, grant: str, expires_at: int | None, kid: str = "") -> Principal:
        groups = _set(user.groups)
        role = _limited(Role.parse(user.role), groups)
        return Principal("user", user.name, role, None, expires_at, None, groups, grant=grant, kid=kid)

    def _remember(self, token: str, principal: Principal) -> None:
        if len(self._cache) >= MAX_CACHED:
            self._uncache(next(iter(self._cache)))
        now, subject = self._now(), (principal.kind, principal.subject)
        for other in self._cached_of.get(subject, ()):
            if (expires_at := self._cache[other].expires_at) is not None and expires_at <= now:
                self._uncache(other)
        self._cache[token] = principal
        self._cached_of[subject] = (*self._cached_of.get(subject, ()), token)

    def _uncache(self, token: str) -> None:
        principal = self._cache.pop(token)
        subject = principal.kind, principal.subject
        left = tuple(other for other in self._cached_of[subject] if other != token)
        if left:
            self._cached_of[subject] = left
        else:
            del self._cached_of[subject]


def _key_principal(key: Key) -> Principal:
    screens, groups = _set(key.screens), _set(key.groups)
    role = _limited(Role.parse(key.role), screens, groups)
    return Principal("key", key.id, role, None, key.expires_at, screens, groups, grant=key.id, name=key.name)


def _limited(role: Role, *scope: frozenset[str] | None) -> Role:
    """An administrator makes users and keys: one that is limited to some screens would be limited by nothing."""
    return role if all(part is None for part in scope) else min(role, Role.SUPERVISOR)


def _screen_role(screen: Screen) -> Role:
    """A screen scans for itself at most, whatever it is permitted to be shown."""
    return min(Role.parse(screen.permission), Role.OPERATOR)


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
