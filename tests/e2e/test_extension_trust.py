"""Whom the extension trusts: an impostor on the network gets neither IT's secret nor a click meant for another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from tests.e2e.floor import until
from tests.e2e.impostor import Impostor
from tests.e2e.plant import SCREEN, Plant, hand_over, paired
from tests.e2e.policies import Policies
from tests.e2e.workplace import EXTENSION, ID, Workplace, settled

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built"),
]

_TOKEN = "x" * 43
_COMMANDS = """new Promise((resolve) => {
  const port = chrome.runtime.connect({ name: "view" });
  port.onMessage.addListener(() => resolve("heard"));
  port.postMessage({ do: "unpair" });
  setTimeout(() => resolve("not heard"), 1000);
})"""


def asks(page: Page, **detail: str) -> None:
    """What a page of anybody's may do once it is open."""
    page.evaluate(
        "(detail) => document.dispatchEvent(new CustomEvent('vooster:handoff', { detail }))", json.dumps(detail)
    )


def offered(pc: Workplace, plant: Plant) -> dict[str, Any]:
    hand_over(pc, plant, {"screenId": SCREEN, "token": plant.offer()["token"]})
    phase: dict[str, Any] = pc.becomes("offered")["phase"]
    return phase


@pytest.mark.parametrize("named", ["identity", "identity and address", "nobody"])
def test_the_secret_of_a_policy_goes_to_no_impostor(
    player: Playwright, tmp_path: Path, plant: Plant, impostor: Impostor, named: str
) -> None:
    secret = "s" * 43
    policy = {"screenId": SCREEN, "deviceSecret": secret}
    if "identity" in named:
        policy["instanceId"] = plant.get("/.well-known/vooster", plant.key)["instanceId"]
    if "address" in named:
        policy["address"] = impostor.base
    policies = Policies(tmp_path)
    policies.set(policy)
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium)
    pc.start()
    try:
        pc.worker.evaluate("chrome.storage.managed.get(null)")  # Chrome takes its time, and the worker was first to ask
        until(lambda: pc.view["phase"] == {"kind": "looking", "nothing": True})
        page = pc.context.new_page()
        page.goto(f"{impostor.base}/pair")
        before = impostor.looked
        asks(page)
        until(lambda: impostor.looked > before)
        if named == "nobody":
            pc.becomes("found")
            pc.tell(do="connect")
            until(lambda: any("/api/pairing/device" in one for one in impostor.got))
        else:
            settled(lambda: pc.view["phase"]["kind"] == "looking")
            pc.tell(do="type", address=impostor.base)
            until(lambda: (pc.view["problem"] or {}).get("code") == "HOST_NOT_ALLOWED")
            assert impostor.got == []
        assert not any(secret in one for one in impostor.got)
    finally:
        pc.stop()


def test_a_click_binds_to_what_stood_there_and_to_nothing_else(pc: Workplace, plant: Plant, impostor: Impostor) -> None:
    phase = offered(pc, plant)
    page = pc.context.new_page()
    page.goto(f"{impostor.base}/pair")
    looked = impostor.looked
    asks(page, screenId=SCREEN, token=_TOKEN)
    asks(page)
    until(lambda: impostor.looked >= looked + 2)
    settled(lambda: pc.view["phase"] == phase)
    for stale in (
        {"offer": phase["offer"] + 1},
        {"base": impostor.base},
        {"screenId": "S-2"},
        {"instanceId": "i" * 32},
    ):
        pc.tell(do="accept", **stale)
        until(lambda: (pc.view["problem"] or {}).get("code") == "CONFIRM_MISMATCH")
        assert pc.view["phase"] == phase
        pc.tell(do="lang", lang="ko")
        until(lambda: pc.view["problem"] is None)
    assert not plant.screen()["paired"]
    pc.tell(do="accept")
    pc.connected()
    assert impostor.got == []


def test_a_connection_is_made_to_the_plant_that_stood_there(pc: Workplace, plant: Plant, impostor: Impostor) -> None:
    hand_over(pc, plant, {})
    shown = pc.becomes("found")["phase"]["appliance"]
    page = pc.context.new_page()
    page.goto(f"{impostor.base}/pair")
    asks(page)
    until(lambda: pc.view["phase"]["appliance"]["base"] == impostor.base)
    pc.tell(do="connect", base=shown["base"], instanceId=shown["instanceId"])
    until(lambda: (pc.view["problem"] or {}).get("code") == "CONFIRM_MISMATCH")
    assert pc.view["phase"]["kind"] == "found"
    assert impostor.got == []


def test_a_page_opens_one_question_and_is_not_heard_for_a_while_once_it_was_declined(
    pc: Workplace, plant: Plant, impostor: Impostor
) -> None:
    paired(pc, plant)
    page = pc.context.new_page()
    page.goto(f"{impostor.base}/pair")
    asks(page, screenId="../escape", token=_TOKEN)
    asks(page, screenId=SCREEN, token="short")
    for number in range(6):
        asks(page, screenId=f"S-{number}", token=_TOKEN)
    pc.becomes("offered")
    until(lambda: impostor.looked >= 6)
    settled(lambda: len([one for one in pc.windows if "popup.html" in pc.address_of(one)]) <= 1)
    assert impostor.looked == 6, "what can be no pairing isn't even asked about"
    pc.tell(do="decline")
    pc.becomes("paired")
    asks(page, screenId="S-9", token=_TOKEN)
    settled(lambda: pc.view["phase"]["kind"] == "paired" and impostor.looked == 6)


def test_what_runs_beside_a_page_commands_nothing(pc: Workplace, plant: Plant) -> None:
    paired(pc, plant)
    page = pc.context.pages[0]
    session = pc.context.new_cdp_session(page)
    worlds: list[dict[str, Any]] = []
    session.on("Runtime.executionContextCreated", lambda event: worlds.append(event["context"]))
    session.send("Runtime.enable")
    page.goto(f"{plant.base}/pair")
    *_, ours = (world for world in worlds if world["origin"] == f"chrome-extension://{ID}")
    tried = {"expression": _COMMANDS, "contextId": ours["id"], "awaitPromise": True}
    assert session.send("Runtime.evaluate", tried)["result"]["value"] == "not heard"
    assert pc.view["phase"]["kind"] == "paired"
