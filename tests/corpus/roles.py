"""Everybody there is on every call and every resource, against what the contract has for it.

The program's own table gives the list of its calls and nothing else: a call that nobody has thought about fails.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from appliance.core.permissions import CALLS
from tests.corpus.cases import Case, control, refused
from tests.corpus.estate import FAR, FAR_NAME, LOW, NEAR, OWN, Estate
from tests.corpus.expectations import (
    ALLOWED,
    CALLERS,
    DENIED,
    HARMLESS,
    NEVER,
    NO_SUCH,
    OPEN,
    OPEN_POSTS,
    PROOFS,
    RANKS,
    Who,
)
from tests.corpus.wires import Ask, Headers, ask, bearer, http, says
from tests.support.answers import new_trigger

FORWARDED: Final = ("X-Forwarded-For", "192.168.0.9")
"""Without it the figures are open: whoever asks is on this machine."""


class Caller(NamedTuple):
    """`rank` is 0 for whoever isn't let in at all. `screen` is the one whose own token it is."""

    name: str
    headers: Headers
    rank: int
    limited: bool = False
    screen: str = ""


def callers(estate: Estate) -> list[Caller]:
    """Everybody."""
    found = [Caller("nobody", (), 0), Caller("a made-up token", (bearer("A" * 43),), 0)]
    found += [Caller(f"a {name}", (bearer(value),), 0) for name, value in estate.ended.items()]
    ended = estate.browsers["ended"]
    found.append(Caller("an ended session", ended.headers, 0))
    for role, rank in RANKS.items():
        found.append(Caller(f"{role}'s token", (bearer(estate.tokens[role]),), rank))
        found.append(Caller(f"{role}'s session", estate.browsers[role].headers, rank))
    for name, key in estate.keys.items():
        found.append(Caller(f"{name}'s key", (bearer(key),), RANKS[name.split()[-1]], "limited" in name))
    limited = "limited supervisor"
    found.append(Caller(f"{limited}'s token", (bearer(estate.tokens[limited]),), RANKS["supervisor"], True))
    found.append(Caller(f"{limited}'s session", estate.browsers[limited].headers, RANKS["supervisor"], True))
    for screen_id in (OWN, LOW):
        token = estate.screens[screen_id]["accessToken"]
        rank = RANKS["viewer" if screen_id == LOW else "operator"]
        found.append(Caller(f"{screen_id}'s own token", (bearer(token),), rank, screen=screen_id))
    return found


class Place(NamedTuple):
    """A resource, by what fills the words in braces."""

    name: str
    words: dict[str, str]


def places(estate: Estate) -> list[Place]:
    key = next(key.id for key in estate.engine.auth.api_keys() if key.name == "key-1")
    near, far = ("near", NEAR, "line-near"), ("far", FAR, "line-far")
    return [
        Place(name, {
            "screen": screen, "line": line, "trigger": estate.triggers[name], "key": key,
            "letter": estate.letters[name], "over": estate.letters[name].partition(":")[0],
        })
        for name, screen, line in (near, far)
    ]  # fmt: skip


def _filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, dict):
        found = {name: _filled(member, words) for name, member in value.items()}
        return {**new_trigger(None, None), **found} if "orderId" in found else found
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    if isinstance(value, str):
        for word, meant in words.items():
            value = value.replace(f"{{{word}}}", meant)
    return value


def request_of(call: tuple[str, str], who: Who, place: Place, headers: Headers) -> Ask:
    path = _filled(who.path or call[1], place.words)
    return ask(call[0], path, _filled(who.body, place.words), *headers)


def _refusal(who: Who, caller: Caller, place: Place) -> str:
    """What the contract has for this caller; empty where it lets him in."""
    if caller.rank == 0:
        return "401"
    if who.always:
        return who.always
    if caller.screen:
        # It may trigger itself and read its own: none of these places is its own.
        return who.screen or (DENIED if who.far else ALLOWED)
    if caller.rank < RANKS[who.least]:
        return DENIED
    if caller.limited and (place.name == "far" or (who.makes and caller.name.startswith("screen-"))):
        return who.far
    return ALLOWED


UNKNOWN: Final = ("401 TOKEN_INVALID", "401 TOKEN_EXPIRED")


