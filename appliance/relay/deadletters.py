"""Dead letters sent again or discarded by a person.

What a person does is on disk, with its audit entry in the same commit, before anything comes of it: a storage that
refuses leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from appliance.core.delivery import Delivery, Event, Happening, State
from appliance.errors import Problem
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.events import Events
from appliance.relay.opened import Key, key_of
from appliance.relay.principal import Principal
from appliance.relay.screens import Screens
from appliance.storage import audit, deadletters, rows
from appliance.storage.database import Database
from appliance.storage.deadletters import Filter, Letter

MAX_AT_ONCE = 1_000
"""Dead letters that one call changes."""
MAX_LOOKED_AT = 10_000
"""Dead letters that one call considers; most of them may be stale."""
_PAGE = 1_000

T = TypeVar("T")


@dataclass(slots=True)
class Result:
    """What became of the letters that were meant: `stale` ones were left out, `remaining` lie behind `cursor`."""

    done: dict[Key, Delivery] = field(default_factory=dict)
    refused: dict[Key, Problem] = field(default_factory=dict)
    stale: int = 0
    remaining: int = 0
    cursor: int | None = None
    left: set[Key] = field(default_factory=set)
    """The stale ones that were found out last."""

    @property
    def reasons(self) -> dict[str, int]:
        """How many were refused, by code."""
        return dict(Counter(problem.code for problem in self.refused.values()))


@dataclass(frozen=True, slots=True)
class _Action:
    """One thing that a person does with dead letters. `prepare` changes those it can and gives them; `settle` is told
    whether they were saved."""

    name: str
    actor: str
    prepare: Callable[[list[Delivery], str, Result], list[Delivery]]
    settle: Callable[[list[Delivery], bool], None]
    detail: dict[str, object] | None
    """What was meant, for the audit; None where that is the one letter alone."""


class DeadLetters:
    """What can be done about letters that are dead."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        database: Database,
        screens: Screens,
        events: Events,
    ) -> None:
        self._dispatcher = dispatcher
        self._database = database
        self._screens = screens
        self._events = events
        self._working: set[asyncio.Task[Any]] = set()

    async def stop(self) -> None:
        """Lets what a person has begun come to its end, one way or the other."""
        await asyncio.gather(*self._working, return_exceptions=True)

    # --- what a person does -----------------------------------------------------------------------------------------

    async def replay(self, ids: Sequence[str], principal: Principal) -> Result:
        """Sends these again, in the order they were accepted, each in a new round. Raises `STORAGE_UNAVAILABLE` with
        nothing changed; every other refusal is one letter's alone."""
        return await self._named(ids, principal, self._replaying(principal, _ids(ids)))

    async def discard(self, ids: Sequence[str], principal: Principal) -> Result:
        """Takes these off the list for good; their histories stay. Raises as `replay` does."""
        return await self._named(ids, principal, self._discarding(principal, _ids(ids)))

    async def replay_found(
        self, wanted: Filter, principal: Principal, detail: dict[str, object], *, include_stale: bool, above: int = 0
    ) -> Result:
        """Sends again what `wanted` finds behind the key `above`, the oldest first, at most `MAX_AT_ONCE`; what newer
        ones of its lane have overtaken only with `include_stale`. `detail` says in the audit what was meant."""
        action = self._replaying(principal, detail, leave_stale=not include_stale)
        return await self._to_its_end(self._found(wanted, action, above, leave_stale=not include_stale))

    async def discard_found(self, wanted: Filter, principal: Principal, detail: dict[str, object]) -> Result:
        """Takes off the list what `wanted` finds, the oldest first, at most `MAX_AT_ONCE`."""
        return await self._to_its_end(self._found(wanted, self._discarding(principal, detail), 0, leave_stale=False))

    async def _named(self, ids: Sequence[str], principal: Principal, action: _Action) -> Result:
        result = Result()
        keys = []
        for key in dict.fromkeys(map(key_of, ids)):
            if self._screens.reaches(principal, key[1]):
                keys.append(key)
            else:
                result.refused[key] = Problem("PERMISSION_DENIED", "This screen is outside the credential's reach.")
        await self._to_its_end(self._change(keys, action, result))
        return result

    async def _found(self, wanted: Filter, action: _Action, above: int, *, leave_stale: bool) -> Result:
        result = Result()
        await self._database.flush()
        chosen: list[Letter] = []
        looked_at = 0
        ended = False
        while not ended and looked_at < MAX_LOOKED_AT and len(chosen) < MAX_AT_ONCE:
            size = min(_PAGE, MAX_AT_ONCE - len(chosen))
            letters, stale = await self._database.read(_page(wanted, size, above, leave_stale=leave_stale))
            chosen += [letter for letter in letters if letter.pk not in stale]
            result.stale += len(stale)
            looked_at += len(letters)
            ended = len(letters) < size
            above = letters[-1].pk if letters else above
        if not ended:
            result.remaining = await self._database.read(lambda tx: deadletters.count(tx, wanted, above))
            result.cursor = above if result.remaining else None
        await self._change([(letter.trigger_id.lower(), letter.screen_id) for letter in chosen], action, result)
        return result

    async def _change(self, keys: Sequence[Key], action: _Action, result: Result) -> None:
        """Reads, changes and saves the letters of `keys` in one commit; nobody else changes them meanwhile."""
        if self._dispatcher.stopping:
            raise Problem("SHUTTING_DOWN")
        if not keys:
            return
        async with self._dispatcher.claims.of(keys):
            await self._database.flush()
            found = await self._database.read(lambda connection: deadletters.of_ids(connection, keys))
            changed = action.prepare(found, action.actor, result)
            saved = False
            try:
                await self._save(changed, action)
                saved = True
            finally:
                action.settle(changed, saved)
            result.done = {key_of(delivery.id): delivery for delivery in changed}
            for key in keys:
                if key not in result.done and key not in result.refused and key not in result.left:
                    result.refused[key] = _not_found()
        self._events.changed()

    async def _save(self, changed: list[Delivery], action: _Action) -> None:
        if not changed:
            return
        detail, ids = action.detail, [delivery.id for delivery in changed]
        counts = Counter(delivery.screen_id for delivery in changed)

        def entry(tx: sqlite3.Connection) -> None:
            now = now_ms()
            for screen, count in counts.items():
                told = detail and {**detail, "count": count}
                if told and isinstance(named := told.get("ids"), list):
                    told["ids"] = [each for each in named if key_of(each)[1] == screen]
                audit.append(tx, now, action.actor, action.name, "" if detail else ids[0], told, screen=screen)

        # Nothing else is awaited between the commit and what follows from it: lanes keep the order of the commits.
        await self._database.submit(rows.saving(changed, entry))

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` whether or not whoever asked for it still waits."""
        task = asyncio.get_running_loop().create_task(work, name="dead-letters")
        self._working.add(task)
        task.add_done_callback(self._worked)
        return await asyncio.shield(task)

    def _worked(self, task: asyncio.Task[Any]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked has been told, if he is still there

    # --- sending again ----------------------------------------------------------------------------------------------

    def _replaying(
        self, principal: Principal, detail: dict[str, object] | None, *, leave_stale: bool = False
    ) -> _Action:
        begin = self._begin_fresh if leave_stale else self._begin
        return _Action("dead-letter.replay", principal.actor, begin, self._begun, detail)

    def _begin_fresh(self, found: list[Delivery], actor: str, result: Result) -> list[Delivery]:
        """`_begin` without those that were overtaken while they were being read. Nothing is awaited from here to the
        writer's queue: whatever was not accepted by now is newer than these."""
        fresh = [delivery for delivery in found if not self._dispatcher.overtaken(delivery)]
        if len(fresh) < len(found):
            chosen = {delivery.pk for delivery in fresh}
            result.left = {key_of(delivery.id) for delivery in found if delivery.pk not in chosen}
            result.stale += len(result.left)
        return self._begin(fresh, actor, result)

    def _begin(self, found: list[Delivery], actor: str, result: Result) -> list[Delivery]:
        """New rounds for those that can have one. They have their places in their lanes until `_begun`."""
        begun = []
        for delivery in found:
            refusal = self._refusal(delivery)
            happening = Happening(Event.REPLAYED, awaiting=delivery.ref is None, detail=actor)
            if refusal is None and not self._dispatcher.endings.new_round(delivery, happening, ttl_ms=delivery.ttl_ms):
                self._dispatcher.release(delivery)
                refusal = _not_dead(delivery)
            if refusal is None:
                begun.append(delivery)
            else:
                result.refused[key_of(delivery.id)] = refusal
        self._supersede(begun)
        return begun

    def _refusal(self, delivery: Delivery) -> Problem | None:
        """Why it can't be sent again; where it can, its place in the lane is kept."""
        if delivery.screen_id not in self._screens:
            detail = f"Its screen {delivery.screen_id} was deleted."
            return Problem("SCREEN_NOT_FOUND", detail, values={"target": delivery.screen_id})
        if not delivery.listed:
            return _not_dead(delivery)
        if not self._dispatcher.reserve(*delivery.lane):
            return Problem("QUEUE_FULL", f"Too much waits for {delivery.screen_id}.", retry_after=10)
        return None

    def _supersede(self, begun: list[Delivery]) -> None:
        """Of several of one lane the last one's turn comes, as far as their mode is `latest`. Decided before anything
        is sent, so that no older one flashes past."""
        newest: dict[tuple[str, int], Delivery] = {}
        for delivery in reversed(begun):
            newer = newest.get(delivery.lane)
            if newer is not None:
                self._dispatcher.endings.alter(delivery, Happening(Event.NEWER, detail=newer.order_id))
            elif delivery.state is State.PENDING:
                newest[delivery.lane] = delivery

    def _begun(self, begun: list[Delivery], saved: bool) -> None:
        for delivery in begun:
            self._dispatcher.release(delivery)
        if saved:
            self._dispatcher.reopened([(delivery, delivery.ttl_ms) for delivery in begun])
        for screen_id in {delivery.screen_id for delivery in begun if saved}:
            if screen_id not in self._screens:  # deleted since
                self._dispatcher.screen_removed(screen_id)

    # --- discarding -------------------------------------------------------------------------------------------------

    def _discarding(self, principal: Principal, detail: dict[str, object] | None) -> _Action:
        return _Action("dead-letter.discard", principal.actor, self._take_off, lambda _changed, _saved: None, detail)

    def _take_off(self, found: list[Delivery], actor: str, _result: Result) -> list[Delivery]:
        return [d for d in found if self._dispatcher.endings.alter(d, Happening(Event.DISCARDED, detail=actor))]


def _page(
    wanted: Filter, size: int, above: int, *, leave_stale: bool
) -> Callable[[sqlite3.Connection], tuple[list[Letter], set[int]]]:
    """The next letters, and the keys of those that newer ones of their lanes have overtaken."""

    def job(connection: sqlite3.Connection) -> tuple[list[Letter], set[int]]:
        found = deadletters.oldest(connection, wanted, size, above)
        if not leave_stale:
            return found, set()
        lanes = {(letter.screen_id, letter.display_index) for letter in found}
        live = {lane: deadletters.newest_live(connection, lane) for lane in lanes}
        return found, {letter.pk for letter in found if live[letter.screen_id, letter.display_index] > letter.pk}

    return job


def _ids(ids: Sequence[str]) -> dict[str, object] | None:
    return {"ids": list(ids)} if len(ids) > 1 else None


def _not_found() -> Problem:
    return Problem("NOT_FOUND", "There is no such undelivered scan, or its screen was deleted.")


def _not_dead(delivery: Delivery) -> Problem:
    discarded = delivery.state is State.DEAD and not delivery.listed
    return Problem("NOT_DEAD", values={"state": "discarded" if discarded else delivery.state.value})
