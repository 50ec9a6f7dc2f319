"""One plant with two lines, somebody of every kind, and one of each credential: what the corpus tries to get at.

`near` is what whoever is limited may reach, `far` what he may not.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from argon2 import PasswordHasher

from appliance.relay.passwords import Passwords
from appliance.relay.secrets import encode
from tests.corpus.yard import Yard
from tests.support.answers import Answer, new_trigger
from tests.support.house import House, Values

OWN, NEAR, FAR, LOW = "S-OWN", "S-NEAR", "S-FAR", "S-LOW"
NEAR_LINE, FAR_LINE = "line-near", "line-far"
FAR_NAME = "Paint shop behind the wall"
"""Nobody who doesn't reach `S-FAR` may read it anywhere."""
PAPER = "the paper that is nobody else's business"
ROLES = ("viewer", "operator", "supervisor", "admin")
PASSWORD = "correct horse battery"
SISTER = "https://mes.example"
"""The origin that is listed in the settings."""
HOSTS = ["docs.example", "docs.example:8443", "*.plant.example", "192.168.50.0/24", "[fd12::5]"]
"""Whose documents may be opened."""

VALUES: Values = {
    "limits": {"enabled": False},  # so that nothing is refused for being too much
    "server": {"allowed_origins": [SISTER]},
    "documents": {"allowed_hosts": HOSTS},
    "heartbeat": {"interval_seconds": 60},
}

