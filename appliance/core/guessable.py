"""Passwords that whoever guesses tries first. Length alone doesn't keep those out (NIST SP 800-63B, 5.1.1.2): what
everybody picks, what lies side by side on a keyboard, and what the person and the place are called.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from math import inf
from typing import Final

SPARE: Final = 10
"""So many digits and signs, a date for example, make no password of a word that everybody knows."""
_REPEATED: Final = 4
"""A password that is but one piece of at most so many characters, over and over, is that piece."""
_RUN: Final = 3

_LINES: Final = (
    "12345678901234567890", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+", "abcdefghijklmnopqrstuvwxyz",
    "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0", "a1b2c3d4e5f6g7h8i9", "qawsedrftgyhujikolp", "가나다라마바사아자차카타파하",
    "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ",
)  # fmt: skip
_RUNS: Final = frozenset(
    line[at : at + _RUN] for each in _LINES for line in (each, each[::-1]) for at in range(len(line) - _RUN + 1)
)
_KNOWN: Final = """
password passwort passwd passcode pass pwd admin administrator root user username guest test tester testing login
logon letmein welcome iloveyou love lovely monkey dragon master sunshine princess football baseball superman
batman shadow michael jordan hello freedom whatever trustno nothing default changeme change secret access server
system manager operator supervisor company factory office computer internet network samsung hyundai windows
google naver kakao android iphone summer winter spring autumn happy angel monster starwars pokemon cookie
chocolate flower korea seoul busan qwert azerty

vooster appliance barcode scanner monitor display screen order

비밀번호 비번 안녕하세요 안녕 사랑해요 사랑해 관리자 아이디 대한민국 한국 서울 부산 회사 공장 생산 모니터
qlalfqjsgh qlqjs dkssudgktpdy dkssud tkfkdgody tkfkdgo tkfkd rhksflwk dkdlel eogksalsrnr gksrnr tjdnf qntks ghltk
rhdwkd todtks ahslxj wkehdck rhdwn dhkdwk zjavbxj gkrry godqhr rkatkgkqslek gksksla
"""
"""What people in all countries take, and what stands in manuals; what this product is called, and what is beside it; in
Korean, and as the same keys give it while the keyboard is set to English."""
_WORDS: Final = frozenset(_KNOWN.split())
_LEET: Final = str.maketrans("@03$5", "aoess")


def is_guessable(password: str, names: Iterable[str] = ()) -> bool:
    """Whether it is one of these, in capitals or not; `names` are what the person and the place are called."""
    text = _folded(password)
    words = _WORDS.union(word for name in names for word in _spellings(_folded(name)))
    return _is_repeated(text) or _spare(text, words) <= SPARE


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _spellings(name: str) -> set[str]:
    """The name whole, run together, its words, and those without their digits."""
    parts = {name, "".join(name.split()), *name.split(), *name.split("@")}
    parts |= {"".join(character for character in part if character.isalpha()) for part in parts}
    return {part for part in parts if len(part) > 1}


def _is_repeated(text: str) -> bool:
    return any(text[at:] == text[:-at] for at in range(1, min(_REPEATED, len(text) - 1) + 1))


def _spare(text: str, words: Iterable[str]) -> float:
    """How many digits and signs are left when all else is taken for words and runs; infinite where something else is
    in it."""
    plain = text.translate(_LEET)
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[0], []).append(word)
    least = [0.0] + [inf] * len(text)
    in_run = inf
    for at, character in enumerate(f"{text} "):
        is_run = at >= _RUN and _is_run(text[at - _RUN : at])
        in_run = min(in_run, least[at - _RUN]) if is_run else inf
        so_far = least[at] = min(least[at], in_run)
        if so_far == inf or at == len(text):
            continue
        if not character.isalpha():
            least[at + 1] = min(least[at + 1], so_far + 1)
        for word in by_first.get(character, []) + by_first.get(plain[at], []):
            if text.startswith(word, at) or plain.startswith(word, at):
                least[at + len(word)] = min(least[at + len(word)], so_far)
    return least[-1]


def _is_run(three: str) -> bool:
    return three in _RUNS or three == three[0] * _RUN
