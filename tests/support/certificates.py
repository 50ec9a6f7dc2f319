"""Certificates as a plant's own IT would lay them down, and what a client needs to trust a house."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from appliance.settings import Tls


class Laid(NamedTuple):
    """Two files, and the digits that a client sees of the certificate."""

    cert_file: Path
    key_file: Path
    sha256: bytes

    @property
    def tls(self) -> Tls:
        return Tls(mode="files", cert_file=str(self.cert_file), key_file=str(self.key_file))

    @property
    def settings(self) -> dict[str, str]:
        return {"mode": "files", "cert_file": str(self.cert_file), "key_file": str(self.key_file)}


def lay(
    folder: Path,
    *,
    begins: float = -1,
    days: float = 90,
    names: tuple[str, ...] = ("127.0.0.1",),
    passphrase: bytes | None = None,
    rsa_bits: int | None = None,
) -> Laid:
    """A self-signed certificate, good from `begins` (days from now) for `days`, over whatever lay there before; with
    `rsa_bits` one of RSA."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
        rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plant it")])
    start = datetime.now(UTC) + timedelta(days=begins)
    stated: list[x509.GeneralName] = []
    for one in names:
        is_address = one.replace(".", "").isdigit()
        stated.append(x509.IPAddress(ipaddress.ip_address(one)) if is_address else x509.DNSName(one))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )
    if stated:
        builder = builder.add_extension(x509.SubjectAlternativeName(stated), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    hidden: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    folder.mkdir(exist_ok=True)
    laid = Laid(folder / "plant.crt", folder / "plant.key", certificate.fingerprint(hashes.SHA256()))
    laid.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden))
    laid.key_file.chmod(0o600)
    laid.cert_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return laid


def trusting(pem: str) -> ssl.SSLContext:
    """What a browser or program uses that trusts this one CA, as strictly as OpenSSL can be."""
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
