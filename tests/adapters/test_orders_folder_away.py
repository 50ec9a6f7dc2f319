"""A folder that vanishes, may not be read, hangs or comes late: unavailable is not unknown."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.orders_folder import scan, watch
from tests.adapters.orders_folders import PDF, changes, either_way, orders_in, put, refused
from tests.support.house import until

pytestmark = either_way


@pytest.mark.parametrize("instead", ["nothing", "a file"])
async def test_a_folder_that_vanishes_is_unavailable_until_it_is_back(tmp_path: Path, poll: bool, instead: str) -> None:
    folder, away = tmp_path / "orders", tmp_path / "away"
    put(folder / "ORD-1.pdf")
    async with orders_in(folder, poll) as source:
        changed = changes(source)
        await source.look_up("ORD-1")
        folder.rename(away)
        if instead == "a file":
            folder.write_text("in the way")
        for order_id in ["ORD-1", "ORD-UNKNOWN"]:
            problem = await refused(source, order_id)
            assert problem.code == "ORDER_SOURCE_UNAVAILABLE"
            assert problem.detail
        status = source.status()
        assert status["ok"] is False
        assert status["detail"] == problem.detail
        assert source.resolve("folder:ORD-1.pdf") is None
        changed.clear()
        if instead == "a file":
            folder.unlink()
        away.rename(folder)
        async with asyncio.timeout(5):
            await changed.wait()
        assert (await source.look_up("ORD-1")).ref == "folder:ORD-1.pdf"
        await until(lambda: source.status()["ok"])  # a look that began while it was away may end after this one
        assert (await refused(source, "ORD-UNKNOWN")).code == "ORDER_NOT_FOUND"


async def test_a_folder_missing_at_the_start_is_taken_up_later(tmp_path: Path, poll: bool) -> None:
    async with orders_in(tmp_path / "orders", poll) as source:
        assert (await refused(source, "ORD-1")).code == "ORDER_SOURCE_UNAVAILABLE"
        changed = changes(source)
        put(tmp_path / "orders" / "ORD-1.pdf")
        async with asyncio.timeout(5):
            await changed.wait()
        assert (await source.look_up("ORD-1")).ref == "folder:ORD-1.pdf"


async def test_an_emptied_folder_is_no_missing_one(tmp_path: Path, poll: bool) -> None:
    path = put(tmp_path / "ORD-1.pdf")
    async with orders_in(tmp_path, poll) as source:
        path.unlink()
        assert (await refused(source, "ORD-1")).code == "ORDER_NOT_FOUND"
        assert source.status() == {**source.status(), "ok": True, "documents": 0}


OWNER = os.geteuid()
STRANGER = 65534 if OWNER == 0 else OWNER  # permissions mean nothing to root


@contextlib.contextmanager
def acting_as(user: int) -> Iterator[None]:
    before = os.geteuid()
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """A folder that a stranger may list, with an order in a sub-folder; pytest's own may be entered by their owner."""
    folder = Path(tempfile.mkdtemp(prefix="orders-"))
    put(folder / "sub" / "ORD-1.pdf")
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("closed", ["", "sub"])
async def test_without_permission_nobody_can_say(readable_by_all: Path, poll: bool, closed: str) -> None:
    with acting_as(STRANGER):
        async with orders_in(readable_by_all, poll) as source:
            await source.look_up("ORD-1")
            changed = changes(source)
            with acting_as(OWNER):
                (readable_by_all / closed).chmod(0o000)
            for order_id in ["ORD-1", "ORD-UNKNOWN"]:
                problem = await refused(source, order_id)
                assert problem.code == "ORDER_SOURCE_UNAVAILABLE", order_id
            assert source.status()["ok"] is False
            assert source.status()["documents"] == 1
            changed.clear()
            with acting_as(OWNER):
                (readable_by_all / closed).chmod(0o755)
            async with asyncio.timeout(5):
                await changed.wait()
            assert (await source.look_up("ORD-1")).ref == "folder:sub/ORD-1.pdf"
            assert (await refused(source, "ORD-UNKNOWN")).code == "ORDER_NOT_FOUND"


