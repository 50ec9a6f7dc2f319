"""`vooster audit`: who did what to which screen when and from where, from the command line."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from appliance.cli.common import DataOption, JsonOption
from appliance.cli.lists import (
    FormatOption,
    LimitOption,
    OutputOption,
    SinceOption,
    UntilOption,
    export,
    filter_of,
    moment,
    print_newest,
)

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
    wanted = filter_of(since, until, actor=actor, action=action, screenId=screen)
    print_newest(data_dir, _PATH, wanted, limit, _print, json=json)


@app.command("export")
def export_(
    format_: FormatOption = "csv",
    output: OutputOption = None,
    actor: ActorOption = None,
    action: ActionOption = None,
    screen: ScreenOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    data_dir: DataOption = None,
) -> None:
    """Write all of it as a file, the newest first; each entry with its seal."""
    export(data_dir, _PATH, format_, filter_of(since, until, actor=actor, action=action, screenId=screen), output)


def _print(console: Console, item: dict[str, Any]) -> None:
    who = item["actor"] if item["from"] is None else f"{item['actor']} ({item['from']})"
    detail = msgspec.json.encode(item["detail"]).decode() if item["detail"] else ""
    about = " ".join(text for text in (item["action"], item["target"], detail) if text)
    console.print(Text(f"{item['number']:>7}  {moment(item['at'])}  {who}  {about}"), soft_wrap=True)
