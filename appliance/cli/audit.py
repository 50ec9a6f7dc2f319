"""`vooster audit`: who did what to which screen when and from where, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from appliance.cli.common import DataOption, JsonOption, as_json, directory, language, run, say
from appliance.cli.lists import TYPES, LimitOption, SinceOption, UntilOption, export, moment, newest
from appliance.cli.times import milliseconds

app = typer.Typer(no_args_is_help=True, help="The audit record: who did what, when and from where.")

ActorOption = Annotated[str | None, typer.Option("--actor", metavar="WHO", help="user:kim, key:…, local:root …")]
ActionOption = Annotated[str | None, typer.Option("--action", metavar="WHAT", help="screen.add, auth.* …")]
ScreenOption = Annotated[str | None, typer.Option("--screen", metavar="ID", help="Only about this screen.")]
_PATH = "/api/audit"


@app.command("list")
def list_(
    actor: ActorOption = None,
    action: ActionOption = None,
    screen: ScreenOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    data_dir: DataOption = None,
) -> None:
    """List the newest entries. Whether the record is whole: vooster doctor."""
    wanted = _filter(actor, action, screen, since, until)
    items, more = run(newest(directory(data_dir), _PATH, wanted, limit))
    if json:
        as_json(items)
        return
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for item in items:
        who = item["actor"] if item["from"] is None else f"{item['actor']} ({item['from']})"
        detail = msgspec.json.encode(item["detail"]).decode() if item["detail"] else ""
        about = " ".join(text for text in (item["action"], item["target"], detail) if text)
        console.print(Text(f"{item['number']:>7}  {moment(item['at'])}  {who}  {about}"))
    if more:
        say("더 있습니다: --limit" if language() == "ko" else "There are more: --limit")


@app.command("export")
def export_(
    format_: Annotated[
        Literal["csv", "jsonl"], typer.Option("--format", help="csv, or one JSON object a line.")
    ] = "csv",
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Else to stdout.")] = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    screen: ScreenOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data_dir: DataOption = None,
) -> None:
    """Write all of it as a file, the newest first; each entry with its seal."""
    wanted = _filter(actor, action, screen, since, until)
    run(export(directory(data_dir), _PATH, TYPES[format_], wanted, output))


def _filter(
    actor: str | None, action: str | None, screen: str | None, since: str | None, until: str | None
) -> dict[str, Any]:
    return {
        "actor": actor,
        "action": action,
        "screenId": screen,
        "since": milliseconds(since, "--since"),
        "until": milliseconds(until, "--until", end_of_day=True),
    }
