"""What a session and the appliance say to each other, the same over every transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from appliance.core.messages import (
    Ack,
    ClientMessage,
    ClientPong,
    Displays,
    Hello,
    Identify,
    Ping,
    Pong,
    Renew,
    Renewed,
    ServerMessage,
    Status,
    StatusRequest,
    Subscribe,
    Trigger,
    Welcome,
    WelcomeScreen,
)
from appliance.core.permissions import MESSAGES
from appliance.core.screens import MAX_DISPLAY_INDEX, Display, Screen
from appliance.core.triggers import TriggerBody
from appliance.errors import FieldError, Problem
from appliance.relay.acks import is_flat
from appliance.relay.auth import Auth, Principal
from appliance.relay.clock import now_ms
from appliance.relay.currents import Currents
from appliance.relay.dispatcher import Dispatcher
from appliance.relay.documents import Documents
from appliance.relay.intake import Intake
from appliance.relay.navigation import restored
from appliance.relay.plant import Plant
from appliance.relay.receipts import Answer
from appliance.relay.replies import answer_to, error_message, trigger_error
from appliance.relay.screens import Screens
from appliance.relay.sessions import Session, Sessions, Transport, client_of

MAX_TOPICS = 100
MAX_DISPLAYS = 16
MESSAGES_A_SECOND = 1_000
"""Messages a session may send in the long run, triggers aside: those are held back by what the disk takes."""
BURST_SECONDS = 2.0
"""How far ahead of that it may be."""
MAX_EACH = 1_000
"""Sessions that one user or key may have: more than any plant's programs, and too few to use up the appliance."""
MAX_UNDER_WAY = 256
"""Triggers of one session that wait for their commit, before it is read on."""

Reply = Callable[[ServerMessage], None]
Rest = Coroutine[Any, Any, None]
"""What is left to be awaited of a message."""


