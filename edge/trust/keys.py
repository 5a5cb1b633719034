"""The gateway's credentials: present, ours alone, matching.  Shell: reads certificate files.

Clause: security.md 3.2 (keys on disk: file 0600, owner checked at start, refuse otherwise).
"""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from proto.errors import ConfigError, Fault, YujingError
from proto.identity import gateway_of

_DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the uplink presents and what it trusts.

    Attributes:
        root, cert, key: PEM bytes.
        uris: URI names of the certificate.
        not_before_us, not_after_us: validity of the certificate, µs since 1970 UTC.
        root_not_after_us: end of the trusted root.
        place: the certificate's file, for messages.
    """

    root: bytes
    cert: bytes
    key: bytes
    uris: tuple[str, ...]
    not_before_us: int
    not_after_us: int
    root_not_after_us: int
    place: str

    def __repr__(self) -> str:
        """Return a form without the key."""
        return f"Credentials({self.place})"


def load(*, root: Path, cert: Path, key: Path) -> Credentials:
    """Read and check the three files.

    Raises:
        ConfigError: every fault at once: missing, unreadable, key open to others, wrong key.
    """
    faults: list[Fault] = []
    root_pem, cert_pem, key_pem = (
        _read(path, what, faults)
        for path, what in (
            (root, "centre's root"),
            (cert, "gateway's certificate"),
            (key, "gateway's key"),
        )
    )
    if key_pem:
        _check_private(key, faults)
    root_cert = _certificate(root, root_pem, faults)
    own_cert = _certificate(cert, cert_pem, faults)
    if own_cert is not None and key_pem:
        _check_pair(own_cert, key, key_pem, faults)
    if faults or own_cert is None or root_cert is None:
        raise ConfigError(faults)
    return Credentials(
        root_pem,
        cert_pem,
        key_pem,
        _uris(own_cert),
        _us(own_cert.not_valid_before_utc),
        _us(own_cert.not_valid_after_utc),
        _us(root_cert.not_valid_after_utc),
        str(cert),
    )


def check_identity(credentials: Credentials, gateway: str) -> None:
    """Hold the name in the certificate against the configured one.

    Raises:
        ConfigError: the certificate names none, or another gateway.
    """
    try:
        named = gateway_of(credentials.uris)
    except YujingError as error:
        raise ConfigError([Fault(credentials.place, "config.identity", str(error))]) from error
    if named != gateway:
        message = f"certificate names {named}, the configuration {gateway}"
        raise ConfigError([Fault(credentials.place, "config.identity", message)])


def diagnose(credentials: Credentials, now_us: int) -> str | None:
    """Return why a handshake must fail as far as this side can see, or None.

    A refused handshake reaches a client only as "unavailable"; so it looks at itself first.
    """
    if now_us < credentials.not_before_us:
        return f"own certificate {credentials.place} is not valid yet: check this clock"
    if now_us > credentials.not_after_us:
        return f"own certificate {credentials.place} has expired: renew it"
    if now_us > credentials.root_not_after_us:
        return "the trusted root certificate has expired: fetch the centre's new root"
    return None


def days_left(credentials: Credentials, now_us: int) -> int:
    """Return the whole days until the certificate ends; negative when it has."""
    return (credentials.not_after_us - now_us) // _DAY_US


def _read(path: Path, what: str, faults: list[Fault]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.append(
            Fault(
                str(path), "config.credential", f"{what} cannot be read: {error.strerror or error}"
            )
        )
        return b""
    if not data:
        faults.append(Fault(str(path), "config.credential", f"{what} is empty"))
    return data


def _check_private(path: Path, faults: list[Fault]) -> None:
    state = path.stat()
    if stat.S_IMODE(state.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(state.st_mode):04o}"
        faults.append(
            Fault(str(path), "config.key_open", f"key is open to others (mode {mode}); chmod 0600")
        )
    if state.st_uid not in (0, os.getuid()):
        faults.append(Fault(str(path), "config.key_owner", "key belongs to another user; chown it"))


def _certificate(path: Path, pem: bytes, faults: list[Fault]) -> x509.Certificate | None:
    if not pem:
        return None
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        faults.append(Fault(str(path), "config.credential", "no PEM certificate"))
        return None


def _check_pair(cert: x509.Certificate, path: Path, key_pem: bytes, faults: list[Fault]) -> None:
    try:
        private = load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        faults.append(Fault(str(path), "config.credential", "no PEM private key without password"))
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != cert.public_key().public_bytes(*form):
        faults.append(
            Fault(
                str(path), "config.key_mismatch", "key does not belong to the gateway's certificate"
            )
        )


def _uris(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.UniformResourceIdentifier))


def _us(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
