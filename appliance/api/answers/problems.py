"""How a call is refused."""

from __future__ import annotations

from appliance.api.answers.shape import Answer
from appliance.errors import Texts


class WrongField(Answer):
    field: str
    reason: str


class ProblemView(Answer, omit_defaults=True):
    """RFC 9457, with the code of the catalogue, what happened and what to do in both languages."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    messages: Texts
    action: Texts
    retryable: bool
    trace_id: str
    errors: list[WrongField] | None = None
