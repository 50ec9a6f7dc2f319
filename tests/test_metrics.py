"""The appliance's own figures: percentiles, minutes and rates."""

from __future__ import annotations

import random

import pytest

from appliance.metrics import Histogram, Minutes, Rate


def test_percentiles_lie_within_their_bucket() -> None:
    histogram = Histogram()
    values = sorted(random.Random(1).uniform(0.1, 900) for _ in range(5_000))
    for value in values:
        histogram.observe(value)
    for share in (0.5, 0.95, 0.99):
        true = values[int(share * len(values))]
        found = histogram.percentile(share)
        assert found is not None
        assert found == pytest.approx(true, rel=0.35)
    assert histogram.sum == pytest.approx(sum(values))


def test_without_a_measurement_there_is_no_percentile() -> None:
    assert Histogram().percentile(0.95) is None


def test_an_hour_has_sixty_minutes_whatever_happened_in_them() -> None:
    clock = [10_000 * 60_000]
    minutes = Minutes(lambda: clock[0])
    minutes.current().accepted += 3
    clock[0] += 5 * 60_000
    minutes.current().accepted += 2
    hour = minutes.last()
    assert [minute.accepted for minute in hour[-6:]] == [3, 0, 0, 0, 0, 2]
    assert len(hour) == 60
    clock[0] += 60 * 60_000
    assert sum(minute.accepted for minute in minutes.last()) == 0


def test_the_rate_forgets_after_a_minute() -> None:
    clock = [1_000.0]
    rate = Rate(lambda: clock[0])
    rate.add(5)
    clock[0] += 59
    rate.add()
    assert rate.total() == 6
    clock[0] += 1
    assert rate.total() == 1
    clock[0] += 60
    assert rate.total() == 0
