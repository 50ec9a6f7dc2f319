"""The tables of people: users, their browser sessions, API keys, and the one-time set-up token."""

from __future__ import annotations

import contextlib
import sqlite3

import msgspec

_SETUP = "setup_tokens"
_PLANT = "plant"
_FAMILIAR = "familiar:"


class User(msgspec.Struct, frozen=True):
    """Somebody who signs in. `password` is argon2id's encoded form; `groups` None means every line."""

    name: str
    role: str
    password: str
    created_at: int
    groups: list[str] | None = None
    signed_in_at: int | None = None

    @property
    def folded(self) -> str:
        """The name as sign-ins compare it."""
        return self.name.casefold()


class Session(msgspec.Struct):
    """A browser's session; `used_at` slides."""

    hash: bytes
    user: str
    created_at: int
    used_at: int


class Key(msgspec.Struct):
    """An API key; only its hash is kept."""

    id: str
    hash: bytes
    name: str
    role: str
    created_at: int
    screens: list[str] | None = None
    groups: list[str] | None = None
    last_used_at: int | None = None
    expires_at: int | None = None


class SetupToken(msgspec.Struct, frozen=True):
    """A set-up link's token. Of several only the last is valid; the others are kept to say that they have ended."""

    hash: str
    expires_at: int


def _packed(names: list[str] | None) -> str | None:
    return None if names is None else msgspec.json.encode(names).decode()


def _unpacked(text: str | None) -> list[str] | None:
    return None if text is None else msgspec.json.decode(text, type=list[str])


def users(connection: sqlite3.Connection) -> list[User]:
    rows = connection.execute("SELECT name, role, password, created_at, groups, signed_in_at FROM users ORDER BY name")
    return [User(name, role, word, at, _unpacked(groups), signed) for name, role, word, at, groups, signed in rows]


def save_user(tx: sqlite3.Connection, user: User) -> None:
    tx.execute(
        "INSERT INTO users (name, folded, role, groups, password, created_at, signed_in_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET role = excluded.role, groups = excluded.groups, "
        "password = excluded.password, signed_in_at = excluded.signed_in_at",
        (user.name, user.folded, user.role, _packed(user.groups), user.password, user.created_at, user.signed_in_at),
    )


def delete_user(tx: sqlite3.Connection, name: str) -> None:
    tx.execute("DELETE FROM users WHERE name = ?", (name,))


def count_users(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT count(*) FROM users").fetchone()[0]
    return count


def sessions(connection: sqlite3.Connection) -> list[Session]:
    rows = connection.execute("SELECT hash, user, created_at, used_at FROM cookie_sessions ORDER BY created_at")
    return [Session(*row) for row in rows]


def save_session(tx: sqlite3.Connection, session: Session) -> None:
    tx.execute(
        "INSERT INTO cookie_sessions (hash, user, created_at, used_at) VALUES (?, ?, ?, ?)",
        (session.hash, session.user, session.created_at, session.used_at),
    )


def touch_session(tx: sqlite3.Connection, digest: bytes, used_at: int) -> None:
    tx.execute("UPDATE cookie_sessions SET used_at = ? WHERE hash = ?", (used_at, digest))


def delete_sessions_of(tx: sqlite3.Connection, user: str) -> None:
    tx.execute("DELETE FROM cookie_sessions WHERE user = ?", (user,))


def delete_sessions(tx: sqlite3.Connection, digests: list[bytes]) -> None:
    tx.executemany("DELETE FROM cookie_sessions WHERE hash = ?", [(digest,) for digest in digests])


_KEY_COLUMNS = "id, hash, name, role, created_at, screens, groups, last_used_at, expires_at"


def keys(connection: sqlite3.Connection) -> list[Key]:
    return [
        Key(row[0], row[1], row[2], row[3], row[4], _unpacked(row[5]), _unpacked(row[6]), row[7], row[8])
        for row in connection.execute(f"SELECT {_KEY_COLUMNS} FROM api_keys ORDER BY created_at")  # noqa: S608 - constant
    ]


def save_key(tx: sqlite3.Connection, key: Key) -> None:
    tx.execute(
        f"INSERT INTO api_keys ({_KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant
        (
            *(key.id, key.hash, key.name, key.role, key.created_at),
            *(_packed(key.screens), _packed(key.groups), key.last_used_at, key.expires_at),
        ),
    )


def touch_key(tx: sqlite3.Connection, key_id: str, used_at: int) -> None:
    tx.execute("UPDATE api_keys SET last_used_at = ? WHERE id = ?", (used_at, key_id))


def delete_key(tx: sqlite3.Connection, key_id: str) -> None:
    tx.execute("DELETE FROM api_keys WHERE id = ?", (key_id,))


def setup_tokens(connection: sqlite3.Connection) -> list[SetupToken]:
    """Newest last."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_SETUP,)).fetchone()
    return msgspec.json.decode(row[0], type=list[SetupToken]) if row else []


def save_setup_tokens(tx: sqlite3.Connection, tokens: list[SetupToken]) -> None:
    _set_meta(tx, _SETUP, msgspec.json.encode(tokens).decode())


def forget_setup_tokens(tx: sqlite3.Connection) -> None:
    tx.execute("DELETE FROM meta WHERE key = ?", (_SETUP,))


def plant(connection: sqlite3.Connection) -> str:
    """The plant's name as given at set-up; empty when none was."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_PLANT,)).fetchone()
    return row[0] if row else ""


def save_plant(tx: sqlite3.Connection, name: str) -> None:
    _set_meta(tx, _PLANT, name)


def familiar_addresses(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Where each user has signed in, by folded name, the last address last. What can't be read is left out: those
    addresses are strangers again, and no more."""
    found = {}
    rows = connection.execute("SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", (len(_FAMILIAR), _FAMILIAR))
    for key, value in rows:
        with contextlib.suppress(msgspec.MsgspecError):
            found[key[len(_FAMILIAR) :]] = msgspec.json.decode(value, type=list[str])
    return found


def save_familiar_addresses(tx: sqlite3.Connection, folded: str, addresses: list[str]) -> None:
    _set_meta(tx, _FAMILIAR + folded, msgspec.json.encode(addresses).decode())


def forget_familiar_addresses(tx: sqlite3.Connection, folded: str) -> None:
    tx.execute("DELETE FROM meta WHERE key = ?", (_FAMILIAR + folded,))


def _set_meta(tx: sqlite3.Connection, key: str, value: str) -> None:
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
