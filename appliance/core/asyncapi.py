"""The AsyncAPI 3.0 description of the real-time messages, made from their structs so that it can't disagree with them.

Pure: `describe` answers the same dictionary for the same version. Operations are named from the appliance's side, as
AsyncAPI wants it: what a client sends is `receive`.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from appliance.core import messages as m
from appliance.core.wires import BEARER, CHANNELS, CLOSE_CODES, INFO, SCHEMAS, SERVERS
from appliance.errors import CATALOGUE

Schema = dict[str, Any]

# Which messages answer which; whatever isn't named here is answered by nothing.
REPLIES: dict[type, tuple[type, ...]] = {
    m.Hello: (m.Welcome, m.ErrorMessage),
    m.Trigger: (m.TriggerResponse, m.TriggerError),
    m.StatusRequest: (m.Status,),
    m.Renew: (m.Renewed, m.ErrorMessage),
    m.Ping: (m.Pong,),
    m.Navigate: (m.Ack,),
    m.ServerPing: (m.ClientPong,),
    m.Expiring: (m.Renew,),
}
_CLIENT: tuple[type, ...] = get_args(m.ClientMessage)
_SERVER: tuple[type, ...] = get_args(m.ServerMessage)
_ANSWERS_ONLY = frozenset({m.TriggerResponse, m.TriggerError, m.Status, m.Renewed, m.Pong, m.ClientPong})
_EVENT_CHANNELS = {
    "eventStream": "/api/events/subscribe",
    "eventTicket": "/api/events/ticket",
    "eventAck": "/api/events/ack",
    "eventSend": "/api/events/send",
}
_EVENT = "Event"
"""Added to a message's name where its wire says the type by itself, so that the payload has none."""


def describe(version: str) -> Schema:
    """The whole description, ready to be written as JSON."""
    found = _Description()
    found.websocket()
    found.socketio()
    found.events()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:vooster:appliance",
        "info": {"version": version, **INFO},
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": found.channels,
        "operations": found.operations,
        "components": {
            "messages": found.messages,
            "schemas": found.schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": BEARER}},
        },
        "x-errors": {
            code: {
                "httpStatus": row.status,
                "closeCode": row.close_code,
                "retryable": row.retryable,
                "messages": row.message,
                "action": row.action,
            }
            for code, row in CATALOGUE.items()
        },
    }


def close_codes() -> list[Schema]:
    """Every code a WebSocket is closed with: whose errors it stands for, and whether to come back."""
    named: dict[int, list[str]] = {}
    for code, row in CATALOGUE.items():
        if row.close_code is not None:
            named.setdefault(row.close_code, []).append(code)
    return [
        {"code": number, "errors": named.get(number, []), "description": what, "again": again}
        for number, (what, again) in CLOSE_CODES.items()
    ]


