"""The table of screens."""

from __future__ import annotations

import sqlite3

import msgspec

from appliance.core.screens import Client, Display, Screen

_COLUMNS = (
    "screen_id, name, groups, display_index, user, permission, paired_at, revoked_at, created_at, last_seen_at, "
    "displays, client, cloned_at, cloned_from"
)


def load(connection: sqlite3.Connection) -> list[Screen]:
    """All screens, by id."""
    return [
        Screen(
            screen_id=row[0],
            name=row[1],
            groups=msgspec.json.decode(row[2], type=list[str]),
            display_index=row[3],
            user=row[4],
            permission=row[5],
            paired_at=row[6],
            revoked_at=row[7],
            created_at=row[8],
            last_seen_at=row[9],
            displays=msgspec.json.decode(row[10], type=list[Display]),
            client=msgspec.json.decode(row[11], type=Client) if row[11] else None,
            cloned_at=row[12],
            cloned_from=row[13],
        )
        for row in connection.execute(f"SELECT {_COLUMNS} FROM screens ORDER BY screen_id")  # noqa: S608 - constant
    ]


def add(tx: sqlite3.Connection, screen: Screen) -> None:
    tx.execute(
        f"INSERT INTO screens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",  # noqa: S608 - constant
        (screen.screen_id, *_decided(screen), screen.created_at, screen.last_seen_at, *_declared(screen)),
    )


def change(tx: sqlite3.Connection, screen: Screen) -> None:
    """Writes only what people decide of a screen, never what its sessions tell; one that was deleted stays deleted."""
    tx.execute(
        "UPDATE screens SET name = ?, groups = ?, display_index = ?, user = ?, permission = ?, paired_at = ?, "
        "revoked_at = ? WHERE screen_id = ?",
        (*_decided(screen), screen.screen_id),
    )


def seen(tx: sqlite3.Connection, screen: Screen) -> None:
    """Writes only what a session tells of itself, so that it never undoes a change made meanwhile by a person."""
    tx.execute(
        "UPDATE screens SET last_seen_at = ?, displays = ?, client = ? WHERE screen_id = ?",
        (screen.last_seen_at, *_declared(screen), screen.screen_id),
    )


def warn_of_clone(tx: sqlite3.Connection, screen_id: str, at: int, address: str) -> bool:
    """Notes that a second PC uses the screen's key; False where that is known already."""
    return bool(
        tx.execute(
            "UPDATE screens SET cloned_at = ?, cloned_from = ? WHERE screen_id = ? AND cloned_at IS NULL",
            (at, address, screen_id),
        ).rowcount
    )


def forget_clone(tx: sqlite3.Connection, screen_id: str) -> None:
    tx.execute("UPDATE screens SET cloned_at = NULL, cloned_from = NULL WHERE screen_id = ?", (screen_id,))


def _decided(screen: Screen) -> tuple[str | int | None, ...]:
    groups = msgspec.json.encode(screen.groups).decode()
    return (
        screen.name, groups, screen.display_index, screen.user, screen.permission, screen.paired_at, screen.revoked_at,
    )  # fmt: skip


def _declared(screen: Screen) -> tuple[str, str | None]:
    client = msgspec.json.encode(screen.client).decode() if screen.client else None
    return msgspec.json.encode(screen.displays).decode(), client


def delete(tx: sqlite3.Connection, screen_id: str) -> None:
    tx.execute("DELETE FROM screens WHERE screen_id = ?", (screen_id,))
