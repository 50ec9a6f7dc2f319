"""Counters and histograms against plain arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.metrics import Histogram, Metrics, Minutes, Rate


@given(st.lists(st.floats(0.01, 500_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    found = histogram.percentile(share)
    true = sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]
    bounds = [0.0, *Histogram.bounds]
    index = next(i for i in range(1, len(bounds)) if true <= bounds[i] * (1 + 1e-12))
    assert found is not None
    assert bounds[index - 1] <= found <= bounds[index]
    assert histogram.total == len(values)
    assert histogram.sum == pytest.approx(sum(values))


def test_an_empty_histogram_knows_nothing() -> None:
    assert Histogram().percentile(0.95) is None


def test_histograms_add_up() -> None:
    one, two = Histogram(), Histogram()
    for value in (1, 10, 100):
        one.observe(value)
        two.observe(value * 2)
    one.add(two)
    assert (one.total, one.sum) == (6, 333)


def test_the_rate_forgets_after_a_minute() -> None:
    now = [1_000.0]
    rate = Rate(lambda: now[0])
    for second in range(60):
        now[0] = 1_000.0 + second
        rate.add(2)
    assert rate.total() == 120
    now[0] = 1_089.5
    assert rate.total() == 60
    now[0] = 1_119.9
    assert rate.total() == 0
    rate.add()
    assert rate.total() == 1


def test_minutes_have_no_gaps() -> None:
    now = [60_000 * 100]
    minutes = Minutes(lambda: now[0], keep=5)
    minutes.current().accepted += 1
    now[0] += 60_000 * 2 + 5
    minutes.current().accepted += 3
    assert [(minute.at // 60_000, minute.accepted) for minute in minutes.last()] == [
        (98, 0), (99, 0), (100, 1), (101, 0), (102, 3),
    ]  # fmt: skip
    now[0] += 60_000 * 10
    assert [minute.accepted for minute in minutes.last()] == [0] * 5


def test_ends_are_counted_by_how_they_ended() -> None:
    metrics = Metrics(lambda: 0)
    metrics.end("shown", retried=False)
    metrics.end("shown", retried=True)
    metrics.end("dead", retried=True)
    assert (metrics.finished, metrics.ended) == (3, {"shown": 2, "dead": 1})
    assert (metrics.retried_deliveries, metrics.recovered) == (2, 1)