def cases(estate: Estate) -> Iterator[Case]:
    everybody, everything = callers(estate), places(estate)
    for call in CALLS:
        method, path = call
        if path in OPEN or path in OPEN_POSTS:
            continue
        if call in PROOFS:
            proof = PROOFS[call]
            for caller in everybody:
                if path == "/api/csrf" and caller.rank and "session" in caller.name:
                    yield control(f"{method} {path} by {caller.name}", http(Ask(method, path, caller.headers)))
                    continue
                asked = ask("GET" if method == "*" else method, proof.path or path, proof.body, *caller.headers)
                ends = (proof.refusal, "400 1") if method == "*" else (proof.refusal, "401 TOKEN_EXPIRED")
                yield refused(f"{method} {path} by {caller.name} without its proof", http(asked), *ends)
            continue
        if call == ("GET", "/metrics"):
            for caller in everybody:
                yield _metrics(caller)
            continue
        yield from _of_call(call, CALLERS[call], everybody, everything)
    yield from _of_its_own(estate)
    yield from _of_messages(estate)


def _of_call(call: tuple[str, str], who: Who, everybody: list[Caller], everything: list[Place]) -> Iterator[Case]:
    method, path = call
    for caller in everybody:
        for place in everything if who.far or "{" in f"{who.path}{who.body}" else everything[:1]:
            name = f"{method} {path} by {caller.name}, {place.name}"
            asked = request_of(call, who, place, caller.headers)
            refusal = _refusal(who, caller, place)
            if refusal:
                yield refused(name, http(asked), *(UNKNOWN if refusal == "401" else (refusal,)))
            elif call != NEVER:
                asked = request_of(call, HARMLESS.get(call, who), place, caller.headers)
                yield control(name, http(asked), [FAR_NAME] if caller.limited else [])


def _of_its_own(estate: Estate) -> Iterator[Case]:
    """What a screen may with its own token."""
    header = bearer(estate.screens[OWN]["accessToken"])
    own = f"/api/triggers/{estate.triggers['own']}"
    yield control(
        "a scan of a screen for itself", http(ask("POST", "/api/trigger", new_trigger("ORD-1001", None), header))
    )
    yield control("a screen looks for its own scan", http(Ask("GET", own, (header,))))
    low = bearer(estate.screens[LOW]["accessToken"])
    yield refused("another screen looks for it", http(Ask("GET", own, (low,))), NO_SUCH)
    yield refused("a screen takes its own scan back", http(Ask("POST", f"{own}/cancel", (header,))), DENIED)


def _metrics(caller: Caller) -> Case:
    asked = Ask("GET", "/metrics", (*caller.headers, FORWARDED))
    name = f"GET /metrics by {caller.name} from elsewhere"
    if caller.rank and not caller.screen:
        return control(name, http(asked))
    return refused(name, http(asked), *(UNKNOWN if not caller.rank else (DENIED,)))


# --- messages of a session ------------------------------------------------------------------------------------------


def _of_messages(estate: Estate) -> Iterator[Case]:
    """The same on a socket: who may trigger and watch. Section 4.1: subscribing is for viewers and up."""
    sockets = {
        **{f"{name}'s token": (token, name) for name, token in estate.tokens.items()},
        **{f"{name}'s key": (key, name) for name, key in estate.keys.items()},
        "the screen's own token": (estate.screens[OWN]["accessToken"], "screen"),
        "the low screen's own token": (estate.screens[LOW]["accessToken"], "low screen"),
    }
    denied = "trigger:error PERMISSION_DENIED"
    for by, (token, name) in sockets.items():
        limited, is_screen, rank = "limited" in name, name.split()[-1] == "screen", RANKS.get(name.split()[-1], 0)
        for far in (NEAR, FAR):
            for members in (
                {"screenId": far},
                {"target": f"screen:{far}"},
                {"target": f"group:line-{far[2:].lower()}"},
            ):
                sent = {"type": "trigger", **_scan(**members)}
                if is_screen or rank < RANKS["operator"] or (limited and far == FAR):
                    yield refused(f"a trigger for {members} by {by}", says(token, sent), denied)
        address = {"type": "trigger", **_scan(screenId=NEAR, orderId=None, url="http://docs.example/a.pdf")}
        of_key = "key" in by and rank >= RANKS["operator"]
        if not (of_key or rank >= RANKS["supervisor"]):
            yield refused(f"an address by {by}", says(token, address), denied)
        if is_screen:
            for topics in (["presence"], ["screen:*"], [f"screen:{FAR}"], [f"screen:{OWN}"], ["group:line-near"]):
                subscribes = {"type": "subscribe", "topics": topics}
                yield refused(f"a subscription to {topics} by {by}", says(token, subscribes), "error PERMISSION_DENIED")
        for other, (others, _) in sockets.items():
            if others != token and other.split("'")[0] != by.split("'")[0]:
                renewed = {"type": "auth", "token": others}
                yield refused(f"{other} in a session of {by}", says(token, renewed), "error TOKEN_INVALID")


def _scan(**members: Any) -> dict[str, Any]:
    body = {**new_trigger("ORD-1001", None), "id": str(uuid.uuid4()), **members}
    return {name: value for name, value in body.items() if value is not None}
