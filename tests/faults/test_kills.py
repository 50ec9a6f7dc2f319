"""Nothing accepted is lost and nothing stale is shown, however often the appliance is killed at work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.run import Plan, install, run
from tests.faults.verdict import Verdict

SEED = int(os.environ.get("FAULTS_SEED", "20261"))
"""Behind all chance of these runs; `FAULTS_SEED=… pytest` repeats another one."""


async def _run(root: Path, plan: Plan) -> Verdict:
    return await run(root / "run", plan, await install(root / "installation"))


@pytest.mark.timeout(150)
async def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    verdict = await _run(tmp_path, Plan(kills=20, seed=SEED))
    print(f"\n{verdict.table()}")
    assert not verdict.violations, verdict.table()
    assert verdict.accepted > 50
    assert verdict.retried > 10


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(4))
async def test_hundreds_of_kills_lose_nothing(tmp_path: Path, part: int, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = await _run(tmp_path, Plan(kills=125, seed=SEED + 1 + part))
    with capsys.disabled():
        print(f"\n{verdict.table()}")
    assert not verdict.violations, verdict.table()
    assert verdict.accepted > 500
    assert verdict.retried > 50
