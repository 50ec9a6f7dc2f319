"""The rules of pairing by a code on the monitor (RFC 8628): its alphabet, and what a code that waits answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from appliance.core.screens import Client, Display

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628's own: no vowels, so no words; no digits, so no look-alikes."""
HALF: Final = 4
LIFE_MS: Final = 600_000
INTERVAL_MS: Final = 2_000
SLOW_DOWN_MS: Final = 5_000
MAX_WRONG: Final = 5
"""Second halves that may be wrong before a code ends. There are 20⁴ = 160,000 of them, so a supervisor who doesn't see
the monitor guesses one in 5 of 160,000 tries right: 1 in 32,000 a code. He has to be signed in for it, and after
20 wrong ones he pauses for a minute: all day long that is 28,800 tries, spread over codes that end after 5 of them.
Device codes, offers' tokens, refresh tokens and device secrets are 256 random bits: 1,000 tries a second for a century
are 2⁴² of 2²⁵⁶. What limits them keeps the disk and the processor free, not the secret."""
COLLECT_MS: Final = 120_000
"""An approved pairing can be collected for at least this long, however late it was approved."""
_EARLY_MS: Final = 500  # how much a client's clock and the network may shorten an interval

PollAnswer = Literal["authorization_pending", "slow_down", "expired_token", "access_denied", "approved"]
State = Literal["pending", "approved", "denied", "ended"]


def new_code(choose: Callable[[Sequence[str]], str]) -> str:
    """Eight letters; `choose` picks one of a sequence and has to be unguessable."""
    return "".join(choose(ALPHABET) for _ in range(2 * HALF))


def shown(code: str) -> str:
    """`BCDF-GHJK`, the way a monitor shows it."""
    return f"{code[:HALF]}-{code[HALF:]}"


def normalise(typed: str) -> str | None:
    """A code, or a half of one, as somebody typed it: case, dashes, spaces and full-width letters are forgiven.

    None when it can't be one.
    """
    folded = unicodedata.normalize("NFKC", typed[:40]).upper()
    letters = "".join(char for char in folded if not (char.isspace() or unicodedata.category(char) == "Pd"))
    return letters if len(letters) in {HALF, 2 * HALF} and set(letters) <= set(ALPHABET) else None


@dataclass(slots=True)
class Waiting:
    """A monitor that shows a code and waits. Times are milliseconds since the epoch."""

    code: str
    client: Client
    displays: list[Display]
    address: str
    created_at: int
    expires_at: int
    state: State = "pending"
    screen_id: str = ""
    wrong: int = 0
    interval_ms: int = INTERVAL_MS
    asked_at: int = 0

    @property
    def prefix(self) -> str:
        return self.code[:HALF]

    def open(self, now: int) -> bool:
        """Whether a person can still decide on it."""
        return self.state == "pending" and now < self.expires_at

    def poll(self, now: int) -> PollAnswer:
        """What a poll is answered; one that comes too early slows the ones after it down."""
        if self.state == "denied":
            return "access_denied"
        if self.state == "ended" or now >= self.expires_at:
            return "expired_token"
        if self.state == "approved":
            return "approved"
        if now - self.asked_at < self.interval_ms - _EARLY_MS:
            self.interval_ms += SLOW_DOWN_MS
            return "slow_down"
        return "authorization_pending"

    def confirm(self, typed: str) -> bool:
        """Whether the second half was read off the monitor. The `MAX_WRONG`th wrong one ends the code."""
        if normalise(typed) == self.code[HALF:]:
            return True
        self.wrong += 1
        if self.wrong >= MAX_WRONG and self.state == "pending":
            self.state = "ended"
        return False

    def approve(self, screen_id: str, now: int) -> None:
        self.state = "approved"
        self.screen_id = screen_id
        self.expires_at = max(self.expires_at, now + COLLECT_MS)
