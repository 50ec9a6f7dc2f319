"""The order source `folder`: which file an order is, and which files are none."""

from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path

import pytest
import structlog

from appliance.relay.orders import Document
from tests.adapters.orders_folders import PDF, PNG, either_way, orders_in, put, refused

pytestmark = either_way


@pytest.mark.parametrize(
    ("name", "order_id", "content_type"),
    [
        ("ORD-1001.pdf", "ORD-1001", "application/pdf"),
        ("ORD-1001.PDF", "ord-1001", "application/pdf"),
        ("sub/deep er/ORD-1002.png", "ORD-1002", "image/png"),
        ("ORD-1003.Html", "ORD-1003", "text/html; charset=utf-8"),
        ("REV.2 (final).txt", "rev.2 (FINAL)", "text/plain; charset=utf-8"),
        ("제작의뢰서 7.svg", "제작의뢰서 7", "image/svg+xml"),
    ],
)
async def test_an_order_is_a_file_called_like_it(
    tmp_path: Path, poll: bool, name: str, order_id: str, content_type: str
) -> None:
    put(tmp_path / name, PNG if name.endswith("png") else PDF)
    async with orders_in(tmp_path, poll) as source:
        document = await source.look_up(order_id)
        assert document == Document(order_id, f"folder:{name}", Path(name).stem, content_type)
        assert source.resolve(document.ref) == tmp_path / name
        assert source.status()["ok"] is True
        assert source.status()["documents"] == 1
        assert await source.look_up(order_id) == document


async def test_names_of_a_mac_are_found(tmp_path: Path, poll: bool) -> None:
    composed = "제작의뢰서 é"
    name = unicodedata.normalize("NFD", composed)
    assert name != composed
    put(tmp_path / f"{name}.pdf")
    async with orders_in(tmp_path, poll) as source:
        document = await source.look_up(composed)
        assert document.title == composed
        assert source.resolve(document.ref) is not None
        assert (await source.look_up(name)).ref == document.ref


async def test_what_is_not_there_is_unknown(tmp_path: Path, poll: bool) -> None:
    put(tmp_path / "a" / "b.pdf")
    put(tmp_path / "~$ORD-1.pdf")
    put(tmp_path / "ORD-2.pdf.part")
    put(tmp_path / ".trash" / "ORD-3.pdf")
    put(tmp_path / "#recycle" / "ORD-4.pdf")
    put(tmp_path / "CON.pdf")
    hostile = ["a/b", "a\\b", "/etc/passwd", "../x", "C:b", "", ".", "..", "%2e%2e", "CON", "x" * 128, "b\0", "\ud800"]
    async with orders_in(tmp_path, poll) as source:
        assert (await source.look_up("b")).ref == "folder:a/b.pdf"
        for order_id in ["ORD-1", "~$ORD-1", "ORD-2", "ORD-3", "ORD-4", *hostile]:
            problem = await refused(source, order_id)
            assert problem.code == "ORDER_NOT_FOUND", order_id
            assert problem.values["orderId"] == order_id


@pytest.mark.parametrize("extension", ["xlsx", "HWP", "hwpx", "docx", "dwg"])
async def test_a_kind_that_can_not_be_shown_is_named(tmp_path: Path, poll: bool, extension: str) -> None:
    put(tmp_path / f"ORD-1001.{extension}")
    async with orders_in(tmp_path, poll) as source:
        problem = await refused(source, "ORD-1001")
        assert problem.code == "DOCUMENT_TYPE_UNSUPPORTED"
        assert problem.values["type"] == extension.lower()
        put(tmp_path / "ORD-1001.pdf")  # saved as PDF, scanned again at once
        assert (await source.look_up("ORD-1001")).content_type == "application/pdf"


async def test_of_two_the_pdf_then_the_newest_with_one_warning(tmp_path: Path, poll: bool) -> None:
    put(tmp_path / "a" / "ORD-1.pdf", age=300)
    put(tmp_path / "b" / "ORD-1.pdf", age=200)
    put(tmp_path / "ORD-1.png", PNG)
    put(tmp_path / "ORD-2.html", b"<p>old</p>", age=200)
    put(tmp_path / "ORD-2.txt", b"new", age=100)
    with structlog.testing.capture_logs() as logs:
        async with orders_in(tmp_path, poll) as source:
            for _ in range(3):
                assert (await source.look_up("ORD-1")).ref == "folder:b/ORD-1.pdf"
                assert (await source.look_up("ORD-2")).ref == "folder:ORD-2.txt"
            assert source.status()["doubles"] == 2
            assert source.status()["doubleOrders"] == ["ord-1", "ord-2"]
            warnings = [line for line in logs if line["event"] == "order_has_several_documents"]
            assert [line["order"] for line in warnings] == ["ORD-1", "ORD-2"]
            assert warnings[0]["chosen"] == "b/ORD-1.pdf"
            assert warnings[0]["others"] == ["a/ORD-1.pdf", "ORD-1.png"]
            put(tmp_path / "a" / "ORD-1.pdf")
            assert (await source.look_up("ORD-1")).ref == "folder:a/ORD-1.pdf"
            warnings = [line for line in logs if line["event"] == "order_has_several_documents"]
            assert [line["chosen"] for line in warnings] == ["b/ORD-1.pdf", "ORD-2.txt", "a/ORD-1.pdf"]


