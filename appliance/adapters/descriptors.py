"""Open files: every screen is one, and the system's default leaves room for few of them."""

from __future__ import annotations

import sys
from typing import Final

import structlog

ENOUGH: Final = 12_000
"""Ten thousand screens, and whatever else is open."""
SPARE: Final = 200
"""What the appliance itself may have open: its data, its documents, people's browsers."""

_log = structlog.get_logger(__name__)


def raise_limit() -> int | None:
    """Lifts the process's limit as far as it may by itself; says so in the log where that is little.

    Returns the limit, None where there is none to speak of.
    """
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1 << 20)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            wanted = soft
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return None
    if soft < ENOUGH:
        _log.warning("descriptors.few", limit=soft, screens=max(0, soft - SPARE), remedy="LimitNOFILE=65536, ulimit -n")
    return soft


def room() -> int | None:
    """So many connections may be open beside what the appliance needs itself; None where nothing limits them."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - not on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else max(SPARE, soft - SPARE)
