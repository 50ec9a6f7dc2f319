"""What `vooster doctor` says of being found: what is announced where, whether it is heard, and what a phone opens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp

from appliance.adapters.control import connector
from appliance.adapters.mdns.cards import Wanted, look
from appliance.adapters.mdns.reasons import Reason
from appliance.adapters.mdns.segment import Segment
from appliance.cli.findings import Finding, not_ok, ok
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.settings import Settings

_TIMEOUT = aiohttp.ClientTimeout(total=15)
"""It listens for three seconds a try, and tries twice."""


async def running(data: DataDir) -> list[Finding]:
    """What the running appliance finds when it listens anew; nothing when it can't be asked."""
    try:
        session = aiohttp.ClientSession(connector=connector(data), timeout=_TIMEOUT)
        async with session, session.post("http://localhost/api/discovery/listen") as response:
            facts = await response.json(content_type=None)
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError, Problem):
        return []
    return list(_told(facts)) if isinstance(facts, dict) and "cards" in facts else []


async def resting(chosen: Settings) -> Finding:
    """What an appliance that doesn't run would find. Nothing is announced or asked."""
    if not chosen.discovery.enabled:
        return ok("discovery", "자동 찾기가 설정에서 꺼져 있습니다.", "Being found is turned off in the settings.")
    wanted = Wanted(frozenset(chosen.discovery.interfaces), chosen.server.host)
    cards, _ = await asyncio.to_thread(look, wanted)
    if not any(card.addresses for card in cards):
        return _because(Reason("THIS_PC_ONLY", detail=wanted.host) if cards else Reason("NO_CARD"))
    for card in cards:
        segment = Segment(card, lambda _segment, _told: None)
        reason = await segment.open()
        await segment.close()
        if reason is not None:
            return _because(reason)
    where = ", ".join(f"{card.name} ({', '.join(card.addresses)})" for card in cards if card.addresses)
    return ok("discovery", f"시작하면 네트워크에 알립니다: {where}", f"To be announced once it runs: {where}")


def _because(reason: Reason) -> Finding:
    if reason.chosen:
        return Finding("discovery", "ok", reason.messages())
    return Finding("discovery", "attention", reason.messages(), reason.actions())


def _told(facts: dict[str, Any]) -> Iterator[Finding]:
    problem = facts["problem"]
    if problem is None or problem["code"] == "THIS_PC_ONLY":
        yield Finding("discovery", "ok", facts["messages"])
    else:
        yield Finding("discovery", "attention", facts["messages"], problem["action"])
    for card in facts["cards"]:
        if card["problem"] is None or card["problem"] != problem:  # that is told already
            yield _card(card, facts)
    url = facts["phone"]["url"]
    if not facts["enabled"] or (problem is not None and problem["code"] == "THIS_PC_ONLY"):
        return
    if url.split("://")[-1].startswith(("127.", "localhost", "[::1]")):
        yield not_ok(
            "phone", "attention", f"QR의 주소를 휴대폰이 열 수 없습니다: {url}",
            f"A phone can't open the address in the QR: {url}",
            "이 PC를 공장 네트워크에 연결해 주세요.", "Connect this PC to the factory network.",
        )  # fmt: skip
    else:
        yield ok("phone", f"QR을 찍은 휴대폰은 {url} 을 엽니다.", f"A phone that scans the QR opens {url}")
    if facts["others"]:
        who = ", ".join(f"{other['host']} ({', '.join(other['addresses'])})" for other in facts["others"])
        yield ok(
            "others",
            f"네트워크에서 들린 다른 Vooster (확인되지 않음): {who}",
            f"Other appliances heard on the network (not verified): {who}",
        )


def _card(card: dict[str, Any], facts: dict[str, Any]) -> Finding:
    where = f"{card['name']} ({', '.join(card['addresses'])})" if card["addresses"] else str(card["name"])
    if card["problem"] is not None:
        return Finding("card", "attention", card["problem"]["messages"], card["problem"]["action"])
    if not card["announced"] or card["heard"] is None:
        return ok("card", f"{where}: 이름을 정하고 있습니다.", f"{where}: still settling on a name.")
    return ok(
        "card",
        f"{where}: {facts['host']}, “{facts['instance']}”. 자신의 알림이 들립니다.",
        f"{where}: {facts['host']}, “{facts['instance']}”; its own announcement is heard.",
    )