@pytest.fixture
def memory() -> Iterator[Path]:
    """An empty folder in memory."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def other_disk(tmp_path: Path, memory: Path) -> Iterator[Path]:
    """An empty folder on another file system than `tmp_path`, which may be in memory itself."""
    folder = Path(tempfile.mkdtemp())
    found = next((one for one in (memory, folder) if one.stat().st_dev != tmp_path.stat().st_dev), None)
    if found is None:
        pytest.skip("needs a second file system")
    yield found
    shutil.rmtree(folder)


async def test_a_share_that_is_not_connected_any_more_is_not_an_empty_folder(
    tmp_path: Path, poll: bool, other_disk: Path
) -> None:
    """What a dropped mount leaves behind: the same path, on another disk, with nothing in it."""
    put(tmp_path / "share" / "ORD-1.pdf")
    folder = tmp_path / "orders"
    folder.symlink_to("share")
    async with orders_in(folder, poll) as source:
        await source.look_up("ORD-1")
        folder.unlink()
        folder.symlink_to(other_disk)
        for order_id in ["ORD-1", "ORD-UNKNOWN"]:
            assert (await refused(source, order_id)).code == "ORDER_SOURCE_UNAVAILABLE"
        assert "another disk" in str(source.status()["detail"])
        put(other_disk / "ORD-2.pdf")  # it is a new place after all
        assert (await source.look_up("ORD-2")).ref == "folder:ORD-2.pdf"
        assert (await refused(source, "ORD-1")).code == "ORDER_NOT_FOUND"


@pytest.mark.parametrize("work", ["scan", "look"])
async def test_a_share_that_hangs_is_unavailable_and_nothing_waits_for_it(
    tmp_path: Path, poll: bool, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "ORD-1.pdf")
    answers = threading.Event()
    answers.set()
    real = getattr(watch, work)

    def slow(*args: Any) -> Any:
        answers.wait(20)
        return real(*args)

    monkeypatch.setattr(watch, work, slow)
    async with orders_in(tmp_path, poll, deadline=0.3) as source:
        changed = changes(source)
        await source.look_up("ORD-1")
        put(tmp_path / "ORD-1.pdf", PDF + b"\n")  # so that it is looked at again
        answers.clear()
        try:
            began = time.perf_counter()
            problem = await refused(source, "ORD-1" if work == "look" else "ORD-UNKNOWN")
            assert problem.code == "ORDER_SOURCE_UNAVAILABLE"
            assert time.perf_counter() - began < 2
            changed.clear()
        finally:
            answers.set()
        async with asyncio.timeout(5):
            await changed.wait()
        assert (await source.look_up("ORD-1")).order_id == "ORD-1"
        assert (await refused(source, "ORD-UNKNOWN")).code == "ORDER_NOT_FOUND"


async def test_a_flood_of_unknown_orders_leaves_the_folder_in_peace(
    tmp_path: Path, poll: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "ORD-1.pdf")
    scans = []

    def slow(root: str, known: scan.Listing) -> scan.Listing:
        scans.append(root)
        time.sleep(0.05)
        return scan.scan(root, known)

    monkeypatch.setattr(watch, "scan", slow)
    async with orders_in(tmp_path, poll, poll_interval=60) as source:
        at_once = await asyncio.gather(*(refused(source, f"NO-{number}") for number in range(500)))
        assert {problem.code for problem in at_once} == {"ORDER_NOT_FOUND"}
        assert len(scans) <= 3  # they share one
        began, before = time.perf_counter(), len(scans)
        for number in range(10):
            assert (await refused(source, f"NO-{number}")).code == "ORDER_NOT_FOUND"
        busy = (len(scans) - before) * 0.05 / (time.perf_counter() - began)
        assert busy < 0.5  # a third of the time


async def test_where_the_folder_lives_is_found_out_unless_told(tmp_path: Path, poll: bool, memory: Path) -> None:
    async with orders_in(tmp_path, poll) as told, orders_in(memory, None) as found_out:
        assert told.status()["local"] is not poll
        assert found_out.status()["local"] is True
