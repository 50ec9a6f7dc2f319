"""Fixtures that many rooms' tests share."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.house import House, Values, opened

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MakeHouse(Protocol):
    """Starts an appliance with these settings; the test's end stops it."""

    async def __call__(self, values: Values | None = None) -> House: ...


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names of tests are the same in every process and every run: what is likely to be made by chance isn't in them."""
    by_chance = not val.isascii() or not val.decode().isprintable() if isinstance(val, bytes) else _is_uuid(val)
    return argname if by_chance else None


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.search(value) is not None


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each test, under a short name: the path of a socket in it has no more than a hundred bytes."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture
async def make_house(tmp_path: Path) -> AsyncIterator[MakeHouse]:
    """For a test that needs settings of its own."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(values: Values | None = None) -> House:
            return await stack.enter_async_context(opened(tmp_path, values))

        yield make


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    """A running appliance with the settings it ships with, two orders and nobody connected."""
    return await make_house()
