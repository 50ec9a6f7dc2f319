"""Screens as the office sees them."""

from __future__ import annotations

from appliance.api.answers.shape import Answer, Role
from appliance.core.screens import Client, Display, ScreenState


class CurrentDocument(Answer):
    order_id: str | None
    title: str | None
    shown_at: int


class Warned(Answer):
    """What somebody must put right about a screen; `address` is where a second PC with its key was seen."""

    code: str
    at: int
    address: str | None


class ScreenView(Answer):
    screen_id: str
    name: str
    groups: list[str]
    display_index: int
    user: str | None
    permission: Role
    paired: bool
    online: bool
    last_seen_at: int | None
    displays: list[Display]
    current_document: CurrentDocument | None
    client: Client | None
    state: ScreenState
    warnings: list[Warned]


class Screens(Answer):
    items: list[ScreenView]
    cursor: None
