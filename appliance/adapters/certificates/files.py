"""A plant's own certificate files (`tls.mode = "files"`): checked before use, and what is wrong said plainly."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.adapters.certificates.authority import names_of, span_of
from appliance.adapters.certificates.contexts import new_context
from appliance.errors import Problem
from appliance.errors.system import told
from appliance.settings import Tls

_RSA_BITS: Final = 2048
"""What browsers ask for at least."""


def paths(tls: Tls) -> tuple[Path, Path]:
    """The certificate's file and the key's."""
    return Path(tls.cert_file).expanduser(), Path(tls.key_file).expanduser()


def check(tls: Tls, now: datetime) -> x509.Certificate:
    """The server's certificate. Raises `SETTINGS_INVALID` for files that no browser could be served with."""
    return take(tls, now)[0]


def take(tls: Tls, now: datetime) -> tuple[x509.Certificate, ssl.SSLContext]:
    """The server's certificate, and what serves it. Raises as `check`."""
    certificate = _examine(tls, now)
    context = new_context()
    _load(context, tls)
    return certificate, context


def _examine(tls: Tls, now: datetime) -> x509.Certificate:
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
    if isinstance(key, RSAPrivateKey) and key.key_size < _RSA_BITS:
        raise _too_short(cert_file)
    try:
        named = bool(names_of(certificate))
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):  # nothing that can be read
        named = False
    if not named:
        raise _bad(
            "tls.cert_file", cert_file,
            "주소가 들어 있지 않은 인증서라(subjectAltName) 브라우저가 받아들이지 않습니다. "
            "이 서버의 이름이나 IP 주소를 넣어 다시 발급받아 주세요.",
            "names no address (subjectAltName), so browsers refuse it; "
            "have it issued anew with this server's name or IP address.",
        )  # fmt: skip
    return certificate


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    """Takes the files into `context`. Raises `SETTINGS_INVALID` where OpenSSL refuses them."""
    cert_file, key_file = paths(tls)
    try:
        context.load_cert_chain(cert_file, key_file, password="")
    except (ssl.SSLError, OSError) as error:
        if "KEY_TOO_SMALL" in str(getattr(error, "reason", "")):  # that of one which it was issued with, too
            raise _too_short(cert_file) from None
        raise _bad(
            "tls.cert_file", cert_file,
            f"쓸 수 없는 인증서입니다({getattr(error, 'reason', None) or error}).",
            f"can't be used ({getattr(error, 'reason', None) or error}).",
        ) from None  # fmt: skip


def _too_short(cert_file: Path) -> Problem:
    return _bad(
        "tls.cert_file", cert_file,
        f"인증서의 열쇠가 너무 짧습니다. RSA {_RSA_BITS}비트 이상이나 EC 열쇠로 다시 발급받아 주세요.",
        f"has a key that is too short; have it issued anew with RSA of {_RSA_BITS} bits or more, or with an EC key.",
    )  # fmt: skip


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
        why = told(error)
        raise _bad(setting, path, f"읽을 수 없습니다({why['ko']}).", f"can't be read ({why['en']}).") from None


def _bad(setting: str, path: Path, ko: str, en: str) -> Problem:
    values = {"where": setting, "reason": {"ko": f"{path}: {ko}", "en": f"{path} {en}"}}
    return Problem("SETTINGS_INVALID", f"{setting}: {path} {en}", values=values)
