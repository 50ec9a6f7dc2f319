"""How a monitor gets its keys."""

from __future__ import annotations

from typing import Literal

import msgspec

from appliance.api.answers.shape import Answer
from appliance.core.screens import Display, Program
from appliance.relay.pairing import Pairing


class Svg(Answer):
    svg: str


class DeviceCode(msgspec.Struct, kw_only=True):
    """RFC 8628's answer, with the QR code to show and the plant's name."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int
    qr: Svg
    plant: str


class PollRefusal(msgspec.Struct, kw_only=True):
    """RFC 8628's error."""

    error: Literal["authorization_pending", "slow_down", "expired_token", "access_denied", "invalid_grant"]


class _Facts(Answer):
    client: Program
    displays: list[Display]
    address: str
    created_at: int
    expires_at: int


class Waiting(_Facts):
    """What shows the code. The second half of the code only where the caller had it already."""

    user_code: str = msgspec.field(name="user_code")


class WaitingItem(_Facts):
    user_code_prefix: str = msgspec.field(name="user_code_prefix")


class WaitingList(Answer):
    items: list[WaitingItem]
    cursor: None


class Approved(Answer):
    screen_id: str
    name: str


class Codes(Answer):
    """`png` is a data URL."""

    svg: str
    png: str


class Label(Answer):
    screen_id: str
    url: str
    qr: Svg


class Labels(Answer):
    """`address` is the host and port that the codes lead to."""

    items: list[Label]
    cursor: None
    address: str


class Offer(Answer):
    url: str
    token: str
    expires_at: int
    qr: Codes


class Pairings(Answer):
    items: list[Pairing]
    cursor: None