async def test_links_out_of_the_folder_are_no_orders(tmp_path: Path, poll: bool) -> None:
    secret = put(tmp_path / "outside" / "secret.pdf")
    folder = tmp_path / "orders"
    real = put(folder / "real" / "ORD-1.pdf")
    (folder / "ORD-OUT.pdf").symlink_to(secret)
    (folder / "ORD-REL.pdf").symlink_to("../outside/secret.pdf")
    (folder / "out").symlink_to(secret.parent, target_is_directory=True)
    (folder / "up").symlink_to("..", target_is_directory=True)
    (folder / "round").symlink_to(".", target_is_directory=True)
    (folder / "ORD-LOOP.pdf").symlink_to("ORD-LOOP.pdf")
    (folder / "ORD-GONE.pdf").symlink_to("nowhere.pdf")
    (folder / "ORD-ALIAS.pdf").symlink_to("real/ORD-1.pdf")
    (folder / "inner").symlink_to("real", target_is_directory=True)
    os.mkfifo(folder / "ORD-PIPE.pdf")
    (folder / "ORD-DIR.pdf").mkdir()
    async with orders_in(folder, poll) as source:
        for order_id in ["ORD-OUT", "ORD-REL", "secret", "ORD-LOOP", "ORD-GONE", "ORD-PIPE", "ORD-DIR"]:
            assert (await refused(source, order_id)).code == "ORDER_NOT_FOUND", order_id
        assert (await source.look_up("ORD-1")).ref == "folder:real/ORD-1.pdf"
        assert (await source.look_up("ORD-ALIAS")).ref == "folder:ORD-ALIAS.pdf"
        assert source.resolve("folder:ORD-ALIAS.pdf") == real
        assert source.resolve("folder:inner/ORD-1.pdf") == real
        hostile = ["ORD-OUT.pdf", "ORD-REL.pdf", "out/secret.pdf", "up/outside/secret.pdf", "../outside/secret.pdf"]
        hostile += [str(secret), "real/../../outside/secret.pdf", "%2e%2e/outside/secret.pdf", "ORD-LOOP.pdf"]
        hostile += ["ORD-PIPE.pdf", "ORD-DIR.pdf", "ORD-GONE.pdf", "ORD-1.pdf", "real/ORD-1.pdf/", "real", ""]
        for path in hostile:
            assert source.resolve(f"folder:{path}") is None, path
        real.unlink()
        real.symlink_to(secret)  # what was an order turns into a link out
        assert source.resolve("folder:real/ORD-1.pdf") is None


async def test_a_folder_that_is_itself_a_link_is_fine(tmp_path: Path, poll: bool) -> None:
    put(tmp_path / "real" / "ORD-1.pdf")
    (tmp_path / "orders").symlink_to("real", target_is_directory=True)
    async with orders_in(tmp_path / "orders", poll) as source:
        document = await source.look_up("ORD-1")
        assert source.resolve(document.ref) == tmp_path / "real" / "ORD-1.pdf"


async def test_twenty_thousand_files(tmp_path: Path, poll: bool) -> None:
    template = put(tmp_path / "orders" / "000" / "ORD-0.pdf")
    for number in range(1, 20_000):
        folder = tmp_path / "orders" / f"{number % 200:03}"
        if number < 200:
            folder.mkdir(exist_ok=True)
        os.link(template, folder / f"ORD-{number}.pdf")
    began = time.perf_counter()
    async with orders_in(tmp_path / "orders", poll, poll_interval=2.0, deadline=10) as source:
        indexed = time.perf_counter() - began
        assert source.status()["documents"] == 20_000
        assert (await source.look_up("ORD-19999")).ref == "folder:199/ORD-19999.pdf"
        rounds = 2_000
        began = time.perf_counter()
        for _ in range(rounds):
            await source.look_up("ORD-19999")
        each = (time.perf_counter() - began) / rounds
        put(tmp_path / "orders" / "new" / "ORD-NEW.pdf")
        began = time.perf_counter()
        await source.look_up("ORD-NEW")
        print(
            f"index {indexed * 1e3:.0f} ms, look-up {each * 1e9:.0f} ns, new file {time.perf_counter() - began:.3f} s"
        )
