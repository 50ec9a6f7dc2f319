"""`vooster setup` and `vooster keys`: the first administrator, and keys for programs."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from appliance.cli.client import connect
from appliance.cli.common import DataOption, directory, quiet_configuration, run, say
from appliance.paths import DataDir

keys = typer.Typer(no_args_is_help=True, help="API keys for connected programs, and the appliance's own keys.")


def setup(
    username: Annotated[str | None, typer.Option(help="The first administrator's user name.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
    plant: Annotated[str | None, typer.Option(help="The plant's name, as pages show it.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Print a fresh set-up link.")] = False,
    data_dir: DataOption = None,
) -> None:
    """Make the first administrator, or a link to do it in a browser."""
    if link == (username is not None and password_stdin):
        raise typer.BadParameter("either --link, or --username NAME with --password-stdin")
    data = directory(data_dir)
    if link:
        answer = run(_call(data, "POST", "/api/setup/link"))
        print(answer["url"])
        say("30분 동안 한 번 쓸 수 있습니다. / Works once, for 30 minutes.")
        return
    password = sys.stdin.readline().rstrip("\r\n")
    body = {"username": username, "password": password, **({"name": plant} if plant else {})}
    run(_call(data, "POST", "/api/setup", body))
    say(f"{username}: 시스템 관리자 / Administrator")


@keys.command("add")
def keys_add(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    role: Annotated[str, typer.Option(help="viewer, operator, supervisor or admin.")] = "operator",
    screen: Annotated[list[str] | None, typer.Option(help="Limit to this screen; may be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="Limit to this line; may be repeated.")] = None,
    data_dir: DataOption = None,
) -> None:
    """Make a key and print it, this once."""
    data = directory(data_dir)
    body: dict[str, Any] = {"name": name, "role": role}
    if screen:
        body["screens"] = screen
    if group:
        body["groups"] = group
    print(run(_call(data, "POST", "/api/keys", body))["key"])


@keys.command("rotate")
def keys_rotate(data_dir: DataOption = None) -> None:
    """Make new signing keys at once, when somebody may have seen the file with the old ones."""
    answer = run(_call(directory(data_dir), "POST", "/api/keys/rotate"))
    say(
        "새 서명 열쇠를 만들었습니다. 모니터는 스스로 다시 연결됩니다. / "
        "New signing keys are in use. Screens come back by themselves."
    )
    print(answer["kid"])


async def _call(data: DataDir, method: str, path: str, body: object = None) -> Any:
    async with connect(data, quiet_configuration(data)) as client:
        return await client.call(method, path, body)
