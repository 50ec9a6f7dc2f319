"""Delays between attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.retry import RetryPolicy


def test_the_delays_of_the_contract() -> None:
    policy = RetryPolicy()
    assert [policy.delay_ms(attempt) for attempt in range(1, 6)] == [1_000, 2_000, 4_000, None, None]


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert RetryPolicy(max_retries=0).delay_ms(1) is None


@given(st.integers(0, 20), st.integers(1, 60_000))
def test_every_retry_waits_twice_as_long_as_the_one_before(retries: int, base: int) -> None:
    policy = RetryPolicy(retries, base)
    delays = [policy.delay_ms(attempt) for attempt in range(1, retries + 2)]
    assert delays == [base * 2**n for n in range(retries)] + [None]
