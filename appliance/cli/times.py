"""Times as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import typer

_AGO = re.compile(r"(\d{1,6})\s*([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MILLISECONDS = re.compile(r"\d{10,16}\Z")
_A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def milliseconds(text: str | None, option: str, *, end_of_day: bool = False) -> int | None:
    """A time in ms since 1970: `2h`, `30m` or `1d` ago, an ISO date or date and time (this computer's time zone unless
    it names one), or ms already. A date alone is its beginning, or its last moment. Raises a usage error."""
    if text is None:
        return None
    text = text.strip()
    if _MILLISECONDS.match(text):
        return int(text)
    now = datetime.now().astimezone()
    try:
        if ago := _AGO.match(text):
            moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            moment = datetime.fromisoformat(text)
            if _A_DAY.match(text) and end_of_day:
                moment += timedelta(days=1, milliseconds=-1)
        found = round(moment.astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        found = -1
    if found < 0:
        raise typer.BadParameter(
            f"{text!r} is no time: say 2h, 30m or 1d (ago), 2026-05-31, 2026-05-31T14:00, or milliseconds",
            param_hint=option,
        )
    return found
