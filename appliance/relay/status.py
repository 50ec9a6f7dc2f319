"""The appliance's figures as pages and programs read them, all from the same counters."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from appliance.errors import Problem
from appliance.metrics import Histogram, Metrics
from appliance.relay.clock import now_ms
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.events import Events
from appliance.relay.orders import OrderSource
from appliance.relay.screens import Screens
from appliance.relay.sessions import Sessions
from appliance.storage import deadletters
from appliance.storage.database import Database
from appliance.storage.deadletters import Filter
from appliance.storage.outbox import today


class Status:
    """Reads, never counts."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        screens: Screens,
        dispatcher: Dispatcher,
        source: OrderSource,
        events: Events,
        metrics: Metrics,
        discovery: Callable[[], dict[str, Any]] | None,
        tls: Callable[[], dict[str, Any]],
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._screens = screens
        self._dispatcher = dispatcher
        self._source = source
        self._events = events
        self._metrics = metrics
        self.ready = False
        """Set once everything has been started, cleared as it stops."""
        self.discovery = discovery
        """What mDNS says of itself; None where it is turned off."""
        self._tls = tls

    @property
    def uptime_seconds(self) -> float:
        return round(time.monotonic() - self._metrics.started, 1)

    def metrics(self) -> dict[str, Any]:
        """`GET /api/metrics`: shares in percent since the start, times in ms (null: nothing measured yet)."""
        ended = self._metrics.ended
        good = ended.get("shown", 0) + ended.get("received", 0) + ended.get("superseded", 0)
        dead = ended.get("dead", 0)
        shown, retried = self._metrics.shown, self._metrics.retried_deliveries
        return {
            "successRate": _share(good, good + dead, idle=100.0),
            "errorRate": _share(dead, good + dead),
            "lossRate": _share(self.lost, self._metrics.accepted_deliveries),
            "recoveryRate": _share(self._metrics.recovered, retried, idle=100.0),
            "averageLatency": round(shown.sum / shown.total, 2) if shown.total else None,
            "p50Latency": _rounded(shown.percentile(0.5)),
            "p95Latency": _rounded(shown.percentile(0.95)),
            "p99Latency": _rounded(shown.percentile(0.99)),
            "messagesPerMinute": self.per_minute,
        }

    @property
    def lost(self) -> int:
        """Deliveries accepted since the start that are neither open nor ended: there are none, and this would tell."""
        metrics = self._metrics
        return max(0, metrics.accepted_deliveries + metrics.taken_up - metrics.finished - self._dispatcher.unsettled)

    @property
    def per_minute(self) -> int:
        """Triggers accepted in the last 60 seconds."""
        return self._metrics.rate.total()

    async def dashboard(self, within: frozenset[str] | None) -> dict[str, Any]:
        """`GET /api/monitoring/dashboard` without the parts that only a page knows how to name. Where screens are
        counted, those of `within` are; None is all of them. Times and shares are the appliance's own."""
        hour = self._metrics.minutes.last()
        shown = Histogram()
        for minute in hour:
            shown.add(minute.shown)
        figures = self.metrics()
        midnight = _midnight()

        def job(connection: sqlite3.Connection) -> tuple[int, int, int]:
            return deadletters.count(connection, Filter(screens=within)), *today(connection, midnight)

        storage = "fail" if self._database.trouble else "ok"
        try:
            dead_letters, accepted, dead = await self._database.read(job)
        except Problem:
            dead_letters, accepted, dead, storage = 0, 0, 0, "fail"
        screens = [screen for screen in self._screens.all() if within is None or screen.screen_id in within]
        online = self._sessions.screens_online
        if within is not None:
            online = sum(self._sessions.of_screen(screen_id) is not None for screen_id in within)
        return {
            "totalConnections": len(self._sessions) if within is None else online,
            "activeScreens": online,
            "messagesPerMinute": self.per_minute,
            "averageLatency": figures["averageLatency"],
            "errorRate": figures["errorRate"],
            "uptime": self.uptime_seconds,
            "recentErrors": msgspec.to_builtins(list(self._events.recent_errors)),
            "time": now_ms(),
            "storage": storage,
            "screens": {
                "total": len(screens),
                "paired": sum(screen.paired for screen in screens),
                "online": online,
            },
            "p50ShownMs": _rounded(shown.percentile(0.5)),
            "p95ShownMs": _rounded(shown.percentile(0.95)),
            "today": {"accepted": accepted, "dead": dead},
            "deadLetters": dead_letters,
            "minutes": [
                {
                    "at": minute.at,
                    "scans": minute.accepted,
                    "p50ShownMs": _rounded(minute.shown.percentile(0.5)),
                    "p95ShownMs": _rounded(minute.shown.percentile(0.95)),
                }
                for minute in hour
            ],
        }

    def health(self) -> tuple[str, dict[str, dict[str, Any]]]:
        """The overall word (`ok`, `degraded`, `fail`) and the checks behind it, by name."""
        checks: dict[str, dict[str, Any]] = {
            "storage": self._storage(),
            "orders": _check(self._source.status()),
            "tls": _check(self._tls()),
        }
        if self.discovery is not None:
            checks["discovery"] = _check(self.discovery())
        if checks["storage"]["status"] == "fail":
            return "fail", checks
        return ("ok" if all(c["status"] == "ok" for c in checks.values()) else "degraded"), checks

    def _storage(self) -> dict[str, Any]:
        trouble, damage = self._database.trouble, self._database.damage
        found = {"status": "fail" if trouble else "ok", "detail": trouble}
        if damage is not None:
            found |= {"file": damage.file, "command": damage.command}
        return found


def _check(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "status": "ok" if status.get("ok") else "degraded"}


def _share(part: int, whole: int, idle: float = 0.0) -> float:
    return round(100 * part / whole, 3) if whole else idle


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _midnight() -> int:
    """The start of the appliance's local day, in ms."""
    return int(datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
