"""Faults to put into the appliance on purpose, each a mistake that somebody could make: the proof that the harness sees
losses. The product knows nothing of them; they replace what is at a *seam* of it, and fail loudly when that is gone.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.core import delivery as table
from appliance.core.delivery import Delivery, State
from appliance.core.lanes import Lane
from appliance.core.retry import RetryPolicy
from appliance.errors import Problem
from appliance.relay import dispatcher as dispatching
from appliance.relay.dispatcher import Dispatcher
from appliance.storage import connections, outbox
from appliance.storage.chain import Keyed
from appliance.storage.groups import Told
from appliance.storage.outbox import Accepted, Outbox

Bite = Callable[[], None]
Triggers = list[tuple[Any, list[Delivery]]]
LAZY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Seed:
    """`expected` are the violations that give it away; any one of them will do."""

    install: Callable[[Bite], None]
    expected: frozenset[str]


SEEDS: dict[str, Seed] = {}


def install(name: str, bites: Path) -> None:
    """Breaks this process as `name` says. Every time the fault comes into play, `bites` grows by a byte."""
    file = bites.open("ab", buffering=0)

    def bite() -> None:
        file.write(b".")

    SEEDS[name].install(bite)


def seam(owner: Any, name: str) -> Any:
    """What is there to be replaced. Raises when nothing is: the seed has to be sewn on anew."""
    if not hasattr(owner, name):
        raise AssertionError(f"There is no {name} in {owner} any more.")
    return getattr(owner, name)


def sew(owner: Any, name: str, patch: Any) -> None:
    """Puts `patch` in the place of what is there."""
    seam(owner, name)
    setattr(owner, name, patch)


def _seed(*expected: str) -> Callable[[Callable[[Bite], None]], Callable[[Bite], None]]:
    def keep(installer: Callable[[Bite], None]) -> Callable[[Bite], None]:
        SEEDS[installer.__name__.replace("_", "-")] = Seed(installer, frozenset(expected))
        return installer

    return keep


# --- promises that the disk does not hold -----------------------------------------------------------------------------


@_seed("lost")
def receipt_before_commit(bite: Bite) -> None:
    """The answer goes out at once, and what was accepted is written when there is time."""
    original = seam(Outbox, "accept")

    def accept(self: Outbox, triggers: Triggers, told: Told) -> None:
        bite()
        loop = asyncio.get_running_loop()
        loop.call_later(LAZY_SECONDS, original, self, triggers, lambda _results, _refusal: None)
        loop.call_soon(told, [Accepted(record, duplicate=False) for record, _ in triggers], None)

    sew(Outbox, "accept", accept)


@_seed("lost")
def synchronous_off(bite: Bite) -> None:
    """Commits aren't synced: whatever the power cut finds in the write-ahead log only, is gone."""
    original = seam(connections, "connect")

    def connect(path: Path, kind: type[Keyed] = Keyed) -> Keyed:
        bite()
        connection: Keyed = original(path, kind)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    sew(connections, "connect", connect)


@_seed("lost", "partial")
def first_row_of_a_broadcast_only(bite: Bite) -> None:
    """A broadcast's other deliveries live in memory alone."""
    original = seam(Outbox, "accept")

    def accept(self: Outbox, triggers: Triggers, told: Told) -> None:
        for _, deliveries in triggers:
            if len(deliveries) > 1:
                bite()
        original(self, [(record, deliveries[:1]) for record, deliveries in triggers], told)

    sew(Outbox, "accept", accept)


