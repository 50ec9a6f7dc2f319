"""The SQLite file: one connection that writes, in groups, and one read-only connection for everything that only looks.

Whoever wants to change something submits a *job*, a function of the connection. The writer task gathers the jobs that
wait, runs them in one transaction with one synced commit (`storage.groups`), and only then answers all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from appliance.errors import Problem
from appliance.storage import aside, connections
from appliance.storage.audit import came_from
from appliance.storage.draining import Drain
from appliance.storage.faults import Damage, is_lasting
from appliance.storage.groups import Bulk, Job, Outcome, Queue, Told, Waiting, name_of
from appliance.storage.sources import Source, gather

T = TypeVar("T")
A = TypeVar("A")

MAX_WAITING = 20_000
"""Weight of what waits for the writer, past which new jobs are refused with `STORAGE_UNAVAILABLE`."""
MAX_ALONE = 50_000
"""Weight of the heaviest job that is taken even so when nothing else waits."""
LINGER_SECONDS = 0.005
"""How long changes that nobody waits for stay for company before they get a commit of their own."""
RETRY_SECONDS = 1.0
STALL_SECONDS = 3.0
"""A group that takes longer than this to reach the disk stops the acceptance of more, until it has."""

_log = structlog.get_logger(__name__)


class Database:
    """Owner of both connections. `on_state(ok)` is told when commits begin to fail and when they work again.

    `seal_key` seals the audit record; without one nobody can tell later whether it is whole.
    """

    def __init__(
        self, path: Path, *, seal_key: bytes | None = None, on_state: Callable[[bool], None] = lambda _ok: None
    ) -> None:
        self.path = path
        self._seal_key = seal_key or secrets.token_bytes(32)
        self.ok = True
        self.last_error = ""
        self.damage: Damage | None = None
        """Set for the rest of the run once the file turns out to be damaged or gone."""
        self.identity: tuple[int, int] | None = None
        """Which file is open: its device and inode."""
        self.commits = 0
        self.commit_seconds = 0.0
        self._on_state = on_state
        self._sources: list[Source] = []
        self._waiting = Queue()
        self._held = False
        """Whether some source was to be asked, and wasn't yet."""
        self._wake = asyncio.Event()
        self._nudged = False
        self._load = 0
        self._lingering: asyncio.TimerHandle | None = None
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._drain: Drain | None = None
        self._writer: connections.Connection | None = None
        self._reader: connections.Connection | None = None
        self._descriptor: int | None = None
        """Of the file, for a second look past SQLite; closed last, as that ends all locks that SQLite has on it."""

    async def open(self) -> None:
        """Opens the file (made when missing). Raises `STORAGE_UNAVAILABLE` when it can't be used now, and
        `sqlite3.DatabaseError` when it is no database; `close` is due either way."""
        try:
            self._writer = connections.Connection(self._connect, iter_chunk_size=64)
            await self._writer
            self._descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._reader = connections.Connection(lambda: connections.connect_read_only(self.path), iter_chunk_size=64)
            await self._reader
        except (sqlite3.OperationalError, OSError) as error:
            raise Problem("STORAGE_UNAVAILABLE", f"{self.path} can't be opened: {error}") from None
        self.identity = aside.identity(self.path)
        self._drain = Drain(self._waiting, self._committed, self._lasts)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="storage-writer")

    def _connect(self) -> sqlite3.Connection:
        connection = connections.connect(self.path)
        connection.seal_key = self._seal_key
        return connection

    async def close(self) -> None:
        """Finishes what waits, then closes. Jobs that can't be committed by then are given up with an error."""
        self._closing = True
        if self._lingering is not None:
            self._lingering.cancel()
        self._rouse()
        try:
            if self._task is not None:
                await self._task
        finally:  # their threads keep the process from ending
            for connection in (self._reader, self._writer):
                if connection is not None:
                    with contextlib.suppress(sqlite3.Error, ValueError):
                        await connection.close()
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def submit(self, job: Job[T]) -> asyncio.Future[T]:
        """Queues `job` for the next group; the future ends after its commit, or with `STORAGE_UNAVAILABLE` and nothing
        kept. Cancelling it doesn't take the job back."""
        return self._queue(job, None, 1)

    def submit_to(self, bulk: Bulk[A, T], argument: A, *, weight: int = 1) -> asyncio.Future[T]:
        """`submit` for one more argument of a job that is done for all of a group at once; `weight` is in rows."""
        return self._queue(bulk, argument, weight)

    def hand_to(self, bulk: Bulk[A, T], argument: A, told: Told, *, weight: int = 1) -> None:
        """`submit_to` for whoever needs no future: `told` is called with the result, or with what refuses it. Raises
        what a future would end with at once."""
        self._hand(bulk, argument, told, weight)

    def hand(self, job: Job[T], told: Told) -> None:
        """`submit` for whoever writes what the sources give as well: what they have by now goes before it. `told` is
        called in the order of the queue, before anybody acts on what was committed behind it, where a future's
        callbacks come a turn later. Raises as `hand_to`."""
        self.require()
        self._gather(anyway=True)
        self._hand(job, None, told, 1)

    def _hand(self, job: Job[Any] | Bulk[Any, Any], argument: Any, told: Told, weight: int) -> None:
        self.require(weight)
        self._load += weight
        self._append(Waiting(job, told, argument=argument, weight=weight, caller=came_from.get()))

    def post(self, job: Job[Any], key: Hashable = None) -> None:
        """Queues a durable job that nobody waits for: a mark that rides along with the next commit. Whatever is posted
        again and again has a `key`: the newest takes the place of the one that waits under it."""
        if self.damage is None and (not self._closing or self._task is not None):
            self._append(Waiting(job, durable=True, key=key, caller=came_from.get()))

    def probe(self) -> None:
        """Finds out whether it can write, now and not with the first change that somebody waits for."""
        self.post(_probe)

    def attach(self, source: Source) -> None:
        """Adds a source of durable changes that gather up between groups; `wake` says that it has some."""
        self._sources.append(source)

    def wake(self) -> None:
        """Some source has changes. They go with the next group, or by themselves when none comes along soon: a commit
        that is under way for them alone would hold up the next job that somebody waits for."""
        if self._lingering is None:
            self._lingering = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._lingered)

    async def write(self, job: Job[T]) -> T:
        """Runs `job` and returns its result after the commit. Whoever is cancelled meanwhile stops waiting, no more:
        the transaction is neither torn nor taken back."""
        return await self.submit(job)

    async def read(self, job: Job[T]) -> T:
        """Runs `job` on the read-only connection, where however long it takes it stalls no writer."""
        if self._reader is None:
            raise Problem("STORAGE_UNAVAILABLE", "The data file isn't open.")
        try:
            return await self._reader.run(job)
        except sqlite3.Error as error:
            await self._look_again(self._reader, error)
            raise Problem("STORAGE_UNAVAILABLE", f"The data file can't be read: {error}", retry_after=1) from error

    async def checkpoint(self) -> bool:
        """Copies the log into the file and empties it, between two groups; False when a reader still needs it."""
        if self._writer is None or self._drain is None or self._closing or self.damage is not None:
            return False
        with self._drain.guest():
            try:
                return await self._writer.run(connections.checkpoint)
            except sqlite3.Error as error:
                await self._look_again(self._writer, error)
                raise Problem("STORAGE_UNAVAILABLE", f"The log can't be copied into the data file: {error}") from error

    def condemn(self, reason: str, kept: Path | None = None) -> None:
        """The file is damaged, or no longer there: nothing is accepted any more in this run, and the next one doesn't
        use it. `kept` is where its content is or will be; without it a note asks for the file to be kept aside."""
        if self.damage is not None:
            return
        self.ok, self.last_error = False, reason
        noted = True
        if kept is None:
            kept = aside.name_aside(self.path)
            noted = aside.leave_note(self.path, kept, reason, time.time_ns() // 1_000_000)
        self.damage = Damage(reason, str(kept))
        _log.error(
            "storage.damaged",
            reason=reason,
            file=str(self.path),
            kept_as=self.damage.file,
            command=self.damage.command,
            noted=noted,
        )
        self._on_state(False)
        self._give_up(self._waiting.take(math.inf))
        self._rouse()

    async def _look_again(self, connection: connections.Connection, error: sqlite3.Error) -> None:
        if self.damage is None and await connection.run(lambda _connection: self._lasts(error)):
            self.condemn(str(error))

    def _lasts(self, error: sqlite3.Error) -> bool:
        return is_lasting(self.path, error, self._descriptor)

    def require(self, weight: int = 1) -> None:
        """Raises what `submit` would answer now: whoever changes something in memory first, or has much to prepare,
        asks before. `weight` is in rows."""
        refused = self._refusal(weight)
        if refused is not None:
            raise refused

    async def flush(self) -> None:
        """Returns when everything submitted and gathered before has been committed, whatever has come since.

        Raises `STORAGE_UNAVAILABLE` while commits fail, `SHUTTING_DOWN` once it closes.
        """
        if not self.ok:
            self.require()
        self._gather(anyway=True)
        if self._waiting or self._busy:
            await self.write(_nothing)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the writer and nothing is being written."""
        return not self._waiting and not self._busy and self._lingering is None and not self._held

    @property
    def trouble(self) -> str:
        """Why nothing is accepted now; empty when all is well."""
        if not self.ok:
            return self.last_error or "Nothing can be saved."
        seconds = self._drain.seconds if self._drain is not None else 0.0
        return f"The disk is slow: a write has taken {seconds:.0f} s so far." if seconds > STALL_SECONDS else ""

    @property
    def _busy(self) -> bool:
        return self._drain is not None and self._drain.busy

    def _queue(self, job: Job[Any] | Bulk[Any, Any], argument: Any, weight: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            self._hand(job, argument, partial(_settle, future), weight)
        except Problem as refused:
            future.set_exception(refused)
        return future

    def _refusal(self, weight: int = 1) -> Problem | None:
        if self._closing:
            return Problem("SHUTTING_DOWN")
        trouble = self.trouble
        if not trouble and self._load + weight > (MAX_WAITING if self._load else max(MAX_WAITING, MAX_ALONE)):
            trouble = "Too much waits to be saved." if self._load else "This is too much to be saved at once."
        return Problem("STORAGE_UNAVAILABLE", trouble, retry_after=1) if trouble else None

    def _append(self, item: Waiting) -> None:
        if not self._waiting:
            self._gather()  # what changed meanwhile rides along
        self._waiting.add(item)
        self._nudge()

    def _lingered(self) -> None:
        self._lingering = None
        self._gather()
        self._nudge()

    def _nudge(self) -> None:
        """Something waits. The writer hears of it when this turn of the event loop is over, and takes all of it."""
        if not self._nudged:
            asyncio.get_running_loop().call_soon(self._rouse)
            self._nudged = True

    def _rouse(self) -> None:
        self._nudged = False
        if self._drain is not None:
            self._drain.ring(last=self._closing)
        self._wake.set()

    async def _run(self) -> None:
        try:
            await self._write_all()
        except Exception as error:  # a fault of ours: nothing is accepted any more, and whoever waits is told
            self.ok, self.last_error = False, _words(error)
            _log.exception("storage.fault")
            self._on_state(False)
        finally:
            self._give_up(self._waiting.take(math.inf))

    async def _write_all(self) -> None:
        assert self._writer is not None
        assert self._drain is not None
        while self.damage is None:
            if self._waiting or self._closing:
                self._gather()
            if not self._waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            failure = await self._writer.run(self._drain.run)
            if failure is not None:
                self._drain.refused()
                if failure.lasting:
                    self.condemn(str(failure.error))
                elif not isinstance(failure.error, sqlite3.Error):
                    _log.error("storage.fault", exc_info=failure.error)
                self._waiting.put_back(self._failed(failure.group, _words(failure.error)))
                if self._closing or self.damage is not None:
                    return
                await self._pause()

    def _gather(self, *, anyway: bool = False) -> None:
        """Queues what the sources have, as one job. While nothing can be saved, or what they had last still waits, they
        keep it instead: each of them holds a row once, however often it changes."""
        if self.damage is not None:
            return
        if not anyway and (not self.ok or self._waiting.gathered):
            self._held = True
            return
        self._held = False
        gathered = gather(self._sources)
        if gathered is not None:
            self._waiting.add(gathered)

    async def _pause(self) -> None:
        """Waits before the storage is tried again, but not while the appliance is asked to stop."""
        deadline = time.monotonic() + RETRY_SECONDS
        while not self._closing and time.monotonic() < deadline:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.01, deadline - time.monotonic()))

    def _committed(self, group: list[Waiting], outcomes: list[Outcome], seconds: float) -> None:
        """Answers everyone in a group that is on disk.

        What the sources gave and SQLite refused (a fault of ours, not the disk's) is not on disk, so none of it is told
        of: no delivery is called shown that the next start would bring back as open. This run keeps what it knows of
        them in memory, and the log says what happened. Nobody's answer depends on what becomes of the others' answers.
        """
        if self.damage is not None:  # it may have gone into a file that nobody will open again
            self._give_up(group)
            return
        self.commits += 1
        self.commit_seconds = seconds
        back, self.ok = not self.ok, True
        for item, (value, refusal) in zip(group, outcomes, strict=True):
            if not item.durable:
                self._load -= item.weight
            try:
                _answer(item, value, refusal)
            except Exception:
                _log.exception("storage.answer_failed", job=name_of(item.job))
        if back:
            self.last_error = ""
            _log.warning("storage.back")
            self._on_state(True)
        if self._held:
            self._gather()
            self._nudge()

    def _failed(self, group: list[Waiting], reason: str) -> list[Waiting]:
        """The storage has refused the group: returns what is kept of it to be tried again."""
        if self.ok:
            self.ok, self.last_error = False, reason
            _log.error("storage.unavailable", reason=reason, file=str(self.path))
            self._on_state(False)
        self._refuse(group)
        # Something tries the storage again even when nothing durable waits, or when what waits turns out to change
        # nothing.
        return [Waiting(_probe, durable=True), *(item for item in group if item.durable and item.job is not _probe)]

    def _give_up(self, items: list[Waiting]) -> None:
        """None of them will be tried any more."""
        self._refuse(items)
        lost = sum(item.durable and item.job is not _probe for item in items)
        if lost:
            _log.error("storage.given_up", jobs=lost, reason=self.last_error)

    def _refuse(self, items: list[Waiting]) -> None:
        for item in items:
            if item.durable:
                continue
            self._load -= item.weight
            if item.told is None:
                continue
            trouble = self.last_error
            known = Problem("STORAGE_UNAVAILABLE", trouble, retry_after=1) if trouble else Problem("SHUTTING_DOWN")
            try:
                item.told(None, known)
            except Exception:
                _log.exception("storage.answer_failed", job=name_of(item.job))


def _answer(item: Waiting, value: Any, refusal: Exception | None) -> None:
    if item.told is not None:
        item.told(value, refusal)
    elif refusal is not None:
        gathered = item.then is not None
        _log.error("storage.job_failed", job=name_of(item.job), gathered=gathered, exc_info=refusal)
    elif item.then is not None:
        item.then()


def _settle(future: asyncio.Future[Any], value: Any, refusal: Exception | None) -> None:
    if future.done():  # whoever waited has gone
        return
    if refusal is not None:
        future.set_exception(refusal)
    else:
        future.set_result(value)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _nothing(_connection: sqlite3.Connection) -> None:
    pass


def _probe(connection: sqlite3.Connection) -> None:
    """Writes something, so that a success means that accepting is possible again.

    Something new each time: what a row holds already SQLite doesn't write a second time.
    """
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('probe', hex(randomblob(8))) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
