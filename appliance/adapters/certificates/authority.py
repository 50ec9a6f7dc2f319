"""The local CA: made at the first start, renewed with the same key, and what it signs.

Its key can make any PC that trusts it believe an address on the LAN, so it never leaves its file: not into a log, an
export or an answer. What it may vouch for is limited in the CA's certificate itself.
"""

from __future__ import annotations

import ipaddress
import os
import stat
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core import certificates as rules
from appliance.core.certificates import Span
from appliance.errors import Problem, Texts
from appliance.errors.system import told

_log = structlog.get_logger(__name__)
_DAMAGED: Texts = {
    "ko": "인증서와 열쇠가 든 파일이 손상되었습니다. 백업에서 되돌리거나 지워 주세요. 지우면 새로 만들고, "
    "모든 PC와 휴대폰이 새 인증서를 다시 신뢰해야 합니다.",
    "en": "The file with the local CA is damaged. Restore it from a backup, or delete it: a new one is made, and every "
    "PC and phone has to trust that one anew.",
}


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def span(self) -> Span:
        return span_of(self.certificate)

    @property
    def names(self) -> frozenset[str]:
        return names_of(self.certificate)


def span_of(certificate: x509.Certificate) -> Span:
    return Span(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The host names and addresses that it is good for."""
    try:
        stated = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = (str(address) for address in stated.get_values_for_type(x509.IPAddress))
    return frozenset({*(name.lower() for name in stated.get_values_for_type(x509.DNSName)), *addresses})


def load(path: Path) -> Pair | None:
    """The pair in `path`; None where there is no file. Raises `SETTINGS_INVALID` for one that is damaged.

    A file others could read is closed to them, with a warning.
    """
    try:
        raw = path.read_bytes()
        open_to_others = os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077
    except FileNotFoundError:
        return None
    except OSError as error:
        why = told(error)
        reason = {"ko": f"읽을 수 없습니다: {why['ko']}.", "en": f"It can't be read: {why['en']}."}
        raise Problem("SETTINGS_INVALID", f"{path}: {reason['en']}", values={"where": path, "reason": reason}) from None
    if open_to_others:
        path.chmod(0o600)
        _log.warning("tls.key_readable_by_others", file=str(path), now="0600")
    try:
        key, certificate = load_pem_private_key(raw, None), x509.load_pem_x509_certificate(raw)
    except (ValueError, TypeError):
        raise _damaged(path) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise _damaged(path)
    return Pair(certificate, key)


def _damaged(path: Path) -> Problem:
    return Problem("SETTINGS_INVALID", _DAMAGED["en"], values={"where": f"tls/{path.name}", "reason": _DAMAGED})


def save(path: Path, pair: Pair, *more: x509.Certificate) -> None:
    """Key and certificates in one file that only its owner reads: after a crash there is the whole of it or the one
    before. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    text = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    text += b"".join(one.public_bytes(Encoding.PEM) for one in (pair.certificate, *more))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def make_authority(owner: str, names: frozenset[str], now: datetime, before: Pair | None = None) -> Pair:
    """A CA called after `owner` (ASCII). With `before` it is that one's renewal: same key and name, so what trusts the
    old one goes on trusting what the new one signs. `names` outside of the usual limits are added to them."""
    begins = rules.issuing_time(now) - rules.BACKDATED
    networks, domains = list(rules.NETWORKS), list(rules.DOMAINS)
    kept = permitted(before.certificate) if before is not None else ([], [])
    networks += [network for network in kept[0] if network not in networks]
    domains += [domain for domain in kept[1] if domain not in domains]
    for name in sorted(names):
        if rules.is_permitted(name, networks, domains):
            continue
        if rules.address_of(name) is not None:
            networks.append(ipaddress.ip_network(name))
        else:
            domains.append(name)
    key = before.key if before is not None else ec.generate_private_key(ec.SECP256R1())
    subject = before.certificate.subject if before is not None else _called(f"Vooster Appliance CA {owner}")
    trees: list[x509.GeneralName] = [*map(x509.IPAddress, networks), *map(x509.DNSName, domains)]
    certificate = (
        _builder(subject, subject, key.public_key(), Span(begins, begins + rules.AUTHORITY_LIFE))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=trees, excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def permitted(authority: x509.Certificate) -> tuple[list[rules.Network], list[str]]:
    """The networks and domains that a CA of ours is limited to."""
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    networks = [tree.value for tree in limits if isinstance(tree, x509.IPAddress)]
    domains = [tree.value for tree in limits if isinstance(tree, x509.DNSName)]
    return [n for n in networks if isinstance(n, ipaddress.IPv4Network | ipaddress.IPv6Network)], domains


def make_server(authority: Pair, owner: str, names: frozenset[str], now: datetime) -> Pair:
    """A server certificate for `names`, with a key of its own, that never outlives the CA."""
    begins = rules.issuing_time(now) - rules.BACKDATED
    span = Span(begins, min(begins + rules.SERVER_LIFE, authority.span.ends))
    key = ec.generate_private_key(ec.SECP256R1())
    stated: list[x509.GeneralName] = []
    for name in sorted(names):
        address = rules.address_of(name)
        stated.append(x509.IPAddress(address) if address is not None else x509.DNSName(name))
    issuer = authority.certificate
    certificate = (
        _builder(_called(f"Vooster Appliance {owner}"), issuer.subject, key.public_key(), span)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(stated), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate, key)


def is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # whatever is wrong with it, it isn't this one's
        return False
    return True


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, span: Span
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(span.begins)
        .not_valid_after(span.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
