"""Triggers over HTTP: accept one or many, tell what became of them, and cancel what is still open."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from appliance.api.views import Names, delivery_view
from appliance.core.delivery import Delivery
from appliance.core.triggers import TriggerBody
from appliance.edge.credentials import caller
from appliance.edge.problems import problem_body
from appliance.edge.server import decode, json_response, read_json
from appliance.errors import FieldError, Problem, new_trace_id
from appliance.relay.cancellations import Cancellations
from appliance.relay.held import Held
from appliance.relay.intake import Intake
from appliance.relay.principal import Principal
from appliance.relay.receipts import Answer, Receipt, Receipts, summary
from appliance.relay.screens import Screens
from appliance.relay.waits import Wait, Waits, result
from appliance.storage.outbox import Outbox

MAX_WAIT_MS = 30_000
DEFAULT_WAIT_MS = 5_000
MAX_BATCH = 500


class BatchBody(msgspec.Struct):
    """Each trigger is read by itself, so that one that doesn't fit is its own problem."""

    triggers: list[msgspec.Raw]


def routes(
    *,
    intake: Intake,
    receipts: Receipts,
    outbox: Outbox,
    waits: Waits,
    screens: Screens,
    names: Names,
    cancellations: Cancellations,
    held: Held,
) -> list[web.RouteDef]:
    async def post(request: web.Request) -> web.Response:
        principal = caller(request)
        body = await read_json(request, TriggerBody)
        timeout_ms = _wait(request)
        if timeout_ms is None:
            receipt = await intake.accept(principal, body)
            return json_response(receipt.body(), 200 if receipt.duplicate else 202)
        return await _held(principal, body, timeout_ms)

    async def _held(principal: Principal, body: TriggerBody, timeout_ms: int) -> web.Response:
        wait = waits.begin(body.id)
        try:
            receipt = await intake.accept(principal, body)
            async with held.while_good(principal):
                deliveries = await waits.all_final(wait, receipt.deliveries, timeout_ms / 1000)
        finally:
            waits.end(body.id, wait)
        if deliveries is None:
            deliveries = await _known(receipt, wait)
        final = all(delivery.final for delivery in deliveries)
        answer = {**receipt.body(), "deliveries": [summary(d) for d in deliveries], "result": result(deliveries)}
        return json_response(answer, 200 if final else 202)

    async def _known(receipt: Receipt, wait: Wait) -> list[Delivery]:
        """How the deliveries of an accepted trigger are now. It has been accepted, whatever can't be read of it."""
        try:
            return await receipts.deliveries(receipt.id)
        except Problem:
            return receipts.as_open([wait.ended.get(delivery.id, delivery) for delivery in receipt.deliveries])

    async def batch(request: web.Request) -> web.Response:
        principal = caller(request)
        given = (await read_json(request, BatchBody)).triggers
        if len(given) > MAX_BATCH:
            raise Problem("VALIDATION_ERROR", errors=[FieldError("triggers", f"at most {MAX_BATCH}")])
        read = [_read(raw) for raw in given]
        found = iter(await intake.accept_all(principal, [body for body in read if isinstance(body, TriggerBody)]))
        answers = [next(found) if isinstance(body, TriggerBody) else body for body in read]
        return json_response({"results": [_result(answer) for answer in answers]})

    async def get(request: web.Request) -> web.Response:
        principal = caller(request)
        trigger_id = request.match_info["id"]
        record = await outbox.find(trigger_id)
        deliveries = await receipts.deliveries(record.id) if record is not None else []
        deliveries = [delivery for delivery in deliveries if _may_see(principal, delivery)]
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
                "senderName": names.sender(record.sender),
                "deliveries": [delivery_view(delivery) for delivery in deliveries],
            }
        )

    async def cancel(request: web.Request) -> web.Response:
        principal = caller(request)
        deliveries = await cancellations.trigger(
            request.match_info["id"], principal, lambda delivery: _may_see(principal, delivery)
        )
        answer = {"id": deliveries[0].trigger_id, "status": "cancelled", "deliveries": list(map(summary, deliveries))}
        return json_response(answer)

    async def cancel_one(request: web.Request) -> web.Response:
        principal = caller(request)
        delivery = await cancellations.delivery(
            request.match_info["deliveryId"], principal, lambda delivery: _may_see(principal, delivery)
        )
        return json_response(summary(delivery))

    def _may_see(principal: Principal, delivery: Delivery) -> bool:
        """Others' triggers don't exist for whoever may not see their screens."""
        if delivery.sender == principal.actor:
            return True
        return principal.kind != "screen" and screens.reaches(principal, delivery.screen_id)

    return [
        web.post("/api/trigger", post),
        web.post("/api/triggers", batch),
        web.get("/api/triggers/{id}", get),
        web.post("/api/triggers/{id}/cancel", cancel),
        web.post("/api/deliveries/{deliveryId}/cancel", cancel_one),
    ]


def _read(raw: msgspec.Raw) -> TriggerBody | Problem:
    try:
        return decode(bytes(raw), TriggerBody)
    except Problem as problem:
        return problem


def _result(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Problem):
        return {"status": answer.status, "body": problem_body(answer, new_trace_id())}
    return {"status": 200 if answer.duplicate else 202, "body": answer.body()}


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
