"""The audit record over HTTP, for admins: who did what to which screen when and from where; and if it is whole."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from aiohttp import web

from appliance.api.exports import Exports, moment, pieces_of
from appliance.api.queries import Format, Query, cursor_of, format_of, saved
from appliance.api.views import Names
from appliance.edge.credentials import caller
from appliance.edge.server import json_response
from appliance.relay.record import Record
from appliance.storage import audit
from appliance.storage.audit import Entry, Filter
from appliance.storage.chain import Checked
from appliance.storage.database import Database

PAGE, MAX_PAGE = 100, 500
EXPORTED_AT_ONCE = 200
"""Entries in one piece of an export: as long as it takes to write them out, nothing else runs."""
COLUMNS = (
    "number", "at", "actor", "actorName", "action", "target", "screenId", "screenName", "from", "detail", "seal",
)  # fmt: skip
_ACTION = re.compile(r"[a-z_.-]{1,64}\*?\Z")
_FILTERS = ("since", "until", "actor", "action", "screenId")


def routes(
    *,
    database: Database,
    record: Record,
    names: Names,
    exports: Exports,
) -> list[web.RouteDef]:
    async def listing(request: web.Request) -> web.StreamResponse:
        principal = caller(request)
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
        limit, cursor = query.limit(PAGE, MAX_PAGE), query.cursor(1)
        everything = _everything(query)
        query.end()
        kind = format_of(request, "csv", "ndjson")
        await saved(database)
        if kind != "json":
            note = record.exporting(principal.actor, "audit", kind, query.meant(*_FILTERS))
            return await exports.send(request, kind, "vooster-audit", pieces(kind, wanted), principal, note=note)
        found: list[Entry] = []
        below = cursor[0] if cursor is not None else None
        more = True
        while more and len(found) <= limit:
            some, below = await step(wanted, limit + 1 - len(found), below)
            found, more = found + some, below is not None
        return json_response(
            {
                "items": [_view(entry, names) for entry in found[:limit]],
                "cursor": cursor_of(found[limit - 1].pk) if len(found) > limit else None,
                "chain": chain_view(await record.check(everything=everything)),
            }
        )

    async def step(wanted: Filter, limit: int, below: int | None) -> tuple[list[Entry], int | None]:
        return await database.read(lambda connection: audit.search(connection, wanted, limit, below))

    async def pages(wanted: Filter) -> AsyncGenerator[list[Entry], None]:
        below, more = None, True
        while more:
            found, below = await step(wanted, EXPORTED_AT_ONCE, below)
            more = below is not None
            yield found

    def pieces(kind: Format, wanted: Filter) -> AsyncGenerator[bytes, None]:
        return pieces_of(
            kind,
            pages(wanted),
            columns=COLUMNS,
            cells=lambda entry: _cells(entry, names),
            view=lambda entry: _view(entry, names),
        )

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