@_seed("end-forgotten")
def ends_never_written(bite: Bite) -> None:
    """What an ack has brought about is told, but not written: it's on its way again after every restart."""
    original = seam(Outbox, "mark")

    def mark(self: Outbox, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        if delivery.state is not State.SHOWN:
            original(self, delivery, then)
        elif then is not None:
            bite()
            asyncio.get_running_loop().call_soon(then)

    sew(Outbox, "mark", mark)


# --- recovery that forgets --------------------------------------------------------------------------------------------


def _not_taken_up(bite: Bite, forgotten: Callable[[Delivery], bool]) -> None:
    original = seam(Outbox, "start")

    async def start(self: Outbox) -> list[Delivery]:
        found: list[Delivery] = await original(self)
        for delivery in found:
            if forgotten(delivery):
                bite()
        return [delivery for delivery in found if not forgotten(delivery)]

    sew(Outbox, "start", start)


@_seed("stuck")
def sent_not_recovered(bite: Bite) -> None:
    """What was on its way when the appliance ended is taken for done."""
    _not_taken_up(bite, lambda delivery: delivery.state in (State.SENT, State.RECEIVED))


@_seed("stuck")
def offline_not_recovered(bite: Bite) -> None:
    """What waited for a screen that was off is not taken up again."""
    _not_taken_up(bite, lambda d: d.state is State.PENDING and all(line.state != "sent" for line in d.history))


@_seed("stale-sent", "stale-shown")
def supersession_in_memory(bite: Bite) -> None:
    """What a newer one has overtaken leaves its lane, but not the disk; the start doesn't look at the lane again."""
    original = seam(Outbox, "mark")

    def mark(self: Outbox, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        if delivery.state is not State.SUPERSEDED:
            original(self, delivery, then)
        elif then is not None:
            bite()
            asyncio.get_running_loop().call_soon(then)

    sew(Outbox, "mark", mark)
    sew(Lane, "overtaken", lambda self, delivery: False)


# --- repeats ----------------------------------------------------------------------------------------------------------


@_seed("accepted-twice")
def idempotency_in_memory(bite: Bite) -> None:
    """Only this run's triggers and nonces are known; a repeat of an earlier one begins anew."""
    original = seam(outbox, "_accept_all")
    newest_before: list[int] = []

    def accept_all(tx: sqlite3.Connection, arguments: list[list[Any]]) -> Any:
        if not newest_before:
            newest_before.append(tx.execute("SELECT coalesce(max(pk), 0) FROM triggers").fetchone()[0])
        for entry in (entry for argument in arguments for entry in argument):
            # A nonce that was remembered would refuse the repeat, and the fault would be another one.
            forgotten = "UPDATE triggers SET id = lower(hex(randomblob(16))), nonce = NULL WHERE id = ? AND pk <= ?"
            if tx.execute(forgotten, (entry.record.id, newest_before[0])).rowcount:
                bite()
        return original(tx, arguments)

    sew(outbox, "_accept_all", accept_all)


@_seed("resend-refused")
def nonce_before_id(bite: Bite) -> None:
    """A nonce counts as used even when it comes again with the trigger that used it."""
    original = seam(outbox, "_check")

    def check(tx: sqlite3.Connection, record: Any) -> Any:
        if tx.execute("SELECT 1 FROM triggers WHERE nonce = ?", (record.nonce,)).fetchone():
            bite()
            raise Problem("DUPLICATE_NONCE")
        return original(tx, record)

    sew(outbox, "_check", check)


# --- what a screen says, and says nothing of --------------------------------------------------------------------------


@_seed("shown-unseen")
def acks_of_strangers(bite: Bite) -> None:
    """An ack counts for the delivery that it names, whosever that is."""
    original = seam(Dispatcher, "ack")

    class Stranger:
        def __init__(self, session: Any, screen_id: str) -> None:
            self._session, self.screen_id = session, screen_id

        def __getattr__(self, name: str) -> Any:
            return getattr(self._session, name)

    def ack(self: Dispatcher, session: Any, message: Any) -> Any:
        screen_id = message.id.rpartition(":")[2]
        if screen_id == session.screen_id:
            return original(self, session, message)
        bite()
        return original(self, Stranger(session, screen_id), message)

    sew(Dispatcher, "ack", ack)


@_seed("stuck")
def retry_never_comes(bite: Bite) -> None:
    """After a first time-out the delivery waits for a timer that nobody looks at."""
    sew(Dispatcher, "_backoff_over", lambda self, row, sends: bite())


@_seed("recovery")
def given_up_at_once(bite: Bite) -> None:
    """No second attempt, and none by itself when the screen is back."""

    def delay_ms(self: RetryPolicy, attempt: int) -> None:
        bite()

    sew(RetryPolicy, "delay_ms", delay_ms)
    sew(table, "MAX_AUTO_ROUNDS", 0)


# --- the dead-letter list ---------------------------------------------------------------------------------------------


def _dying(change: Callable[[Delivery], None], bite: Bite) -> None:
    original = seam(dispatching, "apply")

    def apply(delivery: Delivery, decision: Any, now: int) -> None:
        original(delivery, decision, now)
        if delivery.state is State.DEAD:
            bite()
            change(delivery)

    sew(dispatching, "apply", apply)


@_seed("dead-unlisted")
def dead_letter_unlisted(bite: Bite) -> None:
    """A dead delivery is on no list: nobody ever hears of it."""

    def change(delivery: Delivery) -> None:
        delivery.listed = False

    _dying(change, bite)


@_seed("dead-without-code")
def dead_letter_without_code(bite: Bite) -> None:
    """It's on the list, but not why."""

    def change(delivery: Delivery) -> None:
        delivery.code = None

    _dying(change, bite)
