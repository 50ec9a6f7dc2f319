"""Lists over HTTP: what a filter finds, the newest first, page by page as JSON or the whole of it as a file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiohttp import web

from appliance.api.exports import Exports, pieces_of
from appliance.api.queries import Query, cursor_of, format_of, saved
from appliance.api.views import Names
from appliance.edge.credentials import caller
from appliance.edge.server import json_response
from appliance.relay.record import Record
from appliance.storage.database import Database

PAGE, MAX_PAGE = 100, 500

T = TypeVar("T")
Place = tuple[int, ...]
"""Where to go on in a list, as a cursor says it, or as the one who searches knows it better."""
Find = Callable[[sqlite3.Connection, int, Place | None], tuple[list[T], Place | None]]
"""Up to so many items from a place on, or else from the newest on, and where to go on; None at the end. It may find
fewer and still not be at the end: no single read lasts long."""


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[T]):
    """One kind of list. `name` is what an export of it is called in the audit record, `file` in the browser."""

    database: Database
    names: Names
    exports: Exports
    record: Record
    name: str
    file: str
    filters: tuple[str, ...]
    columns: Sequence[str]
    cells: Callable[[T, Names], Sequence[object]]
    view: Callable[[T, Names], dict[str, Any]]
    place: Callable[[T], Place]
    place_parts: int = 1
    exported_at_once: int
    """Items in one piece of an export: as long as it takes to write them out, nothing else runs."""

    async def answer(
        self,
        request: web.Request,
        query: Query,
        find: Find[T],
        beside: Callable[[], Awaitable[dict[str, Any]]] | None = None,
    ) -> web.StreamResponse:
        """Ends `query`, whose filters `find` looks by. What comes from `beside` stands beside the items of a page."""
        limit, cursor = query.limit(PAGE, MAX_PAGE), query.cursor(self.place_parts)
        query.end()
        principal, kind = caller(request), format_of(request, "csv", "ndjson")
        await saved(self.database)
        if kind == "json":
            page = await self._page(find, limit, cursor)
            return json_response(page | (await beside() if beside is not None else {}))
        pieces = pieces_of(
            kind,
            self._pages(find),
            columns=self.columns,
            cells=lambda item: self.cells(item, self.names),
            view=lambda item: self.view(item, self.names),
        )
        note = self.record.exporting(principal.actor, self.name, kind, query.meant(*self.filters))
        return await self.exports.send(request, kind, self.file, pieces, principal, note=note)

    async def _page(self, find: Find[T], limit: int, place: Place | None) -> dict[str, Any]:
        found: list[T] = []
        at_end = False
        while not at_end and len(found) <= limit:  # one more than there is room for, so as to know of it
            some, place = await self._some(find, limit + 1 - len(found), place)
            found += some
            at_end = place is None
        items = [self.view(item, self.names) for item in found[:limit]]
        return {"items": items, "cursor": cursor_of(*self.place(found[limit - 1])) if len(found) > limit else None}

    async def _pages(self, find: Find[T]) -> AsyncGenerator[list[T], None]:
        place, at_end = None, False
        while not at_end:
            found, place = await self._some(find, self.exported_at_once, place)
            at_end = place is None
            yield found

    async def _some(self, find: Find[T], limit: int, place: Place | None) -> tuple[list[T], Place | None]:
        return await self.database.read(lambda connection: find(connection, limit, place))
