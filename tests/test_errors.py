"""The catalogue: every code of the contract, in both languages, with something a person can do."""

from __future__ import annotations

import re
import string

import pytest

from appliance.errors import CATALOGUE, FieldError, Problem, entry, too_many

STATUS = {
    "TOKEN_EXPIRED": 401, "TOKEN_INVALID": 401, "CREDENTIALS_INVALID": 401, "PERMISSION_DENIED": 403,
    "CSRF_INVALID": 403, "ORIGIN_NOT_ALLOWED": 403, "HOST_NOT_ALLOWED": 421, "VALIDATION_ERROR": 400,
    "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405, "UNSUPPORTED_MEDIA_TYPE": 415, "PAYLOAD_TOO_LARGE": 413,
    "REQUEST_EXPIRED": 400, "DUPLICATE_NONCE": 409, "IDEMPOTENCY_CONFLICT": 409, "RATE_LIMITED": 429,
    "QUEUE_FULL": 429, "ORDER_NOT_FOUND": 404, "ORDER_OUT_OF_STOCK": 409, "DOCUMENT_TYPE_UNSUPPORTED": 422,
    "DOCUMENT_URL_REFUSED": 422,
    "SCREEN_NOT_FOUND": 404, "SCREEN_EXISTS": 409, "SCREEN_ALREADY_PAIRED": 409, "LAST_ADMIN": 409, "NOT_DEAD": 409,
    "NOT_OPEN": 409, "CONFIRM_MISMATCH": 400, "SETUP_LINK_EXPIRED": 410, "PAIRING_EXPIRED": 410,
    "PAIRING_DENIED": 403, "SETUP_COMPLETE": 409, "STORAGE_UNAVAILABLE": 503, "SHUTTING_DOWN": 503,
    "INTERNAL_ERROR": 500,
}  # fmt: skip
CLOSE = {
    "VALIDATION_ERROR": 4400, "TOKEN_INVALID": 4401, "TOKEN_EXPIRED": 4401, "PERMISSION_DENIED": 4403,
    "HEARTBEAT_LOST": 4408, "SESSION_REPLACED": 4409, "PAYLOAD_TOO_LARGE": 4413, "RATE_LIMITED": 4429,
    "SESSION_TOO_SLOW": 4430,
}  # fmt: skip
OTHERS = [
    "CONNECTION_TIMEOUT", "CONNECTION_REFUSED", "ORDER_SOURCE_UNAVAILABLE", "SCREEN_OFFLINE", "EXPIRED",
    "RETRIES_EXHAUSTED", "CANCELLED", "SCREEN_REMOVED", "RESTORED", "CLIENT_FAILED", "DISPLAY_NOT_AVAILABLE",
    "DISPLAY_PERMISSION_DENIED", "DOCUMENT_LOAD_FAILED", "DOCUMENT_NOT_FRAMEABLE",
    "SCREEN_CLONED", "HEARTBEAT_LOST", "SESSION_REPLACED", "SESSION_TOO_SLOW", "APPLIANCE_RUNNING",
    "APPLIANCE_NOT_RUNNING", "PORT_IN_USE", "DATABASE_CORRUPT", "DISK_FULL", "SETTINGS_INVALID",
]  # fmt: skip


@pytest.mark.parametrize(("code", "status"), STATUS.items())
def test_the_http_status_is_the_contracts(code: str, status: int) -> None:
    assert CATALOGUE[code].status == status


@pytest.mark.parametrize(("code", "close_code"), CLOSE.items())
def test_the_close_code_is_the_contracts(code: str, close_code: int) -> None:
    assert CATALOGUE[code].close_code == close_code


@pytest.mark.parametrize("code", OTHERS)
def test_every_code_of_the_contract_is_there(code: str) -> None:
    assert code in CATALOGUE


