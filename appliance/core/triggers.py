"""The trigger: the request "show this order's document on these screens", and the rules its members must meet."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from appliance.core.screens import MAX_DISPLAY_INDEX, SCREEN_ID
from appliance.core.webaddress import web_address
from appliance.errors import FieldError, Problem

Mode = Literal["latest", "queue"]

TIMESTAMP_WINDOW_MS = 300_000
NONCE_WINDOW_MS = 3_600_000
MAX_TTL_SECONDS = 86_400
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
_ORDER_PUNCTUATION = frozenset(" ._:/+#$=@,()-")
_ASCII_ORDER_ID = re.compile(r"[A-Za-z0-9 ._:/+#$=@,()-]{1,128}\Z").match
_TARGET = re.compile(r"\*\Z|screen:[A-Za-z0-9._-]{1,64}\*?\Z|screen:\*\Z|(group|user):[^\x00-\x1f\x7f*]{1,80}\Z")
PERMISSIONS = ("viewer", "operator", "supervisor", "admin")


class TriggerBody(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A trigger as sent; `timestamp` in ms since the epoch. Source: wire contract, section 3."""

    id: Annotated[str, Meta(description="A UUID made by the sender: the same one again changes nothing.")]
    timestamp: Annotated[int, Meta(description="When it was asked for, within 300 s of the appliance's clock.")]
    order_id: Annotated[str | None, Meta(description="What the barcode names; or `url`, for those who may.")] = None
    url: str | None = None
    title: str | None = None
    screen_id: Annotated[str | None, Meta(description="One screen; or `target`.")] = None
    target: Annotated[
        str | None, Meta(description="`screen:ID`, `screen:PREFIX*`, `group:NAME`, `user:NAME` or `*`.")
    ] = None
    display_index: Annotated[int | None, Meta(description="0 to 15; the screen's own default without it.")] = None
    nonce: Annotated[str | None, Meta(description="16 to 64 characters, good once an hour.")] = None
    mode: Annotated[Mode, Meta(description="`latest`: a newer one may take its place; `queue`: never.")] = "latest"
    ttl_seconds: Annotated[int | None, Meta(description="1 to 86400; 600 without it.")] = None
    required_permission: Annotated[str | None, Meta(description="Only screens with this role or a higher one.")] = None


def is_order_id(text: str) -> bool:
    """1 to 128 letters and digits of any script, space and `._:/+#$=@,()-`."""
    if text.isascii():
        return _ASCII_ORDER_ID(text) is not None
    # Combining marks belong to their letters (Devanagari, Thai); NFC leaves some of them standing alone.
    return 1 <= len(text) <= 128 and all(c in _ORDER_PUNCTUATION or unicodedata.category(c)[0] in "LNM" for c in text)


def check(body: TriggerBody) -> TriggerBody:
    """`body` with its texts in NFC. Raises `VALIDATION_ERROR` naming every wrong member."""
    errors: list[FieldError] = []
    _check_subject(body, errors)
    _check_target(body, errors)
    if not _UUID.match(body.id):
        errors.append(FieldError("id", "a UUID"))
    if not 0 < body.timestamp < 1 << 53:
        errors.append(FieldError("timestamp", "milliseconds since 1970, UTC"))
    if not _within(body.display_index, 0, MAX_DISPLAY_INDEX):
        errors.append(FieldError("displayIndex", f"0 to {MAX_DISPLAY_INDEX}"))
    if body.nonce is not None and not 16 <= len(body.nonce) <= 64:
        errors.append(FieldError("nonce", "16 to 64 characters"))
    if not _within(body.ttl_seconds, 1, MAX_TTL_SECONDS):
        errors.append(FieldError("ttlSeconds", f"1 to {MAX_TTL_SECONDS}"))
    if body.required_permission is not None and body.required_permission not in PERMISSIONS:
        errors.append(FieldError("requiredPermission", "one of " + ", ".join(PERMISSIONS)))
    if errors:
        raise Problem("VALIDATION_ERROR", "The trigger has members that don't fit.", errors=errors)
    return body


def _within(value: int | None, low: int, high: int) -> bool:
    return value is None or low <= value <= high


def _check_subject(body: TriggerBody, errors: list[FieldError]) -> None:
    if body.order_id is not None:
        # What is ASCII is normal already, and nearly every barcode is.
        plain = body.order_id.isascii()
        body.order_id = (body.order_id if plain else unicodedata.normalize("NFC", body.order_id)).strip(" ")
        if not is_order_id(body.order_id):
            errors.append(FieldError("orderId", "1 to 128 letters, digits, spaces or ._:/+#$=@,()-"))
    if body.url is not None and web_address(body.url) is None:
        errors.append(FieldError("url", "an absolute http or https address, its host spelt plainly"))
    if (body.order_id is None) == (body.url is None):
        errors.append(FieldError("orderId", "exactly one of orderId and url"))
    if body.title is not None:
        body.title = unicodedata.normalize("NFC", body.title)
        if not 1 <= len(body.title) <= 200 or any(unicodedata.category(c) == "Cc" for c in body.title):
            errors.append(FieldError("title", "1 to 200 characters, no control characters"))


def _check_target(body: TriggerBody, errors: list[FieldError]) -> None:
    if body.screen_id is not None and body.target is not None:
        errors.append(FieldError("target", "either screenId or target, not both"))
    if body.screen_id is not None and not SCREEN_ID.match(body.screen_id):
        errors.append(FieldError("screenId", "1 to 64 of the characters A-Z a-z 0-9 . _ -"))
    if body.target is not None:
        body.target = unicodedata.normalize("NFC", body.target)
        if not _TARGET.match(body.target):
            errors.append(FieldError("target", "screen:ID, screen:PREFIX*, group:NAME, user:NAME or *"))
