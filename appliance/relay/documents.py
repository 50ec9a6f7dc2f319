"""Where a delivery's document can be fetched: links to the appliance's own are signed anew at each send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.core import documents
from appliance.relay.orders import OrderSource

LINK_HOURS = 12
"""As long as a document may be restored after a reconnect, so that a reloaded monitor still finds it."""


class Documents:
    """Signs links and finds the file behind one."""

    def __init__(self, source: OrderSource, key: bytes, *, now: Callable[[], int]) -> None:
        self._source = source
        self._key = key
        self._now = now

    def url(self, ref: str, base_url: str) -> str:
        """The absolute address of `ref` for a session that came by `base_url`; http(s) refs are their own address."""
        if ref.startswith(("http://", "https://")):
            return ref
        return base_url + documents.sign(ref, self._key, self._now() + LINK_HOURS * 3_600_000)

    def open(self, path: str) -> Path | None:
        """The file a link's raw (still encoded) path leads to; None when it is wrong, too old, or the file is gone."""
        ref = documents.check(path, self._key, self._now())
        return None if ref is None else self._source.resolve(ref)
