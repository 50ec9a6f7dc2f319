"""The doctor's look at the appliance's own keys: whether they are as old as the data they belong to. Read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from appliance.cli.datacheck import read_only
from appliance.cli.findings import Finding, not_ok, ok
from appliance.cli.lists import moment
from appliance.paths import DataDir
from appliance.relay.clock import now_ms
from appliance.storage import aside

_TOLD_MS = 7 * 86_400_000
"""How long new keys are told of: whoever looks only now and then is to see it, and nobody for ever."""


def own_keys(data: DataDir) -> Iterator[Finding]:
    """Nothing where there is no data file that has ever had keys; what is wrong with one has been told."""
    if not aside.size_of(data.database):
        return
    try:
        has_had_keys, made_at = _noted(data)
    except sqlite3.Error:
        return
    if not has_had_keys:
        return
    if not data.secrets.exists():
        yield _missing(data)
    elif made_at is None or made_at < now_ms() - _TOLD_MS:
        yield ok("keys", "Vooster의 열쇠가 데이터 파일과 맞습니다.", "The appliance's keys are as old as its data.")
    else:
        yield _new(moment(made_at))


def _missing(data: DataDir) -> Finding:
    return not_ok(
        "keys", "attention", f"{data.secrets}: 데이터 파일은 있는데 Vooster의 열쇠 파일이 없습니다.",
        f"{data.secrets}: there is a data file, but the file with the appliance's own keys is missing.",
        "백업이 있으면 시작하기 전에 되돌려 주세요. 없으면 다음에 시작할 때 열쇠를 새로 만듭니다. 로그인, 모니터 "
        "등록, API 키는 그대로입니다. 감사 기록은 새로 봉인되어, 그 전에 누가 고쳤는지는 더 알 수 없습니다.",
        "If there is a backup of it, put it back before the next start. Otherwise new keys are made then: people "
        "stay signed in, screens paired, API keys good. The audit record is sealed anew, so that earlier changes "
        "to it can't be found any more.",
    )  # fmt: skip


def _new(when: str) -> Finding:
    return not_ok(
        "keys", "attention", f"{when}에 Vooster의 열쇠를 새로 만들었습니다. 데이터 파일이 그보다 오래되었습니다.",
        f"At {when} the appliance's own keys were made anew, though the data file is older.",
        "열쇠 파일을 직접 지웠으면 할 일이 없습니다. 로그인, 모니터 등록, API 키는 그대로입니다. "
        "아니면 누가 지웠는지 찾고, 그 전의 감사 기록은 믿지 말아 주세요: vooster audit list",
        "If you deleted their file yourself, nothing is to be done: people stay signed in, screens paired, API keys "
        "good. If not, find out who did, and don't rely on the audit record before that: vooster audit list",
    )  # fmt: skip


def _noted(data: DataDir) -> tuple[bool, int | None]:
    """Whether the record was ever sealed, and when it last was with other keys than before, in ms."""
    connection = read_only(data.database)
    try:
        sealed, at = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'audit'), (SELECT max(at) FROM audit "
            "WHERE action = 'audit.seal' AND json_extract(detail, '$.reason') = 'new key')"
        ).fetchone()
    finally:
        connection.close()
    return bool(sealed), at if isinstance(at, int) else None
