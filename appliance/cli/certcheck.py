"""What `vooster doctor` says of TLS: whether it is on, until when its certificate is good, and for which addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from appliance.adapters.addresses import lan_addresses
from appliance.adapters.certificates import authority, files
from appliance.cli.findings import Finding, not_ok, ok
from appliance.core import certificates as rules
from appliance.errors import Problem
from appliance.paths import DataDir
from appliance.settings import Settings


def certificate(data: DataDir, chosen: Settings, running: dict[str, Any] | None) -> Finding:
    """`running` is what the appliance that runs says of it, None where none does: then the files are looked at."""
    if running is not None and "mode" in running:
        if running["mode"] == "off":
            return _off()
        ends = datetime.fromtimestamp(int(running["until"]) / 1000, UTC)
        return _said(str(running["mode"]), ends, list(running["missing"]), running.get("detail"), chosen)
    if chosen.tls.mode == "off":
        return _off()
    try:
        found = files.check(chosen.tls, datetime.now(UTC)) if chosen.tls.mode == "files" else _kept(data)
    except Problem as problem:
        return Finding("tls", "problem", problem.messages(), problem.actions())
    if found is None:
        return ok(
            "tls",
            "켜져 있습니다(auto). 인증서는 처음 실행할 때 만듭니다.",
            "On (auto); the certificate is made at the first start.",
        )
    stated = authority.names_of(found)
    missing = sorted(name for name in rules.clean(_expected(chosen)) if not rules.covers(stated, name))
    if chosen.tls.mode == "auto":
        missing = []  # the next start makes one with every address
    return _said(chosen.tls.mode, found.not_valid_after_utc, missing, None, chosen)


def _kept(data: DataDir) -> x509.Certificate | None:
    authority.load(data.authority)
    kept = authority.load(data.server_certificate)
    return kept.certificate if kept is not None else None


def _expected(chosen: Settings) -> list[str]:
    server = chosen.server
    if server.public_url:
        return [urlsplit(server.public_url).hostname or ""]
    return lan_addresses()[:1] if server.host in {"", "0.0.0.0", "::"} else [server.host]  # noqa: S104 - compared


def _off() -> Finding:
    return ok(
        "tls",
        '꺼져 있습니다. 비밀번호와 제작의뢰서가 암호화되지 않고 오갑니다. 켜려면 설정에: [tls] mode = "auto"',
        'Off: passwords and work orders cross the network unencrypted. To turn it on, set [tls] mode = "auto".',
    )


def _said(mode: str, ends: datetime, missing: list[str], detail: object, chosen: Settings) -> Finding:
    on = (f"켜져 있습니다({mode}). 인증서: {ends:%Y-%m-%d}까지", f"On ({mode}); certificate good until {ends:%Y-%m-%d}")
    if detail:
        return not_ok(
            "tls", "attention", f"{on[0]}. 문제: {detail}", f"{on[1]}. Trouble: {detail}",
            "위의 내용을 고쳐 주세요. 고치면 다시 시작하지 않아도 됩니다.",
            "Put right what is named there. No restart is needed for certificate files.",
        )  # fmt: skip
    if mode == "files" and files.is_open_to_others(chosen.tls):
        return not_ok(
            "tls", "attention", f"{on[0]}. 열쇠 파일을 다른 사용자도 읽을 수 있습니다: {chosen.tls.key_file}",
            f"{on[1]}. Other users can read the key: {chosen.tls.key_file}",
            f"chmod 600 {chosen.tls.key_file}", f"chmod 600 {chosen.tls.key_file}",
        )  # fmt: skip
    if ends - datetime.now(UTC) < (rules.SERVER_RENEWED if mode == "files" else rules.ENDS_SOON):
        return not_ok(
            "tls", "attention", f"{on[0]}. 곧 끝납니다.", f"{on[1]}. That is soon.",
            "새 인증서로 바꿔 주세요." if mode == "files" else "Vooster를 실행하면 새로 만듭니다: vooster serve",
            "Replace it by a new one." if mode == "files" else "Run Vooster; it makes a new one: vooster serve",
        )  # fmt: skip
    if missing:
        names = ", ".join(missing)
        return not_ok(
            "tls", "attention", f"{on[0]}. 인증서에 없는 주소: {names}", f"{on[1]}. It isn't for {names}.",
            "이 주소가 든 인증서로 바꾸거나, 인증서의 이름을 server.public_url에 적어 주세요.",
            "Browsers warn at that address. Use a certificate for it, or put the certificate's name into "
            "server.public_url.",
        )  # fmt: skip
    return ok("tls", f"{on[0]}.", f"{on[1]}.")
