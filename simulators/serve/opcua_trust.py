"""Who may talk to the simulated OPC UA server.  Shell: pki files.

Directory `pki`: `trusted/` (an empty one trusts nobody), `rejected/` for a person to look at.  A
client is known by the very bytes of its certificate.  asyncua asks its validator only where the
client sends a certificate with CreateSession; therefore the certificate of the channel is checked
again when the session is activated.
"""

from hashlib import sha256
from pathlib import Path

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

REJECTED_MAX = 100


class Trust(UserManager):
    """The client certificates in `trusted/`; the directory is read anew on each question."""

    def __init__(self, pki: Path) -> None:
        self._trusted = pki / "trusted"
        self._rejected = pki / "rejected"

    def knows(self, der: bytes | None) -> bool:
        """Return True for the bytes of a certificate that stands in `trusted/`."""
        if der is None or not self._trusted.is_dir():
            return False
        return any(_der(path) == der for path in sorted(self._trusted.iterdir()) if path.is_file())

    def keep(self, der: bytes) -> None:
        """Keep an unknown certificate for a person to look at."""
        self._rejected.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in self._rejected.iterdir()) < REJECTED_MAX:
            (self._rejected / f"{sha256(der).hexdigest()[:40]}.der").write_bytes(der)

    async def validate(
        self, certificate: x509.Certificate, client: ua.ApplicationDescription
    ) -> None:
        """Refuse an unknown certificate, and one that names another application.

        Raises:
            ServiceError: BadCertificateUntrusted or BadCertificateUriInvalid.
        """
        der = certificate.public_bytes(Encoding.DER)
        if not self.knows(der):
            self.keep(der)
            raise ua.uaerrors.BadCertificateUntrusted
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if client.ApplicationUri not in names.get_values_for_type(x509.UniformResourceIdentifier):
            raise ua.uaerrors.BadCertificateUriInvalid

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        """Return a user who may read, for a session on the channel of a known client; else None."""
        return User(role=UserRole.User) if self.knows(certificate) else None


def _der(path: Path) -> bytes:
    """Return the DER bytes of a certificate file; empty bytes where it holds none."""
    content = path.read_bytes()
    try:
        if path.suffix == ".pem":
            return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
        return x509.load_der_x509_certificate(content).public_bytes(Encoding.DER)
    except ValueError:
        return b""
