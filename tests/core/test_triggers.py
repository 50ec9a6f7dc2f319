"""What a trigger's members must be."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.triggers import TriggerBody, check, is_order_id
from appliance.errors import Problem

GOOD: dict[str, Any] = {
    "id": "0b0e6f9c-0000-4000-8000-000000000001",
    "timestamp": 1_800_000_000_000,
    "order_id": "ORD-1001",
    "screen_id": "SCREEN-001",
}


@pytest.mark.parametrize(
    "order_id",
    ["1", "ORD-1001", "제작-2026/11", "a" * 128, "A._:/+#$=@,()-z", "주문 번호 7", "заказ", "注文", "क़म", "한글"],
)
def test_order_ids(order_id: str) -> None:
    assert is_order_id(order_id)
    assert check(TriggerBody(**{**GOOD, "order_id": order_id})).order_id == unicodedata.normalize("NFC", order_id)


@pytest.mark.parametrize(
    "order_id",
    [
        "",
        " ",
        "a" * 129,
        "50%",
        "..\\x",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "a*b",
        'a"b',
        "a<b>",
        "a|b",
        "a?b",
        "😀",
        "a\u202eb",
    ],
)
def test_what_is_no_order_id(order_id: str) -> None:
    with pytest.raises(Problem) as problem:
        check(TriggerBody(**{**GOOD, "order_id": order_id}))
    assert problem.value.code == "VALIDATION_ERROR"
    assert "orderId" in {error.field for error in problem.value.errors}


def test_decomposed_korean_is_the_same_order() -> None:
    body = check(TriggerBody(**{**GOOD, "order_id": unicodedata.normalize("NFD", "제작-1")}))
    assert body.order_id == "제작-1"


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"id": "1"}, "id"),
        ({"id": "0b0e6f9c00004000800000000000000 1"}, "id"),
        ({"id": GOOD["id"] + "\n"}, "id"),
        ({"timestamp": 0}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": 1 << 60}, "timestamp"),
        ({"timestamp": 10**40}, "timestamp"),
        ({"order_id": None}, "orderId"),
        ({"url": "http://a/"}, "orderId"),
        ({"order_id": None, "url": "file:///x"}, "url"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"screen_id": "S 1"}, "screenId"),
        ({"screen_id": ""}, "screenId"),
        ({"screen_id": "S" * 65}, "screenId"),
        ({"screen_id": "화면"}, "screenId"),
        ({"target": "*"}, "target"),
        ({"screen_id": None, "target": ""}, "target"),
        ({"screen_id": None, "target": "screen:"}, "target"),
        ({"screen_id": None, "target": "screen:A*B"}, "target"),
        ({"screen_id": None, "target": "group:"}, "target"),
        ({"screen_id": None, "target": "group:*"}, "target"),
        ({"screen_id": None, "target": "line-1"}, "target"),
        ({"screen_id": None, "target": "**"}, "target"),
        ({"display_index": -1}, "displayIndex"),
        ({"display_index": 16}, "displayIndex"),
        ({"nonce": "x" * 15}, "nonce"),
        ({"nonce": "x" * 65}, "nonce"),
        ({"ttl_seconds": 0}, "ttlSeconds"),
        ({"ttl_seconds": 86_401}, "ttlSeconds"),
        ({"required_permission": "root"}, "requiredPermission"),
    ],
)
def test_the_wrong_member_is_named(members: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as problem:
        check(TriggerBody(**{**GOOD, **members}))
    assert problem.value.code == "VALIDATION_ERROR"
    assert field in {error.field for error in problem.value.errors}


def test_every_wrong_member_is_named_at_once() -> None:
    with pytest.raises(Problem) as problem:
        check(TriggerBody(**{**GOOD, "id": "x", "display_index": 99, "ttl_seconds": 0}))
    assert {error.field for error in problem.value.errors} == {"id", "displayIndex", "ttlSeconds"}


@pytest.mark.parametrize(
    "members",
    [
        {"display_index": 15, "nonce": "x" * 64, "ttl_seconds": 86_400, "mode": "queue", "title": "x" * 200},
        {"display_index": 0, "nonce": "x" * 16, "ttl_seconds": 1, "required_permission": "viewer"},
        {"screen_id": None},
        {"screen_id": None, "target": "screen:SCREEN-0*"},
        {"screen_id": None, "target": "group:조립 라인"},
        {"screen_id": None, "target": "user:김 반장"},
        {"screen_id": None, "target": "*"},
        {"id": GOOD["id"].upper()},
    ],
)
def test_the_bounds_themselves_are_good(members: dict[str, Any]) -> None:
    check(TriggerBody(**{**GOOD, **members}))


@given(st.text(max_size=140))
def test_an_accepted_order_id_never_holds_what_a_path_could_abuse(text: str) -> None:
    try:
        body = check(TriggerBody(**{**GOOD, "order_id": text}))
    except Problem:
        return
    assert body.order_id is not None
    assert 1 <= len(body.order_id) <= 128
    assert not any(c in "%\\" or unicodedata.category(c)[0] == "C" for c in body.order_id)
