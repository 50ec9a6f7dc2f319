"""The tables behind pairings: grants with their refresh tokens, device secrets, and offers."""

from __future__ import annotations

import sqlite3

import msgspec


class Grant(msgspec.Struct):
    """One sign-in of a program or one pairing of a screen. `secret` is the hash of a pairing's device secret."""

    id: str
    kind: str
    subject: str
    created_at: int
    expires_at: int
    secret: bytes | None = None
    used_at: int | None = None


class RefreshToken(msgspec.Struct, frozen=True):
    hash: bytes
    grant_id: str
    expires_at: int
    used_at: int | None = None


class DeviceSecret(msgspec.Struct, frozen=True):
    hash: bytes
    screen_id: str
    created_at: int
    confirmed_at: int | None = None
    retired_at: int | None = None


class Offer(msgspec.Struct, frozen=True):
    """`actor` made it; None for one that a version which didn't note it has left."""

    hash: bytes
    screen_id: str
    replaces: bool
    created_at: int
    expires_at: int
    actor: str | None = None


KEPT_SECRETS = 20
"""Device secrets remembered a screen, so that a copy of an old one is recognised."""


def grants(connection: sqlite3.Connection) -> list[Grant]:
    rows = connection.execute("SELECT id, kind, subject, created_at, expires_at, secret, used_at FROM grants")
    return [Grant(*row) for row in rows]


def save_grant(tx: sqlite3.Connection, grant: Grant) -> None:
    tx.execute(
        "INSERT INTO grants (id, kind, subject, created_at, expires_at, secret, used_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (grant.id, grant.kind, grant.subject, grant.created_at, grant.expires_at, grant.secret, grant.used_at),
    )


def use_grant(tx: sqlite3.Connection, grant_id: str, at: int) -> None:
    tx.execute("UPDATE grants SET used_at = ? WHERE id = ? AND used_at IS NULL", (at, grant_id))


def extend_grant(tx: sqlite3.Connection, grant_id: str, expires_at: int) -> None:
    tx.execute("UPDATE grants SET expires_at = ? WHERE id = ?", (expires_at, grant_id))


def delete_grants(tx: sqlite3.Connection, ids: list[str]) -> None:
    tx.executemany("DELETE FROM grants WHERE id = ?", [(grant_id,) for grant_id in ids])


def delete_grants_of(tx: sqlite3.Connection, kind: str, subject: str) -> None:
    tx.execute("DELETE FROM grants WHERE kind = ? AND subject = ?", (kind, subject))


def refresh_token(connection: sqlite3.Connection, digest: bytes) -> RefreshToken | None:
    row = connection.execute(
        "SELECT hash, grant_id, expires_at, used_at FROM refresh_tokens WHERE hash = ?", (digest,)
    ).fetchone()
    return RefreshToken(*row) if row else None


def save_refresh_token(tx: sqlite3.Connection, token: RefreshToken) -> None:
    tx.execute(
        "INSERT INTO refresh_tokens (hash, grant_id, expires_at, used_at) VALUES (?, ?, ?, ?)",
        (token.hash, token.grant_id, token.expires_at, token.used_at),
    )


def use_refresh_token(tx: sqlite3.Connection, digest: bytes, at: int) -> None:
    tx.execute("UPDATE refresh_tokens SET used_at = ? WHERE hash = ?", (at, digest))


def sweep(tx: sqlite3.Connection, now: int) -> None:
    """Deletes what has ended by itself."""
    tx.execute("DELETE FROM grants WHERE expires_at <= ?", (now,))
    tx.execute("DELETE FROM refresh_tokens WHERE expires_at <= ?", (now,))
    tx.execute("DELETE FROM pairing_offers WHERE expires_at <= ?", (now,))


_DEVICE_COLUMNS = "hash, screen_id, created_at, confirmed_at, retired_at"


def device_secret(connection: sqlite3.Connection, digest: bytes) -> DeviceSecret | None:
    row = connection.execute(
        f"SELECT {_DEVICE_COLUMNS} FROM device_secrets WHERE hash = ?",  # noqa: S608 - constant
        (digest,),
    ).fetchone()
    return DeviceSecret(*row) if row else None


def save_device_secret(tx: sqlite3.Connection, secret: DeviceSecret) -> None:
    """Adds it unless it is there already, and forgets the oldest ones of its screen past `KEPT_SECRETS`."""
    tx.execute(
        f"INSERT OR IGNORE INTO device_secrets ({_DEVICE_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - constant
        (secret.hash, secret.screen_id, secret.created_at, secret.confirmed_at, secret.retired_at),
    )
    tx.execute(
        "DELETE FROM device_secrets WHERE hash IN (SELECT hash FROM device_secrets WHERE screen_id = ? "
        "AND retired_at IS NOT NULL ORDER BY retired_at DESC LIMIT -1 OFFSET ?)",
        (secret.screen_id, KEPT_SECRETS),
    )


def confirm_device_secret(tx: sqlite3.Connection, screen_id: str, digest: bytes, at: int) -> bool:
    """Notes the first use of a secret or its pairing and retires the screen's others; False when it was known."""
    changed = tx.execute(
        "UPDATE device_secrets SET confirmed_at = ? WHERE hash = ? AND confirmed_at IS NULL", (at, digest)
    ).rowcount
    if changed:
        tx.execute(
            "UPDATE device_secrets SET retired_at = ? WHERE screen_id = ? AND hash <> ? AND retired_at IS NULL",
            (at, screen_id, digest),
        )
    return bool(changed)


def forget_screen(tx: sqlite3.Connection, screen_id: str) -> None:
    """Deletes every key of a screen and what could become one: its grants with their tokens, its device secrets, old
    ones too, and its offers."""
    delete_grants_of(tx, "screen", screen_id)
    tx.execute("DELETE FROM device_secrets WHERE screen_id = ?", (screen_id,))
    tx.execute("DELETE FROM pairing_offers WHERE screen_id = ?", (screen_id,))


def offer(connection: sqlite3.Connection, digest: bytes) -> Offer | None:
    row = connection.execute(
        "SELECT hash, screen_id, replaces, created_at, expires_at, actor FROM pairing_offers WHERE hash = ?", (digest,)
    ).fetchone()
    return Offer(row[0], row[1], bool(row[2]), row[3], row[4], row[5]) if row else None


def save_offer(tx: sqlite3.Connection, made: Offer, *, kept: int) -> None:
    """Adds it; only the newest `kept` offers of one screen stay."""
    tx.execute(
        "INSERT INTO pairing_offers (hash, screen_id, replaces, created_at, expires_at, actor) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (made.hash, made.screen_id, made.replaces, made.created_at, made.expires_at, made.actor),
    )
    tx.execute(
        "DELETE FROM pairing_offers WHERE hash IN (SELECT hash FROM pairing_offers WHERE screen_id = ? "
        "ORDER BY created_at DESC LIMIT -1 OFFSET ?)",
        (made.screen_id, kept),
    )


def delete_offer(tx: sqlite3.Connection, digest: bytes) -> bool:
    """Uses the offer up; False when somebody else already has."""
    return bool(tx.execute("DELETE FROM pairing_offers WHERE hash = ?", (digest,)).rowcount)


def delete_offers_of(tx: sqlite3.Connection, actor: str) -> None:
    """Ends what somebody has offered."""
    tx.execute("DELETE FROM pairing_offers WHERE actor = ?", (actor,))
