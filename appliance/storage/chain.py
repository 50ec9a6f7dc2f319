"""The seal on the audit record: each entry carries an HMAC over its members and the HMAC of the entry before it, and
the row `audit` in `meta` says, under an HMAC too, how many there are and which is the last.

The key is in `secrets.json`, not in the data file. So whoever changes the data file without it can't change an entry,
take one out, put one in, change their order, cut off the last ones, or put an older table in the place of this one,
without it being seen. What can't be seen: that the whole file was replaced by an older copy of itself (a restored
backup is just that; each start and stop logs how many entries there are, and exports carry the seals), and what
somebody does who has the key.
"""

from __future__ import annotations

import contextlib
import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

START = bytes(32)
"""What the first entry follows."""
SEALED = ("pk", "at", "actor", "action", "target", "detail", "screen_id", "address")
"""The members that the seal covers, in its order."""

Reason = Literal["changed", "missing", "cut"]

# As bytes, whatever somebody has put there: what isn't text must not stop the look.
_RAW = ", ".join(f"CAST({name} AS BLOB)" for name in SEALED)
_KINDS = " AND ".join(
    [
        "typeof(pk) = 'integer'",
        "typeof(at) = 'integer'",
        *(f"typeof({name}) IN ('text', 'null')" for name in SEALED[2:]),
    ]
)
"""Whether each member is of the kind that it was written as: the same bytes as another kind are found by no filter."""


class Keyed(sqlite3.Connection):
    """A connection that may add to the record: it has the key, and knows where the job that it runs was asked for."""

    seal_key: bytes = b""
    caller: str | None = None
    """A network address; None for this computer itself."""


class Head(NamedTuple):
    """The end of the record: how many entries, and the number and seal of the last."""

    entries: int = 0
    pk: int = 0
    mac: bytes = START


NOTHING = Head()


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that doesn't fit. `changed`: it isn't as it was written, or nobody here has written it.
    `missing`: what it follows is not before it. `cut`: it should be there, and isn't (`at` is of the last one there,
    None where there is none)."""

    number: int
    at: int | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the record was looked through. `done`: to its end, as it was then."""

    head: Head = NOTHING
    last_at: int | None = None
    entries: int = 0
    """How many the record says there are."""
    broken: Broken | None = None
    done: bool = False


def seal_of(key: bytes, prev: bytes, members: Sequence[object]) -> bytes:
    """The seal of an entry with these members (those of `SEALED`) behind the one sealed with `prev`."""
    parts = []
    for member in members:
        if member is None:
            parts.append(b"-")
        else:
            raw = member if isinstance(member, bytes) else str(member).encode()
            parts.append(b"%d:%b" % (len(raw), raw))
    return hmac.digest(key, b"entry" + prev + b"".join(parts), "sha256")


