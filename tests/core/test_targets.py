"""Which screens a target means."""

from __future__ import annotations

import pytest

from appliance.core.screens import Screen
from appliance.core.targets import in_scope, resolve

SCREENS = [
    Screen("SCREEN-010", "Saw", 0, ["line-2"], user="kim", permission="viewer"),
    Screen("SCREEN-001", "조립 1", 0, ["line-1", "조립"], user="kim"),
    Screen("SCREEN-002", "조립 2", 0, ["line-1"], permission="supervisor"),
    Screen("PRESS-1", "Press", 0, [], user="김", permission="admin"),
]


@pytest.mark.parametrize(
    ("target", "permission", "expected"),
    [
        ("screen:SCREEN-001", None, ["SCREEN-001"]),
        ("screen:screen-001", None, []),
        ("screen:SCREEN-00", None, []),
        ("screen:SCREEN-0*", None, ["SCREEN-001", "SCREEN-002", "SCREEN-010"]),
        ("screen:SCREEN-00*", None, ["SCREEN-001", "SCREEN-002"]),
        ("screen:*", None, ["PRESS-1", "SCREEN-001", "SCREEN-002", "SCREEN-010"]),
        ("*", None, ["PRESS-1", "SCREEN-001", "SCREEN-002", "SCREEN-010"]),
        ("group:line-1", None, ["SCREEN-001", "SCREEN-002"]),
        ("group:line", None, []),
        ("group:조립", None, ["SCREEN-001"]),
        ("user:kim", None, ["SCREEN-001", "SCREEN-010"]),
        ("user:김", None, ["PRESS-1"]),
        ("user:None", None, []),
        ("*", "viewer", ["PRESS-1", "SCREEN-001", "SCREEN-002", "SCREEN-010"]),
        ("*", "operator", ["PRESS-1", "SCREEN-001", "SCREEN-002"]),
        ("*", "supervisor", ["PRESS-1", "SCREEN-002"]),
        ("*", "admin", ["PRESS-1"]),
        ("group:line-1", "supervisor", ["SCREEN-002"]),
    ],
)
def test_targets(target: str, permission: str | None, expected: list[str]) -> None:
    assert [screen.screen_id for screen in resolve(target, SCREENS, permission)] == expected


@pytest.mark.parametrize(
    ("screens", "groups", "expected"),
    [
        (None, None, ["SCREEN-010", "SCREEN-001", "SCREEN-002", "PRESS-1"]),
        ({"PRESS-1"}, None, ["PRESS-1"]),
        (None, {"line-2"}, ["SCREEN-010"]),
        ({"PRESS-1"}, {"line-2"}, ["SCREEN-010", "PRESS-1"]),
        (set(), None, []),
        (None, set(), []),
    ],
)
def test_scopes(screens: set[str] | None, groups: set[str] | None, expected: list[str]) -> None:
    limits = (None if screens is None else frozenset(screens), None if groups is None else frozenset(groups))
    assert [screen.screen_id for screen in SCREENS if in_scope(screen.screen_id, screen.groups, *limits)] == expected
