from __future__ import annotations

import pytest

from appliance.core.rate import Rate


def test_a_burst_passes_at_once_and_then_as_many_as_the_rate_allows() -> None:
    rate = Rate(per_second=10, burst=5)
    assert [rate.take("a", 100.0) for _ in range(5)] == [0] * 5
    assert rate.take("a", 100.0) == pytest.approx(0.1)
    assert rate.take("b", 100.0) == 0
    passed = sum(rate.take("a", 100.0 + tick / 100) == 0 for tick in range(1, 1001))
    assert 99 <= passed <= 101  # ten seconds of ten a second


def test_what_is_refused_isn_t_counted() -> None:
    rate = Rate(per_second=1, burst=1)
    assert rate.take("a", 0.0) == 0
    for tick in range(99):
        assert rate.take("a", tick / 100) > 0
    assert rate.take("a", 1.0) == 0


def test_a_key_for_many_may_as_many_times_as_often() -> None:
    rate = Rate(per_second=10, burst=5)
    assert sum(rate.take("all of them", 7.0, 1 / 8) == 0 for _ in range(100)) == 40


def test_idling_gathers_no_more_than_the_burst() -> None:
    rate = Rate(per_second=10, burst=5)
    rate.take("a", 0.0)
    assert sum(rate.take("a", 1e6) == 0 for _ in range(50)) == 5


def test_a_clock_that_is_put_back_keeps_nobody_out_until_it_has_caught_up() -> None:
    rate = Rate(per_second=1, burst=5)
    for _ in range(5):
        rate.take("a", 7200.0)
    assert rate.take("a", 0.0) == pytest.approx(1.0)
    assert rate.take("a", 1.001) == 0


def test_it_keeps_as_many_keys_as_it_may() -> None:
    rate = Rate(per_second=1, burst=1, kept=100)
    for number in range(10_000):
        rate.take(number, 0.0)
    assert len(rate) == 100
