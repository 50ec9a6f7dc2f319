"""Whose words a packet carries: the appliance's own, come back to it, or somebody else's claim to its names."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.adapters.mdns.conflicts import Claim
from appliance.adapters.mdns.packets import Service, Told

_STILL_OWN_SECONDS = 10.0
"""How long what was said from an address that is no longer ours may still come back."""


class Own:
    """What the appliance says of itself, and the addresses that it says it from."""

    def __init__(self, instance_id: str, port: int) -> None:
        self._id = instance_id
        self._port = port
        self._addresses: dict[str, float] = {}

    def has(self, addresses: Iterable[str], now: float) -> None:
        """Notes which addresses this machine has at `now` (seconds)."""
        still = {ip: at for ip, at in self._addresses.items() if now - at < _STILL_OWN_SECONDS}
        self._addresses = still | dict.fromkeys(addresses, now)

    def said(self, service: Service, told: Told) -> bool:
        """For certain: an announcement of ours says which appliance it is, and where."""
        return bool(service.instance_id and told.addresses.get(service.host)) and self.may_have_said(service, told)

    def may_have_said(self, service: Service, told: Told) -> bool:
        """An answer of ours to a question for one record may come without the others."""
        told_of = told.addresses.get(service.host, frozenset())
        return self._says_as_we_do(service) and told_of <= self._addresses.keys()

    def rival(self, told: Told, host: str, instance: str, ours: Claim) -> Claim | None:
        """What the packet claims our names `host` and `instance` for, on somebody else's behalf."""
        service = told.services.get(instance)
        foreign = told.addresses.get(host, frozenset()) - self._addresses.keys()
        if service is not None and not (service.host == host and self._says_as_we_do(service)):
            return Claim(told.addresses.get(service.host) or foreign or ours.addresses, service.port)
        port = next((service.port for service in told.services.values() if service.host == host), 0)
        return Claim(foreign, port) if foreign else None

    def _says_as_we_do(self, service: Service) -> bool:
        return (service.instance_id or self._id) == self._id and service.port == self._port
