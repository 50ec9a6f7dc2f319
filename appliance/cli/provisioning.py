"""Pairing many screens at once from the command line: whom a list names, and what becomes of their keys."""

from __future__ import annotations

import asyncio
import csv
import io
from itertools import islice
from pathlib import Path
from typing import Any

from appliance.cli.client import Client, connect
from appliance.cli.common import quiet_configuration
from appliance.cli.policyfiles import PolicyFiles
from appliance.cli.terminal import json_text
from appliance.errors import FieldError, Problem
from appliance.paths import DataDir

_BATCH = 500
"""As many screens as one call pairs."""
_AT_ONCE = 50


async def provision(data: DataDir, screen_ids: list[str], file: Path | None, policies: PolicyFiles | None) -> None:
    """Makes the screens that are missing and pairs all of them; their pairings go to `policies`, or to the output."""
    wanted: list[dict[str, Any]] = [{"screenId": screen_id} for screen_id in screen_ids]
    if file is not None:
        wanted += _rows(file)
    ids = list(dict.fromkeys(screen["screenId"] for screen in wanted))
    if policies is not None:
        policies.prepare(ids)
        # They are for PCs with the extension, which shows work orders beside the worker's own monitor.
        wanted = [{"displayIndex": 1, **screen} for screen in wanted]
    async with connect(data, quiet_configuration(data), create=True) as client:
        await _make(client, wanted)
        for start in range(0, len(ids), _BATCH):
            body = {"screenIds": ids[start : start + _BATCH]}
            # Kept at once: a key that was made and never told would leave its screen without one.
            for pairing in (await client.call("POST", "/api/pairing/provision", body))["items"]:
                if policies is not None:
                    policies.write(pairing)
                else:
                    print(json_text(pairing), flush=True)


async def _make(client: Client, wanted: list[dict[str, Any]]) -> None:
    known = {screen["screenId"] for screen in (await client.call("GET", "/api/screens"))["items"]}
    missing = {screen["screenId"]: screen for screen in reversed(wanted) if screen["screenId"] not in known}
    left = iter(reversed(missing.values()))
    while some := list(islice(left, _AT_ONCE)):  # so that they share commits
        await asyncio.gather(*(client.call("POST", "/api/screens", screen) for screen in some))


def _rows(file: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        reader = csv.DictReader(io.StringIO(_text(file), newline=""))
        for row in reader:
            screen_id = (row.get("screenId") or "").strip()
            if not screen_id:
                raise _unfit(file, f"line {reader.line_num} has no screenId")
            groups = [group.strip() for group in (row.get("groups") or "").split(";") if group.strip()]
            rows.append({"screenId": screen_id, "name": (row.get("name") or "").strip() or None, "groups": groups})
    except csv.Error as error:
        raise _unfit(file, str(error)) from None
    if not rows:
        raise _unfit(file, "it names no screen")
    return rows


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _unfit(file, f"it can't be read: {error.strerror}") from None
    for encoding in ("utf-8-sig", "cp949"):  # the latter is what a Korean spreadsheet saves
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unfit(file, "it is neither UTF-8 nor CP949 text; save it as CSV UTF-8")


def _unfit(file: Path, reason: str) -> Problem:
    return Problem("VALIDATION_ERROR", f"{file}: {reason}", errors=[FieldError("--csv", reason)])
