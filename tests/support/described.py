"""What the appliance says of its own messages, as a check on every message that a test hears."""

from __future__ import annotations

import functools
from typing import Any

import jsonschema_rs

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
