"""Users and keys from the server PC: added, listed, changed and ended, and what was open with them ends, too."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.process import Served, vooster

NEW, NEWER = "correct horse battery", "staple battery horse"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    try:
        yield await served.start()
    finally:
        await served.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An appliance's that isn't running, with one administrator."""
    place = tmp_path_factory.mktemp("people") / "data"
    made = vooster("setup", "--username", "kim", "--password-stdin", "--data-dir", str(place), stdin=NEW)
    assert made.returncode == 0, made.stderr
    return place


async def run(served: Served, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(lambda: vooster(*arguments, "--data-dir", str(served.data), stdin=stdin))


async def items(served: Served, noun: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((await run(served, noun, "list", "--json")).stdout)
    return found


async def tokens(served: Served, password: str) -> dict[str, str]:
    body = {"username": "lee", "password": password, "tokens": True}
    answer = await served.call("POST", "/api/auth/login", body)
    return dict(answer.json)


async def test_somebody_is_added_listed_given_a_new_password_and_removed(served: Served) -> None:
    await run(served, "setup", "--username", "kim", "--password-stdin", stdin=NEW)
    added = await run(
        served, "users", "add", "lee", "--role", "supervisor", "--group", "line-1", "--password-stdin", stdin=NEW
    )
    assert (added.returncode, added.stderr.splitlines()[-1]) == (0, "lee · supervisor")
    assert [(user["username"], user["role"], user["groups"]) for user in await items(served, "users")] == [
        ("kim", "admin", None), ("lee", "supervisor", ["line-1"]),
    ]  # fmt: skip
    before = await tokens(served, NEW)
    changed = await run(served, "users", "passwd", "lee", "--password-stdin", stdin=NEWER)
    assert changed.returncode == 0, changed.stderr
    assert (await served.call("GET", "/api/me", bearer=before["accessToken"])).status == 401
    assert (await tokens(served, NEW))["code"] == "CREDENTIALS_INVALID"
    after = await tokens(served, NEWER)
    assert (await run(served, "users", "remove", "lee")).returncode == 0
    assert (await served.call("GET", "/api/me", bearer=after["accessToken"])).status == 401
    last = await run(served, "users", "remove", "kim")
    assert (last.returncode, "LAST_ADMIN" in last.stderr) == (1, True)


async def test_a_short_password_and_a_missing_terminal_are_said(served: Served) -> None:
    short = await run(served, "users", "add", "lee", "--password-stdin", stdin="short")
    assert (short.returncode, "12 to 256 characters" in short.stderr) == (1, True)
    guessable = await run(served, "users", "add", "lee", "--password-stdin", stdin="qwerty123456")
    assert (guessable.returncode, "easy to guess" in guessable.stderr) == (1, True)
    nowhere = await run(served, "users", "add", "lee")
    assert (nowhere.returncode, "--password-stdin" in nowhere.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "ko", "en"),
    [
        (("users", "add", "kim"), "username: 이미 쓰고 있습니다", "username: is taken"),
        (("users", "add", "a b"), "username: 글자, 숫자, . _ @ - 로 1~64자", "username: 1 to 64 letters"),
        (("users", "add", "lee", "--role", "boss"), "role: 다음 중 하나: viewer, operator", "role: one of viewer"),
        (("users", "add", "lee", "--role", "admin", "--group", "a"), "role: 시스템 관리자는", "role: an administrator"),
        (("keys", "add", "--name", "x" * 81), "name: 보이는 글자로 1~80자", "name: 1 to 80 characters that"),
        (("screens", "add", "S/1"), "screenId: A-Z a-z 0-9 . _ - 로 1~64자", "screenId: 1 to 64 of the"),
        (("screens", "add", "S-1", "--group", "*"), "groups: 최대 ", "groups: at most"),
        (("users", "passwd", "nobody"), "그런 사용자가 없습니다.", "There is no such user."),
        (("audit", "list", "--action", "?"), "action: screen.add 또는 auth.*처럼", "action: like screen.add"),
        (("dead-letters", "show", "x"), "찾는 것이 없습니다.", "Not found."),
    ],
)
async def test_a_refusal_names_the_field_and_the_reason_once_in_both_languages(
    data: Path, arguments: tuple[str, ...], ko: str, en: str
) -> None:
    more = ("--password-stdin",) if arguments[0] == "users" else ()
    refused = await asyncio.to_thread(lambda: vooster(*arguments, *more, "--data-dir", str(data), stdin=NEWER))
    assert refused.returncode == 1
    assert refused.stderr.count(ko) == refused.stderr.count(en) == 1, refused.stderr
    assert "marked" not in refused.stderr and "표시된" not in refused.stderr


async def test_a_key_is_listed_without_its_text_and_ended_by_its_name(served: Served) -> None:
    made = await run(served, "keys", "add", "--name", "erp", "--role", "operator", "--screen", "S-1")
    text = made.stdout.strip()
    assert (await served.call("GET", "/api/me", bearer=text)).status == 200
    listed = await run(served, "keys", "list")
    assert "erp" in listed.stdout
    assert text not in listed.stdout
    assert [key["screens"] for key in await items(served, "keys")] == [["S-1"]]
    assert (await run(served, "keys", "remove", "erp")).returncode == 0
    assert (await served.call("GET", "/api/me", bearer=text)).status == 401
    again = await run(served, "keys", "remove", "erp")
    assert (again.returncode, again.stderr.splitlines()[1:]) == (1, [
        "NOT_FOUND",
        "  There is no such key.", "  See what there is with: list",
        "  그런 키가 없습니다.", "  목록에서 확인해 주세요: list",
    ])  # fmt: skip


async def test_a_screen_is_unpaired_and_deleted(served: Served) -> None:
    token = await served.pair("S-1")
    assert (await run(served, "screens", "revoke", "S-1")).returncode == 0
    assert (await served.call("GET", "/api/me", bearer=token)).status == 401
    assert [screen["state"] for screen in await items(served, "screens")] == ["revoked"]
    assert (await run(served, "screens", "remove", "S-1")).returncode == 0
    assert await items(served, "screens") == []
