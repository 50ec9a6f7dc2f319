"""`vooster trigger`: show an order on a screen, as a scan would."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

import typer

from appliance.cli.client import connect
from appliance.cli.common import DataOption, as_json, directory, quiet_configuration, run
from appliance.errors import Problem
from appliance.paths import DataDir

_WAIT_MS = 15_000


def trigger(
    order: Annotated[str, typer.Argument(metavar="ORDER")],
    screen: Annotated[str, typer.Option(metavar="ID", help="The screen to show it on.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is shown (15 s).")] = False,
    data_dir: DataOption = None,
) -> None:
    """Show an order's document on a screen."""
    data = directory(data_dir)
    answer = run(_trigger(data, order, screen, wait=wait))
    as_json(answer)
    if wait and answer["result"] not in ("shown", "received"):
        raise typer.Exit(1)


async def _trigger(data: DataDir, order: str, screen: str, *, wait: bool) -> dict[str, Any]:
    body = {"id": str(uuid.uuid4()), "timestamp": time.time_ns() // 1_000_000, "orderId": order, "screenId": screen}
    query = {"wait": "shown", "timeoutMs": str(_WAIT_MS)} if wait else {}
    async with connect(data, quiet_configuration(data)) as client:
        answer: dict[str, Any] = await client.call("POST", "/api/trigger", body, **query)
    if wait and answer.get("result") == "dead":
        code = next((d["code"] for d in answer["deliveries"] if d.get("code")), "UNKNOWN")
        raise Problem(code, f"{order} was not shown on {screen}.", values={"orderId": order, "target": screen})
    return answer
