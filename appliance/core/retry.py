"""Whether and when to send again. Returns a decision, never sleeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_retries` after the first attempt; delays double from `base_ms`."""

    max_retries: int = 3
    base_ms: int = 1_000

    def delay_ms(self, attempt: int) -> int | None:
        """Milliseconds to wait after `attempt` (1 is the first) failed; None when the retries are used up."""
        if attempt > self.max_retries:
            return None
        return int(self.base_ms * 2 ** (attempt - 1))
