"""Set-up, signing in, and who one is then."""

from __future__ import annotations

from typing import Literal

from appliance.api.answers.shape import Answer, Role
from appliance.api.setup import Check


class SetupState(Answer):
    complete: bool
    checks: list[Check]


class SetupLink(Answer):
    url: str
    expires_at: int


class SignedIn(Answer, omit_defaults=True):
    """A cookie comes with it; over the control socket none does, and no CSRF token either."""

    username: str
    role: Role
    csrf_token: str | None = None


class Tokens(Answer):
    access_token: str
    refresh_token: str
    expires_in: int
    role: Role


class CsrfToken(Answer):
    csrf_token: str


class Me(Answer, omit_defaults=True):
    kind: Literal["user", "screen", "key", "local"]
    role: Role
    plant: str
    version: str
    address: str
    tls: bool
    username: str | None = None
    screen_id: str | None = None
    key_id: str | None = None
