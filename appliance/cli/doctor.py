"""`vooster doctor`: what is well, what isn't and what to do about it; and what can be saved of a damaged data file."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from appliance.cli import auditcheck as audit
from appliance.cli.checkup import look
from appliance.cli.common import DataOption, JsonOption, as_json, directory, language, run, say
from appliance.cli.findings import Finding
from appliance.cli.terminal import Terminal
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.relay import secrets
from appliance.relay.clock import now_ms
from appliance.storage import aside
from appliance.storage.files import DirectoryLock
from appliance.storage.salvage import Count, Report, salvage

_STATES = {
    "ok": ("정상", "ok", "green"),
    "attention": ("주의", "attention", "yellow"),
    "problem": ("문제", "problem", "red"),
}
_NAMES = {
    "directory": ("데이터 폴더", "data directory"), "data": ("데이터 파일", "data file"), "log": ("기록 파일", "log"),
    "kept": ("보관된 파일", "kept aside"), "disk": ("디스크", "disk"), "settings": ("설정", "settings"),
    "orders": ("제작의뢰서", "work orders"), "port": ("포트", "port"), "clock": ("시계", "clock"),
    "sqlite": ("SQLite", "SQLite"), "appliance": ("실행 상태", "appliance"), "audit": ("감사 기록", "audit record"),
    "tls": ("암호화", "encryption"), "keys": ("열쇠", "keys"), "discovery": ("찾기", "finding"),
    "card": ("네트워크 카드", "network card"), "phone": ("휴대폰", "phone"), "others": ("다른 Vooster", "others"),
}  # fmt: skip
_TABLES = {
    "meta": ("이름과 상태", "identity"), "screens": ("모니터", "screens"), "users": ("사용자", "users"),
    "cookie_sessions": ("로그인", "sign-ins"), "api_keys": ("API 키", "API keys"), "grants": ("등록", "pairings"),
    "refresh_tokens": ("등록 토큰", "pairing tokens"), "device_secrets": ("모니터 비밀 키", "device secrets"),
    "pairing_offers": ("등록 코드", "pairing offers"), "triggers": ("스캔", "scans"),
    "deliveries": ("모니터별 전달", "deliveries"), "audit": ("감사 기록", "audit record"),
}  # fmt: skip


def doctor(
    salvage_file: Annotated[
        Path | None,
        typer.Option(
            "--salvage", metavar="FILE", help="Save what can be read of this damaged data file into a new one."
        ),
    ] = None,
    json: JsonOption = False,
    data_dir: DataOption = None,
) -> None:
    """Say what is well and what isn't, or save what can be read of a damaged data file."""
    data = directory(data_dir)
    if salvage_file is not None:
        report = run(_salvage(data, salvage_file.expanduser().absolute()))
        if json:
            as_json(_as_dict(report, data))
        else:
            _print_report(report, data)
        return
    findings = run(look(data))
    well = all(finding.state == "ok" for finding in findings)
    if json:
        as_json({"status": _worst(findings), "checks": findings})
    else:
        _print_findings(findings, well=well)
    if not well:
        raise typer.Exit(1)


def _worst(findings: list[Finding]) -> str:
    states = {finding.state for finding in findings}
    return next(state for state in ("problem", "attention", "ok") if state in states)


def _print_findings(findings: list[Finding], *, well: bool) -> None:
    """One line a check, never broken, so that what is to be typed can be copied."""
    korean = language() == "ko"
    which = 0 if korean else 1
    console = Terminal(soft_wrap=True)
    states = max(cell_len(words[which]) for words in _STATES.values())
    names = max(cell_len(words[which]) for words in _NAMES.values())
    for finding in findings:
        state, name = _STATES[finding.state], _NAMES[finding.name]
        line = Text(set_cell_size(state[which], states), style=state[2])
        line.append(
            f"  {set_cell_size(name[which], names)}  {finding.message['ko' if korean else 'en']}", style="default"
        )
        console.print(line)
        for todo in finding.action["ko" if korean else "en"].splitlines() if finding.action else ():
            console.print(Text(f"{'':{states + 2}}→ {todo}"))
    if well:
        console.print("모두 정상입니다." if korean else "Everything is well.")


async def _salvage(data: DataDir, file: Path) -> Report:
    data.make()
    lock = DirectoryLock(data.lock, "command")
    await lock.acquire()
    try:
        aside.settle(data.database)
        if not file.is_file():  # noqa: ASYNC240 - a command has nothing else to do
            raise typer.BadParameter(f"There is no file {file}.", param_hint="--salvage")
        return _read(file, data.database, secrets.load(data.secrets).audit)
    finally:
        lock.release()


def _read(file: Path, target: Path, seal_key: bytes) -> Report:
    """Salvages `file`. Raises `DATABASE_CORRUPT`, without anything else to type, when nothing of it can be read."""
    try:
        return salvage(file, target, actor=f"local:{_user()}", now=now_ms(), seal_key=seal_key)
    except Problem as problem:
        if problem.code == "DATABASE_CORRUPT":
            problem.values = {"file": str(file)}
        raise


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _print_report(report: Report, data: DataDir) -> None:
    korean = language() == "ko"
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("살린 것" if korean else "saved", justify="right")
    table.add_column("잃은 것" if korean else "lost", justify="right")
    for name, count in report.tables.items():
        if count.read or count.lost or not count.exact:
            table.add_row(_TABLES[name][0 if korean else 1], str(count.read), _lost(count, korean=korean))
    Terminal().print(table)
    if report.record.broken is not None:
        told = audit.said(report.record.broken)["ko" if korean else "en"]
        say(
            f"감사 기록: {told} 남은 기록을 새로 봉인하고 그 사실을 기록했습니다."
            if korean
            else f"The audit record: {told} What is left of it was sealed anew, and that is in it too."
        )
    if report.bare:
        say(
            f"스캔 {report.bare}건은 어느 모니터의 것인지 알 수 없게 되었습니다."
            if korean
            else f"Of {report.bare} scans nobody knows any more which screens they were for."
        )
    say(
        f"새 데이터 파일: {data.database}\n손상된 파일은 그대로 있습니다: {report.source}\n"
        "다음에 시작하면 아직 전달되지 않은 것은 전달 실패 목록(RESTORED)에 들어갑니다. 확인한 뒤 다시 보내 주세요.\n"
        "시작: vooster serve"
        if korean
        else f"The new data file: {data.database}\nThe damaged one is unchanged: {report.source}\n"
        "At the next start, what was not delivered yet goes to the dead letters (RESTORED): look, then send again.\n"
        "Start: vooster serve"
    )


def _lost(count: Count, *, korean: bool) -> str:
    if count.exact:
        return str(count.lost)
    if not count.lost:
        return "알 수 없음" if korean else "unknown"
    return f"{count.lost} 이상" if korean else f"at least {count.lost}"


def _as_dict(report: Report, data: DataDir) -> dict[str, Any]:
    return {
        "file": str(data.database),
        "source": str(report.source),
        "whole": report.whole,
        "scansWithoutDelivery": report.bare,
        "auditRecord": {"intact": report.record.broken is None, "broken": report.record.broken},
        "tables": {
            name: {"read": count.read, "lost": count.lost, "lostExactly": count.exact}
            for name, count in report.tables.items()
        },
    }
