"""What the description of the real-time messages says of each wire beside the messages themselves."""

from __future__ import annotations

from typing import Any

INFO: dict[str, Any] = {
    "title": "Vooster Appliance",
    "description": (
        "Real-time messages between the appliance, the screens it puts work orders on, the programs that ask for them "
        "and whoever watches. Three wires carry the same messages to the same kind of session with the same "
        "guarantees.\n\n"
        "A trigger is accepted when it is on disk, synced. Its deliveries are sent until they are acked: at least once "
        "on the wire, and a client shows an `id` and `round` that it has shown already no second time, but acks it "
        "again. Unknown members are ignored, and may be added. Tokens never go into an address.\n\n"
        "Answers may come in any order, and between other messages: match them by `id`. `x-errors` has the words of "
        "every code; a name in braces there stands for what is filled in when it happens."
    ),
    "license": {"name": "Apache-2.0"},
}

_ADDRESS = {
    "address": {
        "default": "vooster.local:8480",
        "description": "Host and port; `/.well-known/vooster` at any of its addresses tells them all.",
    }
}
_BEARER = [{"$ref": "#/components/securitySchemes/bearer"}]
SERVERS: dict[str, Any] = {
    "webSocket": {"host": "{address}", "protocol": "ws", "protocolVersion": "13", "variables": _ADDRESS},
    "socketIo": {"host": "{address}", "protocol": "socketio", "protocolVersion": "5", "variables": _ADDRESS},
    "http": {
        "host": "{address}",
        "protocol": "http",
        "protocolVersion": "1.1",
        "variables": _ADDRESS,
        "security": _BEARER,
    },
}
BEARER = "An access token (screens, people) or an API key (programs)."

CHANNELS: dict[str, dict[str, str]] = {
    "webSocket": {
        "title": "WebSocket",
        "description": (
            "JSON text frames with a `type`, at most `server.max_message_bytes` (1 MB) from a client; the subprotocol "
            "`vooster.v1` is optional. `hello` comes first, within 5 s. A lost connection comes back after 100 ms × "
            "1.5ⁿ with jitter, at most 1 s, at most 5 s after a minute, for ever; `x-close-codes` names the exceptions."
        ),
    },
    "socketIo": {
        "title": "Socket.IO",
        "description": (
            "Engine.IO 4 and Socket.IO 5, namespace `/`, polling and WebSocket. Each message is an event of its name "
            "without `type`. A client's event with a callback is answered there (`{}` where there is nothing to say), "
            "without one by the answer's event."
        ),
    },
    "eventStream": {
        "title": "Server-sent events",
        "description": (
            "Each message is an event of its name; `id:` is the delivery's. With the bearer token, or with `?ticket=` "
            "for those who can't set headers. `?capabilities=shown`, `?restore=true`, `?client=name/version` and "
            "`?displays=` (JSON) stand for `hello`'s members. In a browser `error` is also the name of `EventSource`'s "
            "own event about its connection: one with `data` is the appliance's message, and the stream is still open "
            "unless the code says otherwise. After `SESSION_REPLACED` close it and don't connect until a person asks."
        ),
    },
    "eventTicket": {
        "title": "Tickets",
        "description": "A ticket opens one stream within 10 s: a new one for every connect.",
    },
    "eventAck": {"title": "Acks by POST", "description": "What became of a delivery."},
    "eventSend": {
        "title": "Messages by POST",
        "description": (
            "Any other message of a client, with its `type`, for a session whose stream is open. Where it has several, "
            "`?sessionId=` says which one. Answers come here and on the stream."
        ),
    },
}

CLOSE_CODES: dict[int, tuple[str, str]] = {
    1001: ("The appliance stops.", "reconnect"),
    1011: ("Something went wrong in the appliance.", "reconnect"),
    1012: ("The appliance restarts.", "reconnect"),
    1013: ("The appliance can't write to its disk.", "reconnect"),
    4400: ("What came was no message.", "reconnect"),
    4401: ("Not or no longer authenticated.", "newCredential"),
    4403: ("Not allowed.", "newCredential"),
    4408: ("No sign of life within the heartbeat.", "reconnect"),
    4409: ("A newer session of the same screen took its place.", "whenAsked"),
    4413: ("A message was too large.", "reconnect"),
    4429: ("Too many messages.", "reconnect"),
    4430: ("Too slow a reader.", "reconnect"),
}
"""Per close code what it says, and whether to come back: `reconnect`, not before a `newCredential`, or `whenAsked`."""

_TEXTS = {
    "type": "object",
    "required": ["ko", "en"],
    "properties": {"ko": {"type": "string"}, "en": {"type": "string"}},
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "ConnectError": {
        "title": "ConnectError",
        "description": "A refused connect: `connect_error` with this, its `message` in English.",
        "type": "object",
        "required": ["message", "data"],
        "properties": {
            "message": {"type": "string"},
            "data": {
                "type": "object",
                "required": ["code", "messages", "action", "retryable", "content"],
                "properties": {
                    "code": {"type": "string"},
                    "messages": _TEXTS,
                    "action": _TEXTS,
                    "retryable": {"type": "boolean"},
                    "content": {
                        "type": "object",
                        "required": ["message"],
                        "properties": {"message": {"type": "string"}},
                    },
                },
            },
        },
    },
    "NavigateAnswer": {
        "title": "NavigateAnswer",
        "description": "The callback of `navigate`: whether the client holds it. Who shows it emits `ack` later.",
        "type": "object",
        "required": ["received", "id"],
        "properties": {
            "received": {"type": "boolean"},
            "id": {"type": "string"},
            "code": {"type": "string"},
            "error": {"type": "string"},
        },
    },
    "PingAnswer": {
        "title": "PingAnswer",
        "description": "The callback of a client's `ping`.",
        "type": "object",
        "required": ["timestamp", "serverTime"],
        "properties": {
            "timestamp": {"description": "The `ping`'s `t` or `timestamp`; without one the appliance's time."},
            "serverTime": {"type": "integer"},
        },
    },
    "TicketRequest": {
        "title": "TicketRequest",
        "description": "Asks for a ticket; the credential says for whom.",
        "type": "object",
    },
    "Ticket": {
        "title": "Ticket",
        "description": "Good for one stream, for `expiresIn` seconds.",
        "type": "object",
        "required": ["ticket", "expiresIn"],
        "properties": {"ticket": {"type": "string"}, "expiresIn": {"type": "integer"}},
    },
    "Problem": {
        "title": "Problem",
        "description": "Why a request was refused, as RFC 9457 has it; `x-errors` has every code.",
        "type": "object",
        "required": ["type", "title", "status", "code", "messages", "action", "retryable"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "messages": _TEXTS,
            "action": _TEXTS,
            "retryable": {"type": "boolean"},
            "traceId": {"type": "string"},
            "errors": {
                "type": "array",
                "description": "Which members are wrong, and how.",
                "items": {
                    "type": "object",
                    "required": ["field", "reason"],
                    "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                },
            },
        },
    },
}
"""What is no message of its own but stands on a wire: answers in callbacks, refusals."""
