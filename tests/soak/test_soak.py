"""Minutes under load with faults; an hour of it is run by hand (`python -m tests.soak`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.__main__ import show
from tests.soak.run import run

MINUTES = 4
RATE = 200.0
SCREENS = 300


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_minutes_of_faults_lose_nothing_and_leave_nothing_behind(tmp_path: Path) -> None:
    outcome = await run(tmp_path, screens=SCREENS, rate=RATE, minutes=MINUTES)
    show(outcome)
    assert outcome.books.accepted > 0
    assert outcome.books.owed == 0, "accepted, and never ended"
    assert not outcome.books.dead
    last = outcome.minutes[-1]
    assert last.refused == 0
    assert last.descriptors < SCREENS + 150, "sessions, the producer's connections, and the appliance's own files"
