"""Which passwords are too easy to guess, however long they are, and that all others may be taken."""

from __future__ import annotations

import random
import string

import pytest

from appliance.core.guessable import is_guessable

NAMES = ("kim.cs", "정밀가공 2공장")


@pytest.mark.parametrize(
    "password",
    [
        # One piece over and over.
        "aaaaaaaaaaaa", "000000000000", "1212121212121", "asdfasdfasdf", "!!!!!!!!!!!!!!!!",
        # Runs.
        "123456789012", "1234567890123456", "987654321098", "abcdefghijkl", "qwertyuiop[]", "poiuytrewq12",
        "qwerty123456",
        "1q2w3e4r5t6y", "1qaz2wsx3edc", "q1w2e3r4t5y6", "qwer1234!@#$", "asdf1234!!!!", "111222333444",
        "가나다라마바사아자차카타",
        "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅂㅈㄷㄱ", "zxcvbnm,./12",
        # What everybody takes.
        "password1234", "Password1234!", "P@ssw0rd1234", "passwordpassword", "letmein12345", "welcome2026!",
        "iloveyou1004",
        "adminadmin12", "administrator", "Admin!234567", "changeme2026", "samsung12345", "Test-Test-1234",
        # In Korean, with the keyboard set to English.
        "dkssudgktpdy", "dkssudgktpdy12!", "qlalfqjsgh1234", "rhksflwk1234!", "tkfkdgo1004!", "비밀번호12345678",
        "안녕하세요12345678",
        # What it and its place are called.
        "vooster12345", "Vooster2026!!", "vooster-appliance", "voosterappliance1!", "monitor12345",
        "kim.cs123456", "kimcs19850312", "KIM.CS!!!!!!", "kim.cskim.cs", "정밀가공2공장2026", "정밀가공12345678",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password: str) -> None:
    assert is_guessable(password, NAMES)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery", "another good one", "a new password for kim", "Planted+password/한글 1",
        "낡은 우산 셋 창가에",
        "xk3q-9fdw-m7ra", "839201748365", "7!$9@%2^&4(1", "vooster schmeckt nach Zimt", "kim hat 3 blaue Ziegen",
        "eight purple staplers", "qwerty is no door for me",
    ],
)  # fmt: skip
def test_anything_else_may_be_taken(password: str) -> None:
    assert not is_guessable(password, NAMES)


def test_what_is_made_by_chance_is_never_refused() -> None:
    chance = random.Random(5)
    for _ in range(2_000):
        assert not is_guessable("".join(chance.choices(string.ascii_lowercase + string.digits, k=12)), NAMES)


@pytest.mark.parametrize("name", ["20231234", "line1", "", "kim@plant.example"])
def test_names_of_any_kind(name: str) -> None:
    assert is_guessable(f"{name}123456789012", [name])
    assert not is_guessable("correct horse battery", [name])
