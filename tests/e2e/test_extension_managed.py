"""A PC that IT manages goes where its policy says: one that was a screen elsewhere, and one whose policy comes late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.floor import until
from tests.e2e.impostor import Impostor
from tests.e2e.plant import SCREEN, Plant, hand_over, paired
from tests.e2e.policies import Policies
from tests.e2e.workplace import EXTENSION, ID, Workplace, settled

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built"),
]

TAKEN_UP_S = 60
"""Chromium waits until the files of its policies have been quiet for a while."""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Plant]:
    """The appliance that IT wants the PC to belong to."""
    other = Plant(tmp_path / "other")
    try:
        other.open()
        yield other
    finally:
        other.stop()


def provisioned(plant: Plant, screen: str, folder: Path) -> Path:
    plant.vooster("screens", "provision", screen, "--policy", str(folder), "--form", "json")
    return folder / f"vooster-{screen}.json"


def held(file: Path) -> dict[str, str]:
    policy: dict[str, str] = json.loads(file.read_bytes())["3rdparty"]["extensions"][ID]
    return policy


def is_online(plant: Plant, screen: str) -> bool:
    return bool(plant.get(f"/api/screens/{screen}", plant.key)["online"])


@pytest.mark.parametrize("when", ["while it runs", "while it is off"])
def test_a_pc_that_it_moves_ends_being_the_old_screen_and_becomes_the_new_one(
    player: Playwright, tmp_path: Path, plant: Plant, other: Plant, when: str
) -> None:
    policies = Policies(tmp_path)
    policies.lay(provisioned(plant, "S-OLD", tmp_path / "old"))
    moved = provisioned(other, "S-NEW", tmp_path / "new")
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium)
    pc.start()
    try:
        assert pc.connected(TAKEN_UP_S)["place"]["screenId"] == "S-OLD"
        assert plant.scan("ORD-1", "S-OLD")["result"] == "shown"
        if when == "while it is off":
            pc.stop()
        policies.lay(moved)
        if when == "while it is off":
            pc.start()
        until(lambda: is_online(other, "S-NEW"), TAKEN_UP_S)
        view = pc.connected()
        assert view["place"]["screenId"] == "S-NEW"
        assert view["shown"] is None, "the old appliance's order doesn't stand on the new one's monitor"
        assert not is_online(plant, "S-OLD")
        assert plant.scan("ORD-2", "S-OLD", wait_ms=1_500)["result"] != "shown"
        assert other.scan("ORD-4", "S-NEW")["result"] == "shown"
        assert f":{other.port}/" in pc.document_on(1)
    finally:
        pc.stop()


@pytest.mark.parametrize("meanwhile", ["found", "asking"])
def test_a_policy_that_comes_late_ends_what_was_begun_with_another(
    player: Playwright, tmp_path: Path, plant: Plant, impostor: Impostor, meanwhile: str
) -> None:
    policies = Policies(tmp_path)
    named = provisioned(plant, "S-1", tmp_path / "provisioned")
    there = f"--host-resolver-rules=MAP vooster.local 127.0.0.1:{impostor.server_port}"
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium, arguments=(there,))
    pc.start()
    try:
        found = pc.becomes("found")["phase"]["appliance"]
        assert (found["base"], found["instanceId"]) == ("http://vooster.local:8480", "another-instance")
        if meanwhile == "asking":
            pc.tell(do="connect")
            until(lambda: any("/api/pairing/device" in one for one in impostor.got))
        policies.lay(named)
        until(lambda: is_online(plant, "S-1"), TAKEN_UP_S)
        assert pc.connected()["place"]["screenId"] == "S-1"
        asked = {one.split(" ", 1)[0] for one in impostor.got}
        assert asked <= {"/api/pairing/device"}, "no secret"
        assert (asked != set()) == (meanwhile == "asking")
    finally:
        pc.stop()


def test_a_policy_that_comes_late_moves_a_pc_that_was_paired_with_another(
    player: Playwright, tmp_path: Path, plant: Plant, other: Plant
) -> None:
    policies = Policies(tmp_path)
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium)
    pc.start()
    try:
        paired(pc, plant)
        policies.lay(provisioned(other, "S-NEW", tmp_path / "new"))
        until(lambda: is_online(other, "S-NEW"), TAKEN_UP_S)
        assert pc.connected()["place"]["screenId"] == "S-NEW"
        assert not is_online(plant, SCREEN)
        hand_over(pc, plant, {"screenId": SCREEN, "token": plant.offer()["token"]})
        settled(lambda: pc.view["phase"]["kind"] == "paired")
    finally:
        pc.stop()


def test_a_server_that_has_trouble_for_a_moment_costs_nobody_a_press(
    player: Playwright, tmp_path: Path, plant: Plant
) -> None:
    policies = Policies(tmp_path)
    named = held(provisioned(plant, "S-1", tmp_path / "provisioned")) | {"address": plant.base}
    plant.stop()
    troubled = Impostor(plant.port, named["instanceId"])
    policies.set(named)
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium)
    try:
        pc.start()
        until(lambda: troubled.got, TAKEN_UP_S)
        settled(lambda: pc.view["phase"]["kind"] == "looking")
        troubled.close()
        plant.start()
        until(lambda: is_online(plant, "S-1"), TAKEN_UP_S)
        said = [line["text"]["en"] for line in pc.connected()["log"]]
        assert [line for line in said if "by policy" in line] == [
            "Pairing by policy hasn't worked yet, and is tried again and again. A program error stopped this."
        ]
        assert {one.split(" ", 1)[0] for one in troubled.got} == {"/api/auth/device"}
    finally:
        pc.stop()
        troubled.server_close()
