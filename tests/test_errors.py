"""The catalogue: every code of the contract, said in both languages, with something to do."""

from __future__ import annotations

import re

import pytest

from appliance.errors import CATALOGUE, Problem, entry

# Section 6 of the contract: what is an answer, with its HTTP status.
STATUSES = {
    "TOKEN_EXPIRED": 401,
    "TOKEN_INVALID": 401,
    "CREDENTIALS_INVALID": 401,
    "PERMISSION_DENIED": 403,
    "CSRF_INVALID": 403,
    "ORIGIN_NOT_ALLOWED": 403,
    "HOST_NOT_ALLOWED": 421,
    "VALIDATION_ERROR": 400,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "PAYLOAD_TOO_LARGE": 413,
    "REQUEST_EXPIRED": 400,
    "DUPLICATE_NONCE": 409,
    "IDEMPOTENCY_CONFLICT": 409,
    "RATE_LIMITED": 429,
    "QUEUE_FULL": 429,
    "ORDER_NOT_FOUND": 404,
    "ORDER_OUT_OF_STOCK": 409,
    "DOCUMENT_TYPE_UNSUPPORTED": 422,
    "SCREEN_NOT_FOUND": 404,
    "SCREEN_EXISTS": 409,
    "SCREEN_ALREADY_PAIRED": 409,
    "LAST_ADMIN": 409,
    "NOT_DEAD": 409,
    "NOT_OPEN": 409,
    "CONFIRM_MISMATCH": 400,
    "SETUP_LINK_EXPIRED": 410,
    "PAIRING_EXPIRED": 410,
    "PAIRING_DENIED": 403,
    "SETUP_COMPLETE": 409,
    "STORAGE_UNAVAILABLE": 503,
    "SHUTTING_DOWN": 503,
    "INTERNAL_ERROR": 500,
}
OTHERS = [
    "CONNECTION_TIMEOUT",
    "CONNECTION_REFUSED",
    "ORDER_SOURCE_UNAVAILABLE",
    "SCREEN_OFFLINE",
    "EXPIRED",
    "RETRIES_EXHAUSTED",
    "CANCELLED",
    "SCREEN_REMOVED",
    "RESTORED",
    "CLIENT_FAILED",
    "DISPLAY_NOT_AVAILABLE",
    "DISPLAY_PERMISSION_DENIED",
    "DOCUMENT_LOAD_FAILED",
    "DOCUMENT_NOT_FRAMEABLE",
    "DOCUMENT_URL_REFUSED",
    "SCREEN_CLONED",
    "HEARTBEAT_LOST",
    "SESSION_REPLACED",
    "SESSION_TOO_SLOW",
    "APPLIANCE_RUNNING",
    "APPLIANCE_NOT_RUNNING",
    "PORT_IN_USE",
    "DATABASE_CORRUPT",
    "SETTINGS_INVALID",
]
SEEDED = {
    "CONNECTION_TIMEOUT": "서버에 연결할 수 없습니다.",
    "CONNECTION_REFUSED": "서버가 응답하지 않습니다. 관리자에게 문의하세요.",
    "TOKEN_EXPIRED": "로그인이 만료되었습니다. 다시 로그인해주세요.",
    "TOKEN_INVALID": "인증 정보가 유효하지 않습니다.",
    "ORDER_NOT_FOUND": "주문을 찾을 수 없습니다. 바코드를 다시 스캔해주세요.",
    "ORDER_OUT_OF_STOCK": "재고가 없습니다. 관리자에게 문의하세요.",
    "DISPLAY_NOT_AVAILABLE": "세컨드 모니터를 연결할 수 없습니다.",
    "DISPLAY_PERMISSION_DENIED": "세컨드 모니터 접근 권한이 없습니다.",
}


def test_every_code_of_the_contract_is_there_with_its_status() -> None:
    assert {code: entry(code).status for code in STATUSES} == STATUSES
    assert set(OTHERS) <= set(CATALOGUE)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_says_what_happened_and_what_to_do_in_both_languages(code: str) -> None:
    row = CATALOGUE[code]
    for texts in (row.message, row.action, row.dead_action or row.action):
        assert set(texts) == {"ko", "en"}
        assert re.search("[가-힣]", texts["ko"]) or texts["ko"] == texts["en"], texts
        assert not re.search("[가-힣]", texts["en"])
        assert not re.search(r"을\(를\)|이\(가\)|은\(는\)|죄송|!", texts["ko"])
    assert row.severity in {"INFO", "WARN", "ERROR"}


def test_the_seeded_messages_stay_letter_for_letter() -> None:
    assert {code: CATALOGUE[code].message["ko"] for code in SEEDED} == SEEDED


def test_an_unknown_code_still_says_something() -> None:
    assert Problem("NEVER_HEARD_OF").messages()["ko"] == "알 수 없는 오류가 발생했습니다."


def test_placeholders_are_filled_and_a_missing_value_hides_nothing() -> None:
    problem = Problem("ORDER_NOT_FOUND", values={"orderId": "ORD-9"})
    assert problem.actions()["ko"].endswith(": ORD-9")
    assert "{" not in Problem("PORT_IN_USE").messages()["en"]


def test_a_waiting_order_and_an_undelivered_one_are_told_differently() -> None:
    row = entry("ORDER_SOURCE_UNAVAILABLE")
    assert "다시 스캔하지 않아도" in row.actions()["ko"]
    assert "다시 보내기" in row.actions(dead=True)["ko"]
