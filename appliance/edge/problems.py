"""Errors as answers: RFC 9457 `application/problem+json`, the same members for every error of every resource."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from aiohttp import web

from appliance.errors import Problem, new_trace_id

_log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"


def problem_body(problem: Problem, trace_id: str) -> dict[str, Any]:
    """The contract's members; `errors` only where fields are named, `extra` beside them."""
    trace_id = problem.values.setdefault("traceId", trace_id)  # a fault that is in the log already keeps its number
    body: dict[str, Any] = {
        "type": f"urn:vooster:problem:{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail or problem.messages()["en"],
        "code": problem.code,
        "messages": problem.messages(),
        "action": problem.actions(),
        "retryable": problem.retryable,
        "traceId": trace_id,
    }
    if problem.errors:
        body["errors"] = [{"field": error.field, "reason": error.reason} for error in problem.errors]
    for member, value in problem.extra.items():
        body.setdefault(member, value)
    return body


def problem_response(problem: Problem, trace_id: str | None = None) -> web.Response:
    """The answer for `problem`, with `Retry-After` and `WWW-Authenticate` where they belong."""
    body = problem_body(problem, trace_id or new_trace_id())
    response = web.Response(
        body=msgspec.json.encode(body), status=problem.status, headers={"Content-Type": CONTENT_TYPE}
    )
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def from_http(error: web.HTTPException, *, limit: int) -> web.Response:
    """aiohttp's own refusal in the contract's words; `limit` is the largest body in bytes."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        response = problem_response(Problem("METHOD_NOT_ALLOWED"))
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return problem_response(too_large(limit))
    if error.status in {403, 404}:
        return problem_response(Problem("NOT_FOUND"))
    return problem_response(Problem("VALIDATION_ERROR", error.reason))


def too_large(limit: int) -> Problem:
    """`PAYLOAD_TOO_LARGE` naming the largest size there may be, in bytes."""
    size = f"{limit / (1 << 20):.3g} MB" if limit >= 1 << 20 else f"{limit / 1024:.3g} KB"
    return Problem("PAYLOAD_TOO_LARGE", f"At most {limit} bytes.", values={"limit": size})


def unexpected(error: BaseException, request: web.BaseRequest) -> web.Response:
    """The answer for a fault of the program itself: logged with its trace, told only by the trace's number."""
    trace_id = new_trace_id()
    _log.error("http.fault", trace_id=trace_id, method=request.method, path=request.path, exc_info=error)
    return problem_response(Problem("INTERNAL_ERROR"), trace_id)
