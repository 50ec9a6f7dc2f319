"""Deliveries that aren't open: their end, which the world hears of after the commit, and what comes behind it."""

from __future__ import annotations

from msgspec.structs import replace

from appliance.core.delivery import MAX_HISTORY, Delivery, Happening, State, apply, decide
from appliance.core.retry import RetryPolicy
from appliance.metrics import Metrics
from appliance.relay.clock import now_ms
from appliance.relay.outcomes import Origins, Outcomes
from appliance.storage.outbox import Outbox


class Endings:
    """Knows no lanes, sessions or timers: what has ended waits for nothing any more."""

    def __init__(self, outbox: Outbox, outcomes: Outcomes, metrics: Metrics, policy: RetryPolicy) -> None:
        self._outbox = outbox
        self._outcomes = outcomes
        self._metrics = metrics
        self._policy = policy
        self.under_way = 0
        """Ends that aren't on disk yet."""

    def end(self, delivery: Delivery, origins: Origins, took_ms: float | None, sent_at: float | None = None) -> None:
        """The delivery is final; the world hears of it after the commit."""
        if delivery.state in (State.SHOWN, State.RECEIVED):
            self._outcomes.shown(delivery, sent_at)
        self.under_way += 1

        def told() -> None:
            self.under_way -= 1
            self._outcomes.ended(delivery, origins, took_ms)

        self._outbox.mark(delivery, told)

    def alter(self, delivery: Delivery, happening: Happening) -> bool:
        """Changes it in memory alone: whoever asks has it saved. False where the table knows of no effect."""
        decision = decide(delivery, happening, self._policy)
        if decision is not None:
            apply(delivery, decision, now_ms())
        return decision is not None

    def new_round(self, delivery: Delivery, happening: Happening, *, ttl_ms: int) -> bool:
        """`alter`, for an event that begins a round of a dead delivery, at the end of its lane. It isn't open before
        the dispatcher has been told of it by `reopened`."""
        if not self.alter(delivery, happening):
            return False
        delivery.seq = self._outbox.next_seq()
        delivery.expires_at = now_ms() + ttl_ms
        return True

    def afterwards(self, delivery: Delivery, happening: Happening, *, overtaken: bool = False) -> Happening:
        """`happening` for a delivery that has ended, which a newer one on show has `overtaken`."""
        return replace(happening, overtaken=overtaken or self._outcomes.newer_on_show(delivery))

    def late(self, delivery: Delivery, happening: Happening) -> None:
        """A word about a delivery that has ended already: mostly a line in its history."""
        decision = decide(delivery, happening, self._policy)
        if decision is None or (decision.state is None and len(delivery.history) >= MAX_HISTORY):
            return
        apply(delivery, decision, now_ms())
        if decision.state is None:
            self._outbox.mark(delivery)
            return
        self._metrics.taken_up += 1
        self.end(delivery, (), None)