class Conversation:
    """Opens sessions and answers their messages."""

    def __init__(
        self,
        *,
        auth: Auth,
        sessions: Sessions,
        screens: Screens,
        intake: Intake,
        dispatcher: Dispatcher,
        currents: Currents,
        documents: Documents,
        plant: Plant,
        restore_hours: int,
        limited: bool = True,
    ) -> None:
        self._auth = auth
        self._sessions = sessions
        self._screens = screens
        self._intake = intake
        self._dispatcher = dispatcher
        self._currents = currents
        self._documents = documents
        self._plant = plant
        self._restore_ms = restore_hours * 3_600_000
        self._limited = limited
        screens.on_changed.append(self._screen_changed)

    async def open(
        self,
        hello: Hello,
        principal: Principal,
        transport: Transport,
        *,
        base_url: str,
        address: str,
        session_id: str | None = None,
    ) -> Session:
        """A session for a client whose credential was good: `welcome`, then what is restored, then what waits.

        `session_id` is that of a session which it takes up again, with what that one waited to hear.
        """
        _check_displays(hello.displays)
        if self._dispatcher.stopping:
            raise Problem("SHUTTING_DOWN")
        if principal.screen_id is not None and principal.screen_id not in self._screens:
            raise Problem("TOKEN_INVALID", "This screen has been removed.")
        before = self._sessions.get(session_id) if session_id is not None else None
        if before is not None:
            self._sessions.drop(before, "SESSION_REPLACED")
        if self._limited and principal.screen_id is None and self._sessions.count_of(principal) >= MAX_EACH:
            raise Problem("TOO_MANY_SESSIONS", values={"n": MAX_EACH}, retry_after=10)
        session = Session(principal, transport, hello, base_url, session_id)
        self._sessions.add(session)
        session.send(self._welcome(session))
        if session.screen_id is not None:
            self._screens.seen(session.screen_id, displays=hello.displays, client=client_of(hello, address))
            if session.restore:
                self._restore(session)
        self._sessions.opened(session)
        return session

    async def handle(self, session: Session, message: ClientMessage, reply: Reply | None = None) -> None:
        """One message of an open session; to be called in their order, the next when this one returns.

        `reply` takes the answer where the wire has a place of its own for it; otherwise it goes the session's way.
        Raises nothing a client could cause: it is told instead.
        """
        rest = self.take(session, message, reply)
        if rest is not None:
            await rest

    def take(self, session: Session, message: ClientMessage, reply: Reply | None = None) -> Rest | None:
        """`handle` as far as nothing has to be waited for, which is all of it for most messages; what is left has to
        be awaited before the next message is taken."""
        session.heard()
        answer = reply or session.send
        if not isinstance(message, Trigger) and self._too_fast(session):
            return None
        try:
            rest = self._answer(session, message, answer)
        except Problem as problem:
            answer(error_message(problem))
            rest = None
        if rest is not None:
            return self._await(session, rest, answer)
        session.answered()
        return None

    def _answer(self, session: Session, message: ClientMessage, answer: Reply) -> Rest | None:
        if isinstance(message, Trigger):  # refused in words of its own
            return self._trigger(session, message, answer)
        _check_may(session, message)
        match message:
            case Ack():
                return self._dispatcher.ack(session, message)
            case Ping():
                answer(Pong(t=message.t, server_time=now_ms()))
            case ClientPong():
                pass
            case Displays():
                self._displays(session, message.displays)
            case Subscribe():
                self._subscribe(session, message.topics)
            case StatusRequest():
                answer(self._status(session))
            case Renew():
                return self._renew(session, message.token, answer)
            case Hello():
                answer(error_message(Problem("VALIDATION_ERROR", "hello comes once, first.")))
        return None

    async def _await(self, session: Session, rest: Rest, answer: Reply) -> None:
        session.handling += 1
        try:
            await rest
        except Problem as problem:
            answer(error_message(problem))
        finally:
            session.handling -= 1
            session.heard()
        session.answered()

    def malformed(
        self,
        session: Session,
        problem: Problem,
        trigger_id: str | None,
        *,
        trigger: bool,
        reply: Reply | None = None,
    ) -> None:
        """A message whose members don't fit: a trigger is answered as a trigger, anything else by an `error`."""
        if self._too_fast(session):
            return
        answer = reply or session.send
        answer(trigger_error(trigger_id, problem) if trigger else error_message(problem))
        session.answered()

    def _trigger(self, session: Session, body: Trigger, answer: Reply) -> Rest | None:
        """Accepts a trigger a session brought and answers it there, sooner or later: the next message needn't wait."""

        def told(found: Answer) -> None:
            answer(answer_to(body, found))
            session.settled()

        try:
            _check_may(session, body)
        except Problem as problem:
            answer(trigger_error(body.id, problem))
            return None
        if not self._intake.begin(session.principal, body, session, told):
            return self._accept(session, body, answer)
        session.under_way += 1
        return session.room(MAX_UNDER_WAY) if session.under_way >= MAX_UNDER_WAY else None

    async def _accept(self, session: Session, body: TriggerBody, answer: Reply) -> None:
        found: Answer
        try:
            found = await self._intake.accept(session.principal, body, session)
        except Problem as problem:
            found = problem
        answer(answer_to(body, found))

    def _too_fast(self, session: Session) -> bool:
        """Counts one message; ends a session that sends more than anybody has to say."""
        now = asyncio.get_running_loop().time()
        session.paid_until = max(session.paid_until, now) + 1 / MESSAGES_A_SECOND
        if session.paid_until - now <= BURST_SECONDS or not self._limited:
            return False
        self._sessions.drop(session, "RATE_LIMITED")
        return True

    def gone(self, session: Session, reason: str) -> None:
        """The session's wire has ended."""
        if session.screen_id is not None and not session.closed:
            self._screens.seen(session.screen_id)
        self._sessions.gone(session, reason)

    def identify(self, screen: Screen, seconds: int = 10) -> bool:
        """Lets a screen flash its name; False when it is offline."""
        session = self._sessions.of_screen(screen.screen_id)
        if session is not None:
            session.send(Identify(label=screen.name, seconds=seconds))
        return session is not None

    def _welcome(self, session: Session) -> Welcome:
        welcome = Welcome(
            session_id=session.id,
            plant=self._plant.name,
            role=session.principal.role.label,
            server_time=now_ms(),
            heartbeat_seconds=self._sessions.heartbeat_seconds,
            token_expires_at=session.principal.expires_at,
            epoch=self._plant.epoch,
        )
        welcome.document_hosts = self._documents.hosts(session.base_url)
        screen = self._screens.get(session.screen_id) if session.screen_id is not None else None
        if screen is not None:
            welcome.screen_id = screen.screen_id
            welcome.screen = WelcomeScreen(name=screen.name, groups=screen.groups, display_index=screen.display_index)
        return welcome

    def _restore(self, session: Session) -> None:
        """Sends each lane's current document again, unless something newer is on its way to it."""
        assert session.screen_id is not None
        for current in self._currents.of_screen(session.screen_id):
            index = current.display_index
            wanted = self._currents.age_ms(current) <= self._restore_ms and not self._documents.refuses(current.ref)
            if wanted and not session.lacks(index) and not self._dispatcher.has_open(current.screen_id, index):
                session.send(restored(current, self._documents.url(current.ref, session.base_url)))

    def _screen_changed(self, screen: Screen) -> None:
        session = self._sessions.of_screen(screen.screen_id)
        if session is not None and screen.paired:
            session.send(self._welcome(session))

    def _displays(self, session: Session, displays: list[Display]) -> None:
        _check_displays(displays)
        session.declare(displays)
        if session.screen_id is not None:
            self._screens.seen(session.screen_id, displays=displays)
            self._dispatcher.displays_changed(session.screen_id)

    def _subscribe(self, session: Session, topics: list[str]) -> None:
        if len(topics) > MAX_TOPICS or any(len(topic) > 90 for topic in topics):
            raise Problem(
                "VALIDATION_ERROR", errors=[FieldError("topics", f"at most {MAX_TOPICS}, 90 characters each")]
            )
        self._sessions.subscribe(session, frozenset(topics))

    def _status(self, session: Session) -> Status:
        if session.screen_id is None:
            open_ones = self._open_within_reach(session.principal)
            return Status(online=True, open=open_ones, current_document=None, server_time=now_ms())
        shown = self._currents.of_screen(session.screen_id)
        return Status(
            screen_id=session.screen_id,
            online=True,
            open=len(self._dispatcher.opened.of_screen(session.screen_id)),
            current_document={"orderId": shown[0].order_id, "title": shown[0].title, "shownAt": shown[0].at}
            if shown
            else None,
            server_time=now_ms(),
        )

    def _open_within_reach(self, principal: Principal) -> int:
        opened = self._dispatcher.opened
        if principal.screens is None and principal.groups is None:
            return len(opened)
        near = (screen for screen in self._screens.all() if principal.reaches(screen.screen_id, screen.groups))
        return sum(len(opened.of_screen(screen.screen_id)) for screen in near)

    async def _renew(self, session: Session, token: str, answer: Reply) -> None:
        principal = await self._auth.bearer(token)
        if (principal.kind, principal.subject) != (session.principal.kind, session.principal.subject):
            raise Problem("TOKEN_INVALID", "A session keeps its subject.")
        session.principal = principal
        self._sessions.watch_token(session)
        answer(Renewed(token_expires_at=principal.expires_at))


def _check_may(session: Session, message: ClientMessage) -> None:
    MESSAGES[type(message)].check(session.principal.kind, session.principal.role)


def _check_displays(displays: list[Display] | None) -> None:
    if displays is None:
        return
    wrong = len(displays) > MAX_DISPLAYS or any(
        not 0 <= display.index <= MAX_DISPLAY_INDEX or not is_flat(display.bounds) for display in displays
    )
    if wrong or len(msgspec.json.encode(displays)) > 16_384:
        raise Problem("VALIDATION_ERROR", errors=[FieldError("displays", f"at most {MAX_DISPLAYS}, index 0 to 15")])
