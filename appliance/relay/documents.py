"""Where a delivery's document can be fetched: links to the appliance's own are signed anew at each send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import UNSET, UnsetType

from appliance.core import documents
from appliance.core.webaddress import PORTS, HostList
from appliance.relay.orders import OrderSource, is_address

LINK_HOURS = 12
"""As long as a document may be restored after a reconnect, so that a reloaded monitor still finds it."""


class Documents:
    """Signs links and finds the file behind one. `allowed`: whose documents may be opened beside its own."""

    def __init__(self, source: OrderSource, key: bytes, *, now: Callable[[], int], allowed: HostList) -> None:
        self._source = source
        self._key = key
        self._now = now
        self._allowed = allowed

    def hosts(self, base_url: str) -> list[str] | UnsetType:
        """Whose documents a session that came by `base_url` may open, its own among them; unset where anyone's."""
        if not self._allowed:
            return UNSET
        own = urlsplit(base_url)
        return [*self._allowed.entries, f"{own.netloc}:{PORTS[own.scheme]}" if own.port is None else own.netloc]

    def refuses(self, ref: str) -> bool:
        """Whether `ref` is an address of a document that may not be opened; what the source holds itself always may."""
        return is_address(ref) and not self._allowed.opens(ref)

    def url(self, ref: str, base_url: str) -> str:
        """The absolute address of `ref` for a session that came by `base_url`; http(s) refs are their own address."""
        if is_address(ref):
            return ref
        return base_url + documents.sign(ref, self._key, self._now() + LINK_HOURS * 3_600_000)

    def use_key(self, key: bytes) -> None:
        """Links are signed with this key from now on; those of the one before lead nowhere."""
        self._key = key

    def open(self, path: str) -> Path | None:
        """The file a link's raw (still encoded) path leads to; None when it is wrong, too old, or the file is gone."""
        ref = documents.check(path, self._key, self._now())
        return None if ref is None else self._source.resolve(ref)
