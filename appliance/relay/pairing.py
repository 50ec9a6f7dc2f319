"""Pairing: how a screen gets its keys, by a code on the monitor, by an offer, from the command line, and back again.

Codes that wait live in memory alone (`codes`); offers and keys are stored.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
import structlog

from appliance.core import pairing as rules
from appliance.core.pairing import Waiting
from appliance.core.permissions import CALLS
from appliance.core.roles import Role
from appliance.core.screens import Client, Display, check_id
from appliance.errors import FieldError, Problem
from appliance.relay.attempts import Attempts
from appliance.relay.auth import Auth, Revoked
from appliance.relay.codes import Code, Codes
from appliance.relay.grants import TokenPair, digest
from appliance.relay.principal import Principal
from appliance.relay.refusals import Refusals
from appliance.relay.screens import Screens
from appliance.relay.secrets import new_token
from appliance.storage import audit
from appliance.storage import pairings as table
from appliance.storage import screens as screens_table
from appliance.storage.database import Database
from appliance.storage.pairings import DeviceSecret, Offer

_log = structlog.get_logger(__name__)

MAX_OFFERS_A_SCREEN = 5
MAX_UNUSED_GRANTS = 8
MAX_HELD_SECONDS = 20.0
PAUSE_MS = 60_000
"""How long who was wrong too often has to wait."""
WRONG_CODES, WRONG_OFFERS, WRONG_SECRETS = 20, 30, 10
"""Before that: codes of one supervisor, offers from one address, device secrets of one screen from one address."""

_OFFERING = CALLS["POST", "/api/pairing/offers"]


class Pairing(msgspec.Struct, frozen=True, rename="camel"):
    """What a paired screen keeps. `expires_in` is the access token's life in seconds."""

    screen_id: str
    access_token: str
    refresh_token: str
    expires_in: int
    device_secret: str
    server_url: str
    instance_id: str


