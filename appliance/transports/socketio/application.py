"""The contract's section 4.2: what Socket.IO clients say and hear, on the session that every transport has."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.core.messages import (
    Ack,
    ClientMessage,
    ClientPong,
    Displays,
    Hello,
    Pong,
    Renew,
    ServerMessage,
    Subscribe,
)
from appliance.errors import FieldError, Problem, entry
from appliance.relay.auth import Auth
from appliance.relay.conversation import Conversation, Rest
from appliance.relay.sessions import Session
from appliance.transports import inbound
from appliance.transports.bounds import OTHERS_BUFFER, SCREEN_BUFFER
from appliance.transports.socketio.client import Answer, Refused, Socket
from appliance.transports.socketio.connection import TOO_SLOW
from appliance.transports.socketio.link import Link, answer_to_ping, event
from appliance.transports.socketio.packets import ROOT
from appliance.transports.socketio.recovery import Kept, Recovery

_EVENTS = {name: name for name in ("ack", "auth", "displays", "ping", "pong", "status", "subscribe", "trigger")}
_EVENTS["navigate"] = "trigger"
_UNANSWERED = Ack | ClientPong | Displays | Subscribe
_REASONS = {"ping timeout": "HEARTBEAT_LOST"} | {code: code for code in (TOO_SLOW, "PAYLOAD_TOO_LARGE", "RATE_LIMITED")}
"""Why a connection ended, in the catalogue's words where it has some."""


class MainNamespace:
    """The application above the sockets: one session a socket, in the main namespace."""

    def __init__(self, *, auth: Auth, conversation: Conversation, recovery: Recovery) -> None:
        self._auth = auth
        self._conversation = conversation
        self._recovery = recovery

    def knows(self, namespace: str) -> bool:
        return namespace == ROOT

    def too_often(self) -> tuple[Refused, int]:
        problem = Problem("RATE_LIMITED")
        return _refused(problem), entry(problem.code).close_code or 0

    # --- connect ----------------------------------------------------------------------------------------------------

    async def connect(self, socket: Socket, auth: dict[str, Any]) -> None:
        try:
            await self._open(socket, auth)
        except Problem as problem:
            raise _refused(problem) from None

    async def _open(self, socket: Socket, auth: dict[str, Any]) -> None:
        pid = auth.get("pid")
        kept = self._recovery.find(pid)
        hello = _hello(auth if kept is None else {**kept.auth, **auth})
        if hello.token is None:
            raise Problem("TOKEN_INVALID", "auth brings a token.")
        principal = await self._auth.bearer(hello.token)
        link = socket.data = Link(socket, hello.token)
        if kept is not None and kept.actor == principal.actor:
            link.pid, link.recovered = str(pid), kept
            self._recovery.forget(link.pid)
        wire = socket.wire
        link.session = await self._conversation.open(
            hello,
            principal,
            link,
            base_url=wire.base_url,
            address=wire.address,
            session_id=link.recovered.session_id if link.recovered is not None else None,
        )
        link.session.paid_until = socket.client.paid_until
        wire.let_in(OTHERS_BUFFER if link.session.screen_id is None else SCREEN_BUFFER)
        if link.recovered is not None and link.recovered.topics:
            await self._conversation.handle(link.session, Subscribe(topics=sorted(link.recovered.topics)))

    # --- what clients say -------------------------------------------------------------------------------------------

    def event(self, socket: Socket, name: str, arguments: list[Any], answer: Answer | None) -> Rest | None:
        link: Link = socket.data
        session = link.session
        if session is None or session.closed:
            return None
        session.heard()
        kind = _EVENTS.get(name)
        payload = arguments[0] if arguments and arguments[0] is not None else {}
        reply = None if answer is None else _Reply(answer)
        try:
            if kind is None:
                raise inbound.malformed("no such event")
            message = _message(kind, payload)
        except Problem as problem:
            found = payload.get("id") if isinstance(payload, dict) else None
            trigger_id = found if isinstance(found, str) else None
            self._conversation.malformed(session, problem, trigger_id, trigger=kind == "trigger", reply=reply)
            return None
        return self._take(link, session, message, reply)

    def answered(self, socket: Socket, about: str, arguments: list[Any]) -> Rest | None:
        """The answer to a `navigate`."""
        link: Link = socket.data
        session = link.session
        if session is None or session.closed:
            return None
        told = arguments[0] if arguments else None
        if not isinstance(told, dict) or not isinstance(told.get("received"), bool):
            reason = "navigate is answered by {received, id}"
            problem = Problem("VALIDATION_ERROR", reason, errors=[FieldError("received", "true or false is needed")])
            self._conversation.malformed(session, problem, None, trigger=False)
            return None
        fields = {"type": "ack", "id": told.get("id", about), "status": "received"}
        if not told["received"]:
            error = told.get("error")
            detail = error if isinstance(error, str) else None
            fields |= {"status": "failed", "code": told.get("code"), "detail": detail}
        try:
            message = inbound.convert(fields)
        except Problem as problem:
            self._conversation.malformed(session, problem, None, trigger=False)
            return None
        return self._take(link, session, message, None)

    def _take(self, link: Link, session: Session, message: ClientMessage, reply: _Reply | None) -> Rest | None:
        try:
            rest = self._conversation.take(session, message, reply)
        except RecursionError:  # what can be read can be too deep to be written
            self._conversation.malformed(session, inbound.too_deep(), None, trigger=False, reply=reply)
            rest = None
        if rest is not None:
            return self._await(link, session, message, reply, rest)
        _handled(message, reply)
        return None

    async def _await(
        self, link: Link, session: Session, message: ClientMessage, reply: _Reply | None, rest: Rest
    ) -> None:
        before = session.principal
        await rest
        if isinstance(message, Renew) and session.principal is not before:
            link.token = message.token
        _handled(message, reply)

    def heard(self, socket: Socket) -> None:
        link: Link | None = socket.data
        if link is not None and link.session is not None:
            link.session.heard()
            link.session.answered()

    # --- end --------------------------------------------------------------------------------------------------------

    def disconnected(self, socket: Socket, reason: str) -> None:
        link: Link = socket.data
        session, link.session = link.session, None
        assert session is not None
        socket.client.paid_until = max(socket.client.paid_until, session.paid_until)
        if reason and not link.banned:
            shows = ["shown"] if session.shows else []
            auth = {"token": link.token, "capabilities": shows, "restore": session.restore}
            self._recovery.keep(link.pid, Kept(socket.sid, session.id, session.principal.actor, auth, session.topics))
        if not link.ending:
            self._conversation.gone(session, _REASONS.get(reason, "closed"))


