"""The limit of open files."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

_PROGRAM = """
import resource, sys
from appliance.adapters.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def _started(soft: int, hard: int) -> str:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(soft), str(hard)], capture_output=True, text=True, check=True, timeout=30
    ).stdout


def test_the_limit_is_lifted_as_far_as_it_may_be() -> None:
    assert "\n" not in (line := _started(1024, 16_000).strip())
    assert line == "16000 16000 16000"


def test_a_limit_too_low_is_named_with_how_many_screens_fit() -> None:
    said = _started(256, 1024)
    assert "descriptors.few" in said
    assert "screens=824" in said
    assert said.strip().endswith("1024 1024 1024")
