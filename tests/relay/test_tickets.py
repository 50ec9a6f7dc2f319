"""Tickets: good once, for ten seconds, as long as the credential behind them is."""

from __future__ import annotations

import pytest

from appliance.core.roles import Role
from appliance.errors import Problem
from appliance.relay import tickets
from appliance.relay.principal import Principal, Revoked
from appliance.relay.tickets import Tickets

SCREEN = Principal("screen", "S-1", Role.OPERATOR, "S-1", expires_at=5_000, grant="g-1")
KEY = Principal("key", "k-1", Role.OPERATOR, grant="k-1")


class Clocks:
    """Both of them: seconds that never jump, and the time of day in milliseconds."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.now = 1_000

    def tickets(self) -> Tickets:
        return Tickets(clock=lambda: self.seconds, now=lambda: self.now)


def refused(book: Tickets, ticket: str) -> str:
    with pytest.raises(Problem) as caught:
        book.redeem(ticket)
    return caught.value.code


def test_a_ticket_is_whose_it_is_and_used_up_by_that() -> None:
    book = Clocks().tickets()
    first, second = book.issue(SCREEN), book.issue(KEY)
    assert first != second
    assert len(first) >= 43  # 256 bits
    assert (book.redeem(first), book.redeem(second)) == (SCREEN, KEY)
    assert refused(book, first) == "TOKEN_INVALID"
    assert refused(book, "nonsense") == "TOKEN_INVALID"
    assert refused(book, "\udc80") == "TOKEN_INVALID"


def test_a_ticket_ends_after_ten_seconds_whatever_the_time_of_day_does() -> None:
    clocks = Clocks()
    book = clocks.tickets()
    early, late = book.issue(KEY), book.issue(KEY)
    clocks.now += 3_600_000
    clocks.seconds += 9.9
    assert book.redeem(early) == KEY
    clocks.seconds += 0.2
    assert refused(book, late) == "TOKEN_INVALID"


def test_a_ticket_is_worth_no_more_than_the_token_it_came_by() -> None:
    clocks = Clocks()
    book = clocks.tickets()
    ticket = book.issue(SCREEN)
    clocks.now = 5_000
    assert refused(book, ticket) == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (Revoked("screen", "S-1"), 1),
        (Revoked("screen", "S-1", "g-1"), 1),
        (Revoked("screen", "S-1", "g-2"), 2),
        (Revoked("user", "S-1"), 2),
    ],
)
def test_what_ends_takes_its_tickets_along(what: Revoked, left: int) -> None:
    book = Clocks().tickets()
    ticket = book.issue(SCREEN)
    book.issue(KEY)
    book.revoked(what)
    assert len(book) == left
    if left == 1:
        assert refused(book, ticket) == "TOKEN_INVALID"


def test_those_that_nobody_used_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MAX_TICKETS", 3)
    clocks = Clocks()
    book = clocks.tickets()
    for _ in range(3):
        book.issue(KEY)
        clocks.seconds += 1
    with pytest.raises(Problem) as caught:
        book.issue(KEY)
    assert (caught.value.code, caught.value.retry_after) == ("RATE_LIMITED", 10)
    clocks.seconds += 7.5  # the first has ended
    book.issue(KEY)
    assert len(book) == 3


def test_one_caller_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MAX_TICKETS", tickets.MAX_OF_ONE + 1)
    book = Clocks().tickets()
    mine = [book.issue(SCREEN) for _ in range(100)]
    other = book.issue(KEY)
    assert len(book) == tickets.MAX_OF_ONE + 1
    assert refused(book, mine[0]) == "TOKEN_INVALID"
    assert {book.redeem(ticket) for ticket in mine[-tickets.MAX_OF_ONE :]} == {SCREEN}
    assert book.redeem(other) == KEY
    assert (len(book), book._of) == (0, {})
