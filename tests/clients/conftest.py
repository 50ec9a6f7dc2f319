"""The examples as somebody would have them, beside the packages that some of them need; and the official clients."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.clients.official import Driver, Official, one_of_each
from tests.clients.programs import Program
from tests.support.node import ROOT, installed

MakeClients = Callable[[], list[Official]]
"""Makes an official client of each version for each way there is."""


class Start(Protocol):
    async def __call__(self, *command: str | Path, **env: str) -> Program: ...


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "clients"
    shutil.copytree(ROOT / "web" / "clients", folder)
    (folder / "node_modules").symlink_to(installed() / "node_modules")
    return folder


@pytest.fixture
async def start(examples: Path) -> AsyncIterator[Start]:
    """Starts a program in the examples' folder; the test's end ends it."""
    started: list[Program] = []

    async def run(*command: str | Path, **env: str) -> Program:
        started.append(await Program.start(*command, folder=examples, **env))
        return started[-1]

    yield run
    for program in started:
        await program.stop()


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    started = Driver()
    yield started
    started.stop()


@pytest.fixture
def clients(driver: Driver) -> Iterator[MakeClients]:
    """Whatever they hear from the appliance has to be as it is described."""
    made: list[Official] = []

    def make() -> list[Official]:
        found = one_of_each(driver)
        made.extend(found)
        return found

    yield make
    for client in made:
        client.close()
    assert [misfit for client in made for misfit in client.misfits()] == []
