"""Live sessions over any transport: who is there, what they asked to hear, and whether they still answer."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

import structlog

from appliance.core.messages import (
    ErrorMessage,
    Expiring,
    Goodbye,
    Hello,
    Presence,
    ServerMessage,
    ServerPing,
)
from appliance.core.screens import Client, Display
from appliance.errors import entry
from appliance.relay.auth import Principal
from appliance.relay.clock import now_ms
from appliance.relay.timetable import NEVER, Timetable

WARN_BEFORE_SECONDS = 60
GRACE_SECONDS = 30
GOING_AWAY = 1001
RETURNS_A_SECOND = 1_500
"""How many clients a stop tells to come back in the same second."""
LEAST_SPREAD_MS = 500

_log = structlog.get_logger(__name__)


def seconds_left(principal: Principal, now: int) -> float | None:
    """Until its credential ends (`now` in ms); None where it doesn't by itself."""
    return None if principal.expires_at is None else (principal.expires_at - now) / 1000


def grace_of(principal: Principal) -> float:
    """How many seconds what it has open outlives its credential: a token's renewal may be late, a key has none."""
    return 0.0 if principal.kind == "key" else GRACE_SECONDS


class Transport(Protocol):
    """The wire below a session. Sending never waits; a reader too slow to keep up is closed by the transport."""

    name: str

    def send(self, message: ServerMessage) -> None: ...

    def close(self, code: int, reason: str) -> None:
        """Ends the wire with a close code of the contract; whatever was written before goes out first."""
        ...


class Session:
    """One live connection of a screen, a person or a producer."""

    __slots__ = (
        "_probes",
        "_room",
        "asked_at",
        "base_url",
        "beat_at",
        "closed",
        "displays",
        "due",
        "ends_at",
        "handling",
        "id",
        "last_heard",
        "paid_until",
        "principal",
        "restore",
        "screen_id",
        "shows",
        "topics",
        "transport",
        "under_way",
        "warn_at",
    )

    def __init__(
        self, principal: Principal, transport: Transport, hello: Hello, base_url: str, session_id: str | None = None
    ) -> None:
        self.id = session_id or secrets.token_urlsafe(9)
        self.principal = principal
        self.transport = transport
        self.base_url = base_url
        """Scheme, host and port this session came by, no slash at the end; links to documents begin with it."""
        self.screen_id = principal.screen_id
        self.shows = "shown" in hello.capabilities
        self.restore = hello.restore
        self.displays: frozenset[int] | None = None
        """The displays' indexes as the client declares them; None while it has not."""
        self.declare(hello.displays)
        self.topics: frozenset[str] = frozenset()
        self.last_heard = 0.0
        self.handling = 0
        """Messages of the client that are being handled; what it says meanwhile is read only afterwards."""
        self.paid_until = 0.0
        """The loop's time up to which what it has sent counts against its rate."""
        self.under_way = 0
        """Triggers it has sent that wait for their commit."""
        self._room: asyncio.Event | None = None
        self.closed = False
        # The loop's times of what comes next: a ping, the end of the wait for its answer, the token's warning and end.
        self.due = self.beat_at = self.asked_at = self.warn_at = self.ends_at = NEVER
        self._probes: list[Callable[[], None]] | None = None

    def declare(self, displays: list[Display] | None) -> None:
        """Takes in what the client says of its monitors."""
        if displays is not None:
            self.displays = _indexes(frozenset(display.index for display in displays))

    def lacks(self, display_index: int) -> bool:
        """Whether the client is known to have no such display."""
        return self.displays is not None and display_index not in self.displays

    def send(self, message: ServerMessage) -> None:
        if not self.closed:
            self.transport.send(message)

    def heard(self) -> None:
        """Something has arrived, whatever it is."""
        self.last_heard = asyncio.get_running_loop().time()

    def answered(self) -> None:
        """Something has arrived and was handled: whoever waited for a sign of life has it now."""
        if self._probes:
            probes, self._probes = self._probes, None
            for call in probes:
                call()

    def probe(self, call: Callable[[], None]) -> None:
        """`call` runs once, after the next message of the client; never when the session ends first."""
        if self._probes is None:
            self._probes = []
        self._probes.append(call)

    def settled(self) -> None:
        """One of its triggers is on disk, or never will be."""
        self.under_way -= 1
        if self._room is not None:
            self._room.set()

    async def room(self, most: int) -> None:
        """Returns once fewer than `most` of its triggers are under way."""
        while self.under_way >= most:
            if self._room is None:
                self._room = asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        """Nothing is sent, timed or waited for any more."""
        self.closed = True
        self._probes = None