_VOLATILE = frozenset({
    "last_seen_at", "client", "displays", "last_used_at", "used_at", "signed_in_at", "confirmed_at", "updated_at",
})  # fmt: skip
_NOT_OF_PEOPLE = frozenset({"audit", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4"})
"""Refusals are in the audit record, as they should be."""


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Hashes that take no time: nothing here is about them."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with patch("appliance.engine.Passwords", functools.partial(Passwords, cheap)):
        yield


@dataclass(frozen=True, slots=True)
class Browser:
    """A signed-in page: its cookie as a header has it, and its CSRF token."""

    cookie: str
    csrf: str

    @property
    def value(self) -> str:
        return self.cookie.partition("=")[2]

    @property
    def headers(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("Cookie", self.cookie), ("X-CSRF-Token", self.csrf)


@dataclass
class Estate:
    """All of it. `tokens`, `keys` and `browsers` are by role, and `limited …` for who is limited to the near line."""

    house: House
    yard: Yard
    tokens: dict[str, str] = field(default_factory=dict)
    refreshes: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    """Bearers that were good once."""
    screens: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The pairings, by screen."""
    triggers: dict[str, str] = field(default_factory=dict)
    """Ids of what waits, near and far, and of what the own screen has sent."""
    letters: dict[str, str] = field(default_factory=dict)
    """Delivery ids of what couldn't be delivered, near and far."""
    others: dict[str, str] = field(default_factory=dict)
    """Whatever else is secret, by what it is."""
    link: str = ""
    """The signed path of a document."""

    @property
    def engine(self) -> Any:
        return self.house.appliance.engine

    @property
    def port(self) -> int:
        return int(self.house.url.rpartition(":")[2])

    @property
    def cookie_name(self) -> str:
        return self.browsers["admin"].cookie.partition("=")[0]

    def secrets(self) -> list[bytes]:
        """What no refusal may hold."""
        found = [*self.tokens.values(), *self.refreshes.values(), *self.keys.values(), *self.ended.values()]
        found += [*self.others.values(), PASSWORD, PAPER, FAR_NAME, self.link.split("/")[2]]
        for browser in self.browsers.values():
            found += [browser.value, browser.csrf]
        for pairing in self.screens.values():
            found += [pairing["accessToken"], pairing["refreshToken"], pairing["deviceSecret"]]
        own = self.engine.keyring.present
        found += [encode(key) for key in (own.jwt[0].key, own.documents, own.cookies, own.successors)]
        return [text.encode() for text in found]

    async def fingerprint(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that is stored, without the marks of who was last here."""
        await self.engine.database.flush()

        def look(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: _rows(connection, name) for name in names if name not in _NOT_OF_PEOPLE}

        found: dict[str, list[tuple[Any, ...]]] = await self.engine.database.read(look)
        keyring = self.engine.keyring.present
        waiting = sorted((code.code,) for code in self.engine.pairings.waiting())
        return {**found, "keyring": [(key.kid,) for key in keyring.jwt], "waiting": waiting}


def _rows(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in _VOLATILE]
    where = " WHERE key <> 'audit'" if table == "meta" else ""  # the seal of that record
    return sorted(connection.execute(f"SELECT {', '.join(columns)} FROM {table}{where}").fetchall(), key=repr)


async def add_screen(house: House, screen_id: str) -> None:
    body = {
        "screenId": screen_id,
        "name": FAR_NAME if screen_id == FAR else screen_id,
        "groups": [FAR_LINE if screen_id == FAR else NEAR_LINE],
        "permission": "viewer" if screen_id == LOW else "operator",
    }
    _good(await house.local("POST", "/api/screens", body), 201)


def _good(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.text
    return answer.json if answer.text else None


async def settle(house: House, yard: Yard) -> Estate:
    """Fills an empty appliance."""
    estate = Estate(house, yard)
    link = _good(await house.local("POST", "/api/setup/link"), 201)["url"]
    estate.others["set-up token"] = link.partition("#token=")[2]
    house.order("ORD-7001", "html", f"<p>{PAPER}</p>".encode())
    for screen_id in (OWN, NEAR, FAR, LOW):
        await add_screen(house, screen_id)
        made = await house.local("POST", "/api/pairing/provision", {"screenIds": [screen_id]})
        estate.screens[screen_id] = _good(made, 201)["items"][0]
    for role in ROLES:
        await _add_user(estate, role, role)
        estate.keys[role] = await house.new_key(role)
    await _add_user(estate, "limited supervisor", "supervisor", [NEAR_LINE])
    for role in ROLES[:3]:
        estate.keys[f"limited {role}"] = await house.new_key(role, groups=[NEAR_LINE])
    estate.keys["screen-limited supervisor"] = await house.new_key("supervisor", screens=[NEAR, OWN])
    await _scans(estate)
    await _pass_by(estate)
    await _end_some(estate)
    await house.knows("ORD-7001")
    paper = await estate.engine.source.look_up("ORD-7001")
    url: str = estate.engine.documents.url(paper.ref, house.url)
    estate.link = url.removeprefix(house.url)
    return estate


async def _add_user(estate: Estate, name: str, role: str, groups: list[str] | None = None) -> None:
    house = estate.house
    body = {"username": name.replace(" ", "."), "password": PASSWORD, "role": role, "groups": groups}
    _good(await house.local("POST", "/api/users", body), 201)
    estate.browsers[name] = await sign_in(house, body)
    tokens = _good(await house.call("POST", "/api/auth/login", {**body, "tokens": True}))
    estate.tokens[name], estate.refreshes[name] = tokens["accessToken"], tokens["refreshToken"]


async def sign_in(house: House, body: dict[str, Any]) -> Browser:
    answer = await house.call("POST", "/api/auth/login", {**body, "tokens": False})
    return Browser(answer.headers["Set-Cookie"].partition(";")[0], _good(answer)["csrfToken"])


async def _scans(estate: Estate) -> None:
    """What waits, and what couldn't be delivered; each screen is offline."""
    house = estate.house
    for name, screen_id in (("near", NEAR), ("far", FAR)):
        lost = await house.accepted(screen_id=screen_id, mode="queue")
        _good(await house.local("POST", f"/api/triggers/{lost}/cancel"))
        estate.letters[name] = f"{lost}:{screen_id}"
        estate.triggers[name] = await house.accepted(screen_id=screen_id, mode="queue")
    own = new_trigger(screen_id=None)
    token = estate.screens[OWN]["accessToken"]
    _good(await house.call("POST", "/api/trigger", own, bearer=token), 202)
    _good(await house.local("POST", f"/api/triggers/{own['id']}/cancel"))  # or it would be sent when the screen comes
    estate.triggers["own"] = own["id"]


async def _pass_by(estate: Estate) -> None:
    """What is on its way between two parties."""
    house = estate.house
    offer = _good(await house.local("POST", "/api/pairing/offers", {"screenId": "S-NEW"}), 201)
    waiting = _good(await house.call("POST", "/api/pairing/device", {}))
    ticket = _good(await house.call("POST", "/api/events/ticket", bearer=house.key), 201)
    estate.others |= {
        "offer": offer["token"],
        "device code": waiting["device_code"],
        "ticket": ticket["ticket"],
    }


async def _end_some(estate: Estate) -> None:
    """Credentials of every kind that aren't good any more."""
    house = estate.house
    body = {"username": "admin", "password": PASSWORD}
    old = await sign_in(house, body)
    estate.browsers["ended"] = old
    _good(await house.call("POST", "/api/auth/logout", headers=dict(old.headers)), 204)
    estate.browsers["second of admin"] = await sign_in(house, body)
    tokens = _good(await house.call("POST", "/api/auth/login", {**body, "tokens": True}))
    _good(await house.call("POST", "/api/auth/logout", bearer=tokens["accessToken"]), 204)
    key = _good(await house.local("POST", "/api/keys", {"name": "gone", "role": "admin"}), 201)
    _good(await house.local("DELETE", f"/api/keys/{key['id']}"), 204)
    await add_screen(house, "S-GONE")
    pairing = _good(await house.local("POST", "/api/pairing/provision", {"screenIds": ["S-GONE"]}), 201)["items"][0]
    _good(await house.call("GET", "/api/me", bearer=pairing["accessToken"]))
    _good(await house.local("POST", "/api/screens/S-GONE/revoke"), 204)
    await _add_user(estate, "removed", "admin")
    _good(await house.local("DELETE", "/api/users/removed"), 204)
    del estate.browsers["removed"], estate.refreshes["removed"]
    estate.ended = {
        "signed-out token": tokens["accessToken"],
        "deleted key": key["key"],
        "revoked screen's token": pairing["accessToken"],
        "removed admin's token": estate.tokens.pop("removed"),
        "refresh token": estate.refreshes["admin"],
        "device secret": estate.screens[OWN]["deviceSecret"],
    }
