"""Being found on the network."""

from __future__ import annotations

from appliance.api.answers.pairing import Svg
from appliance.api.answers.shape import Answer
from appliance.errors import Texts


class FindingProblem(Answer):
    """What stands against being found, and what to do."""

    code: str
    messages: Texts
    action: Texts


class NetworkCard(Answer):
    """`heard`: whether its own announcement came back; null while that isn't known."""

    name: str
    addresses: list[str]
    announced: bool
    heard: bool | None
    problem: FindingProblem | None


class OtherAppliance(Answer):
    """As it says of itself, to be believed by nobody."""

    instance: str
    host: str
    port: int
    addresses: list[str]
    instance_id: str
    version: str
    card: str


class PhoneLink(Answer):
    """What a QR code leads a phone to: an address, which phones open more reliably than a name."""

    url: str
    qr: Svg


class Finding(Answer):
    """`host` and `instance` are null while nothing is announced; `messages` is how it is in a sentence."""

    enabled: bool
    messages: Texts
    host: str | None
    instance: str | None
    service: str
    port: int | None
    txt: dict[str, str]
    problem: FindingProblem | None
    cards: list[NetworkCard]
    others: list[OtherAppliance]
    listened_at: int | None
    phone: PhoneLink
