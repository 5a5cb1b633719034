"""A throw-away certificate authority and OPC UA application certificates.  Shell: writes key files.

Everything here ends after `DAYS` and exists in one folder only: never a model for a real plant.
Keys are written 0600.  A gateway has exactly one URI name, `spiffe://<trust domain>/edge/<id>`.
"""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 30
TRUST_DOMAIN = "yujing-demo"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """The root of one demo: its certificate, its key, the time it was made (µs since 1970 UTC)."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    now_us: int


def gateway_uri(gateway: str) -> str:
    """Return the one URI name of a gateway's certificate."""
    return f"spiffe://{TRUST_DOMAIN}/edge/{gateway}"


def make_authority(folder: Path, now_us: int) -> Authority:
    """Make the root and write `root.pem`; its key is kept in memory only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Yujing demo root, throw-away")
    builder = _builder(name, name, key, now_us)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    _write(folder / "root.pem", certificate.public_bytes(Encoding.PEM), private=False)
    return Authority(certificate, key, now_us)


def issue_server(authority: Authority, folder: Path) -> None:
    """Write `server.pem` and `server.key` for 127.0.0.1, ::1 and localhost."""
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    _issue(authority, folder, "server", names, [ExtendedKeyUsageOID.SERVER_AUTH])


def issue_gateway(authority: Authority, folder: Path, gateway: str) -> None:
    """Write `<gateway>.pem` and `<gateway>.key`: P-256, clientAuth, one URI name."""
    names = [x509.UniformResourceIdentifier(gateway_uri(gateway))]
    _issue(authority, folder, gateway, names, [ExtendedKeyUsageOID.CLIENT_AUTH])


def make_application(folder: Path, uri: str, title: str, now_us: int, *, server: bool) -> bytes:
    """Write `own/cert.pem`, `own/cert.der` and `own/key.pem`; return the DER of the certificate.

    Self-signed RSA-2048 as OPC UA Part 6, 6.2.2 asks: URI name, host names, four key usages.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name(title)
    names: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(uri),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(name, name, key, now_us)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(encrypts=True), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    for sub in ("own", "trusted", "issuers", "crl", "rejected"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    der = certificate.public_bytes(Encoding.DER)
    _write(folder / "own" / "cert.pem", certificate.public_bytes(Encoding.PEM), private=False)
    _write(folder / "own" / "cert.der", der, private=False)
    _write(folder / "own" / "key.pem", _key_pem(key), private=True)
    return der


def trust(folder: Path, der: bytes, name: str) -> None:
    """Put a peer's certificate into a trust folder."""
    (folder / "trusted").mkdir(parents=True, exist_ok=True)
    _write(folder / "trusted" / f"{name}.der", der, private=False)


def _issue(
    authority: Authority,
    folder: Path,
    file: str,
    names: Sequence[x509.GeneralName],
    purposes: Sequence[x509.ObjectIdentifier],
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(file), authority.certificate.subject, key, authority.now_us)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
        critical=False,
    )
    certificate = builder.sign(authority.key, hashes.SHA256())
    _write(folder / f"{file}.pem", certificate.public_bytes(Encoding.PEM), private=False)
    _write(folder / f"{file}.key", _key_pem(key), private=True)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, now_us: int
) -> x509.CertificateBuilder:
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "yujing-sim"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, signs_certificates: bool = False, encrypts: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=encrypts,
        key_encipherment=encrypts,
        data_encipherment=encrypts,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, *, private: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if private else 0o644
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
