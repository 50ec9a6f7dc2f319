"""What a refusal says in a terminal, where no field is marked and no list is open: the field, its reason and what to
do, in both languages. Reasons come from the API in English alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from appliance.errors import Problem

WHOLE: Final = frozenset(
    {"VALIDATION_ERROR", "NOT_FOUND", "SCREEN_NOT_FOUND", "PASSWORD_GUESSABLE", "SETTINGS_INVALID"}
)
"""Codes whose `detail` says nothing that these lines don't."""
_ACTIONS: Final = {
    "VALIDATION_ERROR": {"ko": "고친 뒤 다시 실행해 주세요.", "en": "Correct it, then run this again."},
    "NOT_FOUND": {"ko": "목록에서 확인해 주세요: list", "en": "See what there is with: list"},
    "SCREEN_NOT_FOUND": {"ko": "목록에서 확인해 주세요: vooster screens list", "en": "See: vooster screens list"},
}
_KOREAN: Final = [
    (re.compile(pattern + r"\Z"), korean)
    for pattern, korean in (
        ("is taken", "이미 쓰고 있습니다"),
        ("is missing", "빠졌습니다"),
        ("lies in the past", "지난 시각입니다"),
        (r"(\d+) to (\d+) characters that can be seen", r"보이는 글자로 \1~\2자"),
        (r"(\d+) to (\d+) characters", r"\1~\2자"),
        (r"1 to (\d+) letters, digits and (. _ @ -)", r"글자, 숫자, \2 로 1~\1자"),
        (r"1 to (\d+) of the characters (A-Z a-z 0-9 . _ -)(, and not . or .. alone)?", r"\2 로 1~\1자"),
        (r"1 to (\d+) letters, digits, spaces or (\S+)", r"글자, 숫자, 띄어쓰기, \2 로 1~\1자"),
        (r"(\d+) to (\d+)", r"\1에서 \2까지"),
        (r"one of (.+)", r"다음 중 하나: \1"),
        (r"at most (\d+), each 1 to (\d+) characters, no \* .+", r"최대 \1개, 각각 보이는 글자로 1~\2자, * 없이"),
        (r"1 to (\d+) names", r"1~\1개"),
        (r"names of 1 to (\d+) characters", r"각각 1~\1자"),
        (
            "an administrator isn't limited .+",
            "시스템 관리자는 라인이나 모니터로 제한할 수 없습니다. supervisor를 써 주세요",
        ),
        ("an error code, like (.+)", r"\1 같은 오류 코드"),
        ("like (user:kim, .+) or system", r"\1, system처럼"),
        (r"like (screen\.add), or (auth\.\*) .+", r"\1 또는 \2처럼"),
        (r"line (\d+) has no screenId", r"\1번째 줄에 screenId가 없습니다"),
        ("it names no screen", "모니터가 하나도 없습니다"),
        (r"it is neither UTF-8 nor CP949 text; .+", "UTF-8이나 CP949 텍스트가 아닙니다. ‘CSV UTF-8’로 저장해 주세요"),
        (r"There is no such user\.", "그런 사용자가 없습니다."),
        (r"There is no such key\.", "그런 키가 없습니다."),
        (r"There is no trigger (.+)\.", r"그런 스캔이 없습니다: \1"),
        (r"There is no such undelivered scan.+", "그런 미전달이 없습니다. 다시 보냈거나 버렸을 수 있습니다."),
    )
]


def lines(problem: Problem, language: str) -> Iterator[str]:
    """What happened, where, and what to do, in this language."""
    messages = problem.messages()
    # Where an answer has nothing more to tell, its detail is the message again.
    detail = problem.detail if problem.detail not in messages.values() else ""
    yield _said(detail, language) if detail and problem.code == "NOT_FOUND" else messages[language]
    if problem.code == "VALIDATION_ERROR":
        for error in problem.errors:
            yield f"- {error.field}: {_said(error.reason, language)}".replace("- : ", "- ")
        if not problem.errors and detail:
            yield f"- {_said(detail, language)}"
    yield _ACTIONS.get(problem.code, problem.actions())[language]


def _said(reason: str, language: str) -> str:
    if language == "ko":
        for pattern, korean in _KOREAN:
            match = pattern.match(reason)
            if match:
                return match.expand(korean)
    return reason
