"""Log lines: the same from structlog and from libraries, as JSON for machines, and never a password."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
import structlog
from appliance import log
log.configure(sys.argv[1], sys.argv[2])
structlog.get_logger("ours").info("order.shown", order="제작-1", ms=12)
structlog.get_logger("ours").warning("delivery.dead", code="EXPIRED")
logging.getLogger("library").error("a library's %s", "words")
logging.getLogger("aiohttp.access").info("GET /?token=secret")
structlog.get_logger("ours").debug("quiet")
password = "hunter" + "2" * 5
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("ours").exception("fault")
"""


def lines(style: str, level: str) -> list[str]:
    run = [sys.executable, "-c", SCRIPT, style, level]
    done = subprocess.run(run, capture_output=True, check=True, timeout=20)
    assert done.stdout == b""
    return done.stderr.decode("utf-8").splitlines()


def test_json_lines_are_one_object_each() -> None:
    found = [json.loads(line) for line in lines("json", "info")]
    assert [line["event"] for line in found] == ["order.shown", "delivery.dead", "a library's words", "fault"]
    assert [line["level"] for line in found] == ["info", "warning", "error", "error"]
    assert (found[0]["order"], found[0]["ms"]) == ("제작-1", 12)
    assert all(line["timestamp"].endswith("Z") for line in found)
    assert "ZeroDivisionError" in found[3]["exception"]


@pytest.mark.parametrize(("level", "events"), [("warning", 3), ("error", 2)])
def test_the_level_is_kept(level: str, events: int) -> None:
    assert len(lines("json", level)) == events


def test_lines_for_people_can_be_read() -> None:
    found = "\n".join(lines("console", "info"))
    assert "order.shown" in found and "order=제작-1" in found and "token" not in found
    assert "ZeroDivisionError" in found and "hunter22222" not in found  # a traceback tells no variables
    assert logging.getLogger().level != logging.DEBUG
