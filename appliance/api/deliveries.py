"""The record of deliveries over HTTP: who was shown what, where and when."""

from __future__ import annotations

import sqlite3

from aiohttp import web

from appliance.api.exports import Exports
from appliance.api.listing import Listing, Place
from appliance.api.queries import Query, reach
from appliance.api.views import RECORD_COLUMNS, Names, record_cells, record_view
from appliance.core.delivery import Delivery, State
from appliance.edge.credentials import caller
from appliance.relay.record import Record
from appliance.relay.screens import Screens
from appliance.storage import deliveries
from appliance.storage.database import Database
from appliance.storage.deliveries import Filter, Span

_STATES = ", ".join(State)


def routes(
    *,
    database: Database,
    screens: Screens,
    names: Names,
    exports: Exports,
    record: Record,
) -> list[web.RouteDef]:
    records = Listing[Delivery](
        database=database,
        names=names,
        exports=exports,
        record=record,
        name="deliveries",
        file="vooster-deliveries",
        filters=("screenId", "orderId", "state", "from", "to"),
        columns=RECORD_COLUMNS,
        cells=record_cells,
        view=record_view,
        place=lambda delivery: (delivery.pk,),
        exported_at_once=50,
    )

    async def listing(request: web.Request) -> web.StreamResponse:
        query = Query(request)
        since, until = query.time("from"), query.time("to")
        query.times(since, until, ("from", "to"))
        wanted = Filter(
            screen_id=query.screen_id(query.text("screenId")),
            order_id=query.order_id(query.text("orderId")),
            states=_states(query),
            since=since,
            until=until,
            screens=reach(screens, caller(request)),
        )

        def find(
            connection: sqlite3.Connection, limit: int, place: Place | None
        ) -> tuple[list[Delivery], Place | None]:
            found, rest = deliveries.search(connection, wanted, limit, _within(connection, wanted, place))
            return found, (rest.high, rest.low) if rest is not None else None

        return await records.answer(request, query, find)

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


def _within(connection: sqlite3.Connection, wanted: Filter, place: Place | None) -> Span:
    """Where to search. A cursor says only below which key; how far down is found out once for all that follows."""
    if place is not None and len(place) == 2:
        return Span(place[1], place[0])
    whole = deliveries.span(connection, wanted)
    return whole if place is None else Span(whole.low, min(whole.high, place[0]))
