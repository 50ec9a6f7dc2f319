"""Accepting triggers: everything is checked first, then one synced commit, and only then an answer and a dispatch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.core.lanes import MAX_OPEN
from appliance.core.roles import Role
from appliance.core.screens import Screen
from appliance.core.targets import resolve
from appliance.core.triggers import TIMESTAMP_WINDOW_MS, TriggerBody, check
from appliance.errors import FieldError, Problem
from appliance.metrics import Metrics
from appliance.relay.auth import Principal
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.lookups import Lookups
from appliance.relay.orders import Document
from appliance.relay.outcomes import Outcomes
from appliance.relay.recent import Recent
from appliance.relay.screens import Screens
from appliance.relay.sessions import Session
from appliance.settings import Delivery as DeliverySettings
from appliance.storage.outbox import Accepted, Outbox, TriggerRecord

REFUSALS_SHOWN = frozenset({"ORDER_NOT_FOUND", "ORDER_OUT_OF_STOCK", "DOCUMENT_TYPE_UNSUPPORTED"})
"""Refusals that the one screen a scan was for shows too, so that nobody works from the paper before."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is told: the trigger's id as it was first sent, and its deliveries as they are now."""

    id: str
    duplicate: bool
    deliveries: list[Delivery]

    def body(self) -> dict[str, object]:
        """The contract's 202 body."""
        return {
            "id": self.id,
            "status": "accepted",
            "duplicate": self.duplicate,
            "deliveries": [summary(delivery) for delivery in self.deliveries],
        }


def summary(delivery: Delivery) -> dict[str, object]:
    """A delivery as answers list it."""
    found: dict[str, object] = {
        "id": delivery.id,
        "screenId": delivery.screen_id,
        "state": delivery.state.value,
        "final": delivery.final,
    }
    if delivery.code is not None:
        found["code"] = delivery.code
    return found


