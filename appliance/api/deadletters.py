"""The dead-letter list over HTTP: what couldn't be delivered and why, sending it again, and discarding it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import msgspec
from aiohttp import web

from appliance.api.exports import Exports
from appliance.api.listing import Listing, Place
from appliance.api.queries import Checks, Query, cursor_of, numbers_of, reach, saved
from appliance.api.views import DEAD_LETTER_COLUMNS, Names, dead_letter_cells, dead_letter_detail, dead_letter_view
from appliance.core.delivery import Delivery
from appliance.edge.credentials import caller
from appliance.edge.server import json_response, read_json
from appliance.errors import FieldError, Problem
from appliance.relay.deadletters import DeadLetters, Result
from appliance.relay.opened import key_of
from appliance.relay.principal import Principal
from appliance.relay.record import Record
from appliance.relay.screens import Screens
from appliance.storage import deadletters
from appliance.storage.database import Database
from appliance.storage.deadletters import Filter

MAX_IDS = 500


class Selection(msgspec.Struct, rename="camel"):
    """Which dead letters a call is about: those of `ids`, or what the filter finds."""

    ids: list[str] | None = None
    screen_id: str | None = None
    code: str | None = None
    since: int | None = None
    until: int | None = None
    include_stale: bool = False
    everything: bool = msgspec.field(default=False, name="all")
    cursor: str | None = None

    def meant(self) -> dict[str, object]:
        """The filter, as the audit keeps it."""
        found = {"screenId": self.screen_id, "code": self.code, "since": self.since, "until": self.until}
        return {name: value for name, value in found.items() if value is not None}


def routes(
    *,
    database: Database,
    letters: DeadLetters,
    screens: Screens,
    names: Names,
    exports: Exports,
    record: Record,
) -> list[web.RouteDef]:
    undelivered = Listing[Delivery](
        database=database,
        names=names,
        exports=exports,
        record=record,
        name="dead-letters",
        file="vooster-undelivered",
        filters=("screenId", "code", "since", "until"),
        columns=DEAD_LETTER_COLUMNS,
        cells=dead_letter_cells,
        view=dead_letter_view,
        place=deadletters.place,
        place_parts=2,
        exported_at_once=50,
    )

    async def listing(request: web.Request) -> web.StreamResponse:
        query = Query(request)
        wanted = _wanted(
            query,
            screens,
            caller(request),
            screen_id=query.text("screenId"),
            code=query.text("code"),
            since=query.time("since"),
            until=query.time("until"),
        )

        def find(
            connection: sqlite3.Connection, limit: int, place: Place | None
        ) -> tuple[list[Delivery], Place | None]:
            below = (place[0], place[1]) if place is not None else None
            found = deadletters.listing(connection, wanted, limit, below)
            return found, deadletters.place(found[-1]) if len(found) == limit else None

        return await undelivered.answer(request, query, find)

    async def show(request: web.Request) -> web.Response:
        principal = caller(request)
        key = key_of(request.match_info["deliveryId"])
        if not screens.reaches(principal, key[1]):
            raise Problem("PERMISSION_DENIED", "This screen is outside the credential's reach.")
        await saved(database)
        found = await database.read(lambda connection: deadletters.of_ids(connection, [key]))
        if not found or not found[0].listed:
            raise Problem("NOT_FOUND", "There is no such undelivered scan; it may have been sent again or discarded.")
        return json_response(dead_letter_detail(found[0], names))

    async def replay(request: web.Request) -> web.Response:
        principal = caller(request)
        delivery_id = request.match_info["deliveryId"]
        delivery = _only(await letters.replay([delivery_id], principal))
        return json_response({"id": delivery.id, "state": delivery.state.value, "round": delivery.round}, 202)

    async def discard(request: web.Request) -> web.Response:
        principal = caller(request)
        _only(await letters.discard([request.match_info["deliveryId"]], principal))
        return web.Response(status=204)

    async def replay_many(request: web.Request) -> web.Response:
        principal = caller(request)
        body, wanted, above = await selection(request, principal)
        if body.ids is not None:
            return json_response(_results(body.ids, await letters.replay(body.ids, principal), "replayed", 202))
        _check_meant(body, "name what to send again")
        if body.code is None:
            wanted = replace(wanted, except_code="CANCELLED")  # somebody wanted it shown no more
        detail: dict[str, object] = {"filter": body.meant(), "includeStale": body.include_stale}
        result = await letters.replay_found(wanted, principal, detail, include_stale=body.include_stale, above=above)
        return json_response(_counts(result, "replayed") | {"stale": result.stale})

    async def discard_many(request: web.Request) -> web.Response:
        principal = caller(request)
        body, wanted, _ = await selection(request, principal)
        if body.ids is not None:
            return json_response(_results(body.ids, await letters.discard(body.ids, principal), "discarded", 204))
        _check_meant(body, "name what to discard")
        result = await letters.discard_found(wanted, principal, {"filter": body.meant()})
        return json_response(_counts(result, "discarded"))

    async def selection(request: web.Request, principal: Principal) -> tuple[Selection, Filter, int]:
        """What a call is about, checked, with the key to go on behind."""
        body = await read_json(request, Selection)
        checks = Checks()
        wanted = _wanted(
            checks,
            screens,
            principal,
            screen_id=body.screen_id,
            code=body.code,
            since=body.since,
            until=body.until,
        )
        cursor = numbers_of(checks, body.cursor, 1)
        if body.ids is not None:
            if not 1 <= len(body.ids) <= MAX_IDS:
                checks.wrong("ids", f"1 to {MAX_IDS} delivery ids")
            if body.meant() or body.everything or cursor is not None:
                checks.wrong("ids", "either ids or a filter, not both")
        checks.end()
        return body, wanted, cursor[0] if cursor else 0

    path = "/api/dead-letters"
    one = f"{path}/{{deliveryId:[^/]+:[^/]+}}"  # never one of the words beside it
    return [
        web.get(path, listing),
        web.post(f"{path}/replay", replay_many),
        web.post(f"{path}/discard", discard_many),
        web.get(one, show),
        web.delete(one, discard),
        web.post(f"{one}/replay", replay),
    ]


def _wanted(
    checks: Checks,
    screens: Screens,
    principal: Principal,
    *,
    screen_id: str | None,
    code: str | None,
    since: int | None,
    until: int | None,
) -> Filter:
    checks.times(since, until, ("since", "until"))
    return Filter(checks.screen_id(screen_id), checks.code(code), since, until, reach(screens, principal))


def _check_meant(body: Selection, otherwise: str) -> None:
    """Everything must be said in so many words: a filter may be empty by a slip."""
    if not body.meant() and not body.everything:
        reason = f'{otherwise}, or say "all": true'
        raise Problem("VALIDATION_ERROR", reason, errors=[FieldError("all", reason)])


def _only(result: Result) -> Delivery:
    """The one letter of a call. Raises why nothing became of it."""
    for refusal in result.refused.values():
        raise refusal
    (delivery,) = result.done.values()
    return delivery


def _results(ids: list[str], result: Result, done: str, status: int) -> dict[str, Any]:
    """One line an id, in their order; one that is named again has the result of the first time."""
    lines: list[dict[str, Any]] = []
    for each in ids:
        refusal = result.refused.get(key_of(each))
        lines.append(
            {"id": each, "status": status}
            if refusal is None
            else {"id": each, "status": refusal.status, "code": refusal.code}
        )
    return {"results": lines, done: len(result.done), "refused": len(result.refused), "reasons": result.reasons}


def _counts(result: Result, done: str) -> dict[str, Any]:
    return {
        done: len(result.done),
        "refused": len(result.refused),
        "reasons": result.reasons,
        "remaining": result.remaining,
        "cursor": cursor_of(result.cursor) if result.cursor is not None else None,
    }
