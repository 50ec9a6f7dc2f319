"""What the appliance says of its own messages and answers, as a check on each that a test hears."""

from __future__ import annotations

import functools
import json
import re
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs

from appliance.api import openapi
from appliance.core.asyncapi import describe


def misfits(message: dict[str, Any], wire: str = "webSocket") -> list[str]:
    """What is wrong with a message from the appliance, held against the description of that wire."""
    validator = _validators(wire).get(message["type"])
    if validator is None:
        return [f"{message['type']} is not described"]
    return [f"{message['type']}: {error.message} at {error.instance_path}" for error in validator.iter_errors(message)]


@functools.cache
def _validators(wire: str) -> dict[str, Any]:
    """By message name: whatever the appliance sends there, by itself or as a reply."""
    description = describe("0")
    components = description["components"]
    refs = []
    for name, operation in description["operations"].items():
        if name.startswith(wire):
            sends = operation["action"] == "send"
            refs += operation["messages"] if sends else operation.get("reply", {}).get("messages", ())
    payloads: dict[str, list[dict[str, str]]] = {}
    for ref in refs:
        message = components["messages"][ref["$ref"].rpartition("/")[2]]
        payloads.setdefault(message["name"], []).append(message["payload"])
    return {
        name: jsonschema_rs.validator_for({"anyOf": found, "components": components})
        for name, found in payloads.items()
    }


def answer_misfits(method: str, address: str, status: int, content_type: str, text: str) -> list[str]:
    """What is wrong with an answer to a call of the HTTP API, held against its description.

    Other addresses (pages, documents) and methods that a call doesn't have aren't described.
    """
    path = urlsplit(address).path
    method = method.lower()
    calls: dict[str, Any] = next((calls for pattern, calls in _calls() if pattern.match(path)), {})
    if method not in calls:
        return []
    found = calls[method]
    where = f"{method} {path}: {status}"
    answer = found["responses"].get(str(status))
    if answer is None:
        return [f"{where} is not described: {text[:300]}"]
    kind = content_type.partition(";")[0]
    if "content" not in answer:
        return [f"{where} has a body: {text[:300]}"] if text else []
    if kind not in answer["content"]:
        return [f"{where}: {kind} is not described"]
    if kind not in {"application/json", "application/problem+json"}:
        return []
    return [
        f"{where}: {error.message} at {error.instance_path}"
        for error in _answer_validator(found["operationId"], status, kind).iter_errors(json.loads(text))
    ]


@functools.cache
def _openapi() -> dict[str, Any]:
    return openapi.describe("0")


@functools.cache
def _calls() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Addresses without a parameter first, as the router has it."""
    paths = sorted(_openapi()["paths"].items(), key=lambda each: each[0].count("{"))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path) + r"\Z"), calls) for path, calls in paths]


@functools.cache
def _answer_validator(operation_id: str, status: int, kind: str) -> Any:
    description = _openapi()
    operations = (operation for calls in description["paths"].values() for operation in calls.values())
    (operation,) = (each for each in operations if each["operationId"] == operation_id)
    schema = operation["responses"][str(status)]["content"][kind]["schema"]
    return jsonschema_rs.validator_for({"anyOf": [schema], "components": description["components"]})