class Intake:
    """The one way in for triggers, whatever transport brought them."""

    def __init__(
        self,
        outbox: Outbox,
        screens: Screens,
        lookups: Lookups,
        dispatcher: Dispatcher,
        outcomes: Outcomes,
        recent: Recent,
        metrics: Metrics,
        settings: DeliverySettings,
    ) -> None:
        self._outbox = outbox
        self._screens = screens
        self._lookups = lookups
        self._dispatcher = dispatcher
        self._outcomes = outcomes
        self._recent = recent
        self._metrics = metrics
        self._ttl_ms = settings.ttl_seconds * 1000
        self._under_way: dict[str, asyncio.Event] = {}

    async def accept(self, principal: Principal, body: TriggerBody, origin: Session | None = None) -> Receipt:
        """Accepts a trigger, durably, or raises why not; nothing is kept then. A repeat gets the present state."""
        try:
            return await self._accept(principal, check(body), origin)
        except Problem as problem:
            self._metrics.refuse(problem.code)
            raise

    async def _accept(self, principal: Principal, body: TriggerBody, origin: Session | None) -> Receipt:
        if self._dispatcher.stopping:
            raise Problem("SHUTTING_DOWN")
        key = body.id.lower()
        while key in self._under_way:
            await self._under_way[key].wait()
        done = self._under_way[key] = asyncio.Event()
        try:
            return await self._first(principal, body, origin)
        finally:
            del self._under_way[key]
            done.set()

    async def _first(self, principal: Principal, body: TriggerBody, origin: Session | None) -> Receipt:
        arrived = asyncio.get_running_loop().time()
        record = self._record(principal, body)
        try:
            targets = self._targets(principal, body, record)
            document = await self._document(body)
            deliveries = self._deliveries(record, targets, body, document)
        except Problem as problem:
            # A repeat is answered even when the same request couldn't be accepted any more.
            if problem.code not in ("PERMISSION_DENIED", "STORAGE_UNAVAILABLE"):
                if problem.code == "REQUEST_EXPIRED":
                    record.nonce = None  # the timestamp is judged before the nonce
                before = await self._outbox.check(record)
                if before is not None:
                    return await self._repeat(before.record)
            if problem.code in REFUSALS_SHOWN:
                self._refuse_on_screen(problem, record, body)
            raise
        committing = self._outbox.accept(record, deliveries)
        receipt: list[Receipt] = []

        def committed(commit: asyncio.Future[Accepted]) -> None:
            """Follows the commit itself, so that what is on disk is sent whether or not the sender still waits."""
            for delivery in deliveries:
                if not delivery.final:
                    self._dispatcher.release(delivery)
            if commit.cancelled() or commit.exception() is not None or commit.result().duplicate:
                return
            self._metrics.accept(len(deliveries))
            # As it was accepted: dispatching changes the originals before the answer is written.
            receipt.append(Receipt(record.id, False, [msgspec.structs.replace(delivery) for delivery in deliveries]))
            for delivery in deliveries:
                self._recent.accepted(delivery)
            self._dispatcher.accepted(deliveries, origin, arrived)
            if document is None:
                self._refuse_on_screen(Problem("ORDER_SOURCE_UNAVAILABLE"), record, body)

        committing.add_done_callback(committed)
        accepted = await asyncio.shield(committing)
        return await self._repeat(accepted.record) if accepted.duplicate else receipt[0]

    def _record(self, principal: Principal, body: TriggerBody) -> TriggerRecord:
        order_id = self._lookups.order_id(body.order_id) if body.order_id is not None else None
        return TriggerRecord(
            pk=0,
            id=body.id,
            sender=principal.actor,
            order_id=order_id,
            target=self._target(principal, body),
            display_index=body.display_index,
            url=body.url,
            title=body.title,
            mode=body.mode,
            ttl_ms=body.ttl_seconds * 1000 if body.ttl_seconds else self._ttl_ms,
            nonce=body.nonce,
            accepted_at=now_ms(),
        )

    def _target(self, principal: Principal, body: TriggerBody) -> str:
        if body.target is not None:
            return body.target
        screen_id = body.screen_id or principal.screen_id
        if screen_id is None:
            raise Problem(
                "VALIDATION_ERROR", "The trigger has no target.", errors=[FieldError("target", "screenId or target")]
            )
        return f"screen:{screen_id}"

    def _targets(self, principal: Principal, body: TriggerBody, record: TriggerRecord) -> list[Screen]:
        if principal.screen_id is not None:
            if record.target != f"screen:{principal.screen_id}" or body.url is not None:
                raise Problem("PERMISSION_DENIED", "A screen may trigger itself only.", values={"role": "operator"})
        elif body.url is not None and principal.kind == "user" and principal.role < Role.SUPERVISOR:
            raise Problem("PERMISSION_DENIED", "Sending an address needs a supervisor.", values={"role": "supervisor"})
        now = record.accepted_at
        if abs(now - body.timestamp) > TIMESTAMP_WINDOW_MS:
            raise Problem("REQUEST_EXPIRED", "The timestamp is over 300 s off.", extra={"serverTime": now})
        found = self._named(record.target)
        if found is None:
            found = resolve(record.target, self._screens.all(), None)
        if not found:
            raise Problem("SCREEN_NOT_FOUND", values={"target": record.target.removeprefix("screen:")})
        found = [screen for screen in found if principal.reaches(screen.screen_id, screen.groups)]
        if not found:
            raise Problem("PERMISSION_DENIED", "None of these screens is within the credential's reach.")
        if body.required_permission is not None:
            found = resolve("*", found, body.required_permission)
            if not found:
                raise Problem("SCREEN_NOT_FOUND", values={"target": record.target})
        return found

    def _named(self, target: str) -> list[Screen] | None:
        """The usual target, one screen by its id, without looking at all of them."""
        if not target.startswith("screen:") or target.endswith("*"):
            return None
        screen = self._screens.get(target.removeprefix("screen:"))
        return [screen] if screen is not None else []

    async def _document(self, body: TriggerBody) -> Document | None:
        """What to show; None when the order source can't say now."""
        if body.url is not None:
            return Document(order_id="", ref=body.url, title=body.title or body.url, content_type="text/html")
        assert body.order_id is not None
        try:
            return await self._lookups.find(self._lookups.order_id(body.order_id))
        except Problem as problem:
            if problem.code != "ORDER_SOURCE_UNAVAILABLE":
                problem.values.setdefault("orderId", body.order_id)
                raise
            return None

    def _deliveries(
        self, record: TriggerRecord, screens: list[Screen], body: TriggerBody, document: Document | None
    ) -> list[Delivery]:
        """One a screen, with a place kept in its lane. A broadcast goes on without the lanes that are full: theirs are
        dead letters from the start. Raises `QUEUE_FULL` when no lane has room."""
        room = [self._dispatcher.reserve(screen.screen_id, _display(body, screen)) for screen in screens]
        if not any(room):
            raise Problem("QUEUE_FULL", f"Over {MAX_OPEN} scans wait for {record.target}.", retry_after=10)
        return [
            self._delivery(record, screen, body, document, place=place)
            for screen, place in zip(screens, room, strict=True)
        ]

    def _delivery(
        self, record: TriggerRecord, screen: Screen, body: TriggerBody, document: Document | None, *, place: bool
    ) -> Delivery:
        seq = self._outbox.next_seq()
        record.pk = record.pk or seq
        state = State.PENDING if document is not None else State.AWAITING_ORDER
        code = None
        if not place:
            state, code = State.DEAD, "QUEUE_FULL"
        return Delivery(
            pk=seq,
            trigger_pk=record.pk,
            trigger_id=record.id,
            sender=record.sender,
            order_id=record.order_id,
            target=record.target,
            screen_id=screen.screen_id,
            display_index=_display(body, screen),
            mode=record.mode,
            seq=seq,
            accepted_at=record.accepted_at,
            ttl_ms=record.ttl_ms,
            expires_at=record.accepted_at + record.ttl_ms,
            state=state,
            final=not place,
            listed=not place,
            code=code,
            ref=document.ref if document else None,
            title=record.title or (document.title if document else None),
            content_type=document.content_type if document else None,
            history=[HistoryEntry(at=record.accepted_at, state=state.value, round=1, attempt=1, code=code)],
        )

    async def _repeat(self, record: TriggerRecord) -> Receipt:
        self._metrics.duplicates += 1
        return Receipt(record.id, True, await self._outbox.of_trigger(record.id))

    def _refuse_on_screen(self, problem: Problem, record: TriggerRecord, body: TriggerBody) -> None:
        waiting = problem.code == "ORDER_SOURCE_UNAVAILABLE"
        found = self._named(record.target)
        if found and not (waiting and record.mode != "latest"):
            self._outcomes.refuse_screen(problem, found[0].screen_id, _display(body, found[0]), record.order_id)


def _display(body: TriggerBody, screen: Screen) -> int:
    return screen.display_index if body.display_index is None else body.display_index
