"""What `vooster doctor` looks at. It changes nothing and is safe while an appliance runs."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from appliance import settings
from appliance.adapters.control import connector
from appliance.cli import lancheck
from appliance.cli.auditcheck import audit_record
from appliance.cli.certcheck import certificate
from appliance.cli.datacheck import data_file, disk, kept, read_only
from appliance.cli.findings import Finding, not_ok, ok
from appliance.cli.keycheck import own_keys
from appliance.errors import Problem
from appliance.errors.system import told
from appliance.paths import DataDir
from appliance.relay.clock import now_ms
from appliance.settings import Settings
from appliance.storage import aside
from appliance.storage.files import held_by, how_to_stop, is_held

_AHEAD_MS = 10 * 60_000
_BEFORE_US_MS = 1_735_689_600_000
"""The start of 2025: an earlier time is a clock that has stopped."""
_TIMEOUT = aiohttp.ClientTimeout(total=5)


async def look(data: DataDir) -> list[Finding]:
    """Every check, in the order in which they are to be put right."""
    found = list(_directory(data))
    health = await _health(data)
    found += data_file(data.database)
    found += own_keys(data)
    found += audit_record(data)
    found += kept(data.database)
    found.append(disk(data.root))
    chosen = _settings(data)
    if isinstance(chosen, Finding):
        found.append(chosen)
    else:
        found.append(ok("settings", "설정에 고칠 것이 없습니다.", "Nothing to correct in the settings."))
        if health is None:  # one that runs may have been told otherwise at its start, and says itself how it is
            found += [_orders(data, chosen), _port(chosen), await lancheck.resting(chosen)]
        else:
            found += await lancheck.running(data)
        found.append(certificate(data, chosen, (health or {}).get("checks", {}).get("tls")))
    found += _clock(data.database)
    found.append(ok("sqlite", f"SQLite {sqlite3.sqlite_version}", f"SQLite {sqlite3.sqlite_version}"))
    found.append(_appliance(health, data.lock))
    return found


# --- where the data is ------------------------------------------------------------------------------------------------


def _directory(data: DataDir) -> Iterator[Finding]:
    root = data.root
    try:
        if not root.is_dir():
            yield ok(
                "directory",
                f"{root}: 아직 없습니다. 처음 실행할 때 만듭니다.",
                f"{root}: not there yet; made at the first start.",
            )
            return
        usable = os.access(root, os.R_OK | os.W_OK | os.X_OK)
    except PermissionError:
        usable = False
    if not usable:
        yield not_ok(
            "directory", "problem",
            f"{root}: 지금 사용자로는 읽고 쓸 수 없습니다.", f"{root}: this user may not read and write it.",
            "Vooster를 실행하는 사용자로 다시 해 주세요.", "Run this again as the user that Vooster runs as.",
        )  # fmt: skip
        return
    if not is_held(data.lock):
        yield ok("directory", f"{root}: 아무도 쓰고 있지 않습니다.", f"{root}: nobody uses it now.")
    elif held_by(data.lock) == "command":
        yield ok("directory", f"{root}: 다른 명령이 쓰고 있습니다.", f"{root}: another command uses it.")
    else:
        yield ok("directory", f"{root}: Vooster가 쓰고 있습니다.", f"{root}: Vooster uses it.")


# --- what it is told to do --------------------------------------------------------------------------------------------


def _settings(data: DataDir) -> Settings | Finding:
    try:
        return settings.load(data.config_if_any, os.environ)
    except Problem as problem:
        message, action = problem.messages(), problem.actions()
        return Finding("settings", "problem", message, action)


def _orders(data: DataDir, chosen: Settings) -> Finding:
    given = chosen.orders.folder
    folder = Path(given).expanduser() if given else data.documents
    try:
        with os.scandir(folder) as entries:
            any(entries)
    except FileNotFoundError:
        if not given:
            ko, en = "아직 없습니다. 처음 실행할 때 만듭니다.", "not there yet; made at the first start."
            return ok("orders", f"{folder}: {ko}", f"{folder}: {en}")
        reason = ("없습니다.", "isn't there.")
    except OSError as error:
        why = told(error)
        reason = (f"읽을 수 없습니다({why['ko']}).", f"can't be read ({why['en']}).")
    else:
        return ok(
            "orders", f"제작의뢰서 폴더를 읽을 수 있습니다: {folder}", f"The work order folder can be read: {folder}"
        )
    return not_ok(
        "orders", "problem", f"제작의뢰서 폴더 {folder}: {reason[0]}", f"The work order folder {folder} {reason[1]}",
        "폴더나 네트워크 연결, 또는 설정의 orders.folder를 확인해 주세요.",
        "Check the folder, its network drive, or the setting orders.folder.",
    )  # fmt: skip


def _port(chosen: Settings) -> Finding:
    host, port = chosen.server.host, chosen.server.port
    if _can_listen(host, port):
        return ok("port", f"{port} 포트가 비어 있습니다.", f"Port {port} is free.")
    problem = Problem("PORT_IN_USE", values={"port": port, "command": f"vooster serve --port {port + 1}"})
    return Finding("port", "problem", problem.messages(), problem.actions())


def _can_listen(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trying:
        if sys.platform != "win32":
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((host, port))
            trying.listen(1)
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


# --- how it is --------------------------------------------------------------------------------------------------------


def _clock(path: Path) -> Iterator[Finding]:
    now = now_ms()
    if now < _BEFORE_US_MS:
        yield not_ok(
            "clock", "problem", "이 PC의 시계가 과거로 되어 있습니다.", "This PC's clock is years behind.",
            "날짜와 시간을 맞춰 주세요.", "Set its date and time.",
        )  # fmt: skip
        return
    newest = 0
    if aside.size_of(path):
        try:
            connection = read_only(path)
            try:
                newest = connection.execute(
                    "SELECT coalesce(max(accepted_at), 0) FROM "
                    "(SELECT accepted_at FROM triggers ORDER BY pk DESC LIMIT 50)"
                ).fetchone()[0]
            finally:
                connection.close()
        except sqlite3.Error:
            return  # what is wrong with the file has been told
    if newest > now + _AHEAD_MS:
        ahead = (newest - now) // 60_000
        yield not_ok(
            "clock", "attention", f"마지막 스캔이 지금보다 {ahead}분 앞선 시각으로 저장되어 있습니다.",
            f"The newest scan was stored {ahead} minutes ahead of now.",
            "이 PC의 날짜와 시간이 맞는지 확인해 주세요.", "Check this PC's date and time.",
        )  # fmt: skip
    else:
        yield ok("clock", "시계가 저장된 기록과 맞습니다.", "The clock agrees with what is stored.")


def _appliance(health: dict[str, Any] | None, lock: Path) -> Finding:
    if health is None:
        if is_held(lock):
            stop = how_to_stop(lock)
            return not_ok(
                "appliance", "attention", "데이터를 쓰고 있는 Vooster가 대답하지 않습니다.",
                "The Vooster that uses the data doesn't answer.",
                f"막 시작했으면 잠시 뒤 다시 해 주세요. 계속되면 멈춘 뒤 다시 시작해 주세요.\n{stop['ko']}",
                f"If it has only just started, try again shortly. If this goes on, stop it and start it again.\n"
                f"{stop['en']}",
            )  # fmt: skip
        return ok("appliance", "Vooster가 실행 중이 아닙니다.", "Vooster isn't running.")
    word = str(health.get("status"))
    if word == "ok":
        return ok("appliance", "Vooster가 실행 중이고 정상입니다.", "Vooster is running and well.")
    unwell = {name: check for name, check in health.get("checks", {}).items() if check.get("status") != "ok"}
    told = "; ".join(f"{name}: {check.get('detail') or check.get('status')}" for name, check in unwell.items())
    commands = [str(check["command"]) for check in unwell.values() if check.get("command")]
    return not_ok(
        "appliance", "problem" if word == "fail" else "attention",
        f"Vooster가 문제를 알리고 있습니다({word}): {told}", f"Vooster says it isn't well ({word}): {told}",
        "\n".join(["위의 항목을 확인해 주세요.", *commands]), "\n".join(["See to what is named there.", *commands]),
    )  # fmt: skip


async def _health(data: DataDir) -> dict[str, Any] | None:
    """What the running appliance says of itself by the control socket; None when nobody answers."""
    try:
        session = aiohttp.ClientSession(connector=connector(data), timeout=_TIMEOUT)
        async with session, session.get("http://localhost/api/health") as response:
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError, Problem):
        return None
    return answer if isinstance(answer, dict) and "status" in answer else None
