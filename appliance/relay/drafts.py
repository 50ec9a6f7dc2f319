"""A trigger before it is accepted: who asks, for which screens, which document, and the deliveries it will be."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.delivery import Delivery, HistoryEntry, State
from appliance.core.lanes import MAX_OPEN
from appliance.core.permissions import SEND_ADDRESS
from appliance.core.screens import Screen
from appliance.core.targets import resolve
from appliance.core.triggers import TIMESTAMP_WINDOW_MS, TriggerBody
from appliance.errors import FieldError, Problem
from appliance.relay.auth import Principal
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.documents import Documents
from appliance.relay.lookups import Lookups
from appliance.relay.orders import Document
from appliance.relay.screens import Screens
from appliance.storage.outbox import Outbox
from appliance.storage.rows import TriggerRecord


@dataclass(slots=True)
class Draft:
    """What is known of a trigger so far. `document` is None while the order source can't say."""

    body: TriggerBody
    record: TriggerRecord
    screens: list[Screen]
    document: Document | None = None


class Drafts:
    """Checks triggers against what is there and makes their deliveries; keeps nothing."""

    def __init__(
        self,
        outbox: Outbox,
        screens: Screens,
        lookups: Lookups,
        documents: Documents,
        dispatcher: Dispatcher,
        *,
        ttl_seconds: int,
    ) -> None:
        self._outbox = outbox
        self._screens = screens
        self._lookups = lookups
        self._documents = documents
        self._dispatcher = dispatcher
        self._ttl_ms = ttl_seconds * 1000

    def record(self, principal: Principal, body: TriggerBody) -> TriggerRecord:
        """The trigger as it would be stored. Raises `VALIDATION_ERROR` when it is for nobody."""
        order_id = self._lookups.order_id(body.order_id) if body.order_id is not None else None
        return TriggerRecord(
            pk=0,
            id=body.id,
            sender=principal.actor,
            order_id=order_id,
            target=_target(principal, body),
            display_index=body.display_index,
            url=body.url,
            title=body.title,
            mode=body.mode,
            ttl_ms=body.ttl_seconds * 1000 if body.ttl_seconds else self._ttl_ms,
            nonce=body.nonce,
            accepted_at=now_ms(),
        )

    async def draft(self, principal: Principal, body: TriggerBody, record: TriggerRecord) -> Draft:
        """The screens and the document. Raises `PERMISSION_DENIED`, `REQUEST_EXPIRED`, `SCREEN_NOT_FOUND`,
        `DOCUMENT_URL_REFUSED`, or what the order source says of an order that can't be shown."""
        draft = Draft(body, record, self._targets(principal, body, record))
        draft.document = await self._document(body, record)
        return draft

    def at_once(self, principal: Principal, body: TriggerBody) -> Draft | None:
        """The draft of a trigger that nobody has to be asked about; None where the order source has to be. Raises as
        `record` and `draft` do."""
        record = self.record(principal, body)
        screens = self._targets(principal, body, record)
        if body.url is None:
            assert record.order_id is not None
            document = self._lookups.at_hand(record.order_id)
        else:
            document = self._at(body.url, body)
        return Draft(body, record, screens, document) if document is not None else None

    def deliveries(self, draft: Draft) -> list[Delivery]:
        """One a screen, with a place kept in its lane. A broadcast goes on without the lanes that are full: theirs are
        dead letters from the start. Raises `QUEUE_FULL` when no lane has room."""
        room = [self._dispatcher.reserve(screen.screen_id, display_of(draft.body, screen)) for screen in draft.screens]
        if not any(room):
            raise Problem("QUEUE_FULL", f"Over {MAX_OPEN} scans wait for {draft.record.target}.", retry_after=10)
        return [self._delivery(draft, screen, place=place) for screen, place in zip(draft.screens, room, strict=True)]

    def named(self, target: str) -> Screen | None:
        """The one screen a target names, if it names one that there is."""
        if not target.startswith("screen:") or target.endswith("*"):
            return None
        return self._screens.get(target.removeprefix("screen:"))

    def removed(self, deliveries: list[Delivery]) -> set[str]:
        """Those of their screens that there are no more."""
        return {delivery.screen_id for delivery in deliveries if delivery.screen_id not in self._screens}

    def _targets(self, principal: Principal, body: TriggerBody, record: TriggerRecord) -> list[Screen]:
        if principal.screen_id is not None:
            if record.target != f"screen:{principal.screen_id}" or body.url is not None:
                raise Problem("PERMISSION_DENIED", "A screen may trigger itself only.", values={"role": "operator"})
        elif body.url is not None:
            SEND_ADDRESS.check(principal.kind, principal.role)
        now = record.accepted_at
        if abs(now - body.timestamp) > TIMESTAMP_WINDOW_MS:
            raise Problem("REQUEST_EXPIRED", "The timestamp is over 300 s off.", extra={"serverTime": now})
        # The usual target is one screen by its id, found without looking at all of them.
        one = self.named(record.target)
        found = [one] if one is not None else resolve(record.target, self._screens.all(), None)
        if not found:
            raise Problem("SCREEN_NOT_FOUND", values={"target": record.target.removeprefix("screen:")})
        found = [screen for screen in found if principal.reaches(screen.screen_id, screen.groups)]
        if not found:
            raise Problem("PERMISSION_DENIED", "None of these screens is within the credential's reach.")
        if body.required_permission is not None:
            found = resolve("*", found, body.required_permission)
            if not found:
                raise Problem(
                    "SCREEN_NOT_FOUND",
                    "No screen of that target has that permission.",
                    values={"target": record.target.removeprefix("screen:")},
                )
        return found

    async def _document(self, body: TriggerBody, record: TriggerRecord) -> Document | None:
        if body.url is not None:
            return self._at(body.url, body)
        assert record.order_id is not None
        try:
            return await self._lookups.find(record.order_id)
        except Problem as problem:
            if problem.code != "ORDER_SOURCE_UNAVAILABLE":
                problem.values.setdefault("orderId", body.order_id)
                raise
            return None

    def _at(self, url: str, body: TriggerBody) -> Document:
        if self._documents.refuses(url):
            raise Problem("DOCUMENT_URL_REFUSED", "documents.allowed_hosts doesn't name the host of this url.")
        return Document(order_id="", ref=url, title=body.title or url, content_type="text/html")

    def _delivery(self, draft: Draft, screen: Screen, *, place: bool) -> Delivery:
        record, document = draft.record, draft.document
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
            display_index=display_of(draft.body, screen),
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


def display_of(body: TriggerBody, screen: Screen) -> int:
    """The display asked for, or the screen's own."""
    return screen.display_index if body.display_index is None else body.display_index


def _target(principal: Principal, body: TriggerBody) -> str:
    if body.target is not None:
        return body.target
    screen_id = body.screen_id or principal.screen_id
    if screen_id is None:
        raise Problem(
            "VALIDATION_ERROR", "The trigger has no target.", errors=[FieldError("target", "screenId or target")]
        )
    return f"screen:{screen_id}"
