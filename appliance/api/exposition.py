"""The appliance's counters in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from appliance import __version__
from appliance.metrics import Histogram, Metrics
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.sessions import Sessions
from appliance.storage.database import Database


class Exposition(Collector):
    """Reads the plain counters when it is asked; nothing is counted twice."""

    def __init__(self, *, metrics: Metrics, sessions: Sessions, dispatcher: Dispatcher, database: Database) -> None:
        self._metrics = metrics
        self._sessions = sessions
        self._dispatcher = dispatcher
        self._database = database
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield CounterMetricFamily("vooster_triggers_accepted", "Triggers on disk.", value=metrics.accepted)
        yield CounterMetricFamily("vooster_triggers_duplicate", "Repeats of a known id.", value=metrics.duplicates)
        yield _by("vooster_triggers_refused", "Triggers refused.", "code", metrics.refused)
        yield _by("vooster_limited", "Requests and connections refused for being too many.", "of", metrics.limited)
        yield _by("vooster_deliveries_ended", "Deliveries that are final.", "state", metrics.ended)
        yield _by("vooster_deliveries_dead", "Deliveries that became dead letters.", "code", metrics.dead_by_code)
        yield CounterMetricFamily("vooster_deliveries_sent", "Navigations written to a screen.", value=metrics.sent)
        yield CounterMetricFamily("vooster_deliveries_retried", "Back-offs begun.", value=metrics.retries)
        yield CounterMetricFamily("vooster_deliveries_pruned", "Deliveries forgotten for good.", value=metrics.pruned)
        yield GaugeMetricFamily("vooster_deliveries_open", "Deliveries not final.", value=len(self._dispatcher.opened))
        yield GaugeMetricFamily("vooster_sessions", "Live sessions.", value=len(self._sessions))
        yield GaugeMetricFamily("vooster_screens_online", "Screens online.", value=self._sessions.screens_online)
        yield GaugeMetricFamily("vooster_storage_up", "1 while commits succeed.", value=int(self._database.ok))
        yield GaugeMetricFamily("vooster_storage_waiting", "Jobs waiting for a commit.", value=self._database.waiting)
        yield CounterMetricFamily("vooster_storage_commits", "Synced commits.", value=self._database.commits)
        yield _histogram("vooster_navigate_seconds", "Accepted to written to the screen.", metrics.navigate)
        yield _histogram("vooster_shown_seconds", "Accepted to shown.", metrics.shown)
        info = GaugeMetricFamily("vooster_info", "The program.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info


def _by(name: str, text: str, label: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> HistogramMetricFamily:
    total, buckets = 0, []
    for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
        total += count
        buckets.append((f"{bound / 1000:g}", float(total)))
    buckets.append(("+Inf", float(histogram.total)))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.sum / 1000)
