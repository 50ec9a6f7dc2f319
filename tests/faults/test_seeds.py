"""The harness can fail: the same run finds something wrong with every appliance that was broken on purpose, and nothing
with the one that was not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.storage.outbox import Outbox
from tests.faults.lives import Lives
from tests.faults.run import Plan, install, run
from tests.faults.seeds import SEEDS, seam
from tests.faults.test_kills import SEED
from tests.faults.verdict import Verdict

pytestmark = pytest.mark.timeout(240)
AT_ONCE = 3
SOUND = "none"
ALWAYS = (
    "acks-of-strangers",
    "dead-letter-unlisted",
    "idempotency-in-memory",
    "receipt-before-commit",
    "sent-not-recovered",
    "supersession-in-memory",
)
"""One of each sort: what is lost, twice, stale, stuck, untrue or not listed."""


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """The verdict on each fault that is asked for, a few runs at a time: most of a run is waiting."""
    mine = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    faults = {str(item.callspec.params["fault"]) for item in mine if "fault" in item.fixturenames}
    return asyncio.run(_run_all(sorted(faults), tmp_path_factory.mktemp("faults")))


async def _run_all(faults: list[str], root: Path) -> dict[str, Verdict]:
    places = asyncio.Semaphore(AT_ONCE)
    installation = await install(root / "installation")

    async def judge(fault: str) -> Verdict:
        async with places:
            plan = Plan(kills=2, seed=SEED, fault=None if fault == SOUND else fault, full=True, latest=0.08)
            return await run(root / fault, plan, installation)

    return dict(zip(faults, await asyncio.gather(*(judge(fault) for fault in faults)), strict=True))


@pytest.mark.parametrize("fault", [SOUND])
def test_nothing_is_wrong_with_the_sound_one(verdicts: dict[str, Verdict], fault: str) -> None:
    print(f"\n{verdicts[fault].table()}")
    assert not verdicts[fault].violations, verdicts[fault].table()


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=() if fault in ALWAYS else pytest.mark.long) for fault in sorted(SEEDS)]
)
def test_a_fault_is_found(verdicts: dict[str, Verdict], fault: str) -> None:
    verdict = verdicts[fault]
    print(f"\n{fault}: {dict(verdict.kinds)}")
    assert verdict.bites, "the fault has never come into play"
    assert SEEDS[fault].expected & verdict.kinds.keys(), verdict.table()


async def test_a_seam_that_is_gone_is_said_aloud(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.fault = "no-such-fault"
    try:
        with pytest.raises(AssertionError, match="no-such-fault"):
            await lives.start()
        with pytest.raises(AssertionError, match="no_such_seam"):
            seam(Outbox, "no_such_seam")
    finally:
        await lives.close()
