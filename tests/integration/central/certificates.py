"""A throw-away authority for tests of the gateway door."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from central.clock import SystemClock


@dataclass(frozen=True)
class Credentials:
    """PEM of a certificate and of its key."""

    cert: bytes
    key: bytes


class Authority:
    """A root that signs servers and gateways."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test root")])
        builder = self._builder(self._name, self._key.public_key(), 0, 30)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self._cert = builder.sign(self._key, hashes.SHA256())
        self.root = self._cert.public_bytes(serialization.Encoding.PEM)

    def server(self) -> Credentials:
        """Return credentials of a server on loopback."""
        return self._issue(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )

    def gateway(self, *uris: str, from_days: int = 0, to_days: int = 30) -> Credentials:
        """Return credentials whose URI SANs are these."""
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        return self._issue(names or [x509.DNSName("nobody")], from_days, to_days)

    def _issue(
        self, names: list[x509.GeneralName], from_days: int = 0, to_days: int = 30
    ) -> Credentials:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        builder = self._builder(subject, key.public_key(), from_days, to_days)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        cert = builder.sign(self._key, hashes.SHA256())
        return Credentials(
            cert.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, from_days: int, to_days: int
    ) -> x509.CertificateBuilder:
        now = datetime.fromtimestamp(SystemClock().wall_us() / 1e6, UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1) + timedelta(days=from_days))
            .not_valid_after(now + timedelta(days=to_days))
        )


@cache
def authority() -> Authority:
    """Return the one authority of this run."""
    return Authority()
