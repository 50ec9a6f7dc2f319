"""`vooster dead-letters`: what couldn't be delivered, from the command line."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from appliance.cli.client import Client, ask, connect
from appliance.cli.common import (
    DataOption,
    JsonOption,
    as_json,
    directory,
    language,
    quiet_configuration,
    run,
    say,
)
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
from appliance.cli.terminal import Terminal
from appliance.errors import entry
from appliance.paths import DataDir

app = typer.Typer(no_args_is_help=True, help="Undelivered scans: see why, send again, discard, export.")

ScreenOption = Annotated[str | None, typer.Option("--screen", metavar="ID", help="Only this screen's.")]
CodeOption = Annotated[str | None, typer.Option("--code", metavar="CODE", help="Only of this cause: SCREEN_OFFLINE …")]
AllOption = Annotated[bool, typer.Option("--all", help="Everything on the list.")]
IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="ID...")]

_PATH = "/api/dead-letters"
_IDS_AT_ONCE = 500


@app.command("list")
def list_(
    screen: ScreenOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 100,
    json: JsonOption = False,
    data_dir: DataOption = None,
) -> None:
    """List what couldn't be delivered, the newest first."""
    wanted = _filter(screen, code, since, until)
    none = {"ko": "미전달이 없습니다.", "en": "Nothing is undelivered."}
    print_newest(data_dir, _PATH, wanted, limit, _print, json=json, none=none)


@app.command()
def show(
    delivery_id: Annotated[str, typer.Argument(metavar="ID")], json: JsonOption = False, data_dir: DataOption = None
) -> None:
    """Show one with all that has happened to it."""
    letter = run(ask(directory(data_dir), "GET", f"{_PATH}/{quote(delivery_id, safe=':')}"))
    if json:
        as_json(letter)
        return
    korean = language() == "ko"
    tongue = "ko" if korean else "en"
    display = f"{letter['screenName']} ({letter['screenId']}, {letter['displayIndex']})"
    lines = [
        ("주문", "Order", letter["orderId"] or letter["title"]),
        ("모니터", "Screen", display),
        ("원인", "Why", f"{letter['code']}: {letter['messages'][tongue]}"),
        ("", "", f"{letter['cause']}: {letter['causeMessages'][tongue]}" if letter["causeMessages"] else None),
        ("할 일", "To do", letter["action"][tongue]),
        ("보낸 곳", "Sender", f"{letter['senderName'] or letter['sender']} → {letter['target']} ({letter['mode']})"),
        ("접수", "Accepted", moment(letter["acceptedAt"])),
        ("미전달", "Undelivered", moment(letter["diedAt"])),
    ]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for first, second, text in lines:
        if text is not None:
            grid.add_row(first if korean else second, text)
    history = Table.grid(padding=(0, 2, 0, 0))
    for line in letter["history"]:
        why = " ".join(str(line[name]) for name in ("code", "cause", "detail") if line.get(name))
        history.add_row(moment(line["at"]), f"{line['round']}.{line['attempt']}", line["state"], why)
    console = Terminal()
    console.print(grid)
    console.print()
    console.print(history)


@app.command()
def replay(
    ids: IdsArgument = None,
    all_: AllOption = False,
    screen: ScreenOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    include_stale: Annotated[
        bool, typer.Option("--include-stale", help="Also what newer ones of the same screen have overtaken.")
    ] = False,
    data_dir: DataOption = None,
) -> None:
    """Send again, the oldest first."""
    wanted = _chosen(ids, _filter(screen, code, since, until), everything=all_)
    if ids and include_stale:
        raise typer.BadParameter("--include-stale goes with a filter; what is named is sent in any case")
    body = {**wanted, **({"all": True} if all_ else {}), **({"includeStale": True} if include_stale else {})}
    _report(run(_many(directory(data_dir), "replay", ids, body)), "replayed")


