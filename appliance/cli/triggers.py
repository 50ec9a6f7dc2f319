"""`vooster trigger`: show an order on a screen, as a scan would."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

import typer

from appliance.cli.client import Client, connect
from appliance.cli.common import DataOption, as_json, directory, fail, quiet_configuration, run
from appliance.errors import Problem, Texts
from appliance.paths import DataDir

_WAIT_MS = 15_000


class _Told(Problem):
    """What became of an accepted trigger, where the catalogue speaks of the end and this isn't one."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)

    def messages(self) -> Texts:
        return _WORDS[self.code][0]

    def actions(self) -> Texts:
        return _WORDS[self.code][1]


_WORDS: dict[str, tuple[Texts, Texts]] = {
    "SCREEN_OFFLINE": (
        {"ko": "저장했습니다. 모니터가 켜지면 나타납니다.", "en": "Saved. It appears when the screen is on."},
        {
            "ko": "그 자리의 PC 전원과 랜선을 확인해 주세요. 다시 보내지 않아도 됩니다.",
            "en": "Check that PC's power and network cable. No need to send again.",
        },
    ),
    "APPLIANCE_NOT_RUNNING": (
        {"ko": "저장했습니다. Vooster가 실행되면 보냅니다.", "en": "Saved. It is sent when Vooster runs."},
        {"ko": "실행해 주세요: vooster serve", "en": "Start it: vooster serve"},
    ),
    "SHOWN_TIMEOUT": (
        {
            "ko": "저장했습니다. 모니터가 아직 표시했다고 답하지 않았습니다.",
            "en": "Saved. The screen hasn't confirmed yet.",
        },
        {"ko": "모니터를 봐 주세요. 다시 보내지 않아도 됩니다.", "en": "Look at the screen. No need to send again."},
    ),
    "SUPERSEDED": (
        {"ko": "표시하기 전에 새 주문으로 바뀌었습니다.", "en": "A newer order took its place before it was shown."},
        {"ko": "아직 필요하면 다시 보내 주세요.", "en": "If it is still needed, send it again."},
    ),
}


def trigger(
    order: Annotated[str, typer.Argument(metavar="ORDER")],
    screen: Annotated[str, typer.Option(metavar="ID", help="The screen to show it on.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is shown (15 s).")] = False,
    data_dir: DataOption = None,
) -> None:
    """Show an order's document on a screen."""
    data = directory(data_dir)
    answer, problem = run(_trigger(data, order, screen, wait=wait))
    as_json(answer)
    if problem is not None:
        raise fail(problem)


async def _trigger(data: DataDir, order: str, screen: str, *, wait: bool) -> tuple[dict[str, Any], Problem | None]:
    """What was answered, and what a person who waits has to be told."""
    body = {"id": str(uuid.uuid4()), "timestamp": time.time_ns() // 1_000_000, "orderId": order, "screenId": screen}
    async with connect(data, quiet_configuration(data)) as client:
        # With nothing running no screen can show it, however long one waits.
        query = {"wait": "shown", "timeoutMs": str(_WAIT_MS)} if wait and not client.alone else {}
        answer: dict[str, Any] = await client.call("POST", "/api/trigger", body, **query)
        return answer, await _missing(client, order, screen, answer) if wait else None


async def _missing(client: Client, order: str, screen: str, answer: dict[str, Any]) -> Problem | None:
    """Why the document isn't on the monitor; None when it is."""
    result, (delivery, *_) = answer.get("result"), answer["deliveries"]
    if result in {"shown", "received"}:
        return None
    detail = f"{order} on {screen}: {delivery['state']}"
    if client.alone:
        return _Told("APPLIANCE_NOT_RUNNING", detail)
    if result == "superseded":
        return _Told("SUPERSEDED", detail)
    if result == "dead" or delivery["state"] == "awaitingOrder":
        code = delivery.get("code") or "ORDER_SOURCE_UNAVAILABLE"
        return Problem(code, detail, values={"orderId": order, "target": screen})
    online = (await client.call("GET", f"/api/screens/{screen}"))["online"]
    return _Told("SHOWN_TIMEOUT" if online else "SCREEN_OFFLINE", detail)
