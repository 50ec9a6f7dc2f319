"""A connection from its first byte on: whether it may come, how long a request's head may take, and the answer to what
is no request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

import msgspec
from aiohttp import hdrs, web
from aiohttp.streams import EMPTY_PAYLOAD

from appliance.edge.crowd import Crowd, Place
from appliance.edge.headers import bare
from appliance.edge.problems import problem_body, problem_response, unexpected
from appliance.errors import Problem, new_trace_id

HEAD_SECONDS = 10.0
"""How long a request's head may take from its first byte on."""


class Line(web.RequestHandler):
    """One connection that speaks HTTP."""

    __slots__ = ("_alone", "_crowd", "_deadline", "_end", "_place", "_seen")

    def __init__(self, manager: web.Server, *, crowd: Crowd, **options: Any) -> None:
        super().__init__(manager, **options)
        self._crowd = crowd
        self._place: Place | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._seen = 0
        self._alone = False
        """Whether the last request has no body, so that whatever comes behind it belongs to the next one."""
        self._end = b""

    def give_place(self) -> Place | None:
        """The connection's place in the crowd, for whoever takes the socket over."""
        place, self._place = self._place, None
        return place

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        try:
            self._place = self._crowd.enter(peer[0] if isinstance(peer, tuple) else None)
        except Problem as problem:
            self._force_close = True
            wire = cast(asyncio.Transport, transport)  # not every event loop's own kind of transport is one by name
            wire.write(_whole(problem))
            wire.close()
            return
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        place = self.give_place()
        if place is not None:
            place.leave()
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._upgraded or self._payload_parser is not None:
            self._stop()
            return
        self._end = (self._end + data[-4:])[-4:]
        if self._seen != self._request_count:
            self._seen, self._alone = self._request_count, self._messages[-1][1] is EMPTY_PAYLOAD
        # Of a request that has begun behind the last one, no byte more may come once that is answered. Behind a body
        # it isn't looked for: who hides it there has a connection that idles, as anybody may.
        waited_for = self._waiter is not None and not self._messages
        if waited_for or (self._alone and self._end != b"\r\n\r\n"):
            self._start()
        else:
            self._stop()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it may hold the sender's bytes
    ) -> web.StreamResponse:
        """aiohttp's answer to what it can't read, or to what went wrong after it, in our words."""
        if isinstance(exc, ConnectionError):  # who is gone needs no answer, and a log of it would fill the disk
            raise exc
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and exc is not None:
            response = unexpected(exc, request)
        else:
            response = problem_response(Problem("VALIDATION_ERROR", "This is no HTTP request that can be read."))
        if request.writer.output_size > 0:
            raise ConnectionError("another answer is on its way already")
        answer = _Answer(body=response.body, status=response.status, headers=response.headers)
        bare(answer.headers)
        answer.force_close()
        return answer

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport is None:
            return
        if self._waiter is None or self._messages:  # those before it aren't answered yet
            self._start()
        else:
            reason = f"The request's head took longer than {HEAD_SECONDS:g} s."
            self.transport.write(_whole(Problem("VALIDATION_ERROR", reason)))
            self.force_close()

    def _start(self) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._too_slow)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Answer(web.Response):
    """One that no application dresses."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop(hdrs.SERVER, None)


class Runner(web.AppRunner):
    """Serves an application on such connections."""

    def __init__(self, app: web.Application, *, crowd: Crowd, **options: Any) -> None:
        super().__init__(app, **options)
        self._crowd = crowd

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._crowd)


class _Server(web.Server):
    def __init__(self, made: web.Server, crowd: Crowd) -> None:
        super().__init__(_in_our_words(made.request_handler), request_factory=made.request_factory, **made._kwargs)
        self._crowd = crowd

    def __call__(self) -> web.RequestHandler:
        return Line(self, loop=self._loop, crowd=self._crowd, **self._kwargs)


def _in_our_words(handle: Callable[[Any], Awaitable[web.StreamResponse]]) -> Callable[[Any], Any]:
    """`handle`, whose one refusal that comes before any guard is answered as whatever else can't be read."""

    async def handled(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        except web.HTTPExpectationFailed:
            answer = problem_response(Problem("VALIDATION_ERROR", "The Expect header may only say 100-continue."))
            answer.force_close()
            return answer

    return handled


def _whole(problem: Problem) -> bytes:
    """An answer as it goes over the wire, where no request is to be answered."""
    body = msgspec.json.encode(problem_body(problem, new_trace_id()))
    headers = {
        hdrs.CONTENT_TYPE: "application/problem+json",
        hdrs.CONTENT_LENGTH: str(len(body)),
        "Connection": "close",
    }
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    bare(headers)
    status = HTTPStatus(problem.status)
    head = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*head, "", ""]).encode() + body
