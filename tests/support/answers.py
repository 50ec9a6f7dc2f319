"""What the tests' HTTP calls give back, and what every error must look like."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.described import answer_misfits


@dataclass
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    def problem(self, status: int, code: str) -> dict[str, Any]:
        """Asserts that this is the problem of that code, told as the contract says; returns its body."""
        assert (self.status, self.headers.get("Content-Type")) == (status, "application/problem+json"), self.text
        body: dict[str, Any] = self.json
        assert body["code"] == code, body
        check_words(body)
        assert body["status"] == status
        assert body["type"] and body["title"] and body["detail"] and body["traceId"]
        return body


def check_words(told: dict[str, Any]) -> None:
    """Both languages say what happened and what to do, with every placeholder filled."""
    for texts in (told["messages"], told["action"]):
        assert set(texts) == {"ko", "en"}
        assert all(text and "{" not in text for text in texts.values()), texts
    assert isinstance(told["retryable"], bool)


async def request(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Any = None,
    *,
    bearer: str | None = None,
    headers: dict[str, str] | None = None,
    data: bytes | None = None,
) -> Answer:
    """One HTTP call: `body` goes as JSON, `data` as it is."""
    sent = dict(headers or {})
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    if body is not None:
        data = json.dumps(body).encode()
    if data is not None:
        sent.setdefault("Content-Type", "application/json")
    async with session.request(method, url, data=data, headers=sent, allow_redirects=False) as response:
        answer = Answer(response.status, response.headers.copy(), await response.text())
    if response.content_type != "text/event-stream":
        misfits = answer_misfits(method, url, answer.status, response.content_type, answer.text)
        assert not misfits, misfits
    return answer


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def new_trigger(order_id: str | None = "ORD-1001", screen_id: str | None = "S-1", **members: Any) -> dict[str, Any]:
    """A trigger's body; members given as None are left out."""
    body = {"id": str(uuid.uuid4()), "timestamp": now_ms(), "orderId": order_id, "screenId": screen_id, **members}
    return {name: value for name, value in body.items() if value is not None}
