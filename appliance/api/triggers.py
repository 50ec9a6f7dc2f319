"""Triggers over HTTP: accept one, and tell what became of it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from appliance.api.views import delivery_view
from appliance.core.delivery import Delivery
from appliance.core.roles import Role
from appliance.core.triggers import TriggerBody
from appliance.edge.credentials import Credentials
from appliance.edge.server import json_response, read_json
from appliance.errors import FieldError, Problem
from appliance.relay.intake import Intake, Receipt, summary
from appliance.relay.principal import Principal
from appliance.relay.screens import Screens
from appliance.relay.waits import Waits, result
from appliance.storage.outbox import Outbox

MAX_WAIT_MS = 30_000
DEFAULT_WAIT_MS = 5_000


def routes(
    *, credentials: Credentials, intake: Intake, outbox: Outbox, waits: Waits, screens: Screens
) -> list[web.RouteDef]:
    async def post(request: web.Request) -> web.Response:
        principal = await credentials.principal(request, Role.OPERATOR, screens_allowed=True)
        body = await read_json(request, TriggerBody)
        timeout_ms = _wait(request)
        if timeout_ms is None:
            receipt = await intake.accept(principal, body)
            return json_response(receipt.body(), 200 if receipt.duplicate else 202)
        return await _held(principal, body, timeout_ms)

    async def _held(principal: Principal, body: TriggerBody, timeout_ms: int) -> web.Response:
        changed = waits.begin(body.id)
        try:
            receipt = await intake.accept(principal, body)
            deliveries = await _until_final(receipt, changed, timeout_ms)
        finally:
            waits.end(body.id, changed)
        final = all(delivery.final for delivery in deliveries)
        answer = {**receipt.body(), "deliveries": [summary(d) for d in deliveries], "result": result(deliveries)}
        return json_response(answer, 200 if final else 202)

    async def _until_final(receipt: Receipt, changed: asyncio.Event, timeout_ms: int) -> list[Delivery]:
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                while True:
                    changed.clear()
                    deliveries = await outbox.of_trigger(receipt.id)
                    if waits.stopped or all(delivery.final for delivery in deliveries):
                        return deliveries
                    await changed.wait()
        except TimeoutError:
            return await outbox.of_trigger(receipt.id)

    async def get(request: web.Request) -> web.Response:
        principal = await credentials.principal(request, screens_allowed=True)
        trigger_id = request.match_info["id"]
        record = await outbox.find(trigger_id)
        deliveries = await outbox.of_trigger(record.id) if record is not None else []
        if record is not None and record.sender != principal.actor:
            # Others' triggers don't exist for whoever may not see their screens.
            deliveries = [
                d for d in deliveries if principal.kind != "screen" and screens.reaches(principal, d.screen_id)
            ]
        if record is None or not deliveries:
            raise Problem("NOT_FOUND", f"There is no trigger {trigger_id[:100]}.")
        return json_response(
            {
                "id": record.id,
                "orderId": record.order_id,
                "url": record.url,
                "title": record.title,
                "target": record.target,
                "displayIndex": record.display_index,
                "mode": record.mode,
                "acceptedAt": record.accepted_at,
                "sender": record.sender,
                "deliveries": [delivery_view(delivery) for delivery in deliveries],
            }
        )

    return [web.post("/api/trigger", post), web.get("/api/triggers/{id}", get)]


def _wait(request: web.Request) -> int | None:
    """How long to hold the answer, in ms; None when it isn't asked for."""
    wait = request.query.get("wait")
    if wait is None:
        return None
    text = request.query.get("timeoutMs", str(DEFAULT_WAIT_MS))
    if wait != "shown":
        raise Problem("VALIDATION_ERROR", errors=[FieldError("wait", "shown")])
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= MAX_WAIT_MS):
        raise Problem("VALIDATION_ERROR", errors=[FieldError("timeoutMs", f"0 to {MAX_WAIT_MS}")])
    return int(text)
