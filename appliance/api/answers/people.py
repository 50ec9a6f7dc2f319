"""Users and API keys."""

from __future__ import annotations

from appliance.api.answers.shape import Answer, Role


class UserView(Answer):
    """`groups` null: every line."""

    id: str
    username: str
    role: Role
    groups: list[str] | None
    created_at: int
    signed_in_at: int | None


class Users(Answer):
    items: list[UserView]
    cursor: None


class KeyView(Answer):
    id: str
    name: str
    role: Role
    screens: list[str] | None
    groups: list[str] | None
    created_at: int
    last_used_at: int | None
    expires_at: int | None


class NewKeyView(KeyView):
    """`key` is told this once."""

    key: str


class SigningKeyView(Answer):
    """`kid` names the key that signs from now on."""

    kid: str


class Keys(Answer):
    items: list[KeyView]
    cursor: None