class _Description:
    """Gathers the parts of one description."""

    def __init__(self) -> None:
        self.schemas = _schemas()
        self.messages: Schema = {}
        self.channels: Schema = {}
        self.operations: Schema = {}

    # --- the three wires --------------------------------------------------------------------------------------------

    def websocket(self) -> None:
        self._channel("webSocket", "/ws", "webSocket", bindings={"ws": {"method": "GET", "bindingVersion": "0.1.0"}})
        self.channels["webSocket"]["x-close-codes"] = close_codes()
        for kind in _CLIENT:
            if kind not in _ANSWERS_ONLY:
                self._exchange("webSocket", "receive", kind)
        for kind in _SERVER:
            if kind not in _ANSWERS_ONLY:
                self._exchange("webSocket", "send", kind)

    def socketio(self) -> None:
        self._channel("socketIo", "/socket.io/", "socketIo")
        self.schemas["Connect"] = _without_type(self.schemas["Hello"], "Connect")
        connect = self._plain("Connect", "connect")
        self._operation(
            "socketIoConnect", "receive", "socketIo", connect, [self._plain("ConnectError", "connect_error")]
        )
        for kind in _CLIENT:
            if kind not in {*_ANSWERS_ONLY, m.Hello}:
                self._exchange("socketIo", "receive", kind, suffix=_EVENT)
        for kind in _SERVER:
            if kind not in _ANSWERS_ONLY:
                self._exchange("socketIo", "send", kind, suffix=_EVENT)
        pong = _without_type(self.schemas["Pong"], "PongEvent")
        members = {**pong["properties"], "timestamp": SCHEMAS["PingAnswer"]["properties"]["timestamp"]}
        self.schemas["PongEvent"] = {**pong, "properties": members, "required": [*pong["required"], "timestamp"]}
        navigate = self.operations["socketIoSendNavigate"]
        self._reply(navigate, "socketIo", [self._plain("NavigateAnswer", "navigate"), self._message(m.Ack, _EVENT)])
        ping = [self._plain("PingAnswer", "pong"), self._message(m.Pong, _EVENT)]
        self._reply(self.operations["socketIoReceivePing"], "socketIo", ping)
        self.schemas["NavigateRequest"] = {**self.schemas["TriggerEvent"], "title": "NavigateRequest"}
        answers = [self._message(reply, _EVENT) for reply in REPLIES[m.Trigger]]
        by_address = self._plain("NavigateRequest", "navigate")
        self._operation("socketIoReceiveNavigate", "receive", "socketIo", by_address, answers)

    def events(self) -> None:
        stream = {"http": {"method": "GET", "bindingVersion": "0.3.0"}}
        post = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}
        for key, address in _EVENT_CHANNELS.items():
            self._channel(key, address, "http")
        for kind in _SERVER:
            self._operation(f"eventStreamSend{kind.__name__}", "send", "eventStream", self._message(kind), [], stream)
        refused = self._plain("Problem", "problem", "application/problem+json")
        asked, ticket = self._plain("TicketRequest", "ticket"), self._plain("Ticket", "ticket")
        self._operation("eventTicketReceive", "receive", "eventTicket", asked, [ticket, refused], post)
        self._operation("eventAckReceive", "receive", "eventAck", self._message(m.Ack, _EVENT), [refused], post)
        for kind in _CLIENT:
            if kind not in {m.Hello, m.ClientPong}:
                replies = [*(self._message(reply) for reply in REPLIES.get(kind, ())), refused]
                key = f"eventSendReceive{kind.__name__}"
                self._operation(key, "receive", "eventSend", self._message(kind), replies, post)

    # --- parts ------------------------------------------------------------------------------------------------------

    def _channel(self, key: str, address: str, server: str, **more: Any) -> None:
        self.channels[key] = {
            "address": address,
            "servers": [{"$ref": f"#/servers/{server}"}],
            **CHANNELS[key],
            "messages": {},
            **more,
        }

    def _exchange(self, channel: str, action: str, kind: type, *, suffix: str = "") -> None:
        replies = [self._message(reply, suffix) for reply in REPLIES.get(kind, ())]
        key = f"{channel}{'Receive' if action == 'receive' else 'Send'}{kind.__name__}"
        self._operation(key, action, channel, self._message(kind, suffix), replies)

    def _operation(
        self, key: str, action: str, channel: str, message: str, replies: list[str], bindings: Schema | None = None
    ) -> None:
        operation: Schema = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": self.messages[message]["summary"],
            "messages": [self._on(channel, message)],
        }
        if bindings is not None:
            operation["bindings"] = bindings
        self.operations[key] = operation
        self._reply(operation, channel, replies)

    def _reply(self, operation: Schema, channel: str, replies: list[str]) -> None:
        if replies:
            there = {"$ref": f"#/channels/{channel}"}
            operation["reply"] = {"channel": there, "messages": [self._on(channel, reply) for reply in replies]}

    def _on(self, channel: str, message: str) -> Schema:
        self.channels[channel]["messages"][message] = {"$ref": f"#/components/messages/{message}"}
        return {"$ref": f"#/channels/{channel}/messages/{message}"}

    def _message(self, kind: type, suffix: str = "") -> str:
        name = kind.__name__ + suffix
        if name not in self.schemas:
            self.schemas[name] = _without_type(self.schemas[kind.__name__], name)
        return self._plain(name, _tag(kind))

    def _plain(self, schema: str, name: str, content_type: str = "application/json") -> str:
        """The message with this schema as its payload; `name` is what its wire calls it."""
        self.messages[schema] = {
            "name": name,
            "title": schema,
            "summary": self.schemas[schema]["description"],
            "contentType": content_type,
            "payload": {"$ref": f"#/components/schemas/{schema}"},
        }
        return schema


def _schemas() -> Schema:
    _, found = msgspec.json.schema_components([*_CLIENT, *_SERVER], ref_template="#/components/schemas/{name}")
    return {**found, **SCHEMAS}


def _tag(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


def _without_type(schema: Schema, title: str) -> Schema:
    members = {name: member for name, member in schema["properties"].items() if name != "type"}
    required = [name for name in schema["required"] if name != "type"]
    return {**schema, "title": title, "properties": members, "required": required}
