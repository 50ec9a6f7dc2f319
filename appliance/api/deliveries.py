"""The record of deliveries over HTTP: who was shown what, where and when."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from aiohttp import web

from appliance.api.exports import Exports, pieces_of
from appliance.api.queries import Format, Query, cursor_of, format_of, reach, saved
from appliance.api.views import RECORD_COLUMNS, Names, record_cells, record_view
from appliance.core.delivery import Delivery, State
from appliance.edge.credentials import caller
from appliance.edge.server import json_response
from appliance.relay.record import Record
from appliance.relay.screens import Screens
from appliance.storage import deliveries
from appliance.storage.database import Database
from appliance.storage.deliveries import Filter, Span

PAGE, MAX_PAGE = 100, 500
EXPORTED_AT_ONCE = 50
"""Deliveries in one piece of an export: as long as it takes to write them out, nothing else runs."""
_STATES = ", ".join(State)


def routes(
    *,
    database: Database,
    screens: Screens,
    names: Names,
    exports: Exports,
    record: Record,
) -> list[web.RouteDef]:
    async def listing(request: web.Request) -> web.StreamResponse:
        principal = caller(request)
        query = Query(request)
        since, until = query.time("from"), query.time("to")
        query.times(since, until, ("from", "to"))
        wanted = Filter(
            screen_id=query.screen_id(query.text("screenId")),
            order_id=query.order_id(query.text("orderId")),
            states=_states(query),
            since=since,
            until=until,
            screens=reach(screens, principal),
        )
        limit, cursor = query.limit(PAGE, MAX_PAGE), query.cursor(1)
        query.end()
        kind = format_of(request, "csv", "ndjson")
        await saved(database)
        within = await database.read(lambda connection: deliveries.span(connection, wanted))
        if kind != "json":
            note = record.exporting(
                principal.actor, "deliveries", kind, query.meant("screenId", "orderId", "state", "from", "to")
            )
            found_pieces = pieces(kind, wanted, within)
            return await exports.send(request, kind, "vooster-deliveries", found_pieces, principal, note=note)
        if cursor is not None:
            within = Span(within.low, min(within.high, cursor[0]))
        found: list[Delivery] = []
        rest: Span | None = within
        while rest is not None and len(found) <= limit:
            some, rest = await step(wanted, limit + 1 - len(found), rest)
            found += some
        items = [record_view(delivery, names) for delivery in found[:limit]]
        return json_response({"items": items, "cursor": cursor_of(found[limit - 1].pk) if len(found) > limit else None})

    async def step(wanted: Filter, limit: int, within: Span) -> tuple[list[Delivery], Span | None]:
        return await database.read(lambda connection: deliveries.search(connection, wanted, limit, within))

    async def pages(wanted: Filter, within: Span) -> AsyncGenerator[list[Delivery], None]:
        rest: Span | None = within
        while rest is not None:
            found, rest = await step(wanted, EXPORTED_AT_ONCE, rest)
            yield found

    def pieces(kind: Format, wanted: Filter, within: Span) -> AsyncGenerator[bytes, None]:
        return pieces_of(
            kind,
            pages(wanted, within),
            columns=RECORD_COLUMNS,
            cells=lambda delivery: record_cells(delivery, names),
            view=lambda delivery: record_view(delivery, names),
        )

    return [web.get("/api/deliveries", listing)]


def _states(query: Query) -> list[str] | None:
    """Several states may be named, with commas between them."""
    text = query.text("state")
    if text is None:
        return None
    found = [state.strip() for state in text.split(",") if state.strip()]
    if not found or not all(state in set(State) for state in found):
        query.wrong("state", f"one or more of {_STATES}")
    return found
