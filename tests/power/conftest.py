"""The shim, built once, and appliances behind it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.power.machine import Shimmed, build, in_memory


class MakeShimmed(Protocol):
    """Prepares an appliance behind the shim; the test's end stops it."""

    def __call__(
        self, name: str = "machine", *, data: Path | None = None, record: bool = False, flaws: tuple[str, ...] = ()
    ) -> Shimmed: ...


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def memory() -> Iterator[Path]:
    with in_memory() as folder:
        yield folder


@pytest.fixture
async def make_shimmed(tmp_path: Path, shim: Path) -> AsyncIterator[MakeShimmed]:
    async with contextlib.AsyncExitStack() as stack:

        def make(
            name: str = "machine", *, data: Path | None = None, record: bool = False, flaws: tuple[str, ...] = ()
        ) -> Shimmed:
            shimmed = Shimmed(tmp_path / name, shim, data=data, record=record, flaws=flaws)
            stack.push_async_callback(shimmed.close)
            return shimmed

        yield make


@pytest.fixture
async def shimmed(make_shimmed: MakeShimmed) -> Shimmed:
    """One appliance behind the shim, not started yet."""
    return make_shimmed(flaws=("soon",))
