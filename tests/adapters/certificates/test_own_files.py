"""A plant's own certificate files: what is wrong with them is said plainly, and newer ones need no restart."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.adapters.certificates import files
from appliance.errors import Problem
from appliance.settings import Tls
from tests.adapters.certificates.conftest import Machine, serial
from tests.support.certificates import lay


async def refused(machine: Machine, tls: Tls) -> dict[str, str]:
    machine.tls = tls
    with pytest.raises(Problem) as problem:
        await machine.start()
    assert problem.value.code == "SETTINGS_INVALID"
    return {"where": str(problem.value.values["where"]), **problem.value.actions()}


@pytest.mark.parametrize(
    ("spoil", "where", "ko", "en"),
    [
        (lambda laid: laid.cert_file.unlink(), "tls.cert_file", "파일이 없습니다", "isn't there"),
        (lambda laid: laid.key_file.unlink(), "tls.key_file", "파일이 없습니다", "isn't there"),
        (
            lambda laid: (laid.cert_file.unlink(), laid.cert_file.mkdir()),
            "tls.cert_file",
            "읽을 수 없",
            "can't be read",
        ),
        (lambda laid: laid.cert_file.write_text("?"), "tls.cert_file", "PEM", "PEM"),
        (lambda laid: laid.key_file.write_text("?"), "tls.key_file", "개인 키가 아닙니다", "no private key"),
        (lambda laid: lay(laid.cert_file.parent, days=0.5), "tls.cert_file", "만료", "ended on"),
        (lambda laid: lay(laid.cert_file.parent, begins=3), "tls.cert_file", "부터", "from"),
        (lambda laid: lay(laid.cert_file.parent, passphrase=b"x"), "tls.key_file", "암호가 걸린", "passphrase"),
        (
            lambda laid: laid.key_file.write_bytes(lay(laid.cert_file.parent / "b").key_file.read_bytes()),
            "tls.key_file",
            "짝이 맞는",
            "is not the key",
        ),
        (lambda laid: lay(laid.cert_file.parent, rsa_bits=1024), "tls.cert_file", "너무 짧습니다", "too short"),
        (lambda laid: lay(laid.cert_file.parent, names=()), "tls.cert_file", "주소가 들어 있지", "names no address"),
    ],
)
async def test_files_that_will_not_do_are_named_with_the_reason(
    machine: Machine, tmp_path: Path, spoil: object, where: str, ko: str, en: str
) -> None:
    laid = lay(tmp_path / "pki")
    spoil(laid)  # type: ignore[operator]
    told = await refused(machine, laid.tls)
    assert told["where"] == where
    assert ko in told["ko"] and en in told["en"], told
    assert str(laid.cert_file if where == "tls.cert_file" else laid.key_file) in told["ko"]


def test_what_is_checked_is_what_would_be_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL has the last word, in the check as at the start, and what it says of short keys is said in words."""
    laid = lay(tmp_path / "pki", rsa_bits=1024)
    monkeypatch.setattr(files, "_RSA_BITS", 512)
    with pytest.raises(Problem) as refused:
        files.check(laid.tls, datetime.now(UTC))
    assert "너무 짧습니다" in refused.value.actions()["ko"]
    assert files.check(lay(tmp_path / "pki", rsa_bits=2048).tls, datetime.now(UTC))


async def test_newer_files_are_taken_and_worse_ones_are_not(machine: Machine, tmp_path: Path) -> None:
    laid = lay(tmp_path / "pki", days=60)
    machine.tls = laid.tls
    made = await machine.start()
    assert made.fingerprint() == laid.sha256 and made.authority is None
    newer = lay(tmp_path / "pki", days=200)
    await made.look()
    assert made.fingerprint() == newer.sha256
    first = serial(made)
    newer.cert_file.write_text("half a fi")
    with capture_logs() as logged:
        await made.look()
        await made.look()
    assert serial(made) == first
    assert not made.status()["ok"] and "PEM" in made.status()["detail"]
    assert len([entry for entry in logged if entry["event"] == "tls.not_renewed"]) == 1
    last = lay(tmp_path / "pki")
    await made.look()
    assert made.fingerprint() == last.sha256 and made.status()["ok"]


async def test_a_certificate_that_ends_soon_is_told(machine: Machine, tmp_path: Path) -> None:
    machine.tls = lay(tmp_path / "pki", days=30).tls
    made = await machine.start()
    assert made.status()["ok"]
    machine.later(20)
    assert "ends on" in made.status()["detail"]
    machine.later(20)
    assert "ended on" in made.status()["detail"]


@pytest.mark.skipif(os.name != "posix", reason="file modes")
async def test_a_key_that_others_can_read_is_warned_of(machine: Machine, tmp_path: Path) -> None:
    laid = lay(tmp_path / "pki")
    machine.tls = laid.tls
    laid.key_file.chmod(0o640)
    assert not files.is_open_to_others(machine.tls), "a group is how tools share it"
    laid.key_file.chmod(0o644)
    with capture_logs() as logged:
        await machine.start()
    (warning,) = [entry for entry in logged if entry["event"] == "tls.key_readable_by_others"]
    assert warning["file"] == str(laid.key_file)
