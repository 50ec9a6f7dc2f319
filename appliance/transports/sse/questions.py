"""What a subscription asks for, in its address: the same as a WebSocket's `hello`."""

from __future__ import annotations

import re

import msgspec
from aiohttp import hdrs, web

from appliance.core.messages import Hello
from appliance.core.screens import Client, Display
from appliance.errors import FieldError, Problem

CONTENT_TYPE = "text/event-stream"
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9:._-]{0,31}\Z")
_MAX_WORDS = 16
_TRUTH = {"": False, "0": False, "false": False, "1": True, "true": True}
_displays = msgspec.json.Decoder(list[Display]).decode


def hello_of(request: web.Request) -> Hello:
    """`capabilities=shown`, `restore=true`, and where a client has more to say of itself `client=name/version` and
    `displays=` (JSON, as in `hello`). Raises `VALIDATION_ERROR` naming what is wrong."""
    query, wrong = request.query, []
    words = [word for given in query.getall("capabilities", []) for word in given.split(",") if word]
    if len(words) > _MAX_WORDS or not all(_WORD.match(word) for word in words):
        wrong.append(FieldError("capabilities", "words with commas between them, like: shown"))
    restore = _TRUTH.get(query.get("restore", "").lower())
    if restore is None:
        wrong.append(FieldError("restore", "true or false"))
    name, _, version = query.get("client", "").partition("/")
    displays = None
    if "displays" in query:
        try:
            displays = _displays(query["displays"])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            wrong.append(FieldError("displays", 'a JSON list, like: [{"index":0}]'))
    if wrong:
        raise Problem("VALIDATION_ERROR", "; ".join(f"{e.field}: {e.reason}" for e in wrong), errors=wrong)
    client = Client(name=name, version=version) if name else None
    return Hello(client=client, capabilities=words, restore=bool(restore), displays=displays)


def check_accept(request: web.Request) -> None:
    """Raises `VALIDATION_ERROR` where the client says that it takes no event stream."""
    accept = ",".join(request.headers.getall(hdrs.ACCEPT, ()))
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")} - {""}
    if kinds and not kinds & {CONTENT_TYPE, "text/*", "*/*"}:
        reason = f"this address answers {CONTENT_TYPE}"
        raise Problem("VALIDATION_ERROR", f"Accept: {reason}", errors=[FieldError(str(hdrs.ACCEPT), reason)])
