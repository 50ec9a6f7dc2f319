"""What a session is answered: receipts and problems as messages."""

from __future__ import annotations

from appliance.core.messages import ErrorMessage, TriggerError, TriggerResponse
from appliance.core.triggers import TriggerBody
from appliance.errors import Problem
from appliance.relay.receipts import Answer


def error_message(problem: Problem) -> ErrorMessage:
    """A problem as the wire's `error`."""
    return ErrorMessage(
        code=problem.code,
        messages=problem.messages(),
        action=problem.actions(),
        retryable=problem.retryable,
        detail=problem.detail or None,
        errors=problem.errors or None,
    )


def answer_to(body: TriggerBody, found: Answer) -> TriggerResponse | TriggerError:
    """What became of a trigger, as its session hears it."""
    if isinstance(found, Problem):
        return trigger_error(body.id, found)
    return TriggerResponse(id=found.id, success=True, data=found.body())


def trigger_error(trigger_id: str | None, problem: Problem) -> TriggerError:
    """A problem with one trigger; None where its id couldn't be read."""
    return TriggerError(
        id=trigger_id,
        error=_in_words(problem),
        code=problem.code,
        messages=problem.messages(),
        action=problem.actions(),
        retryable=problem.retryable,
        errors=problem.errors or None,
    )


def _in_words(problem: Problem) -> str:
    said = problem.detail or problem.messages()["en"]
    return " ".join([said, *(f"{error.field}: {error.reason}." for error in problem.errors)])