def head(connection: sqlite3.Connection, key: bytes) -> Head | None:
    """The record's end as it was noted; None where it wasn't, or not with this key."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'audit'").fetchone()
    return _head_of(row[0], key) if row is not None else None


def _head_of(value: object, key: bytes) -> Head | None:
    text, _, tag = str(value).rpartition(" ")
    try:
        entries, pk, mac = text.split(" ")
        found = Head(int(entries), int(pk), bytes.fromhex(mac))
    except ValueError:
        return None
    return found if hmac.compare_digest(tag.encode(), _tag(key, text)) else None


def _tag(key: bytes, text: str) -> bytes:
    return hmac.digest(key, b"head" + text.encode(), "sha256").hex().encode()


def note_head(tx: sqlite3.Connection, key: bytes, end: Head) -> None:
    text = f"{end.entries} {end.pk} {end.mac.hex()}"
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('audit', ?)", (f"{text} {_tag(key, text).decode()}",))


def end(tx: sqlite3.Connection, key: bytes) -> tuple[Head, int]:
    """What the next entry follows, and its number. Where the end isn't noted as we would, nothing is made to fit: an
    entry that follows nothing behind others is seen."""
    value, last = tx.execute(
        "SELECT (SELECT value FROM meta WHERE key = 'audit'), (SELECT max(pk) FROM audit)"
    ).fetchone()
    found = (_head_of(value, key) if value is not None else None) or Head()
    return found, max(found.pk, last or 0) + 1


# --- looking through it -----------------------------------------------------------------------------------------------


def check(connection: sqlite3.Connection, key: bytes, so_far: Checked, limit: int, *, begun: bool = True) -> Checked:
    """Looks at up to `limit` more entries behind those that were looked at `so_far`, in one view of the file.

    `begun`: the record has been begun before, so one that is empty and says nothing of its end isn't whole.
    """
    if so_far.broken is not None:
        return so_far
    with _one_view(connection):
        noted = head(connection, key)
        last, at, number = so_far.head, so_far.last_at, 0
        for number, (entry_at, prev, mac, sound, *members) in enumerate(_rows(connection, last.pk, limit), 1):  # noqa: B007
            pk = int(members[0])
            reason: Reason | None = None
            if not sound or not isinstance(prev, bytes) or mac != seal_of(key, prev, members):
                reason = "changed"
            elif prev != last.mac:
                reason = "missing"
            if reason is not None:
                return Checked(last, at, noted.entries if noted else 0, Broken(pk, _time(entry_at), reason))
            last, at = Head(last.entries + 1, pk, mac), _time(entry_at)
        if number == limit:
            return Checked(last, at, max(noted.entries if noted else 0, last.entries))
        whole = noted == last if noted is not None else last == Head() and not begun
        broken = None if whole else Broken(last.pk + 1, at, "cut")
        return Checked(last, at, noted.entries if noted else 0, broken, done=True)


@contextlib.contextmanager
def _one_view(connection: sqlite3.Connection) -> Iterator[None]:
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def check_all(connection: sqlite3.Connection, key: bytes, *, begun: bool) -> Checked:
    """Looks through the whole record."""
    found = Checked()
    while not found.done and found.broken is None:
        found = check(connection, key, found, 10_000, begun=begun)
    return found


def _rows(connection: sqlite3.Connection, behind: int, limit: int) -> Iterator[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT at, prev, mac, {_KINDS}, {_RAW} FROM audit WHERE pk > ? ORDER BY pk LIMIT ?",  # noqa: S608 - our names
        (behind, limit),
    )


def _time(value: object) -> int | None:
    return value if isinstance(value, int) else None


# --- sealing ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def unlocked(tx: sqlite3.Connection) -> Iterator[None]:
    """Within it, and within one transaction, what makes the record append-only is off."""
    found = tx.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall()
    for name, _ in found:
        tx.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in found:
        tx.execute(sql)


def seal(tx: sqlite3.Connection, key: bytes) -> int:
    """Seals every entry there is as it is, in the order of the numbers; returns how many."""
    last, numbers = Head(), tx.execute("SELECT pk FROM audit ORDER BY pk").fetchall()
    with unlocked(tx) if numbers else contextlib.nullcontext():
        for (pk,) in numbers:
            members = tx.execute(f"SELECT {_RAW} FROM audit WHERE pk = ?", (pk,)).fetchone()  # noqa: S608 - our names
            mac = seal_of(key, last.mac, members)
            tx.execute("UPDATE audit SET prev = ?, mac = ? WHERE pk = ?", (last.mac, mac, pk))
            last = Head(last.entries + 1, pk, mac)
    note_head(tx, key, last)
    return last.entries


def lose(tx: sqlite3.Connection, key: bytes) -> None:
    """Notes that the end of the record is not known any more: whatever is added from now on says so."""
    last = tx.execute("SELECT max(pk) FROM audit").fetchone()[0]
    note_head(tx, key, Head(0, last or 0, hmac.digest(key, b"lost", "sha256")))