@app.command()
def discard(
    ids: IdsArgument = None,
    all_: AllOption = False,
    screen: ScreenOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    data_dir: DataOption = None,
) -> None:
    """Take off the list for good; the histories stay."""
    wanted = _chosen(ids, _filter(screen, code, since, until), everything=all_)
    if not ids and not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("a filter needs --yes: what is discarded can't be sent again")
        korean = language() == "ko"
        typer.confirm(
            "버린 것은 다시 보낼 수 없습니다. 버릴까요?" if korean else "This can't be undone. Discard?", abort=True
        )
    _report(run(_many(directory(data_dir), "discard", ids, {**wanted, "all": all_} if all_ else wanted)), "discarded")


@app.command("export")
def export_(
    screen: ScreenOption = None,
    code: CodeOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    format_: FormatOption = "csv",
    output: OutputOption = None,
    data_dir: DataOption = None,
) -> None:
    """Write the list as CSV or JSON Lines."""
    export(data_dir, _PATH, format_, _filter(screen, code, since, until), output)


# --- the work behind ------------------------------------------------------------------------------------------------


async def _many(data: DataDir, verb: str, ids: list[str] | None, body: dict[str, Any]) -> Counter[str]:
    """Goes on until all are done; what became of them, and with `!` in front the codes of refusals."""
    async with connect(data, quiet_configuration(data)) as client:
        total: Counter[str] = Counter()
        async for answer in _answers(client, f"{_PATH}/{verb}", ids, body):
            total.update({name: answer[name] for name in ("replayed", "discarded", "stale") if name in answer})
            total.update({f"!{code}": number for code, number in answer["reasons"].items()})
        return total


async def _answers(
    client: Client, path: str, ids: list[str] | None, body: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    if ids:
        for start in range(0, len(ids), _IDS_AT_ONCE):
            yield await client.call("POST", path, {"ids": ids[start : start + _IDS_AT_ONCE]})
        return
    while True:
        answer = await client.call("POST", path, body)
        yield answer
        if answer["cursor"] is None:
            return
        body = {**body, "cursor": answer["cursor"]}


# --- what is asked and what is said ---------------------------------------------------------------------------------


def _filter(screen: str | None, code: str | None, since: str | None, until: str | None) -> dict[str, Any]:
    return filter_of(since, until, screenId=screen, code=code)


def _chosen(ids: list[str] | None, wanted: dict[str, Any], *, everything: bool) -> dict[str, Any]:
    """The filter; exactly one way of choosing must have been used."""
    if sum((bool(ids), bool(wanted), everything)) != 1:
        raise typer.BadParameter("name ids, or say which with --screen, --code, --since, --until, or --all")
    return wanted


def _print(console: Console, letter: dict[str, Any]) -> None:
    text = (letter["causeMessages"] or letter["messages"])[language()]
    order = letter["orderId"] or letter["title"] or "–"
    console.print(Text(f"{_short(letter['diedAt'])}  {order}  {letter['screenName']}  {letter['code']}", style="bold"))
    console.print(Padding(Text(text), (0, 0, 0, 13), expand=False))
    console.print(Text(f"{'':13}{letter['deliveryId']}", style="dim"), soft_wrap=True)


def _report(total: Counter[str], done: Literal["replayed", "discarded"]) -> None:
    """What was done, on stderr; exit code 1 when something was refused."""
    korean = language() == "ko"
    words = {
        "replayed": ("다시 보냄", "Sent again"),
        "discarded": ("버림", "Discarded"),
        "stale": ("새 주문에 밀려 남겨 둠 (--include-stale)", "Left, overtaken by newer ones (--include-stale)"),
    }
    for name in (done, "stale"):
        if name == done or total[name]:
            say(f"{words[name][0 if korean else 1]}: {total[name]}")
    refused = {name[1:]: number for name, number in total.items() if name.startswith("!")}
    for code, number in refused.items():
        say(f"{code}: {number}  {entry(code).messages()['ko' if korean else 'en']}")
    if refused:
        raise typer.Exit(1)


def _short(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%m-%d %H:%M")
