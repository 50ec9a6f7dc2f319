"""Accepting triggers: everything is checked first, then one synced commit, and only then an answer and a dispatch."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import structlog

from appliance.core.delivery import Delivery
from appliance.core.triggers import TriggerBody, check
from appliance.errors import Problem, new_trace_id
from appliance.metrics import Metrics
from appliance.relay.auth import Principal
from appliance.relay.claims import Claims
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.drafts import Draft, Drafts, display_of
from appliance.relay.outcomes import Outcomes
from appliance.relay.receipts import Answer, Receipt, Receipts
from appliance.relay.recent import Recent
from appliance.relay.sessions import Session
from appliance.storage.outbox import Accepted, Outbox
from appliance.storage.rows import TriggerRecord

T = TypeVar("T")

_log = structlog.get_logger(__name__)

REFUSALS_SHOWN = frozenset(
    {"ORDER_NOT_FOUND", "ORDER_OUT_OF_STOCK", "DOCUMENT_TYPE_UNSUPPORTED", "DOCUMENT_URL_REFUSED"}
)
"""Refusals that the one screen a scan was for shows too, so that nobody works from the paper before."""
MAX_DELIVERIES = 10_000
"""Deliveries that one call may make, about half a second's work: the triggers behind them are refused with
`QUEUE_FULL`. Below what may wait for the writer (`MAX_WAITING`), so that nobody else is refused meanwhile."""
_TOO_MANY = f"Over {MAX_DELIVERIES} deliveries in one call: send the rest again in another one."
_DRAFTS_AT_ONCE = 10
"""Drafts that are begun before others get their turn; a broadcast looks at every screen."""


_FOR_ALL = frozenset({"STORAGE_UNAVAILABLE", "SHUTTING_DOWN"})


class Intake:
    """The one way in for triggers, whatever transport brought them."""

    def __init__(
        self,
        outbox: Outbox,
        drafts: Drafts,
        receipts: Receipts,
        dispatcher: Dispatcher,
        outcomes: Outcomes,
        recent: Recent,
        metrics: Metrics,
    ) -> None:
        self._outbox = outbox
        self._receipts = receipts
        self._drafts = drafts
        self._dispatcher = dispatcher
        self._outcomes = outcomes
        self._recent = recent
        self._metrics = metrics
        self._under_way: Claims[str] = Claims()
        """The ids that are being accepted; repeats of them wait."""
        self._answering: set[asyncio.Task[None]] = set()
        self._given: dict[tuple[str, int], int] = {}
        """The last number given to a delivery of each lane, whether or not it is on disk yet."""

    async def accept(self, principal: Principal, body: TriggerBody, origin: Session | None = None) -> Receipt:
        """Accepts a trigger, durably, or raises why not; nothing is kept then. A repeat gets the present state."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self.begin(principal, body, origin, partial(_settle, answered)):
            answer = await answered
        else:
            (answer,) = await self.accept_all(principal, [body], origin)
        if isinstance(answer, Problem):
            raise answer
        return answer

    def begin(
        self, principal: Principal, body: TriggerBody, origin: Session | None, told: Callable[[Answer], None]
    ) -> bool:
        """Accepts a trigger that waits for nothing but its commit; `told` is called after that. So it goes for nearly
        all of them, and a sender may have many under way. False, with nothing done, where there is more to it, a
        refusal for instance: `accept_all` then."""
        key = body.id.lower()
        if self._dispatcher.stopping or key in self._under_way or not _is_for_one(body):
            return False
        arrived = asyncio.get_running_loop().time()
        draft = self._at_once(principal, body)
        if draft is None:
            return False
        try:
            deliveries = self._drafts.deliveries(draft)
        except Problem:
            return False

        def committed(results: list[Accepted | Problem] | None, refusal: Exception | None) -> None:
            self._under_way.give(key)
            self._settled(deliveries)
            found = refusal if results is None else results[0]
            if isinstance(found, Accepted) and not found.duplicate:
                told(self._sent(draft, deliveries, origin, arrived))
            else:
                self._later(self._answer_other(draft.record, found, origin, told))

        self._under_way.take(key)
        self._expect(deliveries)
        self._outbox.accept([(draft.record, deliveries)], committed)
        return True

    async def stop(self) -> None:
        """Ends what was still being found out."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def accept_all(
        self, principal: Principal, bodies: list[TriggerBody], origin: Session | None = None
    ) -> list[Answer]:
        """Accepts triggers in one commit, each for itself: one answer each, in their order. Raises `SHUTTING_DOWN`, or
        `STORAGE_UNAVAILABLE` when that is the answer to every one of them."""
        if self._dispatcher.stopping:
            raise Problem("SHUTTING_DOWN")
        keys = [body.id.lower() for body in bodies]
        async with self._under_way.of(set(keys)):
            answers = await self._first_come(principal, bodies, keys, origin)
        problems = [answer for answer in answers if isinstance(answer, Problem)]
        for problem in problems:
            self._metrics.refuse(problem.code)
        if problems and len(problems) == len(answers) and all(p.code in _FOR_ALL for p in problems):
            raise problems[0]
        return answers

    def _later(self, answering: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(answering, name="intake-answer")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_other(
        self,
        record: TriggerRecord,
        found: Accepted | Exception | None,
        origin: Session | None,
        told: Callable[[Answer], None],
    ) -> None:
        """The answer to what turned out to be a repeat, or was refused after all."""
        answer: Answer
        if isinstance(found, Accepted):
            answer = await self._receipts.repeat(found.record, origin)
        elif isinstance(found, Problem) and found.code in _FOR_ALL:
            answer = (await self._receipts.recalled([record], origin))[0] or found
        else:
            answer = _as_problem(found)
        if isinstance(answer, Problem):
            self._metrics.refuse(answer.code)
        told(answer)

    async def _first_come(
        self, principal: Principal, bodies: list[TriggerBody], keys: list[str], origin: Session | None
    ) -> list[Answer]:
        """An id that comes again within one call is a repeat like any other: it waits for the first."""
        answers: list[Answer | None] = [None] * len(bodies)
        while None in answers:
            turn: dict[str, int] = {}
            for number, key in enumerate(keys):
                if answers[number] is None:
                    turn.setdefault(key, number)
            found = await self._accept_once(principal, [bodies[number] for number in turn.values()], origin)
            for number, answer in zip(turn.values(), found, strict=True):
                answers[number] = answer
        return [answer for answer in answers if answer is not None]

    async def _accept_once(
        self, principal: Principal, bodies: list[TriggerBody], origin: Session | None
    ) -> list[Answer]:
        arrived = asyncio.get_running_loop().time()
        drafts = await self._draft_all(principal, bodies, origin)
        answers: dict[int, Answer] = {}
        ready: dict[int, tuple[Draft, list[Delivery]]] = {}
        refused: dict[int, tuple[Draft, Problem]] = {}
        made = {number: draft for number, draft in enumerate(drafts) if isinstance(draft, Draft)}
        answers.update((number, draft) for number, draft in enumerate(drafts) if not isinstance(draft, Draft))
        if sum(len(draft.screens) for draft in made.values()) > MAX_DELIVERIES:
            # Known ones make no deliveries: a sender that sends all of it again gets on to the next part.
            known = await self._receipts.recalled([draft.record for draft in made.values()], origin)
            answers.update((number, found) for number, found in zip(made, known, strict=True) if found is not None)
        weight = 0
        # Nothing is awaited from the first `seq` to the writer's queue: accepted order is commit order.
        for number, draft in made.items():
            if number in answers:
                continue
            weight += len(draft.screens)
            if weight > MAX_DELIVERIES and ready:
                refused[number] = draft, Problem("QUEUE_FULL", _TOO_MANY, retry_after=10)
                continue
            try:
                self._outbox.require(len(draft.screens))
                ready[number] = draft, self._drafts.deliveries(draft)
            except Problem as problem:
                refused[number] = draft, problem
        if ready:
            found = await self._commit(list(ready.values()), origin, arrived)
            answers.update(zip(ready, found, strict=True))
        others = await asyncio.gather(*[self._refused(why, d.record, d.body, origin) for d, why in refused.values()])
        answers.update(zip(refused, others, strict=True))
        return [answers[number] for number in range(len(bodies))]

    async def _draft_all(
        self, principal: Principal, bodies: list[TriggerBody], origin: Session | None
    ) -> list[Draft | Answer]:
        """All look-ups at once, so that they take as long as the slowest."""
        drafts: list[Draft | Answer | None] = []
        for number, body in enumerate(bodies, start=1):
            drafts.append(self._at_once(principal, body))
            if number % _DRAFTS_AT_ONCE == 0:
                await asyncio.sleep(0)
        rest = [number for number, draft in enumerate(drafts) if draft is None]
        found = await asyncio.gather(*[self._draft(principal, bodies[number], origin) for number in rest])
        for number, draft in zip(rest, found, strict=True):
            drafts[number] = draft
        return [draft for draft in drafts if draft is not None]

    def _at_once(self, principal: Principal, body: TriggerBody) -> Draft | None:
        """None where there is more to it than looking at what is at hand."""
        try:
            return self._drafts.at_once(principal, check(body))
        except Problem:
            return None

    async def _draft(self, principal: Principal, body: TriggerBody, origin: Session | None) -> Draft | Answer:
        try:
            record = self._drafts.record(principal, check(body))
        except Problem as problem:
            return problem
        newest = self._newest(record, body)
        try:
            return await self._drafts.draft(principal, body, record)
        except Problem as problem:
            return await self._refused(problem, record, body, origin, newest)

    async def _refused(
        self, problem: Problem, record: TriggerRecord, body: TriggerBody, origin: Session | None, newest: int = 0
    ) -> Answer:
        """A repeat is answered even when the same request couldn't be accepted any more. `newest` is what its lane had
        when its look-up began: the monitor of what was accepted since is left alone."""
        if problem.code == "PERMISSION_DENIED":
            return problem
        if problem.code == "REQUEST_EXPIRED":
            record.nonce = None  # the timestamp is judged before the nonce
        try:
            before = await self._outbox.check(record)
        except Problem as other:
            if other.code != "STORAGE_UNAVAILABLE":
                return other
            return (await self._receipts.recalled([record], origin))[0] or other
        if before is not None:
            return await self._receipts.repeat(before.record, origin)
        is_scan = record.order_id is not None  # an address was sent by somebody at a desk, who is told
        if is_scan and problem.code in REFUSALS_SHOWN and self._newest(record, body) <= newest:
            self._refuse_on_screen(problem, record, body)
        return problem

    def _newest(self, record: TriggerRecord, body: TriggerBody) -> int:
        """The number of what was accepted last for the lane of the one screen this is for; 0 when there is none."""
        screen = self._drafts.named(record.target)
        if screen is None:
            return 0
        key = screen.screen_id, display_of(body, screen)
        lane = self._dispatcher.opened.lane(*key)
        return max(self._given.get(key, 0), lane.newest, *(row.delivery.seq for row in lane.rows[-1:]))

    async def _commit(
        self, ready: list[tuple[Draft, list[Delivery]]], origin: Session | None, arrived: float
    ) -> list[Answer]:
        for _, deliveries in ready:
            self._expect(deliveries)
        answered: asyncio.Future[list[Receipt | Accepted | Problem] | Problem] = (
            asyncio.get_running_loop().create_future()
        )

        def committed(results: list[Accepted | Problem] | None, refusal: Exception | None) -> None:
            """Follows the commit itself, so that what is on disk is sent whether or not the sender still waits."""
            for _, deliveries in ready:
                self._settled(deliveries)
            if results is None:
                _settle(answered, _as_problem(refusal))
            else:
                _settle(answered, self._accepted(ready, results, origin, arrived))

        self._outbox.accept([(draft.record, deliveries) for draft, deliveries in ready], committed)
        found = await answered
        if isinstance(found, Problem):
            known = await self._receipts.recalled([draft.record for draft, _ in ready], origin)
            return [answer or found for answer in known]
        return [
            await self._receipts.repeat(each.record, origin) if isinstance(each, Accepted) else each for each in found
        ]

    def _expect(self, deliveries: list[Delivery]) -> None:
        """They are on their way to the disk, each with the newest number of its lane."""
        for delivery in deliveries:
            if not delivery.final:
                self._given[delivery.lane] = delivery.seq

    def _settled(self, deliveries: list[Delivery]) -> None:
        """They are on disk, or never will be."""
        for delivery in deliveries:
            if not delivery.final:
                self._dispatcher.release(delivery)

    def _sent(self, draft: Draft, deliveries: list[Delivery], origin: Session | None, arrived: float) -> Receipt:
        """Sends what one new trigger has brought."""
        receipt = self._received(draft, deliveries)
        self._dispatch(deliveries, origin, arrived)
        return receipt

    def _received(self, draft: Draft, deliveries: list[Delivery]) -> Receipt:
        """Notes that it is accepted."""
        self._metrics.accept(len(deliveries))
        # As it was accepted: dispatching changes the originals before the answer is written.
        receipt = Receipt(draft.record.id, False, [copy.copy(delivery) for delivery in deliveries])
        for delivery in deliveries:
            self._recent.accepted(delivery)
        if draft.document is None:
            self._refuse_on_screen(Problem("ORDER_SOURCE_UNAVAILABLE"), draft.record, draft.body)
        return receipt

    def _dispatch(self, deliveries: list[Delivery], origin: Session | None, arrived: float) -> None:
        try:
            self._dispatcher.accepted(deliveries, origin, arrived)
            for screen_id in self._drafts.removed(deliveries):  # while it was being committed
                self._dispatcher.screen_removed(screen_id)
        except Exception:  # they are on disk, and their senders are to know
            _log.exception("dispatch.failed", deliveries=[delivery.id for delivery in deliveries[:10]])

    def _accepted(
        self,
        ready: list[tuple[Draft, list[Delivery]]],
        results: list[Accepted | Problem],
        origin: Session | None,
        arrived: float,
    ) -> list[Receipt | Accepted | Problem]:
        """Sends what is new; a receipt for each of those, in the place of its result."""
        found: list[Receipt | Accepted | Problem] = []
        new: list[Delivery] = []
        for (draft, deliveries), result in zip(ready, results, strict=True):
            if isinstance(result, Problem) or result.duplicate:
                found.append(result)
                continue
            found.append(self._received(draft, deliveries))
            new += deliveries
        self._dispatch(new, origin, arrived)
        return found

    def _refuse_on_screen(self, problem: Problem, record: TriggerRecord, body: TriggerBody) -> None:
        waiting = problem.code == "ORDER_SOURCE_UNAVAILABLE"
        found = self._drafts.named(record.target)
        if found is not None and not (waiting and record.mode != "latest"):
            self._outcomes.refuse_screen(problem, found.screen_id, display_of(body, found), record.order_id)


def _is_for_one(body: TriggerBody) -> bool:
    return body.target is None or (body.target.startswith("screen:") and not body.target.endswith("*"))


def _as_problem(refusal: Exception | None) -> Problem:
    """What kept a trigger from the disk; a fault of the program itself is told by the number it has in the log."""
    if isinstance(refusal, Problem):
        return refusal
    trace_id = new_trace_id()
    _log.error("intake.fault", trace_id=trace_id, exc_info=refusal)
    return Problem("INTERNAL_ERROR", values={"traceId": trace_id})


def _settle(answered: asyncio.Future[T], answer: T) -> None:
    if not answered.done():  # whoever asked has gone
        answered.set_result(answer)
