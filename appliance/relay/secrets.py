"""The appliance's own keys: made at the first start, kept in one file that only its owner can read.

Whoever has this file can sign in as anybody, so it is never logged, never exported, and never in a diagnostics file.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

import msgspec
import structlog

from appliance.errors import Problem, Texts
from appliance.relay.clock import now_ms

_log = structlog.get_logger(__name__)
_DAMAGED: Texts = {
    "ko": "열쇠가 든 파일이 손상되었습니다. 백업에서 되돌리거나 지워 주세요. 지우면 다음에 시작할 때 새로 만듭니다. "
    "로그인, 모니터 등록, API 키는 그대로이고, 감사 기록은 새로 봉인됩니다.",
    "en": "The file with the appliance's keys is damaged. Restore it from a backup, or delete it: new ones are made "
    "at the next start. People stay signed in, screens paired, API keys good; the audit record is sealed anew.",
}


class SigningKey(msgspec.Struct, frozen=True):
    """A key for access tokens; `kid` names it in a token's header. `made_at` is in ms, 0 where nobody has noted it."""

    kid: str
    key: bytes
    made_at: int = 0


class Secrets(msgspec.Struct, frozen=True):
    """Every key by use, each 32 random bytes. `jwt` holds the newest first: it signs, the others only verify."""

    jwt: list[SigningKey]
    documents: bytes
    cookies: bytes
    successors: bytes
    """Derives the successor of a refresh token or a device secret, so that a lost answer can be given again."""
    audit: bytes = b""
    """Seals the audit record."""
    audit_begun: bool = False
    """Whether the record has been sealed with it: from then on one that isn't was changed by somebody else."""


def _new() -> Secrets:
    return Secrets(
        jwt=[new_signing_key(now_ms())],
        documents=new_key(),
        cookies=new_key(),
        successors=new_key(),
        audit=new_key(),
    )


def new_key() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(32)


def new_signing_key(now: int) -> SigningKey:
    """A key for access tokens, made `now` (ms)."""
    return SigningKey(secrets.token_hex(4), new_key(), now)


def load(path: Path) -> Secrets:
    """The keys in `path`, made when there is no such file, completed when an earlier version has written it. Raises
    `SETTINGS_INVALID` for a file that is damaged, or that this user may not read.

    A file others could read is closed to them, with a warning: somebody may have seen the keys.
    """
    for unfinished in path.parent.glob(f".{path.name}.*"):  # by a crash while new keys were being written
        unfinished.unlink(missing_ok=True)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        made = _new()
        save(path, made)
        return made
    except OSError as error:
        raise _unreadable(path, error) from None
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
        _log.warning("secrets.readable_by_others", file=str(path), now="0600", command="vooster keys rotate")
    loaded = _decode(path, raw)
    if not loaded.audit:
        loaded = msgspec.structs.replace(loaded, audit=new_key())
        save(path, loaded)
    return loaded


def peek(path: Path) -> Secrets | None:
    """The keys in `path` as they are, for whoever only looks; None where there is no such file. Raises as `load`, and
    `OSError` where this user may not read it."""
    try:
        return _decode(path, path.read_bytes())
    except FileNotFoundError:
        return None


def _unreadable(path: Path, error: OSError) -> Problem:
    reason: Texts = {
        "ko": f"열쇠가 든 파일을 읽을 수 없습니다({error.strerror}). 이 파일의 주인을 Vooster를 실행하는 사용자로 바꿔 "
        "주세요.",
        "en": f"The file with the appliance's keys can't be read ({error.strerror}). Give it to the user that Vooster "
        "runs as.",
    }
    return Problem("SETTINGS_INVALID", reason["en"], values={"where": str(path), "reason": reason})


def _decode(path: Path, raw: bytes) -> Secrets:
    try:
        loaded = msgspec.json.decode(raw, type=Secrets)
        _check(loaded)
    except (msgspec.DecodeError, ValueError):
        raise Problem("SETTINGS_INVALID", _DAMAGED["en"], values={"where": path.name, "reason": _DAMAGED}) from None
    return loaded


def _check(loaded: Secrets) -> None:
    keys = [loaded.documents, loaded.cookies, loaded.successors, *(item.key for item in loaded.jwt)]
    if not loaded.jwt or any(len(key) < 32 for key in keys) or 0 < len(loaded.audit) < 32:
        raise ValueError("a key is missing or too short")


def save(path: Path, made: Secrets) -> None:
    """Writes beside the file, syncs, then renames: after a crash there is the whole new file, or what was before. It
    stays its owner's, whoever runs a command on it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        if os.name == "posix" and os.getuid() == 0:
            owner = (path if path.exists() else path.parent).stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(made), indent=2))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    if os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def new_token() -> str:
    """256 random bits, as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def encode(raw: bytes) -> str:
    """Bytes as URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
