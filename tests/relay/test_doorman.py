from __future__ import annotations

import pytest

from appliance.errors import Problem
from appliance.relay.doorman import Doorman

NAME, OFFICE, LAPTOP = "kim", "192.168.0.7", "192.168.0.8"
NOW = 1_800_000_000_000


def wrong(doorman: Doorman, address: str, now: int = NOW, name: str = NAME) -> bool:
    """One wrong password; whether it was looked at at all."""
    try:
        with doorman.trying(name, address, now):
            return True
    except Problem as problem:
        assert problem.code == "RATE_LIMITED"
        assert problem.retry_after and problem.retry_after >= 1
        return False


def right(doorman: Doorman, address: str, now: int = NOW) -> bool:
    looked_at = wrong(doorman, address, now)
    if looked_at:
        doorman.succeeded(NAME, address)
    return looked_at


def test_five_wrong_ones_pause_that_name_at_that_address_alone() -> None:
    doorman = Doorman()
    assert [wrong(doorman, OFFICE) for _ in range(6)] == [True] * 5 + [False]
    assert right(doorman, LAPTOP)
    assert right(doorman, "127.0.0.1")
    assert wrong(doorman, OFFICE, name="lee")
    assert not right(doorman, OFFICE, NOW + 59_000)
    assert right(doorman, OFFICE, NOW + 60_001)


def test_guesses_from_everywhere_are_braked_and_the_owner_still_gets_in() -> None:
    doorman = Doorman()
    assert right(doorman, OFFICE)
    looked_at = sum(wrong(doorman, f"10.{number >> 8}.{number & 255}.9") for number in range(2_000))
    assert looked_at <= 40
    for _ in range(3):
        assert right(doorman, OFFICE)
        assert right(doorman, "127.0.0.1")
    assert not right(doorman, LAPTOP)  # a stranger waits its turn
    hour = sum(wrong(doorman, f"11.{second % 250}.0.9", NOW + second * 1000) for second in range(3_600))
    assert hour <= 121


def test_one_address_can_t_try_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    doorman = Doorman()
    assert sum(wrong(doorman, OFFICE, name=f"user-{number}") for number in range(100)) == 30


def test_whoever_owns_an_ipv6_network_can_t_go_on_under_its_other_addresses() -> None:
    doorman = Doorman()
    looked_at = sum(wrong(doorman, f"fd00:0:0:7::{number:x}", name=f"user-{number}") for number in range(1, 1_000))
    assert looked_at == 30
    assert wrong(doorman, "fd00:0:0:8::1")
    assert right(doorman, OFFICE)


def test_an_address_that_has_signed_in_isn_t_paused_for_its_neighbours() -> None:
    doorman = Doorman()
    assert right(doorman, "fd00::1")
    for number in range(100):
        wrong(doorman, "fd00::bad", name=f"user-{number}")
    assert right(doorman, "fd00::1")


def test_few_passwords_of_one_address_are_looked_at_side_by_side() -> None:
    doorman = Doorman()
    tries = [doorman.trying(f"user-{number}", OFFICE, NOW) for number in range(5)]
    for attempt in tries[:4]:
        attempt.__enter__()
    with pytest.raises(Problem):
        tries[4].__enter__()
    assert wrong(doorman, LAPTOP)
    tries[0].__exit__(None, None, None)
    assert wrong(doorman, OFFICE, name="lee")
