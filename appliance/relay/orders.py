"""Where orders come from: the protocol every order source fulfils, and what a look-up gives back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec


class Document(msgspec.Struct, frozen=True):
    """What an order's barcode leads to.

    `ref` names the document for the source that found it (`folder:<relative path>`), or is an absolute http(s) URL.
    """

    order_id: str
    ref: str
    title: str
    content_type: str


def is_address(ref: str) -> bool:
    """Whether a document's `ref` is its address, and not a name that its source knows it by."""
    return ref[:8].lower().startswith(("http://", "https://"))


class OrderSource(Protocol):
    """A place that knows orders: a folder, an ERP, a CSV file."""

    async def look_up(self, order_id: str) -> Document:
        """The document of `order_id` (NFC text).

        Raises `Problem` with `ORDER_NOT_FOUND`, `ORDER_OUT_OF_STOCK`, `DOCUMENT_TYPE_UNSUPPORTED` (value `type`), or
        `ORDER_SOURCE_UNAVAILABLE` when nobody can say (folder gone, server down): the trigger then waits.
        """
        ...

    def at_hand(self, order_id: str) -> Document | None:
        """What `look_up` would answer, where that takes no waiting at all; None where it has to be asked."""
        ...

    def resolve(self, ref: str) -> Path | None:
        """The file behind a `ref` of this source, checked anew to lie inside it; None when it is gone or outside."""
        ...

    def on_change(self, call: Callable[[], None]) -> None:
        """`call` runs on the event loop whenever a look-up that failed before may now succeed."""
        ...

    def status(self) -> dict[str, object]:
        """For health: `{"ok": bool, "documents": int, "detail"?: str}` and what else the source can tell."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...
