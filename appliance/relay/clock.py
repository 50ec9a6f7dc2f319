"""Wall time, for what people see and for the timestamp window. Waiting uses the event loop's monotonic clock."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000
