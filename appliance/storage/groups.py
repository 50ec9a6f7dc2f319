"""Jobs in groups: everything that waits goes into one transaction with one synced commit.

A job either raises before it has written anything (its caller gets the exception, the others go on) or the whole group
is rolled back and runs again with a savepoint a job, so that one bad job never takes its neighbours along.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from appliance.storage.chain import Keyed

T = TypeVar("T")
A = TypeVar("A")
Job = Callable[[sqlite3.Connection], T]
Outcome = tuple[Any, Exception | None]
"""What a job gave, or what it refused with."""
Told = Callable[[Any, Exception | None], None]
"""Takes the outcome, on the event loop."""

OF_THE_JOB = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.InterfaceError)
"""SQLite's complaints about a statement; every other `sqlite3.Error` is about the storage."""


class Bulk(Generic[A, T]):
    """A kind of job that is done for many arguments at once, in fewer statements than one by one.

    `run` takes the arguments of one group in their order and gives as many results; an exception among them is that
    one's alone. Each statement less is one wait less for the interpreter's lock, which the writer's thread shares.
    """

    def __init__(self, run: Callable[[sqlite3.Connection, list[A]], list[T | Exception]]) -> None:
        self.run = run


class Waiting:
    """One job in the queue, or one argument of a `Bulk`.

    Who waits for it is `told` what came of it, or `then` is called after its commit. A `durable` one is kept for as
    long as the storage refuses; of those with the same `key` only the newest. `weight` is about how many rows it
    writes, `caller` the address whose request it belongs to, for the audit.
    """

    __slots__ = ("argument", "caller", "durable", "job", "key", "then", "told", "weight")

    def __init__(
        self,
        job: Job[Any] | Bulk[Any, Any],
        told: Told | None = None,
        *,
        durable: bool = False,
        then: Callable[[], None] | None = None,
        argument: Any = None,
        weight: int = 1,
        key: Hashable = None,
        caller: str | None = None,
    ) -> None:
        self.job = job
        self.key = key
        self.caller = caller
        self.argument = argument
        self.told = told
        self.durable = durable
        self.then = then
        self.weight = weight


class Queue:
    """What waits for the writer, first come, first served: filled by the event loop, emptied by the writer's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: deque[Waiting] = deque()
        self._by_key: dict[Hashable, Waiting] = {}
        self.gathered = 0
        """How many of them have a `then`."""

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Waiting) -> None:
        """At the end; a newer job for a key takes the place of the one that waits."""
        with self._lock:
            older = self._by_key.get(item.key)
            if older is not None:
                older.job, older.caller = item.job, item.caller
                return
            self._items.append(item)
            self._note(item)

    def put_back(self, items: list[Waiting]) -> None:
        """At the front, in their order; those of a key that has a newer one by now are dropped."""
        with self._lock:
            for item in reversed(items):
                if item.key not in self._by_key:
                    self._items.appendleft(item)
                    self._note(item)

    def take(self, most: float) -> list[Waiting]:
        """The first ones, up to the one with which their weight reaches `most`."""
        taken: list[Waiting] = []
        weight = 0
        with self._lock:
            while self._items and weight < most:
                item = self._items.popleft()
                taken.append(item)
                weight += item.weight
                self.gathered -= item.then is not None
                self._by_key.pop(item.key, None)
        return taken

    def _note(self, item: Waiting) -> None:
        self.gathered += item.then is not None
        if item.key is not None:
            self._by_key[item.key] = item


def transact(connection: sqlite3.Connection, group: list[Waiting]) -> list[Outcome]:
    """One transaction for the group. Raises `sqlite3.Error` when the storage itself fails; nothing is kept then."""
    try:
        return _together(connection, group)
    except _DirtyError:
        return _together(connection, group, apart=True)


class _DirtyError(Exception):
    """A job failed after it had written something; the group has to be undone."""


def _together(connection: sqlite3.Connection, group: list[Waiting], *, apart: bool = False) -> list[Outcome]:
    """With `apart` each job has a savepoint, so that what one has begun can be undone alone; otherwise such a job ends
    the transaction with `_DirtyError`."""
    outcomes: list[Outcome] = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        while len(outcomes) < len(group):
            some = _alike(group, len(outcomes), 1 if apart else len(group))
            before = connection.total_changes
            if apart:
                connection.execute("SAVEPOINT job")
            try:
                outcomes += _run(connection, some)
            except Exception as error:
                if isinstance(error, sqlite3.Error) and not isinstance(error, OF_THE_JOB):
                    raise
                if len(some) > 1 or connection.total_changes != before:
                    if not apart:
                        raise _DirtyError from error
                    connection.execute("ROLLBACK TO job")
                outcomes.append((None, error))
            if apart:
                connection.execute("RELEASE job")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return outcomes


def _alike(group: list[Waiting], start: int, most: int) -> list[Waiting]:
    """The next of the group that can be done at once."""
    job = group[start].job
    end = start + 1
    if isinstance(job, Bulk):
        while end < len(group) and end - start < most and group[end].job is job:
            end += 1
    return group[start:end]


def _run(connection: sqlite3.Connection, some: list[Waiting]) -> list[Outcome]:
    job = some[0].job
    if isinstance(job, Bulk):
        results = job.run(connection, [item.argument for item in some])
        return [(None, found) if isinstance(found, Exception) else (found, None) for found in results]
    if isinstance(connection, Keyed):
        connection.caller = some[0].caller
    return [(job(connection), None)]


def name_of(job: object) -> str:
    """What the log calls it."""
    return getattr(job, "__qualname__", type(job).__name__)
