"""Being found on the network: what is announced where, whether it is heard, and what a phone would open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from appliance.edge.server import json_response
from appliance.edge.urls import Urls
from appliance.errors import Texts
from appliance.relay import qr


def routes(
    *, facts: Callable[[], dict[str, Any] | None], listen: Callable[[], Awaitable[None]], urls: Urls
) -> list[web.RouteDef]:
    """`facts` are the announcer's own, None where it is turned off; `listen` finds out anew what is heard."""
    listening: asyncio.Task[None] | None = None

    async def answer(request: web.Request) -> web.Response:
        found = facts()
        url = urls.for_phone(request)
        svg = await asyncio.to_thread(qr.svg, url, quick=True)
        phone = {"url": url, "qr": {"svg": svg}}
        return json_response(
            {"enabled": found is not None, "messages": said(found), **(found or _NOTHING), "phone": phone}
        )

    async def listened(request: web.Request) -> web.Response:
        """Listens for three seconds; whoever asks meanwhile waits for the same."""
        nonlocal listening
        if listening is None or listening.done():
            listening = asyncio.ensure_future(_run(listen))
        await asyncio.shield(listening)
        return await answer(request)

    return [web.get("/api/discovery", answer), web.post("/api/discovery/listen", listened)]


_NOTHING: dict[str, Any] = {
    "host": None,
    "instance": None,
    "service": "_vooster._tcp.local",
    "port": None,
    "txt": {},
    "problem": None,
    "cards": [],
    "others": [],
    "listenedAt": None,
}


def said(facts: dict[str, Any] | None) -> Texts:
    """How it is, in a sentence."""
    if facts is None:
        return {
            "ko": "자동 찾기가 꺼져 있습니다. 자리 PC에는 주소를 알려 주어야 합니다.",
            "en": "Being found is turned off. Station PCs have to be given the address.",
        }
    if facts["problem"] is not None:
        words: Texts = facts["problem"]["messages"]
        return words
    host, cards = facts["host"], sum(card["announced"] for card in facts["cards"])
    if host is None:
        return {"ko": "네트워크에서 쓸 이름을 정하고 있습니다.", "en": "Choosing its name on the network."}
    on = "1 network card" if cards == 1 else f"{cards} network cards"
    return {
        "ko": f"네트워크 카드 {cards}개에서 {host}로 찾을 수 있습니다.",
        "en": f"It can be found as {host}, on {on}.",
    }


async def _run(listen: Callable[[], Awaitable[None]]) -> None:
    await listen()
