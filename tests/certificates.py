"""Throw-away certificates for tests: a root, a centre on loopback, gateways."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.clock import SystemClock

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """One certificate and its key, as PEM and as files."""

    cert: bytes
    key: bytes

    def write(self, folder: Path, name: str, *, mode: int = 0o600) -> tuple[Path, Path]:
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        cert.write_bytes(self.cert)
        key.write_bytes(self.key)
        key.chmod(mode)
        return cert, key


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, name: str = "test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.fromtimestamp(SystemClock().wall_us() / 1e6, dt.UTC)
        self._cert = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self._cert.public_bytes(Encoding.PEM)

    def centre(self) -> Pair:
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return self._issue([loopback], ExtendedKeyUsageOID.SERVER_AUTH)

    def gateway(self, name: str, *, days: float = 20) -> Pair:
        uri = x509.UniformResourceIdentifier(f"spiffe://test.invalid/edge/{name}")
        return self._issue([uri], ExtendedKeyUsageOID.CLIENT_AUTH, days=days)

    def _issue(
        self, names: list[x509.GeneralName], usage: x509.ObjectIdentifier, *, days: float = 20
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.fromtimestamp(SystemClock().wall_us() / 1e6, dt.UTC)
        cert = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Pair(cert.public_bytes(Encoding.PEM), private)
