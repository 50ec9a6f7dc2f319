"""The audit record over HTTP, for admins: who did what to which screen when and from where; and if it is whole."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import msgspec
from aiohttp import web

from appliance.api.exports import Exports, moment
from appliance.api.listing import Listing, Place
from appliance.api.queries import Query
from appliance.api.views import Names
from appliance.relay.record import Record
from appliance.storage import audit
from appliance.storage.audit import Entry, Filter
from appliance.storage.chain import Checked
from appliance.storage.database import Database

COLUMNS = (
    "number", "at", "actor", "actorName", "action", "target", "screenId", "screenName", "from", "detail", "seal",
)  # fmt: skip
_ACTION = re.compile(r"[a-z_.-]{1,64}\*?\Z")


def routes(
    *,
    database: Database,
    record: Record,
    names: Names,
    exports: Exports,
) -> list[web.RouteDef]:
    entries = Listing[Entry](
        database=database,
        names=names,
        exports=exports,
        record=record,
        name="audit",
        file="vooster-audit",
        filters=("since", "until", "actor", "action", "screenId"),
        columns=COLUMNS,
        cells=_cells,
        view=_view,
        place=lambda entry: (entry.pk,),
        exported_at_once=200,
    )

    async def listing(request: web.Request) -> web.StreamResponse:
        query = Query(request)
        since, until = query.time("since"), query.time("until")
        query.times(since, until, ("since", "until"))
        wanted = Filter(
            actor=_actor(query),
            action=_action(query),
            screen_id=query.screen_id(query.text("screenId")),
            since=since,
            until=until,
        )
        everything = _everything(query)

        def find(connection: sqlite3.Connection, limit: int, place: Place | None) -> tuple[list[Entry], Place | None]:
            found, below = audit.search(connection, wanted, limit, place[0] if place is not None else None)
            return found, (below,) if below is not None else None

        async def chain() -> dict[str, Any]:
            return {"chain": chain_view(await record.check(everything=everything))}

        return await entries.answer(request, query, find, beside=chain)

    return [web.get("/api/audit", listing)]


def chain_view(checked: Checked) -> dict[str, Any]:
    """Whether the record is whole: `checked` of its `entries` were looked at."""
    view: dict[str, Any] = {
        "intact": checked.broken is None,
        "checked": checked.head.entries,
        "entries": max(checked.entries, checked.head.entries),
    }
    if checked.broken is not None:
        view["broken"] = checked.broken
    return view


def _actor(query: Query) -> str | None:
    text = query.text("actor")
    if text is not None and not 1 <= len(text) <= 200:
        query.wrong("actor", "like user:kim, key:1a2b3c4d, screen:SCREEN-001, local:root or system")
    return text


def _action(query: Query) -> str | None:
    text = query.text("action")
    if text is not None and not _ACTION.match(text):
        query.wrong("action", "like screen.add, or auth.* for all that begin so")
    return text


def _everything(query: Query) -> bool:
    text = query.text("verify")
    if text not in {None, "full"}:
        query.wrong("verify", "full")
    return text == "full"


def _view(entry: Entry, names: Names) -> dict[str, Any]:
    return {
        "number": entry.pk,
        "at": entry.at,
        "actor": entry.actor,
        "actorName": names.sender(entry.actor),
        "action": entry.action,
        "target": entry.target,
        "screenId": entry.screen_id,
        "screenName": names.screen(entry.screen_id) if entry.screen_id is not None else None,
        "from": entry.address,
        "detail": entry.detail,
        "seal": entry.mac,
    }


def _cells(entry: Entry, names: Names) -> list[object]:
    cells = _view(entry, names)
    cells["at"] = moment(entry.at)
    cells["detail"] = msgspec.json.encode(entry.detail).decode() if entry.detail is not None else None
    return [cells[name] for name in COLUMNS]
