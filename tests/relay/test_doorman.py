from __future__ import annotations

import pytest

from appliance.core.networks import OF_A_NETWORK
from appliance.errors import Problem
from appliance.relay.doorman import FAMILIAR, Doorman

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


def waits(doorman: Doorman, address: str, now: int = NOW) -> int:
    """Seconds that whoever tries is told to wait; 0 where the try was looked at."""
    try:
        with doorman.trying(NAME, address, now):
            return 0
    except Problem as problem:
        return int(problem.retry_after or 0)


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


def test_a_stranger_s_pauses_grow_to_an_hour() -> None:
    doorman, now, pauses = Doorman(), NOW, []
    for _ in range(9):
        looked_at = [wrong(doorman, OFFICE, now) for _ in range(6)]
        assert looked_at == [True] * 5 + [False]
        pauses.append(waits(doorman, OFFICE, now))
        now += pauses[-1] * 1000
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert right(doorman, OFFICE, now)


def test_guesses_from_everywhere_keep_the_owner_out_nowhere() -> None:
    doorman = Doorman()
    for second in range(3_600):  # 250 addresses, one of them each second, and each new address of the owner's is let in
        now = NOW + second * 1000
        wrong(doorman, f"11.0.0.{second % 250}", now)
        if second % 60 == 0:
            assert right(doorman, f"192.168.{second // 60}.8", now)
            assert right(doorman, "127.0.0.1", now)
    looked_at = sum(wrong(doorman, f"10.{number >> 8}.{number & 255}.9") for number in range(2_000))
    assert looked_at == 2_000
    assert right(doorman, LAPTOP)


def test_a_network_of_attackers_gets_few_guesses_a_day() -> None:
    """However they go about it: on and on, or quiet after some pauses until they are forgotten."""
    day, best = 24 * 3600, 0
    for rounds in range(1, 12):
        doorman, second, guesses = Doorman(), 0, 0
        while second < day:
            for number in range(rounds):
                while second < day and wrong(doorman, OFFICE, NOW + second * 1000):
                    guesses += 1
                if number < rounds - 1:
                    second += waits(doorman, OFFICE, NOW + second * 1000)
            second += max(15 * 60, 2 * waits(doorman, OFFICE, NOW + min(second, day) * 1000)) + 1
        best = max(best, guesses)
    assert 1_000 < best <= 1_260


def test_a_familiar_address_is_never_out_for_longer_than_a_minute() -> None:
    doorman, now = Doorman(), NOW
    assert right(doorman, OFFICE)
    for address in (OFFICE, "127.0.0.1", "::1", "local"):
        for _ in range(10):
            assert [wrong(doorman, address, now) for _ in range(6)] == [True] * 5 + [False]
            assert waits(doorman, address, now) == 60
            now += 60_000
        assert right(doorman, address, now)


def test_an_address_is_familiar_to_one_name_and_no_longer_than_its_password_lasts() -> None:
    doorman = Doorman()
    assert right(doorman, "::ffff:192.168.0.7")
    assert doorman.is_familiar(NAME, OFFICE)
    assert not doorman.is_familiar("lee", OFFICE)
    assert not doorman.is_familiar(NAME, LAPTOP)
    doorman.forget(NAME)
    assert not doorman.is_familiar(NAME, OFFICE)


def test_only_what_is_new_has_to_be_kept_and_only_so_much() -> None:
    doorman = Doorman()
    assert doorman.succeeded(NAME, OFFICE) == [OFFICE]
    assert doorman.succeeded(NAME, "::1") is None
    kept: list[str] | None = []
    for number in range(500):
        assert doorman.succeeded(NAME, OFFICE) is None  # in use, so never the one that has to go
        kept = doorman.succeeded(NAME, f"10.0.{number >> 8}.{number & 255}")
    assert kept is not None and len(kept) == FAMILIAR
    assert OFFICE in kept and kept[-1] == "10.0.1.243"
    later = Doorman()
    later.remember(NAME, kept)
    assert later.is_familiar(NAME, OFFICE)
    assert doorman.succeeded("lee", OFFICE) == [OFFICE]


def test_one_address_can_t_try_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    doorman = Doorman()
    assert sum(wrong(doorman, OFFICE, name=f"user-{number}") for number in range(100)) == 30
    assert sum(wrong(doorman, OFFICE, NOW + 60_000, f"user-{number}") for number in range(100)) == 30
    assert waits(doorman, OFFICE, NOW + 60_000) == 120


@pytest.mark.parametrize("network", ["192.168.0.7", "fd00::{:x}"])
def test_whoever_has_an_account_can_t_guess_on_by_signing_in_to_it(network: str) -> None:
    doorman, looked_at = Doorman(), 0
    for number in range(1, 2_000):
        address = network.format(number)
        looked_at += wrong(doorman, address, name=f"user-{number}")
        if wrong(doorman, address, name="insider"):
            doorman.succeeded("insider", address)
    assert looked_at <= 30 * OF_A_NETWORK


def test_whoever_owns_an_ipv6_network_can_t_go_on_under_its_other_addresses() -> None:
    doorman = Doorman()
    looked_at = sum(wrong(doorman, f"fd00:0:0:7::{number:x}", name=f"user-{number}") for number in range(1, 1_000))
    assert looked_at == 30 * OF_A_NETWORK
    assert wrong(doorman, "fd00:0:0:8::1")
    assert right(doorman, OFFICE)
    at_one_name = sum(wrong(doorman, f"fd00:0:0:9::{number:x}") for number in range(1, 1_000))
    assert at_one_name == 5 * OF_A_NETWORK
    assert right(doorman, "fd00:0:0:8::2")


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
