"""Trust: an empty directory trusts nobody, nobody is trusted on first use."""

import time
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from devices.opcua.certificate import strict
from devices.opcua.trust import REJECTED_MAX, check_server, first_certificate, load_own
from proto.errors import DeviceRefused
from tests.integration.devices.certificates import OURS, THEIRS, der, make, our_pki

NOW_US = time.time_ns() // 1000


@pytest.fixture
def server(tmp_path: Path) -> Path:
    return make(tmp_path / "server", THEIRS)


def refusal(pki: Path, certificate: bytes, uri: str = THEIRS) -> str:
    with pytest.raises(DeviceRefused) as refused:
        check_server(pki, certificate, uri, place="opc.tcp://x", judge=strict, now_us=NOW_US)
    assert (refused.value.code, refused.value.place) == (
        "device.certificate_refused",
        "opc.tcp://x",
    )
    return str(refused.value)


def test_an_approved_server_is_trusted(tmp_path: Path, server: Path) -> None:
    check_server(
        our_pki(tmp_path / "pki", server),
        der(server),
        THEIRS,
        place="x",
        judge=strict,
        now_us=NOW_US,
    )


def test_an_empty_trust_directory_trusts_nobody(tmp_path: Path, server: Path) -> None:
    pki = our_pki(tmp_path / "pki")
    assert "approve on site (unknown certificate)" in refusal(pki, der(server))
    (pki / "trusted").rmdir()
    refusal(pki, der(server))


def test_an_unknown_certificate_is_kept_for_a_person_and_refused_again(
    tmp_path: Path, server: Path
) -> None:
    pki = our_pki(tmp_path / "pki")
    text = refusal(pki, der(server))
    [kept] = list((pki / "rejected").iterdir())
    assert kept.stem in text
    assert kept.read_bytes() == der(server)
    refusal(pki, der(server))
    kept.rename(pki / "trusted" / kept.name)  # the person approves
    check_server(pki, der(server), THEIRS, place="x", judge=strict, now_us=NOW_US)


def test_another_key_under_the_same_name_is_refused(tmp_path: Path, server: Path) -> None:
    impostor = make(tmp_path / "impostor", THEIRS, number=2)
    assert "unknown certificate" in refusal(our_pki(tmp_path / "pki", server), der(impostor))


def test_a_renewed_certificate_of_the_approved_key_is_the_same_server(
    tmp_path: Path, server: Path
) -> None:
    renewed = make(tmp_path / "renewed", THEIRS, serial=2)
    check_server(
        our_pki(tmp_path / "pki", server),
        der(renewed),
        THEIRS,
        place="x",
        judge=strict,
        now_us=NOW_US,
    )


def test_the_approved_key_under_another_uri_is_refused(tmp_path: Path, server: Path) -> None:
    pki = our_pki(tmp_path / "pki", server)
    other = make(tmp_path / "other", "urn:other")
    assert "unknown certificate" in refusal(pki, der(other), "urn:other")
    assert "calls itself urn:liar" in refusal(pki, der(server), "urn:liar")


def test_a_certificate_for_clients_only_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "server", THEIRS, usage=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    assert "not for a server" in refusal(our_pki(tmp_path / "pki", path), der(path))


def test_a_weak_key_is_refused_even_when_approved(tmp_path: Path) -> None:
    path = make(tmp_path / "server", THEIRS, bits=1024)
    assert "RSA key of 1024 bits" in refusal(our_pki(tmp_path / "pki", path), der(path))


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x82\xff\xff"])
def test_bytes_that_are_no_certificate_are_refused(tmp_path: Path, junk: bytes) -> None:
    assert "no X.509 certificate" in refusal(our_pki(tmp_path / "pki"), junk)


def test_the_first_of_a_chain_is_judged(tmp_path: Path, server: Path) -> None:
    other = make(tmp_path / "other", OURS, number=2)
    chain = der(server) + der(other)
    assert first_certificate(chain) == der(server)
    check_server(
        our_pki(tmp_path / "pki", server), chain, THEIRS, place="x", judge=strict, now_us=NOW_US
    )


def test_files_that_hold_no_certificate_are_passed_over(tmp_path: Path, server: Path) -> None:
    pki = our_pki(tmp_path / "pki", server)
    (pki / "trusted" / "notes.txt").write_text("not a certificate")
    (pki / "trusted" / "big.der").write_bytes(b"\0" * 100_000)
    check_server(pki, der(server), THEIRS, place="x", judge=strict, now_us=NOW_US)


def test_the_rejected_directory_is_bounded(tmp_path: Path, server: Path) -> None:
    pki = our_pki(tmp_path / "pki")
    (pki / "rejected").mkdir()
    for at in range(REJECTED_MAX):
        (pki / "rejected" / f"{at}.der").write_bytes(b"")
    refusal(pki, der(server))
    assert len(list((pki / "rejected").iterdir())) == REJECTED_MAX


def test_our_own_certificate_names_our_application(tmp_path: Path) -> None:
    assert load_own(our_pki(tmp_path / "pki")).application_uri == OURS


def test_a_missing_or_broken_certificate_of_ours_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DeviceRefused) as missing:
        load_own(tmp_path)
    assert str(missing.value) == (
        f"{tmp_path / 'own' / 'cert.pem'}: device.certificate_own no such file"
    )
    pki = our_pki(tmp_path / "pki")
    (pki / "own" / "cert.pem").write_text("junk")
    with pytest.raises(DeviceRefused, match=r"no X\.509 certificate"):
        load_own(pki)
    make(pki / "own", OURS, bits=1024)
    with pytest.raises(DeviceRefused, match="1024 bits"):
        load_own(pki)
