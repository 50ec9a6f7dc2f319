"""An appliance as the extension's tests need it: orders of each kind, one station, and a producer."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from tests.e2e.floor import BLUE, GREEN, PASSWORD, RED, Floor, copied, html, pdf, png
from tests.e2e.workplace import Workplace

SCREEN = "SCREEN-001"


class Plant(Floor):
    """An appliance with orders, a station, and the key of a producer that may send pages too."""

    def open(self) -> None:
        for name, content in {
            "ORD-1.pdf": pdf(RED),
            "ORD-2.png": png(BLUE),
            "ORD-3.html": html(GREEN, "ORD-3").encode(),
            "ORD-4.pdf": pdf(BLUE),
            "ORD-5.png": png(GREEN),
            "ORD-6.html": html(BLUE, "ORD-6").encode(),
        }.items():
            copied(self.orders / name, content)
        self.settings |= {
            "VOOSTER_DOCUMENTS_ALLOWED_HOSTS": "127.0.0.1,localhost",
            "VOOSTER_DELIVERY_MAX_RETRIES": "1",
            "VOOSTER_DELIVERY_RETRY_BASE_MS": "50",
        }
        self.start()
        self.vooster("setup", "--username", "boss", "--password-stdin", stdin=PASSWORD)
        self.vooster("screens", "add", SCREEN, "--name", "절단 1")
        self.key = self.vooster("keys", "add", "--name", "producer", "--role", "supervisor")

    def offer(self, screen: str = SCREEN) -> dict[str, Any]:
        offer: dict[str, Any] = self.post("/api/pairing/offers", self.key, {"screenId": screen, "replace": True})
        return offer

    def scan(
        self, order: str | None = None, screen: str = SCREEN, *, wait_ms: int = 20_000, **more: Any
    ) -> dict[str, Any]:
        """A trigger and what became of it: `{"result", "deliveries"}`."""
        body = {"id": str(uuid.uuid4()), "timestamp": int(time.time() * 1000), "target": f"screen:{screen}", **more}
        if order:
            body["orderId"] = order
        answer: dict[str, Any] = self.post(f"/api/trigger?wait=shown&timeoutMs={wait_ms}", self.key, body)
        return answer

    def delivery(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The history of the one delivery of a trigger."""
        return next(
            one
            for one in self.get(f"/api/triggers/{answer['id']}", self.key)["deliveries"]
            if one["screenId"] == SCREEN
        )

    def screen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/api/screens/{SCREEN}", self.key)
        return found


def hand_over(pc: Workplace, plant: Plant, detail: dict[str, str]) -> None:
    """What the button of the appliance's `/pair` page does."""
    page = pc.context.pages[0]
    page.goto(f"{plant.base}/pair")
    page.evaluate(
        "(detail) => document.dispatchEvent(new CustomEvent('vooster:handoff', { detail }))", json.dumps(detail)
    )


def paired(pc: Workplace, plant: Plant) -> None:
    hand_over(pc, plant, {"screenId": SCREEN, "token": plant.offer()["token"]})
    pc.becomes("offered")
    pc.tell(do="accept")
    pc.connected()