@pytest.mark.parametrize("code", list(CATALOGUE))
def test_every_code_says_what_happened_and_what_to_do_in_both_languages(code: str) -> None:
    row = CATALOGUE[code]
    assert row.severity in {"INFO", "WARN", "ERROR"}
    for texts in (row.message, row.action, row.dead_action or row.action):
        assert set(texts) == {"ko", "en"}
        if set(texts.values()) == {"{reason}"}:
            continue  # the reason comes with the settings' own line
        assert re.search("[가-힣]", texts["ko"]), texts
        assert not re.search("[가-힣]", texts["en"]), texts
        placeholders = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
        assert placeholders[0] == placeholders[1], texts


def test_a_missing_value_hides_no_message() -> None:
    assert "–" in entry("ORDER_NOT_FOUND").actions()["en"]
    assert "ORD-1" in entry("ORDER_NOT_FOUND").actions(orderId="ORD-1")["ko"]


def test_a_value_with_braces_stays_what_it_is() -> None:
    assert "{x}{0}" in entry("ORDER_NOT_FOUND").actions(orderId="{x}{0}")["en"]


def test_an_unknown_code_has_words_too() -> None:
    assert entry("NEVER_HEARD_OF").message["ko"] == "알 수 없는 오류가 발생했습니다."
    assert Problem("NEVER_HEARD_OF").status == 500


def test_a_problem_carries_its_code_and_fields() -> None:
    problem = Problem("VALIDATION_ERROR", "Not a name.", errors=[FieldError("name", "1 to 80 characters")])
    assert (problem.status, problem.retryable, str(problem)) == (400, False, "VALIDATION_ERROR: Not a name.")


@pytest.mark.parametrize("code", [code for code, row in CATALOGUE.items() if row.without])
def test_what_is_said_without_a_value_needs_none_in_either_language(code: str) -> None:
    row = CATALOGUE[code]
    for name in row.without:
        others = {other: "x" for other in ("file", "command", "role", "type", "traceId", "n") if other != name}
        for values in (others, {**others, name: None}):
            for texts in (row.messages(**values), row.actions(**values)):
                assert re.search("[가-힣]", texts["ko"]) and not re.search("[가-힣]", texts["en"])
                assert all("–" not in text and "None" not in text for text in texts.values()), texts


def test_a_refusal_says_whether_it_takes_a_higher_role_or_another_scope() -> None:
    role = Problem("PERMISSION_DENIED", values={"role": "supervisor"}).actions()
    assert role["ko"].startswith("현장 관리자 이상만") and "Supervisor or higher" in role["en"]
    scope = Problem("PERMISSION_DENIED").actions()
    assert scope["ko"] == "이 계정(키)은 다른 모니터만 다룰 수 있습니다."
    assert scope["en"] == "This account or key is limited to other screens."


def test_states_are_told_in_the_readers_words() -> None:
    assert Problem("NOT_DEAD", values={"state": "dead"}).actions() == {
        "ko": "지금 상태를 확인해 주세요: 미전달",
        "en": "See its state now: Undelivered",
    }
    assert Problem("NOT_OPEN", values={"state": "dead, shown"}).actions()["ko"].endswith(": 미전달, 표시됨")


def test_a_value_may_be_by_language() -> None:
    problem = Problem("SETTINGS_INVALID", values={"where": "x", "reason": {"ko": "이유", "en": "why"}})
    assert problem.actions() == {"ko": "이유", "en": "why"}


@pytest.mark.parametrize(
    ("seconds", "ko", "en"),
    [
        (1, "1초", "1 s"),
        (60, "60초", "60 s"),
        (119, "119초", "119 s"),
        (120, "약 2분", "about 2 min"),
        (121, "약 3분", "about 3 min"),
        (3_600, "약 60분", "about 60 min"),
        (7_200, "약 2시간", "about 2 h"),
        (86_400, "약 24시간", "about 24 h"),
    ],
)
def test_a_pause_is_said_as_a_person_would(seconds: int, ko: str, en: str) -> None:
    problem = too_many(seconds)
    assert problem.actions() == {"ko": f"{ko} 뒤에 다시 해 주세요.", "en": f"Try again in {en}."}
    assert problem.retry_after == problem.extra["seconds"] == seconds, "programs are told exactly"
    assert Problem("RATE_LIMITED").actions()["ko"] == "잠시 뒤에 다시 해 주세요."
