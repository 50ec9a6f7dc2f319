"""Order look-ups with a deadline: a slow or missing source never makes a worker wait, its triggers do."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable

from appliance.core.triggers import is_order_id
from appliance.errors import Problem
from appliance.relay.orders import Document, OrderSource


class Lookups:
    """Asks the order source, for at most `timeout_ms`. `barcode_pattern` takes the id out of a longer barcode;
    `refuses` says which documents are never shown, whatever the source thinks of them."""

    def __init__(
        self, source: OrderSource, *, timeout_ms: int, refuses: Callable[[str], bool], barcode_pattern: str = ""
    ) -> None:
        self.source = source
        self._refuses = refuses
        self._timeout = timeout_ms / 1000
        self._pattern = re.compile(barcode_pattern) if barcode_pattern else None

    def order_id(self, scanned: str) -> str:
        """The order's id in what was scanned: the pattern's first group, or its whole match, or all of it."""
        match = self._pattern.search(scanned) if self._pattern else None
        if match is None:
            return scanned
        found = unicodedata.normalize("NFC", match[1] if match.re.groups else match[0])
        return found if is_order_id(found) else scanned

    def at_hand(self, order_id: str) -> Document | None:
        """The order's document, where the source knows it without looking; None: ask `find`."""
        found = self.source.at_hand(order_id)
        return None if found is None or self._refuses(found.ref) else found

    async def find(self, order_id: str) -> Document:
        """The order's document. Raises what the source says, `ORDER_SOURCE_UNAVAILABLE` past the deadline, or
        `DOCUMENT_URL_REFUSED`."""
        try:
            async with asyncio.timeout(self._timeout):
                found = await self.source.look_up(order_id)
        except TimeoutError:
            raise Problem("ORDER_SOURCE_UNAVAILABLE", "The order source took too long.") from None
        if self._refuses(found.ref):
            raise Problem("DOCUMENT_URL_REFUSED", "The order source gave an address that isn't allowed.")
        return found
