"""Names that were stored before there was a rule for them, and what strangers said: none of it steers a terminal."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.cli.terminal import Terminal, json_text, plain
from tests.support.house import House
from tests.support.process import vooster

EVIL = "Saw \x1b]0;owned\x07\u202e1\u200b \x9b31m[/] [link=http://evil.example]x"
HARMLESS = "Saw ]0;owned1 31m[/] [link=http://evil.example]x"


@pytest.mark.parametrize(
    "name", ["Saw\x1b]0;x\x07", "Saw\u202e1", "Saw\u2066", "Saw\u200b", "\u202e", "Saw\x7f", "x" * 81]
)
async def test_no_screen_gets_a_name_that_steers_a_terminal(house: House, name: str) -> None:
    (await house.local("POST", "/api/screens", {"screenId": "S-1", "name": name})).problem(400, "VALIDATION_ERROR")
    assert (await house.local("POST", "/api/screens", {"screenId": "S-1", "name": " 조립  1 "})).json[
        "name"
    ] == "조립 1"
    (await house.local("PATCH", "/api/screens/S-1", {"name": name})).problem(400, "VALIDATION_ERROR")
    (await house.local("PATCH", "/api/screens/S-1", {"groups": [name]})).problem(400, "VALIDATION_ERROR")
    asked = (await house.call("POST", "/api/pairing/device", {})).json
    approval = {"user_code": asked["user_code"], "confirm": asked["user_code"][-4:], "screenId": "S-2", "name": name}
    (await house.local("POST", "/api/pairing/approve", approval)).problem(400, "VALIDATION_ERROR")


async def test_a_name_stored_before_there_was_a_rule_is_cleaned_where_people_read_it(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    made = await asyncio.to_thread(lambda: vooster("screens", "add", "S-1", *data))
    assert made.returncode == 0, made.stderr
    with closing(sqlite3.connect(tmp_path / "data" / "vooster.db")) as connection, connection:
        connection.execute("UPDATE screens SET name = ?", (EVIL,))
    table = await asyncio.to_thread(lambda: vooster("screens", "list", *data, COLUMNS="200"))
    assert table.returncode == 0, table.stderr
    assert HARMLESS in table.stdout
    listed = await asyncio.to_thread(lambda: vooster("screens", "list", "--json", *data))
    assert [screen["name"] for screen in json.loads(listed.stdout)] == [EVIL], "a program reads what is stored"
    for text in (table.stdout, listed.stdout):
        assert not set("\x1b\x07\x9b\u202e\u200b") & set(text)


def test_what_is_printed_keeps_its_lines_and_its_letters() -> None:
    assert plain("조립\n1\u202e") == "조립\n1"
    assert json.loads(json_text({"a": "조립 😀\U000e0001\x7f"})) == {"a": "조립 😀\U000e0001\x7f"}
    assert "조립 😀\\udb40\\udc01\\u007f" in json_text("조립 😀\U000e0001\x7f")
    console = Terminal(force_terminal=True, color_system="standard", width=40)
    with console.capture() as printed:
        console.print("a\u202eb", style="red")
    assert printed.get() == "\x1b[31mab\x1b[0m\n", "its own colours stay"
