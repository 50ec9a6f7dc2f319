"""`vooster users`: who signs in, from the server PC itself, which is the way back in for who forgot a password."""

from __future__ import annotations

import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from appliance.cli.client import ask
from appliance.cli.common import DataOption, JsonOption, as_json, directory, language, run, say
from appliance.cli.lists import moment
from appliance.cli.terminal import Terminal

app = typer.Typer(no_args_is_help=True, help="People who sign in.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")]


def password_from_stdin() -> str:
    """The first line of stdin."""
    return sys.stdin.readline().rstrip("\r\n")


@app.command()
def add(
    name: NameArgument,
    role: Annotated[str, typer.Option(help="viewer, operator, supervisor or admin.")] = "operator",
    group: Annotated[list[str] | None, typer.Option(help="Limit to this line; may be repeated.")] = None,
    password_stdin: StdinOption = False,
    data_dir: DataOption = None,
) -> None:
    """Add somebody. The password is asked for, or read from stdin."""
    body: dict[str, Any] = {"username": name, "password": _password(password_stdin), "role": role}
    if group:
        body["groups"] = group
    user = run(ask(directory(data_dir), "POST", "/api/users", body, create=True))
    say(f"{user['username']} · {user['role']}")


@app.command("list")
def list_(json: JsonOption = False, data_dir: DataOption = None) -> None:
    """List who may sign in."""
    items = run(ask(directory(data_dir), "GET", "/api/users"))["items"]
    if json:
        as_json(items)
        return
    heads = ("이름", "역할", "라인", "마지막 로그인"), ("Name", "Role", "Lines", "Last sign-in")
    table = Table(*heads[0 if language() == "ko" else 1])
    for user in items:
        signed_in = moment(user["signedInAt"]) if user["signedInAt"] else "–"
        table.add_row(user["username"], user["role"], ", ".join(user["groups"] or ()) or "–", signed_in)
    Terminal().print(table)


@app.command()
def passwd(name: NameArgument, password_stdin: StdinOption = False, data_dir: DataOption = None) -> None:
    """Give somebody a new password; all that is open with the old one ends at once."""
    body = {"password": _password(password_stdin)}
    run(ask(directory(data_dir), "PATCH", f"/api/users/{quote(name, safe='')}", body))
    say(f"{name}: 새 비밀번호로 바꾸었습니다. / The new password is in use.")


@app.command()
def remove(name: NameArgument, data_dir: DataOption = None) -> None:
    """Remove somebody; all that is open of theirs ends at once."""
    run(ask(directory(data_dir), "DELETE", f"/api/users/{quote(name, safe='')}"))


def _password(from_stdin: bool) -> str:
    """Typed twice, unseen, or the first line of stdin."""
    if from_stdin:
        return password_from_stdin()
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask at: use --password-stdin")
    said: str = typer.prompt(
        "비밀번호 / Password", hide_input=True, confirmation_prompt="다시 한 번 / Once more", err=True
    )
    return said
