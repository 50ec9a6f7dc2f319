"""What a packet says of names that are, or might become, the appliance's; and the packets that it asks with itself."""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple

from zeroconf import (  # type: ignore[attr-defined]
    DNSAddress,
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSService,
    DNSText,
    ServiceInfo,
)

from appliance.adapters.mdns.names import SERVICE_TYPE

_A, _PTR, _TXT, _SRV, _ANY, _IN = 1, 12, 16, 33, 255, 1
_QUERY, _RESPONSE = 0, 0x8400  # an authoritative one
_MOST_BYTES = 9000  # RFC 6762, section 17
_MARK = b"vooster"
"""Is in every name that concerns us, and DNS writes a packet's first use of a label out."""


class Service(NamedTuple):
    """An appliance as its packet tells it; `instance_id` is empty where it came without its TXT record."""

    instance: str
    host: str
    port: int
    instance_id: str
    version: str


class Told(NamedTuple):
    """Names are in lower case. `addresses` is by host name, `services` by instance name."""

    response: bool
    asked: frozenset[str]
    """What it asks for everything of, as whoever wants to take a name does."""
    addresses: dict[str, frozenset[str]]
    services: dict[str, Service]
    gone: frozenset[str]
    """Instances that say goodbye."""


def read(data: bytes) -> Told | None:
    """What a packet tells; None when it is about nothing of ours, or no packet at all."""
    if len(data) > _MOST_BYTES or _MARK not in data.lower():
        return None
    packet = DNSIncoming(data)
    if not packet.valid:
        return None
    addresses: dict[str, set[str]] = {}
    servers: dict[str, DNSService] = {}
    texts: dict[str, bytes] = {}
    gone = set()
    for record in packet.answers():
        if isinstance(record, DNSAddress):
            if record.ttl:
                addresses.setdefault(record.key, set()).add(str(ipaddress.ip_address(record.address)))
        elif isinstance(record, DNSService):
            (servers.__setitem__(record.key, record) if record.ttl else gone.add(record.key))
        elif isinstance(record, DNSText):
            texts[record.key] = record.text
        elif isinstance(record, DNSPointer) and not record.ttl:
            gone.add(record.alias.lower())
    response = not packet.is_query()
    return Told(
        response,
        frozenset() if response else frozenset(q.name.lower() for q in packet.questions if q.type == _ANY),
        {name: frozenset(found) for name, found in addresses.items()},
        {name: _service(record, texts.get(name, b"")) for name, record in servers.items() if _is_ours(name)},
        frozenset(filter(_is_ours, gone)),
    )


def probe(info: ServiceInfo) -> DNSOutgoing:
    """Asks who answers for `info`'s names, and says who is about to (RFC 6762, section 8.1).

    Whoever has them is asked to tell everybody: of an answer to us alone, another program on this machine that shares
    the port might be the one to get it. The address is asked for by itself too: some know no other question.
    """
    out = DNSOutgoing(_QUERY)
    server = info.server or ""
    for name, kind in ((server, _ANY), (info.name, _ANY), (server, _A)):
        out.add_question(DNSQuestion(name, kind, _IN))
    # Without the mark that nobody else has such records: they are only wished for yet (section 10.2).
    wished: list[Any] = [DNSAddress(server, a.type, _IN, info.host_ttl, a.address) for a in info.dns_addresses()]
    wished.append(DNSService(info.name, _SRV, _IN, info.host_ttl, 0, 0, info.port or 0, server))
    wished.append(DNSText(info.name, _TXT, _IN, info.host_ttl, info.text))
    out.authorities.extend(wished)
    return out


def look_around() -> DNSOutgoing:
    """Asks for every appliance, as a station does: this one answers too."""
    out = DNSOutgoing(_QUERY)
    out.add_question(DNSQuestion(SERVICE_TYPE, _PTR, _IN))
    return out


def claim(info: ServiceInfo) -> DNSOutgoing:
    """Tells everybody what `info`'s names stand for."""
    out = DNSOutgoing(_RESPONSE)
    records = (info.dns_pointer(), info.dns_service(), info.dns_text(), *info.get_address_and_nsec_records())
    for record in records:
        out.add_answer_at_time(record, 0)
    return out


def _is_ours(name: str) -> bool:
    return name.endswith(f".{SERVICE_TYPE}")


def _service(record: DNSService, text: bytes) -> Service:
    said = ServiceInfo(SERVICE_TYPE, f"x.{SERVICE_TYPE}", properties=text).decoded_properties
    label = record.name[: -len(SERVICE_TYPE) - 1]
    return Service(label, record.server.lower(), record.port, said.get("id") or "", said.get("v") or "")
