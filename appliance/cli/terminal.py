"""What is printed for a person: nothing in it steers the terminal, whoever gave it its name.

What comes from storage may be older than the rules for names, and much of it was said by strangers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_OUT_OF_ASCII: Final = re.compile("[^\x00-\x7e]")


class Terminal(Console):
    """Prints texts as they are: no markup in them counts, and what can't be seen is left out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=plain(segment.text))


def plain(text: str) -> str:
    """`text` without the characters that steer a terminal or turn the order of others round; line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in _UNSEEN)


def json_text(value: object) -> str:
    """`value` as JSON in one line. What can't be seen is escaped, so that programs read it and a terminal doesn't."""
    return _OUT_OF_ASCII.sub(_escaped, msgspec.json.encode(value).decode())


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if unicodedata.category(char) not in _UNSEEN:
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
