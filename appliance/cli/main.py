"""The `vooster` command: one verb a thing to do."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from appliance import __version__
from appliance.cli import audit, deadletters, keys, screens, users
from appliance.cli.common import DataOption, as_json, directory
from appliance.cli.demo import demo
from appliance.cli.doctor import doctor
from appliance.cli.permissions import permissions
from appliance.cli.serve import serve
from appliance.cli.setup import setup
from appliance.cli.triggers import trigger

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve)
app.command()(demo)
app.command()(setup)
app.command()(trigger)
app.command()(doctor)
app.command()(permissions)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(screens.app, name="screens")
app.add_typer(deadletters.app, name="dead-letters")
app.add_typer(audit.app, name="audit")


@app.callback()
def root(context: typer.Context) -> None:
    """Scan an order, and its work order appears on the right station's second monitor."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@app.command()
def paths(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, data_dir: DataOption = None
) -> None:
    """Say where the appliance keeps its things."""
    data = directory(data_dir, quiet=True)
    found = {
        "data": str(data.root),
        "database": str(data.database),
        "settings": str(data.config),
        "documents": str(data.documents),
        "control": str(data.control_socket),
    }
    if json:
        as_json(found)
        return
    for name, path in found.items():
        print(f"{name:<10} {path}")


def main() -> None:
    """Entry point of the installed command and of the single binary."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()


if __name__ == "__main__":
    main()
