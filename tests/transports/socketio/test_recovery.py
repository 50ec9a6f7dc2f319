"""What is kept of cut connections: bounded in time, number and bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from appliance.transports.socketio import recovery
from appliance.transports.socketio.recovery import KEPT_SECONDS, MAX_BYTES, Kept, Recovery


class Clock:
    """A loop's clock and timers, moved by the test."""

    def __init__(self) -> None:
        self.time = 100.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def later(self, delay: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        self.waiting.append((self.time + delay, call))
        return cast("asyncio.TimerHandle", object())

    def reaches(self, time: float) -> None:
        self.time = time
        due = [one for one in self.waiting if one[0] <= time]
        self.waiting = [one for one in self.waiting if one not in due]
        for _, call in due:
            call()


def kept(topics: int = 0) -> Kept:
    return Kept("sid", "session", "key:erp", {"token": "t" * 250}, frozenset(f"{n:0>90}" for n in range(topics)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> Recovery:
    return Recovery(lambda: clock.time, clock.later)


def test_each_is_forgotten_in_its_time_though_nobody_else_is_cut(book: Recovery, clock: Clock) -> None:
    book.keep("one", kept())
    clock.reaches(150.0)
    book.keep("two", kept())
    clock.reaches(100.0 + KEPT_SECONDS)
    assert book.find("one") is None and book.find("two") is not None and len(book) == 1
    clock.reaches(150.0 + KEPT_SECONDS)
    assert (len(book), book.bytes, clock.waiting) == (0, 0, [])
    book.keep("three", kept())
    assert len(clock.waiting) == 1


def test_watchers_with_many_topics_are_fewer(book: Recovery) -> None:
    for number in range(5_000):
        book.keep(str(number), kept(topics=100))
    assert book.bytes <= MAX_BYTES
    assert 1_000 < len(book) < 5_000
    assert book.find("4999") is not None and book.find("0") is None


def test_the_oldest_makes_room(book: Recovery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "MAX_KEPT", 2)
    for pid in ("one", "two", "one", "three"):
        book.keep(pid, kept())
    assert [pid for pid in ("one", "two", "three") if book.find(pid)] == ["one", "three"]
    book.forget("one")
    book.forget("one")
    assert book.bytes == kept().bytes


def test_room_for_every_screen_of_the_largest_plant(book: Recovery) -> None:
    assert recovery.MAX_KEPT * kept().bytes <= MAX_BYTES
