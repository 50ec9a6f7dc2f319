"""Passwords that are hashed in no time. The real ones cost 0.15 s each, behind whatever else the machine does, and are
tried in `tests/relay/test_passwords.py` and wherever `vooster` is started by itself."""

from __future__ import annotations

from argon2 import PasswordHasher

from appliance.relay import passwords

CHEAP = f"{__name__}:make_cheap"
"""For `before` of a process."""


def cheap() -> PasswordHasher:
    """The same kind, with as little memory and time as there may be."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def make_cheap() -> None:
    """From now on, in this process."""
    passwords.standard = cheap
