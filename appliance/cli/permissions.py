"""`vooster permissions`: who may do what, printed from the very table that the appliance asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from appliance.cli.common import JsonOption, as_json
from appliance.core.permissions import CALLS, MESSAGES, PAGES, SEND_ADDRESS, Rule
from appliance.core.roles import Role

HOLDERS: Final = (*(role.label for role in Role), "screen")
_WIDTH: Final = 118


def permissions(json: JsonOption = False) -> None:
    """Print who may do what, over HTTP and on sockets."""
    rows = list(matrix())
    if json:
        as_json({"items": rows, "cursor": None})
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    terminal = sys.stdout.isatty()
    table.add_column("call", overflow="fold", no_wrap=not terminal)
    for holder in HOLDERS:
        table.add_column(holder, justify="center")
    table.add_column("or", overflow="fold")
    for row in rows:
        anyone = row["anyone"] and not row["proof"]
        marks = ["●" if holder in row["may"] else "·" for holder in HOLDERS]
        table.add_row(row["call"], *marks, "anyone" if anyone else row["proof"])
    Console(width=None if terminal else _WIDTH, highlight=False).print(table)


def matrix() -> Iterator[dict[str, Any]]:
    """One row a call or message: who may make it with a credential of that role, and what else opens it."""
    for (method, path), rule in CALLS.items():
        if path not in PAGES:
            yield _row("any" if method == "*" else method, path, rule)
    for kind, rule in MESSAGES.items():
        yield _row("socket", str(kind.__struct_config__.tag), rule)  # type: ignore[attr-defined]
    yield _row("", "trigger with a url", SEND_ADDRESS)


def _row(method: str, what: str, rule: Rule) -> dict[str, Any]:
    may: list[str] = []
    if rule.least is not None:
        may = [role.label for role in Role if role >= rule.least]
        may += ["screen"] if rule.screens else []
    proof = rule.proof or (f"API key, {rule.keys.label} and up" if rule.keys is not None else "")
    return {"call": f"{method} {what}".strip(), "anyone": rule.least is None, "may": may, "proof": proof}
