"""Fixtures that many rooms' tests share."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.house import House, Values, opened

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 << 30
"""A whole run leaves a fifth of that."""
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MakeHouse(Protocol):
    """Starts an appliance with these settings; the test's end stops it."""

    async def __call__(self, values: Values | None = None) -> House: ...


def pytest_configure() -> None:
    """Tests' folders are in memory where it has room for them, and may hold programs: on a disk most of their time goes
    by in its syncs. Those that are about disks have file systems of their own."""
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not _MEMORY.is_dir():
        return
    found = os.statvfs(_MEMORY)
    if found.f_bavail * found.f_frsize >= _ROOM_BYTES and not found.f_flag & os.ST_NOEXEC:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(_MEMORY)


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
