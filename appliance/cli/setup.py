"""`vooster setup`: the first administrator."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.client import ask
from appliance.cli.common import DataOption, directory, run, say
from appliance.cli.users import password_from_stdin


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
        answer = run(ask(data, "POST", "/api/setup/link", create=True))
        print(answer["url"])
        say("30분 동안 한 번 쓸 수 있습니다. / Works once, for 30 minutes.")
        return
    body = {"username": username, "password": password_from_stdin(), **({"name": plant} if plant else {})}
    run(ask(data, "POST", "/api/setup", body, create=True))
    say(f"{username}: 시스템 관리자 / Administrator")
