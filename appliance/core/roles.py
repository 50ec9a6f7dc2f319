"""The four roles, each including the one before it."""

from __future__ import annotations

from enum import IntEnum

from appliance.errors import FieldError, Problem


class Role(IntEnum):
    """What somebody may do; greater includes lesser. On the wire it is `label`."""

    VIEWER = 1
    OPERATOR = 2
    SUPERVISOR = 3
    ADMIN = 4

    @property
    def label(self) -> str:
        """The contract's word: `viewer`, `operator`, `supervisor` or `admin`."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> Role:
        """The role of the contract's word. Raises `VALIDATION_ERROR`."""
        try:
            return _BY_LABEL[word]
        except KeyError:
            reason = "one of " + ", ".join(_BY_LABEL)
            raise Problem("VALIDATION_ERROR", "Not a role.", errors=[FieldError("role", reason)]) from None


_BY_LABEL = {role.label: role for role in Role}


def require(principal_role: Role, at_least: Role) -> None:
    """Raises `PERMISSION_DENIED` (value `role`: what it takes) unless `principal_role` includes `at_least`."""
    if principal_role < at_least:
        raise Problem("PERMISSION_DENIED", f"This needs the role {at_least.label}.", values={"role": at_least.label})
