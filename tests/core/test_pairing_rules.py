from __future__ import annotations

import random

import pytest

from appliance.core.pairing import ALPHABET, MAX_WRONG, Waiting, new_code, normalise, shown
from appliance.core.screens import Client


def waiting() -> Waiting:
    return Waiting("BCDFGHJK", Client(), [], "192.168.10.30", 0, 600_000)


def test_codes_are_eight_letters_without_vowels_or_look_alikes() -> None:
    code = new_code(random.Random(7).choice)
    assert len(code) == 8
    assert set(code) <= set(ALPHABET)
    assert not set(ALPHABET) & set("AEIOU0123456789Y")
    assert normalise(shown(code)) == code


@pytest.mark.parametrize(
    "typed", ["bcdf-ghjk", "BCDF GHJK", " bcdfghjk ", "b-c-d-f-g-h-j-k", "ＢＣＤＦ－ＧＨＪＫ", "BCDF–GHJK"]
)
def test_case_dashes_spaces_and_wide_letters_are_forgiven(typed: str) -> None:
    assert normalise(typed) == "BCDFGHJK"


@pytest.mark.parametrize(
    "typed", ["", "BCD", "BCDFG", "BCDFGHJKL", "ABCD", "1234", "BCDF_GHJK", "x" * 1000, "ㅠㅊㅇㄹ"]
)
def test_other_texts_are_no_codes(typed: str) -> None:
    assert normalise(typed) is None


def test_the_second_half_confirms_and_the_fifth_wrong_one_ends() -> None:
    code = waiting()
    for _ in range(MAX_WRONG - 1):
        assert not code.confirm("BCDF")
    assert code.confirm("ghjk")
    assert code.open(0)
    assert not code.confirm("")
    assert not code.open(0)
    assert code.poll(2_000) == "expired_token"


def test_wrong_confirmations_after_the_approval_take_nothing_back() -> None:
    code = waiting()
    code.approve("SCREEN-001", 1_000)
    for _ in range(2 * MAX_WRONG):
        code.confirm("BCDF")
    assert code.poll(10_000) == "approved"


def test_a_little_early_is_not_too_early() -> None:
    code = waiting()
    code.asked_at = 10_000
    assert code.poll(11_600) == "authorization_pending"
    code.asked_at = 11_600
    assert code.poll(13_000) == "slow_down"
    assert code.interval_ms == 7_000
