"""Ages by steady time: what a leaping clock, a night off and a crash do to them."""

from __future__ import annotations

import msgspec
import pytest

from appliance.core.retention import DAY_MS, HOUR_SECONDS, MAX_OFF_MS, Ages, Chronicle

DAY = 86_400.0
KEEP = 30 * DAY_MS
WALL = 1_790_000_000_000
YEAR = 365 * DAY_MS


def ages(kept: Chronicle | None = None, wall: int = WALL, mono: float = 0.0) -> Ages:
    return Ages(kept or Chronicle(), wall=wall, mono=mono, keep_ms=KEEP)


def run_days(subject: Ages, days: int, *, mono: float = 0.0, key: int = 0) -> tuple[float, int]:
    """A hundred keys a day, looked at every hour."""
    for _ in range(days * 24):
        subject.note(mono, key)
        mono, key = mono + HOUR_SECONDS, key + 100 // 24
    return mono, key


def test_nothing_is_settled_in_the_first_hour_of_a_run() -> None:
    subject = ages()
    subject.note(0.0, 500)
    for minute in range(60):
        subject.note(60.0 * minute, 500 + minute)
        assert subject.settled(60.0 * minute) == 0
    assert subject.settled(HOUR_SECONDS) == 500
    subject.note(HOUR_SECONDS, 560)
    assert subject.settled(HOUR_SECONDS) == 500
    assert subject.settled(HOUR_SECONDS + 60) == 500
    subject.note(HOUR_SECONDS + 60, 561)
    assert subject.settled(HOUR_SECONDS + 60) == 501


def test_what_is_older_than_the_time_it_is_kept_is_expired() -> None:
    subject = ages()
    mono, _ = run_days(subject, 30)
    assert subject.expired(mono - HOUR_SECONDS) == 0
    mono, key = run_days(subject, 10, mono=mono, key=30 * 96)
    expired = subject.expired(mono)
    assert 9 * 96 - 96 <= expired <= 10 * 96, "to about a day"
    assert expired < key - 29 * 96


@pytest.mark.parametrize("leap", [YEAR, 10 * YEAR, -YEAR, -10 * YEAR, 40 * DAY_MS])
def test_a_clock_that_leaps_while_it_runs_changes_no_age(leap: int) -> None:
    subject = ages()
    mono, key = run_days(subject, 5)
    kept = subject.chronicle(mono, WALL + 5 * DAY_MS + leap)
    assert kept.steady == 5 * DAY_MS
    assert subject.expired(mono) == 0
    subject.note(mono, key)
    assert subject.expired(mono + DAY) == 0


@pytest.mark.parametrize(
    ("off", "counted"),
    [(0, 0), (DAY_MS, DAY_MS), (MAX_OFF_MS, MAX_OFF_MS), (MAX_OFF_MS + 1, 0), (YEAR, 0), (-1, 0), (-10 * YEAR, 0)],
)
def test_time_off_counts_as_far_as_it_is_believable(off: int, counted: int) -> None:
    subject = ages()
    mono, _ = run_days(subject, 29)
    kept = subject.chronicle(mono, WALL)
    again = ages(kept, wall=WALL + off, mono=7.0)
    assert again.steady(7.0) == kept.steady + counted


def test_ages_go_on_after_a_restart_but_not_in_its_first_hour() -> None:
    first = ages()
    mono, key = run_days(first, 31)
    kept = msgspec.json.decode(msgspec.json.encode(first.chronicle(mono, WALL)), type=Chronicle)
    second = ages(kept, wall=WALL + DAY_MS)
    second.note(0.0, key)
    assert second.expired(0.0) == 0
    second.note(HOUR_SECONDS, key)
    assert 0 < second.expired(HOUR_SECONDS) <= 3 * 96


def test_what_is_remembered_stays_small() -> None:
    subject = ages()
    mono, _ = run_days(subject, 400)
    assert len(subject.chronicle(mono, WALL).marks) <= 33


def test_only_some_looks_are_worth_writing_down() -> None:
    subject = ages()
    assert [subject.note(HOUR_SECONDS * hour, hour) for hour in range(49)].count(True) == 3
