"""The dead-letter list over HTTP: what couldn't be delivered, why, and sending it again."""

from __future__ import annotations

import sqlite3

from aiohttp import web

from appliance.api.views import dead_letter_view
from appliance.core.roles import Role
from appliance.edge.credentials import Credentials
from appliance.edge.server import json_response
from appliance.errors import FieldError, Problem
from appliance.relay.clock import now_ms
from appliance.relay.deadletters import DeadLetters
from appliance.relay.screens import Screens
from appliance.storage import audit, deadletters
from appliance.storage.database import Database

PAGE = 100


def routes(
    *, credentials: Credentials, database: Database, letters: DeadLetters, screens: Screens
) -> list[web.RouteDef]:
    async def listing(request: web.Request) -> web.Response:
        principal = await credentials.principal(request, Role.VIEWER)
        before = _number(request, "cursor", "as given by the page before")
        wanted = deadletters.Filter(
            screen_id=request.query.get("screenId"),
            code=request.query.get("code"),
            since=_number(request, "since", "milliseconds since 1970, UTC"),
            until=_number(request, "until", "milliseconds since 1970, UTC"),
        )
        found = await database.read(lambda connection: deadletters.listing(connection, wanted, PAGE + 1, before))
        items = [
            dead_letter_view(delivery, _name(screens, delivery.screen_id))
            for delivery in found[:PAGE]
            if screens.reaches(principal, delivery.screen_id)
        ]
        return json_response({"items": items, "cursor": str(found[PAGE - 1].pk) if len(found) > PAGE else None})

    async def replay(request: web.Request) -> web.Response:
        principal = await credentials.principal(request, Role.SUPERVISOR)
        delivery_id = request.match_info["deliveryId"]
        screen = screens.get(delivery_id.rpartition(":")[2])
        if screen is None:
            raise Problem("NOT_FOUND", "There is no such undelivered scan, or its screen was deleted.")
        if not screens.reaches(principal, screen.screen_id):
            raise Problem("PERMISSION_DENIED", "This screen is outside the credential's reach.")
        delivery = await letters.replay(delivery_id, principal.actor)

        def job(tx: sqlite3.Connection) -> None:
            audit.append(tx, now_ms(), principal.actor, "delivery.replay", delivery.id)

        await database.write(job)
        return json_response({"id": delivery.id, "state": delivery.state.value}, 202)

    return [
        web.get("/api/dead-letters", listing),
        web.post("/api/dead-letters/{deliveryId}/replay", replay),
    ]


def _name(screens: Screens, screen_id: str) -> str:
    screen = screens.get(screen_id)
    return screen.name if screen is not None else screen_id


def _number(request: web.Request, name: str, reason: str) -> int | None:
    """A query's number; None when it isn't given. Raises `VALIDATION_ERROR` saying `reason`."""
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise Problem("VALIDATION_ERROR", errors=[FieldError(name, reason)])
    return int(text)
