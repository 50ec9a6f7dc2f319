"""One Chromium for the browser tests of a module, a floor of its own for each test, and PCs with the extension."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.e2e.floor import Floor, People, chromium
from tests.e2e.impostor import Impostor
from tests.e2e.plant import Plant
from tests.e2e.workplace import Workplace, playwright


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A failure tells what the PC's extension and its pages say, before they are gone."""
    report = yield
    pc = item.funcargs.get("pc") if isinstance(item, pytest.Function) else None
    if report.when == "call" and report.failed and isinstance(pc, Workplace):
        report.sections.append(("The extension", pc.told()))
    return report


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


@pytest.fixture(scope="module")
def player() -> Iterator[Playwright]:
    with playwright() as started:
        yield started


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    try:
        plant.open()
        yield plant
    finally:
        plant.stop()


@pytest.fixture
def pc(player: Playwright, tmp_path: Path) -> Iterator[Workplace]:
    """A station's PC, its browser running with the extension."""
    pc = Workplace(player, tmp_path / "profile")
    pc.start()
    yield pc
    pc.stop()


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    server = Impostor()
    yield server
    server.close()
