"""What people are told to type exists: every `vooster …` in a message, a text of the program or the README."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from appliance.cli.main import app

ROOT: Final = Path(__file__).parents[2]
NAMED: Final = re.compile(r"(?<![\w/.-])vooster((?: +[^\s`'\",:;()]+)+)")
NO_COMMANDS: Final = {"vooster appliance barcode", "vooster document link 1\0"}
"""A list of words that are easy to guess, and what a key is for."""


def texts() -> Iterator[tuple[str, str]]:
    """Each text with where it is."""
    for place in ("README.md", "appliance/errors/catalogue.json", "systemd/vooster.service"):
        for number, line in enumerate((ROOT / place).read_text("utf-8").splitlines(), 1):
            yield f"{place}:{number}", line
    for file in sorted((ROOT / "appliance").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                yield (
                    where,
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield where, node.value


def commands() -> Iterator[tuple[str, list[str]]]:
    for where, text in texts():
        for found in NAMED.finditer(text):
            if not any(found[0].startswith(other[:20]) for other in NO_COMMANDS):
                yield where, [word.rstrip(".") for word in found[1].split()]


def missing(words: list[str]) -> str:
    """What there isn't of a command line; empty when it can be typed."""
    command = get_command(app)
    while isinstance(command, TyperGroup):
        word, *words = words
        if word not in command.commands:
            return word
        command = command.commands[word]
        if not words:
            return ""
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return next((word for word in words if word.startswith("--") and word.rstrip(".,]") not in options), "")


def test_every_command_that_is_named_can_be_typed() -> None:
    found = list(commands())
    assert len(found) > 40
    assert {words[0] for _, words in found} >= {"serve", "doctor", "setup", "keys", "dead-letters"}
    assert [(where, " ".join(words)) for where, words in found if missing(words)] == []


@pytest.mark.parametrize("line", ["service stop", "keys rotated", "serve --hots", "doctor --salvage FILE --now"])
def test_one_that_is_not_there_would_be_found(line: str) -> None:
    assert missing(line.split())
