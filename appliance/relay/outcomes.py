"""How deliveries end, told after the commit: to the sender, to the screen, to subscribers, and to the figures."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import structlog

from appliance.core.delivery import Delivery, State
from appliance.core.messages import DeliveryUpdate, ErrorMessage, Evidence
from appliance.core.targets import matches
from appliance.errors import Problem, entry
from appliance.metrics import Metrics
from appliance.relay.clock import now_ms
from appliance.relay.currents import Currents
from appliance.relay.events import Events
from appliance.relay.recent import Recent
from appliance.relay.screens import Screens
from appliance.relay.sessions import Sessions
from appliance.relay.waits import Waits

Origins = tuple[str, ...]
"""Ids of the sessions that wait for a delivery's end because they sent its trigger."""
MAX_GIVEN_UP = 10_000
"""Deliveries whose retries were used up that are remembered for the figures."""
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})\b")

_log = structlog.get_logger(__name__)


class Outcomes:
    """Tells the ends."""

    def __init__(
        self,
        sessions: Sessions,
        screens: Screens,
        currents: Currents,
        waits: Waits,
        recent: Recent,
        events: Events,
        metrics: Metrics,
    ) -> None:
        self._sessions = sessions
        self._screens = screens
        self._currents = currents
        self._waits = waits
        self._recent = recent
        self._events = events
        self._metrics = metrics
        self._given_up: dict[int, int] = {}
        """Deliveries that died after retries, by key, with the round they died in."""

    def changed(self) -> None:
        """Something that a live page shows is different now."""
        self._events.changed()

    def ended(self, delivery: Delivery, origins: Origins, took_ms: float | None) -> None:
        """A delivery has become final, on disk. `took_ms` counts from its acceptance by a clock that doesn't jump."""
        self._figures(delivery, took_ms)
        self._waits.final(delivery)
        self._recent.ended(delivery)
        if delivery.state is State.DEAD:
            self._events.error(delivery.code or "UNKNOWN", delivery.screen_id)
            _log.warning("delivery.dead", delivery=delivery.id, code=delivery.code, cause=delivery.cause)
        self._events.changed()
        self._tell(delivery, origins)

    def shown(self, delivery: Delivery, sent_at: float | None = None) -> None:
        """The lane's current document is this one, from now on, unless the lane was cleared since it was sent.
        `sent_at` is the loop's time of its last send, None for a word that came after the delivery's end."""
        self._currents.ended(delivery, now_ms(), sent_at)

    def newer_on_show(self, delivery: Delivery) -> bool:
        """Whether its lane shows a newer one now, on disk or not yet."""
        current = self._currents.get(*delivery.lane)
        return current is not None and current.seq > delivery.seq

    def put_away(self, delivery: Delivery) -> None:
        """Its screen is told to blank the display it was for."""
        self._currents.clear(delivery.screen_id, delivery.display_index)

    def refused(self, problem: Problem, delivery: Delivery) -> None:
        """The one screen a refused (or waiting) scan was for puts its old document away and says why."""
        self.refuse_screen(problem, delivery.screen_id, delivery.display_index, delivery.order_id)

    def refuse_screen(self, problem: Problem, screen_id: str, display_index: int, order_id: str | None) -> None:
        session = self._sessions.of_screen(screen_id)
        self._currents.clear(screen_id, display_index)
        if session is not None:
            session.send(
                ErrorMessage(
                    code=problem.code,
                    messages=problem.messages(),
                    action=problem.actions(),
                    retryable=problem.retryable,
                    order_id=order_id,
                    display_index=display_index,
                )
            )

    def _figures(self, delivery: Delivery, took_ms: float | None) -> None:
        retried = delivery.attempt > 1 or delivery.losses > 0 or delivery.auto_rounds > 0
        died_in = self._given_up.pop(delivery.pk, None)
        # What came through after all, without a person, isn't a failure as well.
        if died_in is not None and (delivery.round == died_in or delivery.auto_rounds > 0):
            self._metrics.retried_deliveries -= 1
            retried = True
        self._metrics.end(delivery.state.value, retried=retried)
        if retried and delivery.state is State.DEAD:
            self._given_up[delivery.pk] = delivery.round
            if len(self._given_up) > MAX_GIVEN_UP:
                del self._given_up[next(iter(self._given_up))]
        if delivery.state is State.SHOWN and took_ms is not None:
            took_ms = max(0.0, took_ms)  # accepted in an earlier run, under a clock that has been set back since
            self._metrics.shown.observe(took_ms)
            self._metrics.minutes.current().shown.observe(took_ms)
        if delivery.state is State.DEAD and delivery.code:
            self._metrics.dead_by_code[delivery.code] = self._metrics.dead_by_code.get(delivery.code, 0) + 1

    def _tell(self, delivery: Delivery, origins: Origins) -> None:
        update = _update(delivery)
        told = {self._sessions.of_screen(delivery.screen_id), *map(self._sessions.get, origins)}
        screen = self._screens.get(delivery.screen_id)
        if screen is not None:
            for session in self._sessions.listening():
                within_reach = session.principal.reaches(screen.screen_id, screen.groups)
                if within_reach and any(matches(topic, screen) for topic in session.topics):
                    told.add(session)
        for listener in told:
            if listener is not None:
                listener.send(update)


def _update(delivery: Delivery) -> DeliveryUpdate:
    update = DeliveryUpdate(
        id=delivery.id,
        trigger_id=delivery.trigger_id,
        screen_id=delivery.screen_id,
        state=delivery.state.value,
        final=delivery.final,
    )
    if delivery.code is not None:
        values = wording(delivery)
        update.code = delivery.code
        update.messages = entry(delivery.code).messages(**values)
        update.action = entry(delivery.code).actions(dead=True, **values)
    if delivery.evidence is not None:
        update.display = Evidence(**delivery.evidence["display"])
        update.window_id = delivery.evidence.get("windowId")
    return update


def wording(delivery: Delivery) -> dict[str, object]:
    """What fills the placeholders of a dead delivery's texts."""
    by = delivery.entered.detail
    return {
        "n": sum(line.state == State.SENT and line.round == delivery.round for line in delivery.history),
        "orderId": delivery.order_id,
        "user": (by or "").partition(":")[2] or by or "–",
        "target": delivery.screen_id,
        "type": _kind(delivery),
    }


def _kind(delivery: Delivery) -> str | None:
    """What people call its document's type: a file's extension, else the type it is sent with."""
    if delivery.ref is None:  # only what the order source said of it is known
        named = _EXTENSION.search(delivery.entered.detail or "")
        return named[1] if named else None
    suffix = PurePosixPath(urlsplit(delivery.ref).path).suffix
    return suffix[1:].lower() if _EXTENSION.fullmatch(suffix) else delivery.content_type
