"""`vooster screens`: the stations' screens, from the command line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from appliance.cli.client import ask, connect
from appliance.cli.common import DataOption, JsonOption, as_json, directory, language, quiet_configuration, run, say
from appliance.cli.terminal import Terminal, json_text
from appliance.errors import FieldError, Problem
from appliance.paths import DataDir

app = typer.Typer(no_args_is_help=True, help="Screens: one station's monitors each.")

IdArgument = Annotated[str, typer.Argument(metavar="ID")]
_BATCH = 500
"""As many screens as one call pairs."""
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
    data_dir: DataOption = None,
) -> None:
    """Make missing screens and pair them without a QR: one JSON pairing a line."""
    if not screen_ids and file is None:
        raise typer.BadParameter("name screens, or a file with --csv")
    data = directory(data_dir)
    run(_provision(data, [{"screenId": i} for i in screen_ids or []], file))


async def _provision(data: DataDir, wanted: list[dict[str, Any]], file: Path | None) -> None:
    if file is not None:
        wanted += _rows(file)
    async with connect(data, quiet_configuration(data), create=True) as client:
        known = {screen["screenId"] for screen in (await client.call("GET", "/api/screens"))["items"]}
        for screen in wanted:
            if screen["screenId"] not in known:
                await client.call("POST", "/api/screens", screen)
                known.add(screen["screenId"])
        ids = list(dict.fromkeys(screen["screenId"] for screen in wanted))
        for start in range(0, len(ids), _BATCH):
            body = {"screenIds": ids[start : start + _BATCH]}
            # Said at once: a key that was made and never told would leave its screen without one.
            for pairing in (await client.call("POST", "/api/pairing/provision", body))["items"]:
                print(json_text(pairing), flush=True)


def _rows(file: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        reader = csv.DictReader(io.StringIO(_text(file), newline=""))
        for row in reader:
            screen_id = (row.get("screenId") or "").strip()
            if not screen_id:
                raise _unfit(file, f"line {reader.line_num} has no screenId")
            groups = [group.strip() for group in (row.get("groups") or "").split(";") if group.strip()]
            rows.append({"screenId": screen_id, "name": (row.get("name") or "").strip() or None, "groups": groups})
    except csv.Error as error:
        raise _unfit(file, str(error)) from None
    if not rows:
        raise _unfit(file, "it names no screen")
    return rows


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _unfit(file, f"it can't be read: {error.strerror}") from None
    for encoding in ("utf-8-sig", "cp949"):  # the latter is what a Korean spreadsheet saves
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unfit(file, "it is neither UTF-8 nor CP949 text; save it as CSV UTF-8")


def _unfit(file: Path, reason: str) -> Problem:
    return Problem("VALIDATION_ERROR", f"{file}: {reason}", errors=[FieldError("--csv", reason)])
