"""Whose a packet is that comes in on a card."""

from __future__ import annotations

import ipaddress
import time

import pytest
from zeroconf import DNSOutgoing, ServiceInfo  # type: ignore[attr-defined]

from appliance.adapters.mdns import ears, packets
from appliance.adapters.mdns.announcer import Announcer
from appliance.adapters.mdns.cards import Card
from appliance.adapters.mdns.names import SERVICE_TYPE
from appliance.adapters.mdns.segment import Segment

OWN, FOREIGN, FAR = "10.77.0.9", "10.77.0.66", "10.99.0.5"


class Ear:
    """A card of an announced appliance that hears what a test says, and what it makes of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.announcer = Announcer(instance_id="ours-0001", name=lambda: "Plant", version="1", port=8480, tls=False)
        self.announcer._own.has([OWN], time.monotonic())
        card = Card("eth0", 2, (OWN,), (OWN,))
        self.segment = Segment(card, self.announcer._hear)
        self.segment.info = self.announcer._info(card)
        self.announcer._segments._there = {("eth0", 2): self.segment}
        self.did: list[str] = []
        monkeypatch.setattr(self.segment, "came_back", lambda: self.did.append("heard itself"))
        monkeypatch.setattr(self.segment, "defend", lambda: self.did.append("defended"))

    def hears(self, packet: bytes) -> list[str]:
        told = packets.read(packet)
        assert told is not None
        self.announcer._hear(self.segment, told)
        return self.did

    def others(self) -> list[str]:
        return [other["instance"] for other in self.announcer.facts()["others"]]


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    return Ear(monkeypatch)


def said(*, instance: str = "Plant", host: str = "vooster.local.", txt: str = "", **addresses: str) -> bytes:
    """A response: an SRV record on the appliance's port, `id` in a TXT record where `txt` is given, and addresses."""
    info = ServiceInfo(SERVICE_TYPE, f"{instance}.{SERVICE_TYPE}", port=8480, server=host, properties={"id": txt})
    out = DNSOutgoing(0x8400)
    out.add_answer_at_time(info.dns_service(), 0)
    if txt:
        out.add_answer_at_time(info.dns_text(), 0)
    for name, address in addresses.items():
        there = ServiceInfo(SERVICE_TYPE, f"x.{SERVICE_TYPE}", server=f"{name}.local.", parsed_addresses=[address])
        for record in there.dns_addresses():
            out.add_answer_at_time(record, 0)
    packet: bytes = out.packets()[0]
    return packet


def test_its_own_announcement_is_what_it_hears_itself_by(ear: Ear) -> None:
    assert ear.hears(said(txt="ours-0001", vooster=OWN)) == ["heard itself"]
    assert ear.others() == []


@pytest.mark.parametrize(
    "packet",
    [said(vooster=OWN), said(), said(txt="ours-0001")],
    ids=["who it is left out", "the service alone", "where it is left out"],
)
def test_half_an_answer_of_its_own_is_no_proof_and_no_quarrel(ear: Ear, packet: bytes) -> None:
    assert ear.hears(packet) == []
    assert ear.others() == [], "it isn't taken for another appliance"


@pytest.mark.parametrize(
    "packet",
    [
        said(instance="Printer", host="printer.local.", vooster=FOREIGN),
        said(host="printer.local.", vooster=FOREIGN),
        said(host="printer.local."),
        said(vooster=FOREIGN),
        said(txt="ours-0001", vooster=FOREIGN),
        said(txt="theirs-01", vooster=OWN),
    ],
    ids=["the host", "host and service", "the service", "host, served as here", "a copy of this one", "another here"],
)
def test_whoever_else_claims_its_names_is_told_off_and_not_taken_for_itself(ear: Ear, packet: bytes) -> None:
    assert ear.hears(packet) == ["defended"]


@pytest.mark.parametrize(
    ("by_group", "source", "heard"),
    [(True, FAR, True), (False, FAR, False), (False, FOREIGN, True)],
    ids=["to the group, from another network", "to anybody, from another network", "to anybody, from here"],
)
def test_who_has_a_say(monkeypatch: pytest.MonkeyPatch, *, by_group: bool, source: str, heard: bool) -> None:
    monkeypatch.setattr(ears, "_BY_GROUP", by_group)
    told: list[packets.Told] = []
    card = Card("eth0", 2, (OWN,), (OWN,), networks=frozenset({ipaddress.ip_network("10.77.0.0/24")}))
    ears.Ears(card, told.append).datagram_received(said(vooster=FOREIGN), (source, 5353))
    assert bool(told) is heard
