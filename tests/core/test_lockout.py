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


def paused(lockout: Lockout, now: int) -> int:
    """The pause after two wrong tries, which must be looked at."""
    for _ in range(2):
        assert lockout.pause("kim", now) == 0
        lockout.tried("kim", now)
    return lockout.pause("kim", now)


def test_pauses_grow_only_where_that_was_asked_for() -> None:
    growing, same = Lockout(limit=2, pause_ms=1_000, longest_ms=5_000), Lockout(limit=2, pause_ms=1_000)
    for lockout, expected in ((growing, [1_000, 2_000, 4_000, 5_000, 5_000]), (same, [1_000] * 5)):
        now, found = 0, []
        for _ in range(5):
            found.append(paused(lockout, now))
            now += found[-1]
        assert found == expected
    growing.succeeded("kim")
    assert paused(growing, 100_000) == 1_000


def test_tries_sent_side_by_side_do_not_each_double_the_pause() -> None:
    lockout = Lockout(limit=2, pause_ms=1_000, longest_ms=60_000)
    for _ in range(10):
        lockout.tried("kim", 0)
    assert lockout.pause("kim", 0) == 1_000


def test_a_long_pause_is_remembered_for_twice_its_time() -> None:
    hour = 60 * 60_000
    for quiet, expected in ((2 * hour, hour), (2 * hour + 1, 30 * 60_000)):
        lockout, now = Lockout(limit=2, pause_ms=hour // 2, longest_ms=hour), 0
        now += paused(lockout, now)
        assert paused(lockout, now) == hour
        assert paused(lockout, now + quiet) == expected
    short = Lockout(limit=2, pause_ms=1_000, longest_ms=hour)
    assert paused(short, 0) == 1_000
    assert paused(short, 15 * 60_000) == 2_000
    assert paused(short, 31 * 60_000) == 1_000


def test_a_right_try_takes_back_itself_and_nothing_else() -> None:
    lockout = Lockout(limit=3, pause_ms=1_000, longest_ms=8_000)
    for _ in range(100):
        lockout.tried("network", 0, 2)
        lockout.taken_back("network", 2)
    for _ in range(5):
        lockout.tried("network", 0, 2)
    assert lockout.pause("network", 0) == 0
    lockout.tried("network", 0, 2)
    assert lockout.pause("network", 0) == 1_000
    lockout.taken_back("network", 2)
    assert lockout.pause("network", 0) == 0
    lockout.tried("network", 0, 2)
    assert lockout.pause("network", 0) == 1_000
    lockout.taken_back("nobody")
