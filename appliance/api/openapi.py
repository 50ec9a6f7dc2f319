"""The OpenAPI 3.1 description of the HTTP API, made from the calls, their permissions and the error catalogue."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from appliance.api.answers.problems import ProblemView
from appliance.api.operations import BATCH, OPERATIONS, Batch, Operation, Schema
from appliance.core.permissions import CALLS, Rule
from appliance.core.roles import Role
from appliance.core.wires import BEARER
from appliance.errors import CATALOGUE

_ANY_CALL = (
    "HOST_NOT_ALLOWED", "ORIGIN_NOT_ALLOWED", "VALIDATION_ERROR", "RATE_LIMITED", "STORAGE_UNAVAILABLE",
    "INTERNAL_ERROR",
)  # fmt: skip
"""What any call may be refused with, whatever it is about."""
_WITH_CREDENTIAL = ("TOKEN_INVALID", "TOKEN_EXPIRED", "PERMISSION_DENIED")
_WITH_BODY = ("PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
_PROBLEM = "application/problem+json"
_REF = "#/components/schemas/{name}"
_OPTIONAL: list[dict[str, list[str]]] = [{}, {"bearer": []}]


def describe(version: str) -> Schema:
    """The whole description, ready to be written as JSON."""
    shapes, components = _shapes()
    paths: Schema = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation, shapes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vooster Appliance",
            "version": version,
            "description": (
                "JSON in and out; names are camelCase but for RFC 8628's own, times milliseconds since the epoch. "
                "Unknown members are ignored, and may be added. Errors are RFC 9457 problems with a code, both "
                "languages and what to do. The real-time messages are described at /api/asyncapi.json."
            ),
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS.values())],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": BEARER}},
        },
        "x-errors": {
            code: {"httpStatus": row.status, "retryable": row.retryable, "messages": row.message, "action": row.action}
            for code, row in CATALOGUE.items()
        },
    }


def _shapes() -> tuple[dict[Any, Schema], Schema]:
    """The schema of every kind of body and answer, and those that they refer to."""
    kinds: dict[Any, None] = {ProblemView: None}
    for operation in OPERATIONS.values():
        for kind in (operation.body, *operation.answers.values()):
            kinds |= dict.fromkeys(kind if isinstance(kind, tuple) else (kind,))
    asked = [kind for kind in kinds if kind not in {None, Batch}]
    schemas, components = msgspec.json.schema_components(asked, ref_template=_REF)
    return {**dict(zip(asked, schemas, strict=True)), Batch: BATCH}, components


def _shape(kind: Any, shapes: dict[Any, Schema]) -> Schema:
    return {"anyOf": [shapes[one] for one in kind]} if isinstance(kind, tuple) else shapes[kind]


def _operation(method: str, path: str, operation: Operation, shapes: dict[Any, Schema]) -> Schema:
    rule = CALLS[method, path]
    described: Schema = {
        "operationId": operation.name or _name(method, path),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": _responses(operation, rule, shapes),
        "x-permission": _permission(rule),
    }
    if operation.description:
        described["description"] = operation.description
    if parameters := [*_path_parameters(path, operation), *_query_parameters(operation)]:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": _shape(operation.body, shapes)}}
        described["requestBody"] = {"required": not operation.body_optional, "content": content}
    if rule.least is not None:
        described["security"] = [{"bearer": []}]
    elif rule.proof:
        described["security"] = _OPTIONAL
    else:
        described["security"] = []
    return described


def _permission(rule: Rule) -> Schema:
    if rule.least is None:
        return {"anyone": True, "proof": rule.proof} if rule.proof else {"anyone": True}
    return {"roles": [role.label for role in Role if role >= rule.least], "screens": rule.screens}


def _name(method: str, path: str) -> str:
    words = [word for word in re.split(r"[^A-Za-z0-9]+", path) if word not in {"", "api"}]
    return method.lower() + "".join(word[0].upper() + word[1:] for word in words)


def _path_parameters(path: str, operation: Operation) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            **({"example": operation.samples[name]} if name in operation.samples else {}),
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(operation: Operation) -> list[Schema]:
    return [
        {
            "name": each.name,
            "in": "query",
            "schema": each.schema,
            **({"description": each.description} if each.description else {}),
        }
        for each in operation.query
    ]


def _responses(operation: Operation, rule: Rule, shapes: dict[Any, Schema]) -> Schema:
    found: dict[int, Schema] = {}
    for status, kind in operation.answers.items():
        found[status] = {"description": operation.summary}
        if kind is not None:
            found[status]["content"] = {operation.media: {"schema": _shape(kind, shapes)}}
        elif status != 204:
            found[status]["content"] = {operation.media: {"schema": {"type": "string"}}}
    for media in operation.also:
        found[200]["content"][media] = {"schema": {"type": "string"}}
    for status, codes in _refusals(operation, rule).items():
        refusal = found.setdefault(status, {"description": ""})
        refusal["description"] = f"{refusal['description']}; {', '.join(codes)}".removeprefix("; ")
        refusal.setdefault("content", {})[_PROBLEM] = {"schema": shapes[ProblemView]}
    return {str(status): found[status] for status in sorted(found)}


def _refusals(operation: Operation, rule: Rule) -> dict[int, list[str]]:
    """Codes by status."""
    codes = [*operation.refusals, *_ANY_CALL]
    if rule.least is not None or rule.proof:
        codes += _WITH_CREDENTIAL
    if operation.body is not None:
        codes += _WITH_BODY
    found: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        found.setdefault(CATALOGUE[code].status or 500, []).append(code)
    return found
