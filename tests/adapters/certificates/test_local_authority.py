"""The local CA and what it signs: made, trusted, renewed by the clock and by the machine's addresses."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from structlog.testing import capture_logs

from appliance.adapters.certificates import Certificates, authority
from appliance.core import certificates as rules
from appliance.errors import Problem
from tests.adapters.certificates.conftest import Machine, pem, serial, shake_hands
from tests.support.certificates import trusting


def accepted(certificates: Certificates, name: str, trust: str | None = None) -> bytes:
    return shake_hands(certificates.context(), trusting(trust or pem(certificates.authority)), name)


async def test_who_trusts_the_authority_trusts_every_name_of_the_machine_and_no_other(machine: Machine) -> None:
    made = await machine.start()
    for name in machine.names:
        assert accepted(made, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        accepted(made, "192.168.0.8")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(made.context(), ssl.create_default_context(), "127.0.0.1")
    assert made.status()["ok"] and made.status()["missing"] == []


async def test_phones_take_it(machine: Machine) -> None:
    made = await machine.start()
    span = authority.span_of(made.server)
    assert (span.ends - span.begins).days <= 397
    assert span.begins <= datetime.fromtimestamp(machine.now / 1000 - 86_400, UTC), "a device's clock may be behind"
    usage = made.server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    limits = made.authority
    assert limits is not None
    basic = limits.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0


async def test_a_stolen_key_can_stand_for_nothing_beyond_the_plant(machine: Machine) -> None:
    made = await machine.start()
    stolen = authority.load(machine.data.authority)
    assert stolen is not None
    forged = authority.make_server(stolen, "x", frozenset({"bank.example"}), datetime.now(UTC))
    path = machine.data.root / "forged.pem"
    authority.save(path, forged, stolen.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(context, trusting(pem(made.authority)), "bank.example")


async def test_the_keys_are_their_owners_alone_and_never_told(machine: Machine) -> None:
    with capture_logs() as logged:
        made = await machine.start()
    for path in (machine.data.authority, machine.data.server_certificate):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secret = path.read_text().split("-----")[2].strip().splitlines()[1]
        assert secret not in str(logged) + str(made.status())
    assert stat.S_IMODE(machine.data.authority.parent.stat().st_mode) == 0o700


async def test_a_restart_changes_nothing(machine: Machine) -> None:
    before = await machine.start()
    after = await machine.start()
    assert (serial(after), after.fingerprint()) == (serial(before), before.fingerprint())


async def test_it_is_renewed_in_time_and_nobody_has_to_trust_anew(machine: Machine) -> None:
    made = await machine.start()
    trusted, first = pem(made.authority), serial(made)
    machine.later(365)
    await made.look()
    assert serial(made) == first
    machine.later(3)
    await made.look()
    assert serial(made) != first
    assert machine.now + 360 * 86_400_000 < made.status()["until"]
    assert pem(made.authority) == trusted


async def test_after_years_off_it_is_renewed_at_the_start(machine: Machine) -> None:
    first = serial(await machine.start())
    machine.later(900)
    made = await machine.start()
    assert serial(made) != first and made.status()["ok"]


async def test_the_authoritys_own_renewal_keeps_its_key_so_that_the_old_one_still_counts(machine: Machine) -> None:
    made = await machine.start()
    old = pem(made.authority)
    with patch("appliance.core.certificates.AUTHORITY_RENEWED", rules.AUTHORITY_LIFE * 2):
        await made.look()
    new = pem(made.authority)
    assert new != old
    made = await machine.start()
    assert accepted(made, "127.0.0.1", old) == accepted(made, "127.0.0.1", new)


async def test_a_new_address_is_in_the_next_connections_certificate(machine: Machine) -> None:
    made = await machine.start()
    first = serial(made)
    machine.names = ["localhost", "127.0.0.1"]  # the cable is pulled
    await made.look()
    assert serial(made) == first
    machine.names = ["localhost", "127.0.0.1", "10.9.0.4", "vooster-2.local"]
    assert made.status()["missing"] == ["10.9.0.4", "vooster-2.local"]
    await made.look()
    for name in machine.names:
        assert accepted(made, name)
    assert authority.names_of(made.server) == set(machine.names)


async def test_a_name_beyond_the_authoritys_limits_is_told_and_stops_nothing(machine: Machine) -> None:
    made = await machine.start()
    machine.names.append("orders.factory.example")
    await made.look()
    status = made.status()
    assert not status["ok"] and "orders.factory.example" in status["detail"]
    assert status["missing"] == ["orders.factory.example"]
    for path in (machine.data.authority, machine.data.server_certificate):
        path.unlink()
    again = await machine.start()
    assert again.status()["ok"], "a new authority is made for the names that there are"
    assert accepted(again, "orders.factory.example")


async def test_a_clock_that_was_ahead_or_stopped_leaves_nothing_broken(machine: Machine) -> None:
    real = machine.now
    machine.later(2000)
    made = await machine.start()
    machine.now = real
    await made.look()
    assert accepted(made, "127.0.0.1"), "made while the clock was ahead, so made again"
    first = serial(made)
    machine.now = 946_684_800_000  # 2000-01-01: the battery is empty
    await made.look()
    assert serial(made) == first


async def test_a_damaged_authority_stops_the_start_and_a_damaged_certificate_is_made_again(machine: Machine) -> None:
    made = await machine.start()
    machine.data.server_certificate.write_text("-----BEGIN NOTHING-----")
    again = await machine.start()
    assert serial(again) != serial(made)
    machine.data.authority.write_text(machine.data.authority.read_text()[:300])
    with pytest.raises(Problem) as problem:
        await machine.start()
    assert problem.value.code == "SETTINGS_INVALID"
    assert problem.value.values["where"] == "tls/authority.pem"
    assert "신뢰" in problem.value.actions()["ko"]


async def test_a_disk_that_refuses_keeps_the_old_one_and_says_so(machine: Machine, tmp_path: Path) -> None:
    made = await machine.start()
    first = serial(made)
    machine.later(380)
    with patch.object(authority, "save", side_effect=OSError(28, "No space left on device")):
        await made.look()
    assert serial(made) == first
    assert not made.status()["ok"] and "No space left" in made.status()["detail"]
    await made.look()
    assert serial(made) != first and made.status()["ok"]
