from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "vooster.service"
COMMAND = "ExecStart=/usr/bin/vooster "

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze (package systemd)")


@needs_systemd
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    program = tmp_path / "vooster"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = UNIT.read_text()
    assert text.count(COMMAND) == 1
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace(COMMAND, f"ExecStart={program} "))
    verified = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", str(unit)), capture_output=True, text=True, timeout=30, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@needs_systemd
def test_the_service_can_do_little_harm() -> None:
    scored = subprocess.run(
        ("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    exposure = re.search(r"Overall exposure level for vooster\.service: ([\d.]+)", scored.stdout)
    assert exposure and float(exposure[1]) < 2.0, scored.stdout


def test_the_service_starts_again_and_writes_where_the_program_looks() -> None:
    """`vooster` finds the installed service's data in /var/lib/vooster; the names must agree."""
    settings = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"[A-Z]\w+=", line))
    assert settings["StateDirectory"] == "vooster"
    assert settings["Type"] == "notify"
    assert settings["Restart"] == "always"
    assert settings["StartLimitIntervalSec"] == "0"
    assert settings["ExecStart"].endswith(" serve --data-dir ${STATE_DIRECTORY}")
    account = UNIT.with_suffix(".sysusers").read_text().splitlines()[-1].split()
    assert account[:2] == ["u", settings["User"]]
