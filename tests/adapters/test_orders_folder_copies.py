"""Files that come, go and change under the eyes of the order source `folder`: never half of one is given out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from appliance.errors import Problem
from tests.adapters.orders_folders import PDF, PNG, changes, either_way, orders_in, put, refused

pytestmark = either_way


async def test_a_file_copied_a_moment_ago_is_found(tmp_path: Path, poll: bool) -> None:
    async with orders_in(tmp_path, poll, poll_interval=60) as source:
        await refused(source, "ORD-0")
        for number in range(5):
            put(tmp_path / "new" / f"ORD-{number}.pdf")
            assert (await source.look_up(f"ORD-{number}")).ref == f"folder:new/ORD-{number}.pdf"


async def test_a_file_deleted_a_moment_ago_is_unknown(tmp_path: Path, poll: bool) -> None:
    path = put(tmp_path / "ORD-1.pdf")
    async with orders_in(tmp_path, poll, poll_interval=60) as source:
        await source.look_up("ORD-1")
        path.unlink()
        assert (await refused(source, "ORD-1")).code == "ORDER_NOT_FOUND"


async def test_a_slow_copy_is_waited_for_and_announced(tmp_path: Path, poll: bool) -> None:
    """The writer pauses for longer than a file needs to settle, and at a point that looks like an end."""
    path, begun = tmp_path / "ORD-1.pdf", threading.Event()
    first = b"%PDF-1.7\n%%EOF\n" + os.urandom(4096)
    content = first + PDF

    def copy() -> None:
        with path.open("wb") as file:
            for part in [first, *(PDF[start : start + 800] for start in range(0, len(PDF), 800))]:
                file.write(part)
                file.flush()
                begun.set()
                time.sleep(0.15)

    async with orders_in(tmp_path, poll, settle=0.1, deadline=0.4) as source:
        changed = changes(source)
        writer = threading.Thread(target=copy)
        writer.start()
        await asyncio.to_thread(begun.wait)
        waited = 0
        while True:
            changed.clear()
            try:
                document = await source.look_up("ORD-1")
            except Problem as problem:
                assert problem.code == "ORDER_SOURCE_UNAVAILABLE"
                waited += 1
                async with asyncio.timeout(10):
                    await changed.wait()
            else:
                break
        found = source.resolve(document.ref)
        assert found is not None
        assert found.read_bytes() == content
        assert waited >= 1
        await asyncio.to_thread(writer.join)


async def test_a_copy_that_finishes_in_time_needs_no_second_scan(tmp_path: Path, poll: bool) -> None:
    path = tmp_path / "ORD-1.png"
    async with orders_in(tmp_path, poll, deadline=10) as source:
        path.write_bytes(PNG[:1000])
        looking = asyncio.create_task(source.look_up("ORD-1"))
        await asyncio.sleep(0.2)
        assert not looking.done()
        path.write_bytes(PNG)
        assert (await looking).ref == "folder:ORD-1.png"


@pytest.mark.parametrize("content", [b"", PDF[:-8], b"%PDF-1.4\n" + bytes(4096), b"not a pdf, though it says so %%EOF"])
async def test_half_a_file_is_never_given_out(tmp_path: Path, poll: bool, content: bytes) -> None:
    path = put(tmp_path / "ORD-1.pdf", content)
    async with orders_in(tmp_path, poll, deadline=0.3) as source:
        changed = changes(source)
        problem = await refused(source, "ORD-1")
        assert problem.code == "ORDER_SOURCE_UNAVAILABLE"
        assert "ORD-1.pdf" in problem.detail
        assert source.status()["incomplete"] == ["ORD-1.pdf"]
        changed.clear()
        put(path)
        async with asyncio.timeout(5):
            await changed.wait()
        assert (await source.look_up("ORD-1")).ref == "folder:ORD-1.pdf"
        assert source.status()["incomplete"] == []


async def test_an_aborted_copy_stands_in_nobodys_way_for_long(tmp_path: Path, poll: bool) -> None:
    put(tmp_path / "ORD-1.pdf", PDF[:-8])
    put(tmp_path / "old" / "ORD-1.png", PNG)
    async with orders_in(tmp_path, poll, settle=0.02, deadline=0.2) as source:
        changed = changes(source)
        assert (await refused(source, "ORD-1")).code == "ORDER_SOURCE_UNAVAILABLE"  # the PDF may still be coming
        async with asyncio.timeout(20):
            while True:
                await changed.wait()
                changed.clear()
                with contextlib.suppress(Problem):
                    document = await source.look_up("ORD-1")
                    break
        assert document.ref == "folder:old/ORD-1.png"


async def test_a_file_written_over_is_checked_again(tmp_path: Path, poll: bool) -> None:
    path = put(tmp_path / "ORD-1.pdf")
    async with orders_in(tmp_path, poll, deadline=1.0) as source:
        await source.look_up("ORD-1")
        path.write_bytes(PDF[:100])
        assert (await refused(source, "ORD-1")).code == "ORDER_SOURCE_UNAVAILABLE"
        path.write_bytes(PDF)
        assert (await source.look_up("ORD-1")).ref == "folder:ORD-1.pdf"


async def test_a_file_that_lay_there_for_long_is_answered_at_the_first_look(
    tmp_path: Path, poll: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "ORD-1.pdf")
    put(tmp_path / "ORD-2.pdf", PDF[:-8])
    put(tmp_path / "ORD-2.png", PNG)
    later = time.time() + 120
    monkeypatch.setattr("appliance.adapters.orders_folder.scan.time.time", lambda: later)
    async with orders_in(tmp_path, poll, settle=30, deadline=5) as source:
        assert (await source.look_up("ORD-1")).ref == "folder:ORD-1.pdf"
        assert (await source.look_up("ORD-2")).ref == "folder:ORD-2.png"


@pytest.mark.parametrize("name", ["ORD-1.html", "ORD-1.jpg"])
async def test_a_kind_without_an_end_mark_is_waited_for_too(tmp_path: Path, poll: bool, name: str) -> None:
    """Nothing in it tells that it is whole, but it doesn't stay the same."""
    path, content = tmp_path / name, b"<p>order</p>\n" * 500
    path.write_bytes(content[:1000])
    async with orders_in(tmp_path, poll, settle=0.6, deadline=10) as source:
        looking = asyncio.create_task(source.look_up("ORD-1"))
        for end in range(2000, len(content) + 1000, 1000):
            await asyncio.sleep(0.1)
            assert not looking.done()
            path.write_bytes(content[:end])
        found = source.resolve((await looking).ref)
        assert found is not None
        assert found.read_bytes() == content


async def test_a_size_reserved_in_advance_is_no_content(tmp_path: Path, poll: bool) -> None:
    """Windows reserves the full size of a copy first; what isn't there yet reads as zeros."""
    path = tmp_path / "ORD-1.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(20_000))
    async with orders_in(tmp_path, poll, deadline=1.0) as source:
        assert (await refused(source, "ORD-1")).code == "ORDER_SOURCE_UNAVAILABLE"
        path.write_bytes(b"\xff\xd8\xff" + b"\x55" * 20_000)
        assert (await source.look_up("ORD-1")).ref == "folder:ORD-1.jpg"
