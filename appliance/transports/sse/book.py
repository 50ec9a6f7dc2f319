"""Whose streams are open: which of them a POST belongs to."""

from __future__ import annotations

from appliance.relay.principal import Principal
from appliance.relay.sessions import Session


class Book:
    """Open streams by who opened them, oldest first."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], dict[str, Session]] = {}

    def add(self, session: Session) -> None:
        self._of.setdefault(_key(session.principal), {})[session.id] = session

    def remove(self, session: Session) -> None:
        key = _key(session.principal)
        streams = self._of.get(key, {})
        streams.pop(session.id, None)
        if not streams:
            self._of.pop(key, None)

    def find(self, principal: Principal, session_id: str | None = None) -> Session | None:
        """The stream of this caller named `session_id`; without a name its newest, those of the same sign-in first."""
        streams = self._of.get(_key(principal), {})
        if session_id is not None:
            found = streams.get(session_id)
            return found if found is not None and not found.closed else None
        newest = [session for session in reversed(streams.values()) if not session.closed]
        same = (session for session in newest if session.principal.grant == principal.grant)
        return next(same, newest[0] if newest else None)


def _key(principal: Principal) -> tuple[str, str]:
    return principal.kind, principal.subject
