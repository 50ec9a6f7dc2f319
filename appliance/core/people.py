"""What people, programs and the plant may be called, what a password may be, and who may be limited. All of it raises
`VALIDATION_ERROR` with the field."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from appliance.core.guessable import is_guessable
from appliance.core.roles import Role
from appliance.errors import FieldError, Problem

PASSWORD_LENGTH: Final = (12, 256)
_USER_NAME = re.compile(r"[\w.@-]{1,64}\Z")


def check_limit(role: str, *scopes: list[str] | None) -> None:
    """Whether somebody of this role may be limited to such screens or groups."""
    if role == Role.ADMIN.label and any(part is not None for part in scopes):
        raise wrong("role", "an administrator isn't limited to some screens; take supervisor")


def wrong(field: str, reason: str) -> Problem:
    """What is raised for a value that doesn't fit."""
    return Problem("VALIDATION_ERROR", f"{field}: {reason}", errors=[FieldError(field, reason)])


def user_name(text: str) -> str:
    """What somebody signs in as."""
    name = unicodedata.normalize("NFC", text.strip())
    if not _USER_NAME.match(name):
        raise wrong("username", "1 to 64 letters, digits and . _ @ -")
    return name


def password(text: str, *names: str) -> str:
    """As it is hashed. `names` are what it may not be made of. Raises `PASSWORD_GUESSABLE` too."""
    found = unicodedata.normalize("NFC", text)
    least, most = PASSWORD_LENGTH
    if not least <= len(found) <= most:
        raise wrong("password", f"{least} to {most} characters")
    if is_guessable(found, names):
        reason = "is easy to guess"
        raise Problem("PASSWORD_GUESSABLE", f"password: {reason}", errors=[FieldError("password", reason)])
    return found


def shown_name(text: str) -> str:
    """The plant's, a screen's or a key's name, as pages and terminals show it: nothing in it is unseen, and nothing
    turns the order of its letters round."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise wrong("name", "1 to 80 characters that can be seen")
    return name


def scope(names: list[str] | None) -> list[str] | None:
    """The groups that somebody is limited to; None is no limit."""
    if names is None:
        return None
    if not 1 <= len(names) <= 100:
        raise wrong("groups", "1 to 100 names")
    cleaned = [unicodedata.normalize("NFC", name.strip()) for name in names]
    if not all(1 <= len(name) <= 64 and name.isprintable() for name in cleaned):
        raise wrong("groups", "names of 1 to 64 characters")
    return cleaned
