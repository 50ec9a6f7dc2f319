"""QR codes as SVG, PNG or text for a terminal, without an imaging library."""

from __future__ import annotations

import struct
import zlib

import qrcode
from qrcode.constants import ERROR_CORRECT_M

QUIET = 4
"""Light modules around the code, as its standard asks for."""


_ANY_MASK = 3


def _matrix(text: str, mask: int | None = None) -> list[list[bool]]:
    """`mask` is one of the standard's eight patterns; without it all are tried for the one that prints best."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=True)
    matrix: list[list[bool]] = code.get_matrix()
    return matrix


def svg(text: str, *, quick: bool = False) -> str:
    """Black on transparent, one path, a view box and no size: it takes the size of its place on the page.

    `quick` is for a monitor, where any pattern reads well: a fifth of the work, of which strangers may ask for much.
    """
    matrix = _matrix(text, _ANY_MASK if quick else None)
    runs = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append(f"M{start} {y}h{x - start}v1H{start}z")
            x += 1
    size = len(matrix)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path d="{"".join(runs)}"/></svg>'
    )


def png(text: str, *, scale: int = 8) -> bytes:
    """A one-bit greyscale PNG, `scale` pixels a module."""
    matrix = _matrix(text)
    size = len(matrix) * scale
    rows = bytearray()
    for row in matrix:
        bits = "".join(("0" if dark else "1") * scale for dark in row)
        bits += "0" * (-len(bits) % 8)
        rows += (b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")) * scale
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"
_RESET = "\x1b[0m"


def terminal(text: str, *, colour: bool = True) -> str:
    """Half blocks, two modules a character, ending with a line break.

    With `colour` black on white whatever the terminal's own colours are; without it the light modules are what is
    drawn, which suits a dark terminal, and phones read either.
    """
    matrix = _matrix(text)
    if len(matrix) % 2:
        matrix.append([False] * len(matrix[0]))
    lines = []
    for upper, lower in zip(matrix[::2], matrix[1::2], strict=True):
        dark = zip(upper, lower, strict=True)
        line = "".join(_HALVES[(one, two) if colour else (not one, not two)] for one, two in dark)
        lines.append(f"{_BLACK_ON_WHITE}{line}{_RESET}" if colour else line)
    return "\n".join(lines) + "\n"
