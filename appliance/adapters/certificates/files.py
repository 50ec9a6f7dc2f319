"""A plant's own certificate files (`tls.mode = "files"`): checked before use, and what is wrong said plainly."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.adapters.certificates.authority import span_of
from appliance.errors import Problem
from appliance.settings import Tls


def paths(tls: Tls) -> tuple[Path, Path]:
    """The certificate's file and the key's."""
    return Path(tls.cert_file).expanduser(), Path(tls.key_file).expanduser()


def check(tls: Tls, now: datetime) -> x509.Certificate:
    """The server's certificate. Raises `SETTINGS_INVALID` for files that no browser could be served with."""
    cert_file, key_file = paths(tls)
    raw_certificate, raw_key = _read("tls.cert_file", cert_file), _read("tls.key_file", key_file)
    try:
        certificate = x509.load_pem_x509_certificates(raw_certificate)[0]
    except (ValueError, IndexError):
        raise _bad(
            "tls.cert_file", cert_file,
            "PEM 형식의 인증서가 아닙니다. ‘-----BEGIN CERTIFICATE-----’로 시작하는 파일이어야 합니다.",
            "holds no certificate in PEM form; it has to begin with -----BEGIN CERTIFICATE-----.",
        ) from None  # fmt: skip
    try:
        key = load_pem_private_key(raw_key, None)
    except TypeError:
        raise _bad(
            "tls.key_file", key_file,
            "암호가 걸린 키입니다. 암호를 푼 키를 써 주세요.",
            "is a key with a passphrase; use one without.",
        ) from None  # fmt: skip
    except ValueError:
        raise _bad(
            "tls.key_file", key_file,
            "PEM 형식의 개인 키가 아닙니다.",
            "holds no private key in PEM form.",
        ) from None  # fmt: skip
    if key.public_key() != certificate.public_key():
        raise _bad(
            "tls.key_file", key_file,
            f"인증서({cert_file})와 짝이 맞는 키가 아닙니다.",
            f"is not the key of the certificate in {cert_file}.",
        )  # fmt: skip
    span = span_of(certificate)
    if now >= span.ends:
        raise _bad(
            "tls.cert_file", cert_file,
            f"{span.ends:%Y-%m-%d}에 만료된 인증서입니다. 새 인증서로 바꿔 주세요.",
            f"ended on {span.ends:%Y-%m-%d}; replace it by a new one.",
        )  # fmt: skip
    if now < span.begins:
        raise _bad(
            "tls.cert_file", cert_file,
            f"{span.begins:%Y-%m-%d}부터 쓸 수 있는 인증서입니다. 이 PC의 날짜를 확인해 주세요.",
            f"is good only from {span.begins:%Y-%m-%d} on; check this PC's date.",
        )  # fmt: skip
    return certificate


def load(context: ssl.SSLContext, tls: Tls) -> None:
    """Takes the checked files into `context`. Raises `SETTINGS_INVALID` where OpenSSL refuses them."""
    cert_file, key_file = paths(tls)
    try:
        context.load_cert_chain(cert_file, key_file, password="")
    except (ssl.SSLError, OSError) as error:
        raise _bad(
            "tls.cert_file", cert_file,
            f"쓸 수 없는 인증서입니다({getattr(error, 'reason', None) or error}).",
            f"can't be used ({getattr(error, 'reason', None) or error}).",
        ) from None  # fmt: skip


def is_open_to_others(tls: Tls) -> bool:
    """Whether anybody but its owner and their group may read the key. A group is how a plant's own tools share it."""
    try:
        return os.name == "posix" and bool(stat.S_IMODE(paths(tls)[1].stat().st_mode) & 0o007)
    except OSError:
        return False


def state(tls: Tls) -> tuple[tuple[int, int, int] | None, ...]:
    """Changes whenever either file does."""
    found: list[tuple[int, int, int] | None] = []
    for path in paths(tls):
        try:
            known = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((known.st_mtime_ns, known.st_size, known.st_ino))
    return tuple(found)


def _read(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _bad(setting, path, "파일이 없습니다.", "isn't there.") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise _bad(setting, path, f"읽을 수 없습니다({why}).", f"can't be read ({why}).") from None


def _bad(setting: str, path: Path, ko: str, en: str) -> Problem:
    values = {"where": setting, "reason": {"ko": f"{path}: {ko}", "en": f"{path} {en}"}}
    return Problem("SETTINGS_INVALID", f"{setting}: {path} {en}", values=values)