class PollError(Exception):
    """RFC 8628's `error` of a poll that brought no pairing."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def _over() -> Problem:
    return Problem("PAIRING_EXPIRED", "This offer is used, late, taken back, or another screen's.")


class Pairings:
    """`now` gives milliseconds. `on_cloned` is called with a screen's id when an old device secret of it is used."""

    def __init__(
        self,
        database: Database,
        screens: Screens,
        auth: Auth,
        refusals: Refusals,
        *,
        instance_id: str,
        now: Callable[[], int],
        limited: bool = True,
    ) -> None:
        self._database = database
        self._refusals = refusals
        self._screens = screens
        self._auth = auth
        self._instance_id = instance_id
        self._now = now
        self._codes = Codes(limited=limited)
        self._guessed = Attempts(wrong=WRONG_CODES, pause_ms=PAUSE_MS, now=now, limited=limited)
        self._claimed = Attempts(wrong=WRONG_OFFERS, pause_ms=PAUSE_MS, now=now, limited=limited)
        self._renewed = Attempts(wrong=WRONG_SECRETS, pause_ms=PAUSE_MS, now=now, limited=limited)
        self._lock = asyncio.Lock()
        self.on_cloned: list[Callable[[str], None]] = []
        screens.on_revoked.append(self._end_sessions)
        screens.on_removed.append(self._end_sessions)

    # The screen shows the QR.

    def begin(self, client: Client, displays: list[Display], *, address: str) -> tuple[Waiting, str]:
        """A new code and the device code that polls for it. Raises `RATE_LIMITED` for an address that asks too often.
        One that has many loses its own oldest."""
        return self._codes.add(client, displays, address=address, now=self._now())

    async def poll(self, device_code: str, *, server_url: str, hold: float = 0.0) -> Pairing:
        """The pairing, the same one until its token is first used. Raises `PollError`.

        `hold` (seconds, at most `MAX_HELD_SECONDS`) lets the answer wait for the decision or the code's end, so that
        the monitor learns of it at once.
        """
        entry = self._codes.of_device(device_code)
        if entry is None:
            raise PollError("invalid_grant")
        asked_at = self._now()
        answer = entry.waiting.poll(asked_at)
        entry.waiting.asked_at = asked_at
        if answer == "authorization_pending" and hold > 0:
            left = (entry.waiting.expires_at - asked_at) / 1000
            try:
                async with asyncio.timeout(min(hold, MAX_HELD_SECONDS, left)):
                    await entry.decided.wait()
            except TimeoutError:
                pass
            answer = entry.waiting.poll(self._now())
        if answer != "approved" or entry.keys is None:
            raise PollError("authorization_pending" if answer == "approved" else answer)
        pair, secret = entry.keys
        grant = self._auth.grants.get(pair.grant)
        if grant is None or grant.used_at is not None:
            self._codes.drop(entry)
            raise PollError("invalid_grant")
        return self._pairing(entry.waiting.screen_id, pair, secret, server_url)

    def waiting(self) -> list[Waiting]:
        """The codes somebody can still decide on, oldest first."""
        now = self._now()
        return [entry.waiting for entry in self._codes if entry.waiting.open(now)]

    def look(self, user_code: str, *, actor: str) -> Waiting:
        """What waits behind a code or its first half. Raises `PAIRING_EXPIRED`, `PAIRING_DENIED`, or `RATE_LIMITED`
        for somebody who was wrong too often."""
        try:
            with self._guessing(actor):
                entry = self._open(user_code)
        except Problem as problem:
            raise Problem("PAIRING_EXPIRED") if problem.code == "CONFIRM_MISMATCH" else problem from None
        entry.looked_at = True
        return entry.waiting

    async def approve(
        self,
        user_code: str,
        confirm: str,
        screen_id: str,
        *,
        by: Principal,
        name: str | None = None,
        replace: bool = False,
    ) -> tuple[str, str]:
        """Gives the screen to the browser that shows the code; its id and name. `confirm` is the code's second half.

        Raises `CONFIRM_MISMATCH`, `PAIRING_EXPIRED`, `PAIRING_DENIED`, `SCREEN_ALREADY_PAIRED`, `VALIDATION_ERROR`,
        `RATE_LIMITED` for somebody who was wrong too often, or as `check_scope` does.
        """
        self.check_scope(by, check_id(screen_id))
        actor = by.actor
        async with self._lock:
            self.check_scope(by, screen_id)
            with self._guessing(actor):
                entry = self._open(user_code, decided_for=screen_id)
                self._confirm(entry, confirm)
            waiting, entry.looked_at = entry.waiting, True
            if waiting.state == "pending":
                detail: dict[str, object] = {"address": waiting.address, "client": waiting.client.name}
                entry.keys = await self._mint(
                    *(screen_id, actor, "pairing.approve", detail),
                    name=name,
                    replace=replace,
                    monitors=len(waiting.displays),
                    allowed=lambda: self.check_scope(by, screen_id),
                )
                waiting.approve(screen_id, self._now())
                entry.decided.set()
        return screen_id, self._screens.require(screen_id).name

    def check_scope(self, by: Principal, screen_id: str) -> None:
        """Whoever is limited to some screens or lines gives out keys to those alone, and makes none. Raises
        `PERMISSION_DENIED`, or as `Auth.check` does for somebody who isn't what he was."""
        self._auth.check(by)
        if not self._screens.may_pair(by, screen_id):
            raise Problem("PERMISSION_DENIED", "This screen is out of your reach.", values={"role": Role.ADMIN.label})

    async def deny(self, user_code: str, *, actor: str) -> None:
        """Refuses what shows the code. Raises `PAIRING_EXPIRED`."""
        async with self._lock:
            with self._guessing(actor):
                entry = self._open(user_code)
            detail: dict[str, object] = {"address": entry.waiting.address, "client": entry.waiting.client.name}
            prefix = entry.waiting.prefix
            await self._database.write(lambda tx: audit.append(tx, self._now(), actor, "pairing.deny", prefix, detail))
            entry.waiting.state = "denied"
            entry.decided.set()

    # The supervisor hands one over.

    async def offer(
        self, screen_id: str, *, actor: str, seconds: int = rules.LIFE_MS // 1000, replace: bool = False
    ) -> tuple[str, int]:
        """An offer's token and its end (ms). Raises `SCREEN_ALREADY_PAIRED` or `VALIDATION_ERROR`."""
        self._check_free(check_id(screen_id), replace)
        token, now = new_token(), self._now()
        made = Offer(digest(token), screen_id, replace, now, now + seconds * 1000, actor)

        def job(tx: sqlite3.Connection) -> None:
            table.save_offer(tx, made, kept=MAX_OFFERS_A_SCREEN)
            audit.append(tx, now, actor, "pairing.offer", screen_id, {"replace": replace}, screen=screen_id)

        await self._database.write(job)
        return token, made.expires_at

    async def claim(
        self,
        screen_id: str,
        token: str,
        client: Client,
        displays: list[Display],
        *,
        address: str,
        server_url: str,
    ) -> Pairing:
        """Takes an offer up, once. Raises `PAIRING_EXPIRED` for one that is used, late, another screen's or of somebody
        who couldn't make it any more, and `RATE_LIMITED` for an unknown one where the address was wrong too often."""
        known = self._claimed.paused(address) and await self._find_offer(token) is not None
        with self._claimed.counted(address, "PAIRING_EXPIRED", known=known):
            return await self._claim(screen_id, token, client, len(displays), address=address, server_url=server_url)

    async def _claim(
        self, screen_id: str, token: str, client: Client, monitors: int, *, address: str, server_url: str
    ) -> Pairing:
        async with self._lock:
            offer = await self._find_offer(token)
            late = offer is None or offer.expires_at <= self._now() or offer.screen_id != screen_id
            if offer is None or late or not self._stands_by(offer):
                await self._refused(screen_id)
                raise _over()

            def allowed() -> None:
                if not self._stands_by(offer):
                    raise _over()

            detail: dict[str, object] = {"address": address, "client": client.name}
            actor = f"screen:{screen_id}"
            pair, secret = await self._mint(
                *(screen_id, actor, "pairing.claim", detail),
                replace=offer.replaces,
                used_up=offer.hash,
                monitors=monitors,
                allowed=allowed,
            )
        return self._pairing(screen_id, pair, secret, server_url)

    async def _find_offer(self, token: str) -> Offer | None:
        return await self._database.read(lambda connection: table.offer(connection, digest(token)))

    def _stands_by(self, offer: Offer) -> bool:
        """Whether who made an offer could still make it."""
        if offer.actor is None:
            return True
        maker = self._auth.present(offer.actor)
        if maker is None or not self._screens.may_pair(maker, offer.screen_id):
            return False
        try:
            _OFFERING.check(maker.kind, maker.role)
        except Problem:
            return False
        return True

    async def provision(self, screen_ids: list[str], *, actor: str, server_url: str) -> list[Pairing]:
        """Pairs screens without a QR, making those that are missing. Those that had a PC lose it."""
        wanted = list(dict.fromkeys(check_id(screen_id) for screen_id in screen_ids))

        async def one(screen_id: str) -> Pairing:
            pair, secret = await self._mint(screen_id, actor, "pairing.provision", {}, replace=True)
            return self._pairing(screen_id, pair, secret, server_url)

        async with self._lock:
            # All at once, so that they share a few commits instead of waiting for two each.
            made = await asyncio.gather(*map(one, wanted), return_exceptions=True)
        for outcome in made:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in made if isinstance(outcome, Pairing)]

    # A screen comes back.

    async def renew(self, screen_id: str, device_secret: str, *, address: str, server_url: str) -> Pairing:
        """A whole new pairing for a device secret, which is good until the new pairing is first used.

        Raises `TOKEN_INVALID`, or `RATE_LIMITED` for an unknown one from an address that was wrong too often with this
        screen. One that was superseded before also leaves a warning with the `address` it was used from, and tells
        `on_cloned` if none stood yet: two PCs have this key.
        """
        screen = self._screens.get(screen_id)
        if screen is None or not screen.paired:
            raise Problem("TOKEN_INVALID", "This screen isn't paired.")
        source = screen_id, address
        known = self._renewed.paused(source) and await self._is_secret_of(screen_id, device_secret)
        with self._renewed.counted(source, "TOKEN_INVALID", known=known):
            return await self._renew(screen_id, device_secret, address, server_url)

    async def _is_secret_of(self, screen_id: str, device_secret: str) -> bool:
        """Whether it is one of the screen's, if only one that betrays a clone."""
        shown = digest(device_secret)
        row = await self._database.read(lambda connection: table.device_secret(connection, shown))
        return row is not None and row.screen_id == screen_id

    async def _renew(self, screen_id: str, device_secret: str, address: str, server_url: str) -> Pairing:
        grants, now = self._auth.grants, self._now()
        shown, following = digest(device_secret), grants.successor(device_secret)
        grant, pair, save_grant = grants.prepare("screen", screen_id, secret=digest(following))
        unused = [old for old in grants.of("screen", screen_id) if old.used_at is None][: -MAX_UNUSED_GRANTS + 1]
        older = grants.superseded(screen_id, {shown, digest(following)})

        def job(tx: sqlite3.Connection) -> str:
            row = table.device_secret(tx, shown)
            if row is None or row.screen_id != screen_id:
                return "unknown"
            if row.retired_at is not None:
                if not screens_table.warn_of_clone(tx, screen_id, now, address):
                    return "known"
                audit.append(tx, now, f"screen:{screen_id}", "screen.cloned", screen_id, screen=screen_id)
                return "cloned"
            first = table.confirm_device_secret(tx, screen_id, shown, now)
            table.save_device_secret(tx, DeviceSecret(digest(following), screen_id, now))
            save_grant(tx)
            table.delete_grants(tx, [old.id for old in (*unused, *(older if first else ()))])
            audit.append(tx, now, f"screen:{screen_id}", "screen.renew", screen_id, screen=screen_id)
            return "first" if first else "again"

        outcome = await self._database.write(job)
        if outcome == "cloned":
            _log.warning("SCREEN_CLONED", screen_id=screen_id, address=address)
            self._screens.cloned(screen_id, now, address)
            for call in self.on_cloned:
                call(screen_id)
        if outcome == "unknown":
            await self._refused(screen_id)
        if outcome in {"unknown", "cloned", "known"}:
            raise Problem("TOKEN_INVALID", "This device secret isn't good any more.")
        grants.drop([*unused, *(older if outcome == "first" else ())])
        grants.admit(grant)
        return self._pairing(screen_id, pair, following, server_url)

    async def _mint(
        self,
        screen_id: str,
        actor: str,
        action: str,
        detail: dict[str, object],
        *,
        name: str | None = None,
        replace: bool,
        used_up: bytes | None = None,
        monitors: int = 0,
        allowed: Callable[[], None] = lambda: None,
    ) -> tuple[TokenPair, str]:
        """New keys for a screen, registered when unknown; whatever keys and offers it had before end. `allowed` is
        asked once nothing of the screen changes any more, and raises."""
        self._check_free(screen_id, replace)

        def check_offer(tx: sqlite3.Connection) -> None:
            if used_up is not None and table.offer(tx, used_up) is None:
                raise Problem("PAIRING_EXPIRED", "This offer has ended meanwhile.")

        if screen_id not in self._screens:
            await self._screens.add(screen_id, actor=actor, name=name, extra=check_offer)
        secret, now = new_token(), self._now()
        grant, pair, save_grant = self._auth.grants.prepare("screen", screen_id, secret=digest(secret))

        def extra(tx: sqlite3.Connection) -> None:
            if used_up is not None and not table.delete_offer(tx, used_up):
                raise Problem("PAIRING_EXPIRED", "This offer has been used or taken back.")
            table.forget_screen(tx, screen_id)
            save_grant(tx)
            table.save_device_secret(tx, DeviceSecret(digest(secret), screen_id, now))
            audit.append(tx, now, actor, action, screen_id, detail, screen=screen_id)

        await self._screens.mark_paired(
            screen_id, actor=actor, monitors=monitors, extra=extra, allowed=lambda _screen: allowed()
        )
        self._end_sessions(screen_id)
        self._auth.grants.admit(grant)
        return pair, secret

    async def _refused(self, screen_id: str) -> None:
        known = screen_id if screen_id in self._screens else None
        await self._refusals.note("pairing.refused", known or "", screen=known)

    def _check_free(self, screen_id: str, replace: bool) -> None:
        screen = self._screens.get(screen_id)
        if screen is not None and screen.paired and not replace:
            raise Problem("SCREEN_ALREADY_PAIRED", values={"name": screen.name})

    def _end_sessions(self, screen_id: str) -> None:
        self._auth.revoked(Revoked("screen", screen_id))
        self._auth.grants.forget("screen", screen_id)

    def _open(self, user_code: str, *, decided_for: str | None = None) -> Code:
        code = rules.normalise(user_code)
        if code is None:
            raise Problem("VALIDATION_ERROR", "Not a code.", errors=[FieldError("user_code", "8 letters, BCDF-GHJK")])
        entry = self._codes.of_prefix(code[: rules.HALF])
        if entry is None:
            raise Problem("PAIRING_EXPIRED")
        waiting = entry.waiting
        if waiting.state == "denied":
            raise Problem("PAIRING_DENIED")
        # An approval whose answer got lost may be sent again.
        again = waiting.state == "approved" and decided_for == waiting.screen_id
        if not (again or waiting.open(self._now())):
            raise Problem("PAIRING_EXPIRED")
        if len(code) > rules.HALF:
            self._confirm(entry, code[rules.HALF :])
        return entry

    def _guessing(self, actor: str) -> AbstractContextManager[None]:
        """Somebody says which code he means: others' are not his to find out."""
        return self._guessed.counted(actor, "PAIRING_EXPIRED", "CONFIRM_MISMATCH")

    def _confirm(self, entry: Code, half: str) -> None:
        if entry.waiting.confirm(half):
            return
        if entry.waiting.state == "ended":
            entry.decided.set()
            raise Problem("PAIRING_EXPIRED", "Too many wrong confirmations.")
        raise Problem("CONFIRM_MISMATCH", errors=[FieldError("confirm", "is not what the screen shows")])

    def _pairing(self, screen_id: str, pair: TokenPair, secret: str, server_url: str) -> Pairing:
        return Pairing(screen_id, pair.access, pair.refresh, pair.expires_in, secret, server_url, self._instance_id)
