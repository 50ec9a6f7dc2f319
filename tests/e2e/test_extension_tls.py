"""The extension over TLS with the appliance's own CA: told where a PC doesn't trust it, at work where it does."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from tests.e2e.floor import until
from tests.e2e.plant import Plant
from tests.e2e.policies import Policies
from tests.e2e.workplace import EXTENSION, ID, Workplace

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not EXTENSION.joinpath("manifest.json").is_file(), reason="web/ is not built"),
]

TAKEN_UP_S = 60
SCREEN = "S-TLS"
UNTRUSTED = {
    "ko": ("이 PC가 서버의 인증서를 믿지 않습니다", "이 주소를 열어 설치하세요"),
    "en": ("This PC doesn't trust the server's certificate", "Open this address to install it"),
}


class SecurePlant(Plant):
    """Plain http has its CA's certificate, the page about that, and nothing else."""

    def open(self) -> None:
        self.settings["VOOSTER_TLS_MODE"] = "auto"
        super().open()
        self.plain = self.base
        with urllib.request.urlopen(f"{self.plain}/trust/vooster-ca.crt", timeout=20) as answer:
            self.ca: bytes = answer.read()
        self.trusting = ssl.create_default_context(cadata=self.ca)
        self.base = self.plain.replace("http:", "https:")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecurePlant]:
    secure = SecurePlant(tmp_path)
    try:
        secure.open()
        yield secure
    finally:
        secure.stop()


def provisioned(plant: Plant, folder: Path) -> dict[str, Any]:
    """What IT sets for the extension on the station's PC."""
    plant.vooster("screens", "provision", SCREEN, "--policy", str(folder), "--form", "json")
    values: dict[str, Any] = json.loads((folder / f"vooster-{SCREEN}.json").read_text())["3rdparty"]["extensions"][ID]
    return values | {"address": plant.base}


def untrusted_is_told(pc: Workplace, secure: SecurePlant) -> None:
    popup = pc.popup
    for lang, words in UNTRUSTED.items():
        pc.tell(do="lang", lang=lang)
        for said in (*words, f"{secure.plain}/trust"):
            expect(popup.locator("main")).to_contain_text(said)
    with pc.context.expect_page() as opened:
        popup.get_by_role("button", name="/trust").click()
    expect(opened.value.locator("h1")).to_be_visible()
    expect(opened.value.locator(".trust-print").first).to_be_visible()
    opened.value.close()
    popup.close()


def test_an_untrusted_certificate_is_told_and_once_it_is_trusted_the_pc_works_over_tls(
    player: Playwright, tmp_path: Path, secure: SecurePlant
) -> None:
    policies = Policies(tmp_path)
    values = provisioned(secure, tmp_path / "provisioned")
    policies.set(values)
    pc = Workplace(player, tmp_path / "profile", chromium=policies.chromium)
    pc.start()
    try:
        until(lambda: pc.view["untrusted"], TAKEN_UP_S)
        assert pc.view["phase"] == {"kind": "looking", "nothing": True}
        assert pc.view["tried"] == [secure.base]
        untrusted_is_told(pc, secure)
        # As an administrator has PCs trust it; Chromium takes it up while it runs.
        policies.set(values, CACertificates=[base64.b64encode(secure.ca).decode()])
        view = pc.connected(TAKEN_UP_S)
        assert view["appliance"]["base"] == secure.base
        assert view["link"]["wire"] == "websocket"
        answer = secure.scan("ORD-2", SCREEN)
        assert answer["result"] == "shown", answer
        assert pc.document_on(1).startswith(f"{secure.base}/documents/")
    finally:
        pc.stop()


def test_an_untrusted_certificate_is_told_at_the_address_that_a_person_types(
    pc: Workplace, secure: SecurePlant
) -> None:
    for address in (secure.base, secure.plain):
        pc.becomes("looking")
        popup = pc.popup
        field = popup.get_by_label("Vooster의 주소")
        field.fill(address)
        field.press("Enter")
        expect(popup.locator("main")).to_contain_text(UNTRUSTED["ko"][0])
        expect(popup.locator("main")).to_contain_text(f"{secure.plain}/trust")
        assert pc.view["problem"] is None
        popup.close()
        pc.tell(do="type", address="127.0.0.1:1")
        until(lambda: (pc.view["problem"] or {}).get("code") == "CONNECTION_REFUSED")
        assert pc.view["untrusted"] == []