class _Reply:
    """Takes the answer to one of the client's events to its callback, once."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer: Answer | None = answer

    def __call__(self, message: ServerMessage) -> None:
        self._say(answer_to_ping(message) if isinstance(message, Pong) else msgspec.Raw(event(message)[1].encode()))

    def done(self) -> None:
        """Lets a client go on that waits for a message that has no answer of its own."""
        self._say({})

    def _say(self, told: Any) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(told)


def _handled(message: ClientMessage, reply: _Reply | None) -> None:
    if reply is not None and isinstance(message, _UNANSWERED):
        reply.done()


def _hello(auth: dict[str, Any]) -> Hello:
    message = inbound.convert({**auth, "type": "hello"})
    assert isinstance(message, Hello)
    return message


def _message(kind: str, payload: Any) -> ClientMessage:
    """An event as the message it stands for. Raises `VALIDATION_ERROR`."""
    if kind == "ping":
        t = payload.get("t", payload.get("timestamp")) if isinstance(payload, dict) else payload
        return inbound.convert({"type": kind, "t": t})
    if not isinstance(payload, dict):
        raise inbound.malformed("an object is needed")
    return inbound.convert({**payload, "type": kind})


def _refused(problem: Problem) -> Refused:
    words = problem.messages()
    content = "Token expired" if problem.code == "TOKEN_EXPIRED" else words["en"]
    told = {
        "code": problem.code,
        "messages": words,
        "action": problem.actions(),
        "retryable": problem.retryable,
        "content": {"message": content},
    }
    return Refused(words["en"], told)
