from __future__ import annotations

from appliance.core.lockout import Lockout


def test_after_so_many_tries_a_key_pauses_and_then_starts_anew() -> None:
    lockout = Lockout(limit=3, pause_ms=1_000)
    for at in (0, 10, 20):
        assert lockout.pause("kim", at) == 0
        lockout.tried("kim", at)
    assert lockout.pause("kim", 20) == 1_000
    assert lockout.pause("lee", 20) == 0
    assert lockout.pause("kim", 1_019) == 1
    assert lockout.pause("kim", 1_020) == 0
    lockout.tried("kim", 1_020)
    assert lockout.pause("kim", 1_021) == 0


def test_success_and_a_quarter_of_an_hour_forgive() -> None:
    lockout = Lockout(limit=2, pause_ms=1_000)
    lockout.tried("kim", 0)
    lockout.succeeded("kim")
    lockout.tried("kim", 1)
    lockout.tried("kim", 16 * 60_000)
    assert lockout.pause("kim", 16 * 60_000) == 0


def test_what_it_remembers_is_bounded() -> None:
    lockout = Lockout(limit=1, pause_ms=1_000, kept=10)
    for number in range(1_000):
        lockout.tried(number, 0)
    assert [number for number in range(1_000) if lockout.pause(number, 0)] == list(range(990, 1_000))
