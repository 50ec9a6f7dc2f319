"""Numbered migrations, `NNNN_name.sql`, each run once and in order; `PRAGMA user_version` counts them."""

from __future__ import annotations

import functools
import sqlite3
from importlib import resources

from appliance.errors import Problem, Texts


@functools.cache
def available() -> tuple[tuple[int, str, str], ...]:
    """Every migration as (number, name, SQL), in order; read once, as each start asks several times."""
    found = []
    for file in resources.files(__package__).iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append((int(number), name, file.read_text("utf-8")))
    return tuple(sorted(found))


_NEWER: Texts = {
    "ko": "더 새로운 Vooster가 쓴 데이터 파일입니다. 새 버전의 Vooster로 실행해 주세요.",
    "en": "The data file was written by a newer version of Vooster. Run that version.",
}


def refuse_newer(version: int) -> None:
    """Raises `SETTINGS_INVALID` for a schema that this program doesn't know yet."""
    newest = available()[-1][0]
    if version > newest:
        raise Problem(
            "SETTINGS_INVALID",
            f"The data file is of a newer version of Vooster ({version}) than this program knows ({newest}).",
            values={"where": "vooster.db", "reason": _NEWER},
        )


def migrate(connection: sqlite3.Connection) -> int:
    """Brings the schema up to date, each step in a transaction of its own; returns the version reached.

    Raises `Problem("SETTINGS_INVALID")` for a file that a newer version of the program has written: running an older
    program on it could lose what only the newer one understands.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    refuse_newer(version)
    for number, _name, script in available():
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
            version = number
    return version
