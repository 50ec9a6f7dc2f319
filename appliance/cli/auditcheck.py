"""The doctor's look at the audit record: whether every entry is as it was written, and none is missing. Read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from appliance.cli.datacheck import read_only
from appliance.cli.findings import Finding, not_ok, ok
from appliance.cli.lists import moment
from appliance.errors import Problem, Texts
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.storage import aside, chain
from appliance.storage.chain import Broken, Checked

_FIRST_SEALED = 4
"""The version of the data file from which on entries are sealed."""


def audit_record(data: DataDir) -> Iterator[Finding]:
    """Nothing where there is no data file to look at; what else is wrong with it has been told."""
    if not aside.size_of(data.database):
        return
    try:
        keys = secrets.peek(data.secrets)
    except (OSError, Problem) as error:
        yield not_ok(
            "audit", "attention", f"기록을 확인할 수 없습니다: {data.secrets} ({error})",
            f"The record can't be checked: {data.secrets} ({error})",
            "Vooster를 실행하는 사용자로 다시 하거나, 백업에서 이 파일을 되돌려 주세요.",
            "Run this again as the user that Vooster runs as, or restore this file from a backup.",
        )  # fmt: skip
        return
    try:
        connection = read_only(data.database)
        try:
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
            sealed = keys is not None and keys.audit and version >= _FIRST_SEALED
            found = chain.check_all(connection, keys.audit, begun=keys.audit_begun) if keys and sealed else None
        finally:
            connection.close()
    except sqlite3.Error:
        return
    if found is None or (keys is not None and not keys.audit_begun and found.broken is not None):
        yield ok("audit", "기록은 다음에 시작할 때 봉인됩니다.", "The record will be sealed at the next start.")
    else:
        yield _told(found, data)


def _told(found: Checked, data: DataDir) -> Finding:
    count = f"{found.head.entries:,}"
    if found.broken is None:
        entries = "entry" if found.head.entries == 1 else "entries"
        return ok("audit", f"기록이 온전합니다 ({count}건 확인)", f"The record is intact ({count} {entries} checked)")
    words = said(found.broken)
    return not_ok(
        "audit", "problem", words["ko"], words["en"],
        "데이터 파일을 고친 사람이 있는지 확인하고, 파일의 사본을 보관해 주세요. 남은 기록을 새로 봉인하려면 Vooster를 "
        f"멈춘 뒤: vooster doctor --salvage {data.database}",
        "Find out who has changed the data file, and keep a copy of it. To seal what is left of the record anew, stop "
        f"Vooster, then: vooster doctor --salvage {data.database}",
    )  # fmt: skip


def said(broken: Broken) -> Texts:
    """Which entry is the first that doesn't fit, and how."""
    number = f"{broken.number:,}"
    when = "" if broken.at is None else moment(broken.at)
    if broken.reason == "changed":
        return {
            "ko": f"{number}번 기록({when})이 쓰인 그대로가 아닙니다.",
            "en": f"Entry {number} ({when}) isn't as it was written.",
        }
    if broken.reason == "missing":
        return {
            "ko": f"{number}번 기록({when}) 앞에 있던 기록이 없어졌습니다.",
            "en": f"What came before entry {number} ({when}) is missing.",
        }
    return {
        "ko": f"{number}번부터 기록이 없어졌습니다. 마지막으로 남은 기록: {when or '없음'}",
        "en": f"From entry {number} on the record is missing. The last one left is of: {when or 'none'}",
    }
