"""Who may be talked to: our certificate, and approved servers.  Shell: pki files.

Directory `pki`: `own/cert.pem`, `own/key.pem`, `trusted/` (certificates, .pem or .der) and
`rejected/`.  An empty `trusted/` trusts nobody.  An unknown certificate is kept in `rejected/` for
a person to look at and move; never trusted on first use.  Trust is in the approved key and its
application URI: the same key in a renewed certificate is the same server, another key under the
same name is not.

Clause: OPC UA Part 2, 4.10; Part 4, 6.1.3; Part 6, 6.2.2 (application instance certificates).
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from proto.errors import DeviceRefused

REJECTED_MAX = 100
TRUSTED_MAX = 1000
CERTIFICATE_BYTES_MAX = 1 << 16
RSA_BITS_MIN = 2048
"""Basic256Sha256 and Aes256_Sha256_RsaPss both ask for it (Part 7)."""
_WEAK_HASHES = ("md5", "sha1")


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Our application instance certificate: files, and the URI that it carries."""

    certificate: Path
    key: Path
    application_uri: str


def load_own(pki: Path) -> OwnCertificate:
    """Return our own certificate in `pki`.

    Raises:
        DeviceRefused: `device.certificate_own`: missing, unreadable, weak, or without a URI.
    """
    path, key = pki / "own" / "cert.pem", pki / "own" / "key.pem"
    for file in (path, key):
        if not file.is_file():
            raise DeviceRefused("device.certificate_own", "no such file", place=str(file))
    certificate = _load(path)
    if certificate is None:
        raise DeviceRefused("device.certificate_own", "no X.509 certificate", place=str(path))
    uris = _uris(certificate)
    if len(uris) != 1:
        message = "the certificate must carry exactly one URI, our application URI"
        raise DeviceRefused("device.certificate_own", message, place=str(path))
    if weakness := _weakness(certificate):
        raise DeviceRefused("device.certificate_own", weakness, place=str(path))
    return OwnCertificate(path, key, uris[0])


def check_server(pki: Path, der: bytes, application_uri: str, *, place: str) -> None:
    """Return if the server behind `der` was approved; its certificate goes to `rejected/` if not.

    Args:
        pki: our directory.
        der: certificate that the server presents; bytes behind it (its chain) are not looked at.
        application_uri: who the server says it is.
        place: the endpoint, for the error.

    Raises:
        DeviceRefused: `device.certificate_refused`, with the thumbprint and what to do.
    """
    try:
        certificate = x509.load_der_x509_certificate(first_certificate(der))
    except ValueError:
        message = "the server presents no X.509 certificate"
        raise DeviceRefused("device.certificate_refused", message, place=place) from None
    reason = _refusal(pki, certificate, application_uri)
    if reason is not None:
        thumbprint = _keep(pki, certificate)
        message = f"{thumbprint} is not trusted; approve on site ({reason})"
        raise DeviceRefused("device.certificate_refused", message, place=place)


def first_certificate(der: bytes) -> bytes:
    """Return the first certificate of a chain: OPC UA sends them concatenated (Part 6, 6.2.6)."""
    if len(der) >= 4 and der[0] == 0x30 and der[1] == 0x82:
        return der[: 4 + int.from_bytes(der[2:4], "big")]
    return der


def _refusal(pki: Path, certificate: x509.Certificate, application_uri: str) -> str | None:
    """Return why the certificate is refused, or None."""
    if weakness := _weakness(certificate):
        return weakness
    uris = _uris(certificate)
    if application_uri not in uris:
        return f"the server calls itself {application_uri}, its certificate {', '.join(uris)}"
    usage = _server_usage(certificate)
    if usage is not None:
        return usage
    key = _key_hash(certificate)
    for trusted in _trusted(pki):
        if _key_hash(trusted) == key and application_uri in _uris(trusted):
            return None
    return "unknown certificate"


def _weakness(certificate: x509.Certificate) -> str | None:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return "no RSA key"
    if key.key_size < RSA_BITS_MIN:
        return f"RSA key of {key.key_size} bits, at least {RSA_BITS_MIN} needed"
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name in _WEAK_HASHES:
        return "signed with a broken hash"
    return None


def _server_usage(certificate: x509.Certificate) -> str | None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    is_server = ExtendedKeyUsageOID.SERVER_AUTH in usage
    return None if is_server else "the certificate is not for a server"


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _key_hash(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _trusted(pki: Path) -> list[x509.Certificate]:
    """Return what stands in `trusted/`; files that hold no certificate are passed over."""
    folder = pki / "trusted"
    files = sorted(folder.iterdir())[:TRUSTED_MAX] if folder.is_dir() else []
    found = [_load(file) for file in files if file.is_file()]
    return [certificate for certificate in found if certificate is not None]


def _load(path: Path) -> x509.Certificate | None:
    try:
        if path.stat().st_size > CERTIFICATE_BYTES_MAX:
            return None
        content = path.read_bytes()
        if content.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except (OSError, ValueError):
        return None


def _keep(pki: Path, certificate: x509.Certificate) -> str:
    """Keep a refused certificate for a person to look at; return its thumbprint."""
    der = certificate.public_bytes(Encoding.DER)
    thumbprint = sha256(der).hexdigest()[:40]
    folder = pki / "rejected"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in folder.iterdir()) < REJECTED_MAX:
            (folder / f"{thumbprint}.der").write_bytes(der)
    except OSError as error:
        return f"{thumbprint} (could not be kept: {error.strerror})"
    return thumbprint
