"""`vooster screens`: the stations' screens, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table

from appliance.cli.client import ask
from appliance.cli.common import DataOption, JsonOption, as_json, directory, language, run, say
from appliance.cli.policyfiles import Form, PolicyFiles
from appliance.cli.provisioning import provision as provision_screens
from appliance.cli.terminal import Terminal

app = typer.Typer(no_args_is_help=True, help="Screens: one station's monitors each.")

IdArgument = Annotated[str, typer.Argument(metavar="ID")]
_STATES = {
    "showing": ("표시 중", "Showing"),
    "ready": ("준비됨", "Ready"),
    "problem": ("문서 오류", "Document problem"),
    "offline": ("연결 끊김", "Offline"),
    "unpaired": ("등록 전", "Not paired"),
    "revoked": ("등록 해제됨", "Unpaired"),
}


@app.command()
def add(
    screen_id: IdArgument,
    name: Annotated[str | None, typer.Option(help="The station's name.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A line it belongs to; may be repeated.")] = None,
    data_dir: DataOption = None,
) -> None:
    """Register a screen."""
    data = directory(data_dir)
    body = {"screenId": screen_id, "name": name, "groups": group or []}
    screen = run(ask(data, "POST", "/api/screens", body, create=True))
    say(f"{screen['screenId']} · {screen['name']}")


@app.command("list")
def list_(json: JsonOption = False, data_dir: DataOption = None) -> None:
    """List the screens."""
    data = directory(data_dir)
    items = run(ask(data, "GET", "/api/screens"))["items"]
    if json:
        as_json(items)
        return
    korean = language() == "ko"
    table = Table("ID", "이름" if korean else "Name", "라인" if korean else "Lines", "상태" if korean else "State")
    for screen in items:
        state = _STATES.get(screen["state"], ("–", "–"))[0 if korean else 1]
        table.add_row(screen["screenId"], screen["name"], ", ".join(screen["groups"]), state)
    Terminal().print(table)


@app.command()
def remove(screen_id: IdArgument, data_dir: DataOption = None) -> None:
    """Delete a screen; what waits for it becomes undelivered."""
    run(ask(directory(data_dir), "DELETE", f"/api/screens/{quote(screen_id, safe='')}"))


@app.command()
def revoke(screen_id: IdArgument, data_dir: DataOption = None) -> None:
    """End a screen's pairing; its PC has to be paired again."""
    run(ask(directory(data_dir), "POST", f"/api/screens/{quote(screen_id, safe='')}/revoke"))


@app.command()
def provision(
    screen_ids: Annotated[list[str] | None, typer.Argument(metavar="ID...")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            help="Columns screenId, name, groups (separated by ;).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar="DIR",
            help="Write a policy file for each screen's PC there, with its key in it, in place of the JSON lines.",
            file_okay=False,
        ),
    ] = None,
    form: Annotated[Form, typer.Option(help="Of the policy files: for Windows, Linux or macOS.")] = "reg",
    data_dir: DataOption = None,
) -> None:
    """Make missing screens and pair them without a QR: one JSON pairing a line, or a policy file a screen."""
    if not screen_ids and file is None:
        raise typer.BadParameter("name screens, or a file with --csv")
    data = directory(data_dir)
    files = PolicyFiles(policy.expanduser(), form) if policy is not None else None
    run(provision_screens(data, screen_ids or [], file, files))
    if files is not None:
        files.explain()
