"""People and programs: users with their passwords, the first admin's set-up, API keys."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
import unicodedata
from collections.abc import Callable
from typing import Final

import msgspec
import structlog
from msgspec import UNSET, UnsetType

from appliance.core import people as rules
from appliance.core.roles import Role
from appliance.core.screens import check_id
from appliance.errors import Problem
from appliance.relay.auth import KEY_PREFIX, Auth
from appliance.relay.doorman import Doorman
from appliance.relay.grants import digest
from appliance.relay.passwords import Passwords
from appliance.relay.refusals import Refusals
from appliance.relay.secrets import new_token
from appliance.storage import audit, pairings
from appliance.storage import people as table
from appliance.storage.database import Database
from appliance.storage.people import Key, SetupToken, User

_log = structlog.get_logger(__name__)

SETUP_MS: Final = 30 * 60 * 1000
_REMEMBERED_LINKS = 8


class People:
    """Changes are committed and audited (`actor`), and only then visible to `auth`."""

    def __init__(
        self,
        database: Database,
        auth: Auth,
        passwords: Passwords,
        refusals: Refusals,
        *,
        now: Callable[[], int],
        lock_out: bool = True,
    ) -> None:
        self._database = database
        self._auth = auth
        self._passwords = passwords
        self._refusals = refusals
        self._now = now
        self._doorman = Doorman() if lock_out else None
        self._change = asyncio.Lock()
        self._setup: list[SetupToken] = []
        self.plant = ""
        """The plant's name, as given at set-up; empty when none was."""

    async def start(self) -> None:
        """Reads the plant's name and what set-up links there were. `Auth` must have started."""
        self.plant = await self._database.read(table.plant)
        self._setup = await self._database.read(table.setup_tokens)
        if self._doorman:
            for folded, addresses in (await self._database.read(table.familiar_addresses)).items():
                self._doorman.remember(folded, addresses)

    def close(self) -> None:
        self._passwords.close()

    # The first admin.

    @property
    def complete(self) -> bool:
        """Whether there is an admin, so that set-up is over."""
        return any(user.role == "admin" for user in self._auth.users())

    async def new_setup_token(self, *, actor: str = "system") -> tuple[str, int]:
        """A set-up link's token and its end (ms); the ones before it end now. Raises `SETUP_COMPLETE`.

        Only its hash is kept, so the token of an earlier run can't be printed again: each start makes a new one.
        """
        self._check_open()
        token = new_token()
        made = SetupToken(digest(token).hex(), self._now() + SETUP_MS)
        links = [*self._setup, made][-_REMEMBERED_LINKS:]

        def job(tx: sqlite3.Connection) -> None:
            table.save_setup_tokens(tx, links)
            audit.append(tx, self._now(), actor, "setup.link")

        await self._database.write(job)
        self._setup = links
        return token, made.expires_at

    def check_setup_token(self, token: str) -> None:
        """Raises `SETUP_COMPLETE`, `SETUP_LINK_EXPIRED` (late, or replaced by a newer link), or `TOKEN_INVALID`."""
        self._check_open()
        shown = digest(token).hex()
        if shown not in [link.hash for link in self._setup]:
            raise Problem("TOKEN_INVALID", "That is no set-up link's token.")
        if shown != self._setup[-1].hash or self._setup[-1].expires_at <= self._now():
            raise Problem("SETUP_LINK_EXPIRED")

    async def set_up(self, username: str, password: str, plant: str | None, *, token: str | None, actor: str) -> User:
        """Makes the first admin, once. `token` is the link's; None only for who is at the machine itself."""
        if token is not None:
            try:
                self.check_setup_token(token)
            except Problem:
                await self._refusals.note("setup.refused")
                raise
        self._check_open()
        name = rules.user_name(username)
        plant = rules.shown_name(plant) if plant else ""
        encoded = await self._passwords.hash(rules.password(password, name, plant))
        async with self._change:
            self._check_open()
            if token is not None:
                self.check_setup_token(token)
            user = User(name, Role.ADMIN.label, encoded, self._now())

            def job(tx: sqlite3.Connection) -> None:
                if table.count_users(tx):
                    raise Problem("SETUP_COMPLETE")
                table.save_user(tx, user)
                table.forget_setup_tokens(tx)
                table.save_plant(tx, plant)
                audit.append(tx, user.created_at, actor, "setup.complete", name)

            await self._database.write(job)
            self._auth.put_user(user)
            self._setup = []
            self.plant = plant
        return user

    def _check_open(self) -> None:
        if self.complete:
            raise Problem("SETUP_COMPLETE")

    # Signing in.

    async def log_in(self, username: str, password: str, *, address: str, device: str = "") -> User:
        """The user whose password it is. Raises `CREDENTIALS_INVALID`, or `RATE_LIMITED` after five wrong ones.

        Whose turn it is, the doorman says: nobody can keep somebody else out from elsewhere, nor from the same address
        out of a browser whose `device` cookie says that the user has signed in with it. Where the user signs in from is
        kept, so that it stays so after a restart.
        """
        name, now = unicodedata.normalize("NFC", username[:256]), self._now()
        folded = name.casefold()
        user = self._auth.user(name)
        typed = unicodedata.normalize("NFC", password[: 4 * rules.PASSWORD_LENGTH[1]])
        browser = self._auth.devices.found(user, device) if user is not None else ""
        try:
            with self._doorman.trying(folded, address, now, browser) if self._doorman else contextlib.nullcontext():
                encoded = user.password if user else None
                known = self._doorman is None or self._doorman.is_familiar(folded, address, browser)
                is_right = await self._passwords.verify(encoded, typed, stranger=not known)
        except Problem:  # it isn't their turn
            await self._refused(name)
            raise
        if not is_right or user is None:
            # What was typed for a name that nobody has may be a password, one line too early.
            _log.warning("auth.login_refused", user=user.name if user else None, address=address)
            await self._refused(name)
            raise Problem("CREDENTIALS_INVALID")
        async with self._change:
            present = self._auth.user(name)
            if present is None or present.password != user.password:
                raise Problem("CREDENTIALS_INVALID")
            signed_in = msgspec.structs.replace(present, signed_in_at=now)
            self._auth.put_user(signed_in)
            familiar = self._doorman.succeeded(folded, address, browser) if self._doorman else None

            def job(tx: sqlite3.Connection) -> None:
                table.save_user(tx, signed_in)
                if familiar is not None:
                    table.save_familiar_addresses(tx, folded, familiar)

            self._database.post(job)
        return signed_in

    async def _refused(self, name: str) -> None:
        """Notes it. A name that nobody has isn't kept: it may be a password that was typed into the wrong field."""
        user = self._auth.user(name)
        await self._refusals.note("auth.refused", user.name if user is not None else "")

    # Users.

    async def add_user(
        self, username: str, password: str, role: str, *, actor: str, groups: list[str] | None = None
    ) -> User:
        """Raises `VALIDATION_ERROR` or `PASSWORD_GUESSABLE`."""
        name, label = rules.user_name(username), Role.parse(role).label
        rules.check_limit(label, groups)
        encoded = await self._passwords.hash(rules.password(password, name, self.plant))
        async with self._change:
            if self._auth.user(name) is not None:
                raise rules.wrong("username", "is taken")
            user = User(name, label, encoded, self._now(), rules.scope(groups))

            def job(tx: sqlite3.Connection) -> None:
                table.save_user(tx, user)
                audit.append(tx, user.created_at, actor, "user.add", name, {"role": label, "groups": groups})

            await self._database.write(job)
            self._auth.put_user(user)
        return user

    async def change_user(
        self,
        username: str,
        *,
        actor: str,
        role: str | None = None,
        password: str | None = None,
        groups: list[str] | UnsetType | None = UNSET,
    ) -> User:
        """Changes role, scope or password. Each ends what the user has offered, a new password every session as well.

        Raises `LAST_ADMIN`, `NOT_FOUND`, `PASSWORD_GUESSABLE`.
        """
        encoded = None
        if password is not None:
            name = self.require_user(username).name
            encoded = await self._passwords.hash(rules.password(password, name, self.plant))
        async with self._change:
            before = self.require_user(username)
            label = Role.parse(role).label if role is not None else before.role
            if label != Role.ADMIN.label:
                self._keep_an_admin(before)
            scope = before.groups if isinstance(groups, UnsetType) else rules.scope(groups)
            rules.check_limit(label, scope)
            user = msgspec.structs.replace(before, role=label, groups=scope, password=encoded or before.password)
            detail: dict[str, object] = {"role": label, "groups": scope, "password": encoded is not None}

            def job(tx: sqlite3.Connection) -> None:
                table.save_user(tx, user)
                if encoded is not None:
                    table.delete_sessions_of(tx, user.name)
                    table.forget_familiar_addresses(tx, user.folded)
                    pairings.delete_grants_of(tx, "user", user.name)
                if encoded is not None or (before.role, before.groups) != (label, scope):
                    pairings.delete_offers_of(tx, f"user:{user.name}")
                audit.append(tx, self._now(), actor, "user.change", user.name, detail)

            await self._database.write(job)
            self._auth.put_user(user)
            if encoded is not None:
                self._auth.forget_user(user.name)
                self._forget_addresses(user)
        return user

    async def remove_user(self, username: str, *, actor: str) -> None:
        """Raises `LAST_ADMIN` or `NOT_FOUND`."""
        async with self._change:
            user = self.require_user(username)
            self._keep_an_admin(user)

            def job(tx: sqlite3.Connection) -> None:
                table.delete_user(tx, user.name)
                table.forget_familiar_addresses(tx, user.folded)
                pairings.delete_grants_of(tx, "user", user.name)
                pairings.delete_offers_of(tx, f"user:{user.name}")
                audit.append(tx, self._now(), actor, "user.remove", user.name)

            await self._database.write(job)
            self._auth.drop_user(user.name)
            self._forget_addresses(user)

    def _forget_addresses(self, user: User) -> None:
        if self._doorman:
            self._doorman.forget(user.folded)

    def users(self) -> list[User]:
        """By name."""
        return sorted(self._auth.users(), key=lambda user: user.folded)

    def require_user(self, username: str) -> User:
        """The user. Raises `NOT_FOUND`."""
        user = self._auth.user(unicodedata.normalize("NFC", username))
        if user is None:
            raise Problem("NOT_FOUND", "There is no such user.")
        return user

    def _keep_an_admin(self, leaving: User) -> None:
        admins = [user for user in self._auth.users() if user.role == Role.ADMIN.label]
        if admins == [leaving]:
            raise Problem("LAST_ADMIN")

    # API keys.

    async def add_key(
        self,
        name: str,
        role: str,
        *,
        actor: str,
        screens: list[str] | None = None,
        groups: list[str] | None = None,
        expires_at: int | None = None,
    ) -> tuple[Key, str]:
        """A key and its text, which is told this once. `expires_at` is in ms. Raises `VALIDATION_ERROR`."""
        name, label = rules.shown_name(name), Role.parse(role).label
        scope = [check_id(screen) for screen in screens] if screens is not None else None
        rules.check_limit(label, scope, groups)
        if expires_at is not None and expires_at <= self._now():
            raise rules.wrong("expiresAt", "lies in the past")
        async with self._change:
            if any(key.name == name for key in self._auth.api_keys()):
                raise rules.wrong("name", "is taken")
            text = KEY_PREFIX + new_token()
            key = Key(secrets.token_hex(4), digest(text), name, label, self._now(), scope, rules.scope(groups))
            key.expires_at = expires_at

            def job(tx: sqlite3.Connection) -> None:
                table.save_key(tx, key)
                detail: dict[str, object] = {"name": name, "role": label, "screens": scope, "groups": key.groups}
                audit.append(tx, key.created_at, actor, "key.add", key.id, detail)

            await self._database.write(job)
            self._auth.put_key(key)
        return key, text

    async def remove_key(self, key_id: str, *, actor: str) -> None:
        """Ends a key. Raises `NOT_FOUND`."""
        key = self.require_key(key_id)

        def job(tx: sqlite3.Connection) -> None:
            table.delete_key(tx, key.id)
            pairings.delete_offers_of(tx, f"key:{key.id}")
            audit.append(tx, self._now(), actor, "key.remove", key.id, {"name": key.name})

        await self._database.write(job)
        self._auth.drop_key(key.id)

    def api_keys(self) -> list[Key]:
        """Oldest first."""
        return self._auth.api_keys()

    def require_key(self, key_id: str) -> Key:
        """The key. Raises `NOT_FOUND`."""
        for key in self._auth.api_keys():
            if key.id == key_id:
                return key
        raise Problem("NOT_FOUND", "There is no such key.")
