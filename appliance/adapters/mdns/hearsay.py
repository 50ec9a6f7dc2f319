"""Other appliances that announce themselves here: shown to people, to choose a free name by, and for nothing else."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from appliance.adapters.mdns.packets import Told

_MOST = 64
_FORGET_SECONDS = 300.0


class Other(NamedTuple):
    """An appliance as it says of itself. Anybody on the network can say anything."""

    instance: str
    host: str
    port: int
    addresses: tuple[str, ...]
    instance_id: str
    version: str
    card: str


class Hearsay:
    """The last ones heard, at most 64."""

    def __init__(self) -> None:
        self._heard: OrderedDict[str, tuple[float, Other]] = OrderedDict()

    def note(self, told: Told, card: str, now: float) -> None:
        """Takes what a response says of others than ourselves, who are to be sorted out before."""
        for name in told.gone:
            self._heard.pop(name, None)
        for name, service in told.services.items():
            before = self._heard[name][1] if name in self._heard else None
            addresses = told.addresses.get(service.host) or (before.addresses if before else ())
            self._heard[name] = (
                now,
                Other(
                    service.instance,
                    service.host.rstrip("."),
                    service.port,
                    tuple(sorted(addresses)[:8]),
                    (service.instance_id or (before.instance_id if before else ""))[:64],
                    (service.version or (before.version if before else ""))[:32],
                    card,
                ),
            )
            self._heard.move_to_end(name)
        while len(self._heard) > _MOST:
            self._heard.popitem(last=False)

    def all(self, now: float) -> list[Other]:
        """Those heard within the last five minutes, by name."""
        return sorted(other for at, other in self._heard.values() if now - at < _FORGET_SECONDS)

    def is_appliance(self, host: str, addresses: frozenset[str]) -> bool:
        """Whether one of `addresses` is what an appliance called `host` announced for itself."""
        name = host.rstrip(".")
        return any(other.host == name and addresses & {*other.addresses} for _, other in self._heard.values())