class Sessions:
    """All live sessions. One a screen: a newer one replaces the older (4409).

    `interval` and `timeout` of the heartbeat are in seconds; `groups_of` gives a screen's lines.
    """

    def __init__(self, *, interval: float, timeout: float, groups_of: Callable[[str], Collection[str]]) -> None:
        self.heartbeat_seconds = interval
        self._timeout = timeout
        self._groups_of = groups_of
        self._all: dict[str, Session] = {}
        self._by_screen: dict[str, Session] = {}
        self._listening: dict[str, Session] = {}
        self._of_caller: Counter[tuple[str, str]] = Counter()
        self._timetable = Timetable(self._look)
        self.on_opened: list[Callable[[Session], None]] = []
        self.on_closed: list[Callable[[Session, str], None]] = []
        """Called with the session and why it ended, after its screen is free again."""

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._all.values()))

    @property
    def screens_online(self) -> int:
        return len(self._by_screen)

    def get(self, session_id: str) -> Session | None:
        return self._all.get(session_id)

    def count_of(self, principal: Principal) -> int:
        """How many this user, screen or key has."""
        return self._of_caller[principal.kind, principal.subject]

    def of_screen(self, screen_id: str) -> Session | None:
        return self._by_screen.get(screen_id)

    def listening(self) -> Iterator[Session]:
        """Sessions that subscribed to something."""
        return iter(list(self._listening.values()))

    def add(self, session: Session) -> None:
        """Takes a session in whose hello was good; it hears of everything after its `welcome`."""
        if session.screen_id is not None:
            # While the older one goes its screen counts as away, so that nothing is sent before the new `welcome`.
            before = self._by_screen.pop(session.screen_id, None)
            if before is not None:
                self.drop(before, "SESSION_REPLACED")
            self._by_screen[session.screen_id] = session
        self._all[session.id] = session
        self._of_caller[session.principal.kind, session.principal.subject] += 1
        session.last_heard = asyncio.get_running_loop().time()
        session.beat_at = session.last_heard + self.heartbeat_seconds
        self._timetable.put(session, session.beat_at)
        self.watch_token(session)

    def opened(self, session: Session) -> None:
        """The session's `welcome` is written: deliveries may follow."""
        if session.screen_id is not None:
            self._announce(session.screen_id, online=True)
        for call in self.on_opened:
            call(session)

    def subscribe(self, session: Session, topics: frozenset[str]) -> None:
        session.topics = topics
        if topics:
            self._listening[session.id] = session
        else:
            self._listening.pop(session.id, None)

    def drop(self, session: Session, code: str) -> None:
        """Ends a session for a reason of the catalogue, which is also told to the client."""
        row = entry(code)
        session.send(ErrorMessage(code=code, messages=row.messages(), action=row.actions(), retryable=row.retryable))
        session.transport.close(row.close_code or 1011, code)
        self.gone(session, code)

    def gone(self, session: Session, reason: str) -> None:
        """The session's wire has ended, whoever ended it. Calling it again does nothing."""
        if session.closed:
            return
        session.end()
        self._timetable.closed()
        self._all.pop(session.id, None)
        caller = session.principal.kind, session.principal.subject
        self._of_caller[caller] -= 1
        if not self._of_caller[caller]:
            del self._of_caller[caller]
        self._listening.pop(session.id, None)
        screen_id = session.screen_id
        if screen_id is not None and self._by_screen.get(screen_id) is session:
            del self._by_screen[screen_id]
            self._announce(screen_id, online=False)
        for call in self.on_closed:
            call(session, reason)

    def end_of(self, match: Callable[[Principal], bool], code: str) -> None:
        """Ends every session whose credential is no longer good."""
        for session in self:
            if match(session.principal):
                self.drop(session, code)

    def say_goodbye(self, reason: str) -> None:
        """Tells everyone that the appliance stops, each with its own delay so that they don't all return at once."""
        spread_ms = max(LEAST_SPREAD_MS, 1_000 * len(self) // RETURNS_A_SECOND)
        for index, session in enumerate(sessions := list(self)):
            delay = 100 + spread_ms * index // len(sessions)
            try:
                session.send(Goodbye(reason=reason, reconnect_after_ms=delay))
                session.transport.close(GOING_AWAY, reason)
                self.gone(session, "SHUTTING_DOWN")
            except Exception:  # the others are told all the same
                _log.exception("session.goodbye_failed")

    def watch_token(self, session: Session) -> None:
        """Warns a minute before the session's credential ends; then ends the session, a key's at once and a token's
        half a minute after."""
        session.warn_at = session.ends_at = NEVER
        left = seconds_left(session.principal, now_ms())
        if left is not None:
            now = asyncio.get_running_loop().time()
            session.warn_at = now + left - WARN_BEFORE_SECONDS
            session.ends_at = now + left + grace_of(session.principal)
            self._timetable.put(session, min(session.warn_at, session.ends_at))

    def ping(self, session: Session, silent: Callable[[], None]) -> None:
        """Asks for a sign of life; `silent` is called when nothing at all has come within the heartbeat's timeout."""
        loop = asyncio.get_running_loop()
        asked = loop.time()

        def check() -> None:
            nonlocal asked
            if session.closed or session.last_heard >= asked:
                return
            if session.handling:  # its answer may lie unread behind what is being handled, at a slow disk for instance
                asked = loop.time()
                loop.call_later(self._timeout, check)
            else:
                silent()

        session.send(ServerPing(t=now_ms()))
        loop.call_later(self._timeout, check)

    def _look(self, session: Session, now: float) -> float:
        """Does what is due for a session; returns when to look again."""
        if now >= session.asked_at + self._timeout:
            if session.last_heard >= session.asked_at:
                session.asked_at = NEVER
            elif session.handling:
                session.asked_at = now
            else:
                self.drop(session, "HEARTBEAT_LOST")
                return NEVER
        if now >= session.ends_at:
            self.drop(session, "TOKEN_EXPIRED")
            return NEVER
        if now >= session.warn_at:
            session.warn_at = NEVER
            left = (session.principal.expires_at or 0) - now_ms()
            session.send(Expiring(in_seconds=max(0, round(left / 1000))))
        if now >= session.beat_at:
            session.beat_at = now + self.heartbeat_seconds
            session.asked_at = min(session.asked_at, now)
            session.send(ServerPing(t=now_ms()))
        return min(session.beat_at, session.asked_at + self._timeout, session.warn_at, session.ends_at)

    def _announce(self, screen_id: str, *, online: bool) -> None:
        groups = self._groups_of(screen_id)
        for session in self.listening():
            if "presence" in session.topics and session.principal.reaches(screen_id, groups):
                session.send(Presence(screen_id=screen_id, online=online))


@functools.lru_cache(maxsize=64)
def _indexes(found: frozenset[int]) -> frozenset[int]:
    """The same set again: most screens have the same monitors."""
    return found


def client_of(hello: Hello, address: str) -> Client:
    """The client as it says of itself, cut to a sane length, with the address it is seen from."""
    name, version = (hello.client.name[:80], hello.client.version[:40]) if hello.client else ("", "")
    return Client(name=name, version=version, address=address)
