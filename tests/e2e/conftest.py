"""One Chromium for the browser tests of a module, a floor of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.floor import Floor, People, chromium


@pytest.fixture(scope="module")  # no longer: its driver keeps an event loop running in this thread
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(tmp_path)
    floor.start()
    yield floor
    floor.stop()


@pytest.fixture
def people(browser: Browser) -> Iterator[People]:
    people = People(browser)
    yield people
    for context in browser.contexts:
        context.close()
    assert people.wrong == []
