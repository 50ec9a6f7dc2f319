"""The screens this appliance knows, kept in memory and written through; the database is read once, at the start."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from appliance.core.people import shown_name
from appliance.core.screens import Client, Display, Screen, check_groups, check_id, check_user
from appliance.errors import Problem
from appliance.relay.principal import Principal
from appliance.storage import audit, pairings
from appliance.storage import screens as table
from appliance.storage.database import Database

Extra = Callable[[sqlite3.Connection], None]
"""What else belongs in the same transaction as a change."""
Allowed = Callable[[Screen], object]
"""Raises where the screen, as it is when its turn has come, isn't for whoever changes it."""


class Screens:
    """Registry of screens. Changes are committed, audited (`actor`) and only then visible."""

    def __init__(self, database: Database, *, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now
        self._by_id: dict[str, Screen] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.on_removed: list[Callable[[str], None]] = []
        """Called with the id when a screen is deleted."""
        self.on_revoked: list[Callable[[str], None]] = []
        """Called with the id when its pairing has ended."""
        self.on_changed: list[Callable[[Screen], None]] = []
        """Called when a name, a line, a default display or the pairing has changed."""

    async def start(self) -> None:
        for screen in await self._database.read(table.load):
            self._by_id[screen.screen_id] = screen

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, screen_id: object) -> bool:
        return screen_id in self._by_id

    def all(self) -> Iterable[Screen]:
        return self._by_id.values()

    def get(self, screen_id: str) -> Screen | None:
        return self._by_id.get(screen_id)

    def name_of(self, screen_id: str) -> str:
        """What people call it; its id where it was deleted."""
        screen = self._by_id.get(screen_id)
        return screen.name if screen is not None else screen_id

    def reaches(self, principal: Principal, screen_id: str) -> bool:
        """Whether a screen is within a credential's scope. One that was deleted has no lines any more."""
        screen = self._by_id.get(screen_id)
        return principal.reaches(screen_id, screen.groups if screen is not None else ())

    def may_pair(self, principal: Principal, screen_id: str) -> bool:
        """Whether somebody may give out a screen's keys: of those within his scope, and of a new one only without any
        limit."""
        return principal.unlimited or (screen_id in self._by_id and self.reaches(principal, screen_id))

    def require(self, screen_id: str) -> Screen:
        """The screen. Raises `SCREEN_NOT_FOUND`."""
        screen = self._by_id.get(screen_id)
        if screen is None:
            raise Problem("SCREEN_NOT_FOUND", f"There is no screen {screen_id}.", values={"target": screen_id})
        return screen

    async def add(
        self,
        screen_id: str,
        *,
        actor: str,
        name: str | None = None,
        groups: list[str] | None = None,
        display_index: int = 0,
        user: str | None = None,
        permission: str = "operator",
        extra: Extra | None = None,
    ) -> Screen:
        """Registers a screen; `extra` joins the transaction. Raises `VALIDATION_ERROR` or `SCREEN_EXISTS`."""
        check_id(screen_id)
        screen = Screen(
            screen_id=screen_id,
            name=shown_name(name or screen_id),
            groups=check_groups(groups or []),
            display_index=display_index,
            user=check_user(user),
            permission=permission,
            created_at=self._now(),
        )

        def job(tx: sqlite3.Connection) -> None:
            table.add(tx, screen)
            if extra is not None:
                extra(tx)
            audit.append(tx, self._now(), actor, "screen.add", screen_id, screen=screen_id)

        async with self._turn(screen_id):
            if screen_id in self._by_id:
                raise Problem("SCREEN_EXISTS", values={"screenId": screen_id})
            await self._database.write(job)
            self._by_id[screen_id] = screen
        return screen

    async def update(
        self, screen_id: str, *, actor: str, allowed: Allowed = lambda _screen: None, **changes: Any
    ) -> Screen:
        """Changes `name`, `groups`, `display_index`, `user` or `permission`. Raises `VALIDATION_ERROR`."""
        for member, tidied in (("name", shown_name), ("groups", check_groups), ("user", check_user)):
            if member in changes:
                changes[member] = tidied(changes[member])
        async with self._turn(screen_id):
            allowed(self.require(screen_id))
            screen = await self._change(screen_id, changes, actor, "screen.change", detail=dict(changes))
            self._tell(screen)
        return screen

    async def mark_paired(
        self,
        screen_id: str,
        *,
        actor: str,
        monitors: int = 0,
        extra: Extra | None = None,
        allowed: Allowed = lambda _screen: None,
    ) -> Screen:
        """Notes that a PC now holds this screen's key; `extra` (the key's row) joins the transaction.

        A PC with several `monitors` shows work orders on its second one, as the first is the worker's own: a screen
        that named no other display gets that.
        """
        async with self._turn(screen_id):
            screen = self.require(screen_id)
            allowed(screen)
            changes: dict[str, object] = {"paired_at": self._now(), "revoked_at": None}
            if monitors > 1 and screen.display_index == 0:
                changes["display_index"] = 1
            screen = await self._rekey(screen_id, changes, actor, "screen.pair", extra)
            self._tell(screen)
        return screen

    async def revoke(self, screen_id: str, *, actor: str, allowed: Allowed = lambda _screen: None) -> None:
        """Ends the pairing with its keys and offers. Sessions are ended by `on_revoked`."""
        async with self._turn(screen_id):
            allowed(self.require(screen_id))
            changes = {"paired_at": None, "revoked_at": self._now()}
            screen = await self._rekey(
                screen_id, changes, actor, "screen.revoke", lambda tx: pairings.forget_screen(tx, screen_id)
            )
            for call in self.on_revoked:
                call(screen_id)
            self._tell(screen)

    async def remove(self, screen_id: str, *, actor: str, allowed: Allowed = lambda _screen: None) -> None:
        """Deletes the screen with its keys and offers and all else that hangs on it (`on_removed`)."""

        def job(tx: sqlite3.Connection) -> None:
            table.delete(tx, screen_id)
            pairings.forget_screen(tx, screen_id)
            audit.append(tx, self._now(), actor, "screen.remove", screen_id, screen=screen_id)

        async with self._turn(screen_id):
            allowed(self.require(screen_id))
            await self._database.write(job)
            self._by_id.pop(screen_id, None)
            for call in self.on_removed:
                call(screen_id)

    async def note(self, screen_id: str, action: str, *, actor: str) -> None:
        """Audits what is about to be done to a screen and changes nothing that is stored."""
        await self._database.write(lambda tx: audit.append(tx, self._now(), actor, action, screen_id, screen=screen_id))

    def seen(self, screen_id: str, *, displays: list[Display] | None = None, client: Client | None = None) -> None:
        """Notes a sign of life and what the screen declared; written along with the next commit."""
        screen = self._by_id.get(screen_id)
        if screen is None:
            return
        screen.last_seen_at = self._now()
        if displays is not None:
            screen.displays = displays
        if client is not None:
            screen.client = client
        copy = msgspec.structs.replace(screen)
        self._database.post(lambda tx: table.seen(tx, copy), key=("seen", screen_id))

    def cloned(self, screen_id: str, at: int, address: str) -> None:
        """Keeps in mind what `warn_of_clone` has written."""
        screen = self._by_id.get(screen_id)
        if screen is not None:
            screen.cloned_at, screen.cloned_from = at, address

    def _turn(self, screen_id: str) -> asyncio.Lock:
        """Held over a change and its commit, so that the next change of the screen begins with what came of it."""
        return self._turns.setdefault(screen_id, asyncio.Lock())

    async def _rekey(
        self, screen_id: str, changes: dict[str, Any], actor: str, action: str, extra: Extra | None
    ) -> Screen:
        """A change that ends the keys there were, and with them what was wrong with them."""

        def both(tx: sqlite3.Connection) -> None:
            table.forget_clone(tx, screen_id)
            if extra is not None:
                extra(tx)

        return await self._change(
            screen_id, {**changes, "cloned_at": None, "cloned_from": None}, actor, action, extra=both
        )

    async def _change(
        self,
        screen_id: str,
        changes: dict[str, Any],
        actor: str,
        action: str,
        *,
        extra: Extra | None = None,
        detail: dict[str, object] | None = None,
    ) -> Screen:
        """The screen with `changes`, committed. What its sessions told of it meanwhile stays."""
        changed = msgspec.structs.replace(self.require(screen_id), **changes)

        def job(tx: sqlite3.Connection) -> None:
            table.change(tx, changed)
            if extra is not None:
                extra(tx)
            audit.append(tx, self._now(), actor, action, screen_id, detail, screen=screen_id)

        await self._database.write(job)
        screen = msgspec.structs.replace(self._by_id[screen_id], **changes)
        self._by_id[screen_id] = screen
        return screen

    def _tell(self, screen: Screen) -> None:
        for call in self.on_changed:
            call(screen)
