"""Nothing accepted is lost and nothing stale is shown, however often the appliance is killed at work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lives import Starter
from tests.faults.run import Plan, install, run
from tests.faults.verdict import Verdict

SEED = int(os.environ.get("FAULTS_SEED", "20261"))
"""Behind all chance of these runs; `FAULTS_SEED=… pytest` repeats another one."""


@pytest.fixture
def starter() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.close()


async def _run(root: Path, plan: Plan, starter: Starter) -> Verdict:
    return await run(root / "run", plan, starter, await install(root / "installation", starter))


@pytest.mark.timeout(150)
async def test_twenty_kills_lose_nothing(tmp_path: Path, starter: Starter) -> None:
    verdict = await _run(tmp_path, Plan(kills=20, seed=SEED), starter)
    print(f"\n{verdict.table()}")
    assert not verdict.violations, verdict.table()
    assert verdict.accepted > 50
    assert verdict.retried > 10


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(4))
async def test_hundreds_of_kills_lose_nothing(
    tmp_path: Path, starter: Starter, part: int, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = await _run(tmp_path, Plan(kills=125, seed=SEED + 1 + part), starter)
    with capsys.disabled():
        print(f"\n{verdict.table()}")
    assert not verdict.violations, verdict.table()
    assert verdict.accepted > 500
    assert verdict.retried > 50
