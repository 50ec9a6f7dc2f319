from __future__ import annotations

import json

from appliance.core.permissions import CALLS, MESSAGES, PAGES
from tests.support.process import vooster


def test_the_table_that_the_appliance_asks_is_printed() -> None:
    printed = vooster("permissions")
    assert printed.returncode == 0, printed.stderr
    lines = {line[:60].split("  ")[0]: line for line in printed.stdout.splitlines()}
    for method, path in CALLS.keys() - {("GET", page) for page in PAGES}:
        assert f"{'any' if method == '*' else method} {path}" in lines
    marks = {call: [mark for mark in line if mark in "●·"] for call, line in lines.items()}
    assert "".join(marks["POST /api/trigger"]) == "·●●●●"
    assert "".join(marks["POST /api/screens"]) == "··●●·"
    assert "".join(marks["GET /api/audit"]) == "···●·"
    assert lines["GET /documents/{path}"].rstrip().endswith("signed link")


def test_programs_get_the_same_as_json() -> None:
    found = {row["call"]: row for row in json.loads(vooster("permissions", "--json").stdout)["items"]}
    assert len(found) == len(CALLS) - len(PAGES) + len(MESSAGES) + 1
    assert found["socket subscribe"]["may"] == ["viewer", "operator", "supervisor", "admin"]
    assert found["GET /api/health"] == {"call": "GET /api/health", "anyone": True, "may": [], "proof": ""}
