"""`vooster keys`: keys for connected programs, and the appliance's own."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from appliance.cli.client import ask, connect
from appliance.cli.common import DataOption, JsonOption, as_json, directory, language, quiet_configuration, run, say
from appliance.cli.lists import moment
from appliance.cli.terminal import Terminal
from appliance.errors import Problem
from appliance.paths import DataDir

app = typer.Typer(no_args_is_help=True, help="API keys for connected programs, and the appliance's own keys.")


@app.command()
def add(
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
    print(run(ask(data, "POST", "/api/keys", body, create=True))["key"])


@app.command("list")
def list_(json: JsonOption = False, data_dir: DataOption = None) -> None:
    """List the keys; their texts are kept nowhere."""
    items = run(ask(directory(data_dir), "GET", "/api/keys"))["items"]
    if json:
        as_json(items)
        return
    heads = (
        ("ID", "이름", "역할", "모니터", "라인", "마지막 사용"),
        ("ID", "Name", "Role", "Screens", "Lines", "Last used"),
    )
    table = Table(*heads[0 if language() == "ko" else 1])
    for key in items:
        scope = [", ".join(key[scope] or ()) or "–" for scope in ("screens", "groups")]
        used = moment(key["lastUsedAt"]) if key["lastUsedAt"] else "–"
        table.add_row(key["id"], key["name"], key["role"], *scope, used)
    Terminal().print(table)


@app.command()
def remove(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id or its name, as `keys list` prints them.")],
    data_dir: DataOption = None,
) -> None:
    """End a key; what is open with it ends at once."""
    run(_remove(directory(data_dir), key))


@app.command()
def rotate(data_dir: DataOption = None) -> None:
    """Make new signing keys at once, when somebody may have seen the file with the old ones."""
    answer = run(ask(directory(data_dir), "POST", "/api/keys/rotate"))
    say(
        "새 서명 열쇠를 만들었습니다. 모니터는 스스로 다시 연결됩니다. / "
        "New signing keys are in use. Screens come back by themselves."
    )
    print(answer["kid"])


async def _remove(data: DataDir, key: str) -> None:
    async with connect(data, quiet_configuration(data)) as client:
        found = [each for each in (await client.call("GET", "/api/keys"))["items"] if key in (each["id"], each["name"])]
        if not found:
            raise Problem("NOT_FOUND", "There is no such key.")
        await client.call("DELETE", f"/api/keys/{found[0]['id']}")
