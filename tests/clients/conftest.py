"""The examples as somebody would have them: in one folder, beside the packages that some of them need."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.clients.programs import Program
from tests.support.node import ROOT, installed


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
