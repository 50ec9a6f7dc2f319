"""Who is asking: what every credential, of whatever kind, comes down to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from appliance.core.permissions import Holder
from appliance.core.roles import Role
from appliance.core.targets import in_scope

Kind = Holder


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `subject` is the user's name, the screen's id, the key's id or the operating system's user.

    `expires_at` is in milliseconds, None when it doesn't end by itself. `screens` and `groups` are its scope: with
    both None it reaches every screen, else those named or in a named line. `grant` names the sign-in, pairing or
    browser session behind it; `name` is what people call a key; `kid` names the key that signed its access token.
    """

    kind: Kind
    subject: str
    role: Role
    screen_id: str | None = None
    expires_at: int | None = None
    screens: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    grant: str = ""
    name: str = ""
    kid: str = ""

    @property
    def actor(self) -> str:
        """`user:NAME`, `screen:ID`, `key:ID` or `local:USER`: for the audit record, and as a trigger's sender."""
        return f"{self.kind}:{self.subject}"

    @property
    def byline(self) -> str:
        """`actor` with a key's name for its id: for what people read."""
        return f"{self.kind}:{self.name or self.subject}"

    @property
    def unlimited(self) -> bool:
        return self.screens is None and self.groups is None

    def reaches(self, screen_id: str, groups: Collection[str]) -> bool:
        """Whether a screen with these lines is in its scope."""
        return in_scope(screen_id, groups, self.screens, self.groups)


@dataclass(frozen=True, slots=True)
class Revoked:
    """What has just ended: one grant of a subject, or with `grant` None all that it holds."""

    kind: Kind
    subject: str
    grant: str | None = None

    def covers(self, principal: Principal) -> bool:
        """Whether a live session of `principal` has to end."""
        return (
            principal.kind == self.kind
            and principal.subject == self.subject
            and (self.grant is None or principal.grant == self.grant)
        )


@dataclass(frozen=True, slots=True)
class TokensEnded:
    """Every access token there is has ended at once; whoever has a refresh token or a device secret comes back."""

    grant: str = "*"

    def covers(self, principal: Principal) -> bool:
        """Whether a live session of `principal` has to end."""
        return principal.kid != ""


Ended = Revoked | TokensEnded
