"""The verbs as a person or a script uses them: real processes, with and without an appliance running."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.process import Served, vooster, vooster_afresh

Result = subprocess.CompletedProcess[str]


IMPATIENT = "tests.cli.impatient:wait_half_a_second"


async def run(*arguments: str, stdin: str = "", before: str = "", **env: str) -> Result:
    return await asyncio.to_thread(lambda: vooster(*arguments, stdin=stdin, before=before, **env))


async def together(*commands: tuple[str, ...]) -> list[Result]:
    """Several commands at once, so that a test costs the longest of them."""
    return list(await asyncio.gather(*(run(*command) for command in commands)))


def below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    (served.orders / "ORD-1001.txt").write_text("one")
    try:
        yield await served.start()
    finally:
        await served.close()


async def test_help_version_and_paths_need_no_appliance(tmp_path: Path) -> None:
    bare, help_, paths = await together((), ("--help",), ("paths", "--json", "--data-dir", str(tmp_path / "data")))
    version = await asyncio.to_thread(vooster_afresh, "version")
    assert (bare.returncode, help_.returncode) == (0, 0)
    assert bare.stdout == help_.stdout
    for verb in ("serve", "setup", "trigger", "keys", "screens", "version", "paths"):
        assert verb in bare.stdout
    assert version.stdout.strip().count(".") == 2
    found = json.loads(paths.stdout)
    assert found["data"] == str(tmp_path / "data")
    assert set(found) >= {"data", "database", "settings", "documents"}
    assert not (tmp_path / "data").exists(), "asking makes nothing"


async def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    results = await together(
        ("nonsense",),
        ("serve", "--port", "65536", *data),
        ("screens", "provision", *data),
    )
    assert [result.returncode for result in results] == [2] * 3
    assert all(result.stderr and "Traceback" not in result.stderr for result in results)
    assert not (tmp_path / "vooster.db").exists()


async def test_the_verbs_work_without_an_appliance_and_their_work_is_there_when_it_starts(tmp_path: Path) -> None:
    served = Served(tmp_path)
    (served.orders / "ORD-1001.txt").write_text("one")
    served.data.mkdir()
    (served.data / "vooster.toml").write_text(f"[orders]\nfolder = '{served.orders}'\n")
    data = ("--data-dir", str(served.data))
    key = await run("keys", "add", "--name", "erp", *data)
    assert (key.returncode, key.stdout.startswith("vk_"), key.stdout.count("\n")) == (0, True, 1)
    assert str(served.data) in key.stderr
    pairings = await run("screens", "provision", "S-1", "S-2", *data)
    assert pairings.returncode == 0, pairings.stderr
    found = [json.loads(line) for line in pairings.stdout.splitlines()]
    assert [pairing["screenId"] for pairing in found] == ["S-1", "S-2"]
    again = await run("keys", "add", "--name", "erp", *data)
    assert (again.returncode, again.stdout) == (1, "")
    sent = await run("trigger", "ORD-1001", "--screen", "S-1", *data)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["deliveries"][0]["state"] == "pending"
    listed = await run("screens", "list", "--json", *data)
    assert [(s["screenId"], s["state"]) for s in json.loads(listed.stdout)] == [("S-1", "offline"), ("S-2", "offline")]
    try:
        await served.start()
        screen = await served.screen(found[0]["accessToken"])
        navigate = await screen.show_next()
        assert navigate["triggerId"] == json.loads(sent.stdout)["id"]
        assert (await served.trigger(key.stdout.strip(), screenId="S-2")).status == 202
    finally:
        await served.close()


async def test_the_verbs_talk_to_the_appliance_that_runs(served: Served) -> None:
    data = ("--data-dir", str(served.data))
    added, key = await together(
        ("screens", "add", "S-1", "--name", "조립 1", "--group", "line-1", *data),
        ("keys", "add", "--name", "erp", "--role", "operator", "--screen", "S-1", *data),
    )
    assert (added.returncode, key.returncode) == (0, 0), added.stderr + key.stderr
    assert added.stdout == ""
    (pairing,) = [json.loads(line) for line in (await run("screens", "provision", "S-1", *data)).stdout.splitlines()]
    screen = await served.screen(pairing["accessToken"])
    waiting = asyncio.create_task(run("trigger", "ORD-1001", "--screen", "S-1", "--wait", *data))
    await screen.show_next()
    shown = await waiting
    assert (shown.returncode, json.loads(shown.stdout)["result"]) == (0, "shown"), shown.stderr
    waiting = asyncio.create_task(run("trigger", "ORD-1001", "--screen", "S-1", "--wait", *data))
    await screen.failed(await screen.navigate(), "DOCUMENT_NOT_FRAMEABLE")
    refused = await waiting
    assert refused.returncode == 1
    assert "DOCUMENT_NOT_FRAMEABLE" in refused.stderr
    unknown, listed = await together(
        ("trigger", "ORD-9999", "--screen", "S-1", *data), ("screens", "list", "--json", *data)
    )
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "ORDER_NOT_FOUND" in unknown.stderr and "ORD-9999" in unknown.stderr
    (item,) = json.loads(listed.stdout)
    assert (item["name"], item["groups"], item["online"]) == ("조립 1", ["line-1"], True)
    assert (await served.trigger(key.stdout.strip())).status == 202


async def test_the_first_administrator_is_made_once(served: Served) -> None:
    data = ("--data-dir", str(served.data))
    link = await run("setup", "--link", *data)
    assert link.returncode == 0, link.stderr
    assert link.stdout.strip().startswith(f"{served.url}/setup#token=")
    weak = await run("setup", "--username", "admin", "--password-stdin", *data, stdin="short\n")
    assert (weak.returncode, "VALIDATION_ERROR" in weak.stderr) == (1, True)
    made = await run("setup", "--username", "admin", "--password-stdin", *data, stdin="correct horse battery\n")
    assert made.returncode == 0, made.stderr
    again = await run("setup", "--username", "other", "--password-stdin", *data, stdin="correct horse battery\n")
    assert (again.returncode, "SETUP_COMPLETE" in again.stderr) == (1, True)
    login = await served.call("POST", "/api/auth/login", {"username": "admin", "password": "correct horse battery"})
    assert (login.status, login.json["role"]) == (200, "admin")
    assert "correct horse" not in served.log.read_text("utf-8") + made.stderr


async def test_a_list_from_a_spreadsheet(tmp_path: Path) -> None:
    sheet = tmp_path / "screens.csv"
    sheet.write_bytes("screenId,name,groups\nS-1,조립 1,line-1;조립\nS-2,,\n".encode("cp949"))
    data = ("--data-dir", str(tmp_path / "data"))
    made = await run("screens", "provision", "--csv", str(sheet), *data)
    assert made.returncode == 0, made.stderr
    assert [json.loads(line)["screenId"] for line in made.stdout.splitlines()] == ["S-1", "S-2"]
    listed = json.loads((await run("screens", "list", "--json", *data)).stdout)
    assert [(s["name"], s["groups"]) for s in listed] == [("조립 1", ["line-1", "조립"]), ("S-2", [])]
    sheet.write_text("screenId,name\nS-3,ok\n,nobody\n")
    bad = await run("screens", "provision", "--csv", str(sheet), *data)
    assert (bad.returncode, "line 3" in bad.stderr) == (1, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"screenId\nS-1\n\xff\xff\xfe\n", "UTF-8"),
        ("screenId\nS-1\n".encode("utf-16"), "UTF-8"),
        (b'screenId,name\nS-1,"' + b"x" * 200_000 + b'"\n', "field"),
        (b"", "no screen"),
        (b"number\n1\n", "line 2"),
    ],
    ids=["noise", "utf-16", "long", "empty", "columns"],
)
async def test_a_list_that_can_not_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    sheet = tmp_path / "screens.csv"
    sheet.write_bytes(content)
    bad = await run("screens", "provision", "--csv", str(sheet), "--data-dir", str(tmp_path / "data"))
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "VALIDATION_ERROR" in bad.stderr and reason in bad.stderr and "Traceback" not in bad.stderr


async def test_more_screens_than_one_call_takes(tmp_path: Path) -> None:
    sheet = tmp_path / "screens.csv"
    ids = [f"S-{number:03d}" for number in range(1, 602)]
    sheet.write_text("screenId,name\n" + "".join(f'{screen},"Saw\n{screen}"\n' for screen in [*ids, ids[0]]))
    made = await run("screens", "provision", "--csv", str(sheet), "--data-dir", str(tmp_path / "data"))
    assert made.returncode == 0, made.stderr
    assert [json.loads(line)["screenId"] for line in made.stdout.splitlines()] == ids


async def test_commands_that_start_together_all_do_their_work(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path / "data"))
    ids = ["S-1", "S-2", "S-3"]
    results = await together(*(("screens", "add", screen, *data) for screen in ids))
    assert [result.returncode for result in results] == [0, 0, 0], [result.stderr for result in results]
    listed = json.loads((await run("screens", "list", "--json", *data)).stdout)
    assert [screen["screenId"] for screen in listed] == ids


async def test_an_appliance_and_commands_that_start_together_all_do_their_work(tmp_path: Path) -> None:
    served = Served(tmp_path)
    data = ("--data-dir", str(served.data))
    try:
        _, *results = await asyncio.gather(
            served.start(),
            run("screens", "add", "S-1", *data),
            run("keys", "add", "--name", "erp", *data),
        )
        assert [result.returncode for result in results] == [0, 0], [result.stderr for result in results]
        assert [screen["screenId"] for screen in (await served.local("GET", "/api/screens")).json["items"]] == ["S-1"]
    finally:
        await served.close()


@pytest.mark.parametrize("place", ["/proc/nothing", "file", "file/below"])
async def test_a_data_directory_that_can_not_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    data = ("--data-dir", str(tmp_path / place))
    for result in await together(
        ("screens", "add", "S-1", *data), ("serve", "--host", "127.0.0.1", "--port", "0", "--no-mdns", *data)
    ):
        assert result.returncode == 1, result.stderr
        assert "SETTINGS_INVALID" in result.stderr and "Traceback" not in result.stderr
        assert f"--data-dir {tmp_path / place}" in result.stderr


@pytest.mark.parametrize("place", ["nowhere/below", "empty"])
async def test_a_mistyped_data_directory_becomes_no_new_appliance(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    where = tmp_path / place
    verbs = [
        ("audit", "list"), ("audit", "export"), ("keys", "list"), ("keys", "rotate"), ("keys", "remove", "erp"),
        ("users", "list"), ("users", "passwd", "kim", "--password-stdin"), ("users", "remove", "kim"),
        ("screens", "list"), ("screens", "remove", "S-1"), ("screens", "revoke", "S-1"),
        ("trigger", "ORD-1", "--screen", "S-1"), ("dead-letters", "list"), ("dead-letters", "export"),
        ("dead-letters", "show", "x"), ("dead-letters", "replay", "--all"),
    ]  # fmt: skip
    for verb, result in zip(verbs, await together(*((*verb, "--data-dir", str(where)) for verb in verbs)), strict=True):
        assert (result.returncode, result.stdout) == (1, ""), verb
        assert "DATA_NOT_FOUND" in result.stderr and str(where) in result.stderr, result.stderr
        assert "데이터가 없습니다" in result.stderr and "with --data-dir" in result.stderr
    assert below(tmp_path) == [tmp_path / "empty"], "nothing was made"


async def test_what_comes_before_the_first_start_may_make_the_directory(tmp_path: Path) -> None:
    secret = "correct horse battery\n"
    for number, (verb, stdin) in enumerate(
        (
            (("screens", "add", "S-1"), ""),
            (("users", "add", "kim", "--password-stdin"), secret),
            (("keys", "add", "--name", "erp"), ""),
            (("setup", "--username", "kim", "--password-stdin"), secret),
        )
    ):
        data = tmp_path / str(number)
        made = await run(*verb, "--data-dir", str(data), stdin=stdin)
        assert made.returncode == 0, made.stderr
        listed = await run("audit", "list", "--json", "--data-dir", str(data))
        assert listed.returncode == 0 and json.loads(listed.stdout)


async def test_a_data_directory_with_a_long_name_works_too(tmp_path: Path) -> None:
    served = Served(tmp_path, data=tmp_path / ("x" * 120))
    data = ("--data-dir", str(served.data))
    short = tempfile.TemporaryDirectory()
    runtime = Path(short.name)
    env = {"XDG_RUNTIME_DIR": str(runtime)}
    try:
        alone = await run("screens", "add", "S-1", *data, **env)
        assert alone.returncode == 0, alone.stderr
        await served.start(**env)
        listed = await run("screens", "list", "--json", *data, **env)
        assert [screen["screenId"] for screen in json.loads(listed.stdout)] == ["S-1"]
        assert await served.stop() == 0
        (runtime / "vooster").chmod(0o777)
        for verb in (("screens", "list"), ("serve", "--host", "127.0.0.1", "--port", "0", "--no-mdns")):
            refused = await run(*verb, *data, **env)
            assert (refused.returncode, "SETTINGS_INVALID" in refused.stderr) == (1, True)
            assert str(runtime / "vooster") in refused.stderr and "Traceback" not in refused.stderr
            assert "Warning" not in refused.stderr
    finally:
        await served.close()
        short.cleanup()


async def test_waiting_for_what_is_not_shown_says_why(served: Served) -> None:
    data = ("--data-dir", str(served.data))
    token = await served.pair()
    key = await served.new_key()
    waiting = asyncio.create_task(run("trigger", "ORD-1001", "--screen", "S-1", "--wait", *data))
    for _ in range(60):
        await served.trigger(key)
        if (await asyncio.wait({waiting}, timeout=0.25))[0]:
            break
    superseded = await waiting
    assert (superseded.returncode, json.loads(superseded.stdout)["result"]) == (1, "superseded")
    assert "새 주문으로 바뀌었습니다" in superseded.stderr and "A newer order" in superseded.stderr

    async def told(code: str, *words: str) -> None:
        result = await run("trigger", "ORD-1001", "--screen", "S-1", "--wait", *data, before=IMPATIENT)
        assert result.returncode == 1, result.stderr
        assert all(word in result.stderr for word in (code, *words)), result.stderr
        assert json.loads(result.stdout)["id"]

    await told("SCREEN_OFFLINE", "모니터가 켜지면 나타납니다", "It appears when the screen is on")
    await served.screen(token)
    await told("SHOWN_TIMEOUT", "모니터를 봐 주세요", "Look at the screen")


async def test_waiting_while_nothing_runs_says_so_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "documents").mkdir(parents=True)
    (data / "documents" / "ORD-1001.txt").write_text("one")
    await run("screens", "add", "S-1", "--data-dir", str(data))
    began = time.monotonic()
    result = await run("trigger", "ORD-1001", "--screen", "S-1", "--wait", "--data-dir", str(data))
    assert time.monotonic() - began < 12
    assert result.returncode == 1
    assert "APPLIANCE_NOT_RUNNING" in result.stderr and "vooster serve" in result.stderr
    assert json.loads(result.stdout)["deliveries"][0]["state"] == "pending"


async def test_errors_are_told_in_the_systems_language_first(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    await run("screens", "add", "S-2", *data)
    korean = await run("trigger", "ORD-1", "--screen", "S-1", *data, LANG="ko_KR.UTF-8", LC_ALL="ko_KR.UTF-8")
    assert korean.returncode == 1
    lines = [line for line in korean.stderr.splitlines() if line.startswith("  ")]
    assert "등록되지 않은 모니터입니다" in lines[0]
    assert any("No such screen" in line for line in lines)
