from __future__ import annotations

import re
import struct
import zlib

import pytest

from appliance.relay import qr

TEXT = "http://192.168.10.20:8480/approve#BCDF-GHJK"


def modules_of_svg(svg: str) -> list[list[bool]]:
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]
    grid = [[False] * size for _ in range(size)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", svg):
        for column in range(int(x), int(x) + int(width)):
            grid[int(y)][column] = True
    return grid


def modules_of_png(png: bytes, scale: int) -> list[list[bool]]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, rest = {}, png[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, data = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length])[0] == zlib.crc32(kind + data)
        chunks[kind], rest = data, rest[12 + length :]
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (1, 0)
    rows, stride = zlib.decompress(chunks[b"IDAT"]), 1 + (width + 7) // 8
    grid = []
    for y in range(0, height, scale):
        row = rows[y * stride + 1 : (y + 1) * stride]
        grid.append([not row[x // 8] >> (7 - x % 8) & 1 for x in range(0, width, scale)])
    return grid


def modules_of_terminal(text: str) -> list[list[bool]]:
    grid = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines():
        grid.append([char in "▀█" for char in line])
        grid.append([char in "▄█" for char in line])
    return grid


@pytest.mark.parametrize("text", [TEXT, "x", TEXT * 5])
def test_all_forms_are_the_same_code_with_its_quiet_zone(text: str) -> None:
    grid = modules_of_svg(qr.svg(text))
    size = len(grid)
    assert modules_of_png(qr.png(text, scale=5), 5) == grid
    assert modules_of_terminal(qr.terminal(text))[:size] == grid
    inverted = modules_of_terminal(qr.terminal(text, colour=False))[:size]
    assert [[not dark for dark in row] for row in inverted] == grid
    for edge in (*grid[: qr.QUIET], *grid[-qr.QUIET :], *zip(*grid, strict=True)):
        assert len(edge) == size
    assert not any(any(row) for row in grid[: qr.QUIET])
    assert not any(any(row[: qr.QUIET]) for row in grid)
    finder = [row[qr.QUIET : qr.QUIET + 7] for row in grid[qr.QUIET : qr.QUIET + 7]]
    assert finder[0] == [True] * 7
    assert finder[3] == [True, False, True, True, True, False, True]


def test_the_svg_has_a_view_box_and_no_size() -> None:
    assert " width=" not in qr.svg(TEXT)
    assert "viewBox=" in qr.svg(TEXT)
