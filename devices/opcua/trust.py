"""Who may be talked to: our certificate, approved and revoked servers.  Shell: pki files.

Directory `pki`: `own/cert.pem`, `own/key.pem`, `trusted/` (certificates, .pem or .der), `crl/`
(revocation lists), `revoked/` and `rejected/`.  An empty `trusted/` trusts nobody.  An unknown
certificate is kept in `rejected/` until a person approves it (`yujing-edge trust approve`); never
trusted on first use.  Trust is in the approved key and its application URI: the same key in a
renewed certificate is the same server, another key under the same name is not.

Clause: OPC UA Part 2, 4.10; Part 4, 6.1.3; Part 6, 6.2.2 (application instance certificates).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from devices.opcua.certificate import Approval, Judge, Presented, Verdict
from proto.errors import DeviceRefused

REJECTED_MAX = 100
TRUSTED_MAX = 1000
CERTIFICATE_BYTES_MAX = 1 << 16
RSA_BITS_MIN = 2048
"""Basic256Sha256 and Aes256_Sha256_RsaPss both ask for it (Part 7)."""
_WEAK_HASHES = ("md5", "sha1")


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """Our application instance certificate: files, the URI that it carries, its end."""

    certificate: Path
    key: Path
    application_uri: str
    not_after_us: int


def load_own(pki: Path) -> OwnCertificate:
    """Return our own certificate in `pki`.

    Raises:
        DeviceRefused: `device.certificate_own`: missing, unreadable, weak, or without a URI.
    """
    path, key = pki / "own" / "cert.pem", pki / "own" / "key.pem"
    for file in (path, key):
        if not file.is_file():
            raise DeviceRefused("device.certificate_own", "no such file", place=str(file))
    certificate = load_certificate(path)
    if certificate is None:
        raise DeviceRefused("device.certificate_own", "no X.509 certificate", place=str(path))
    uris = uris_of(certificate)
    if len(uris) != 1:
        message = "the certificate must carry exactly one URI, our application URI"
        raise DeviceRefused("device.certificate_own", message, place=str(path))
    if weakness := _weakness(certificate):
        raise DeviceRefused("device.certificate_own", weakness, place=str(path))
    return OwnCertificate(path, key, uris[0], dates_of(certificate)[1])


def check_server(
    pki: Path, der: bytes, application_uri: str, *, place: str, judge: Judge, now_us: int
) -> tuple[Presented, Verdict]:
    """Return what the server behind `der` is worth; its certificate goes to `rejected/` if nothing.

    Args:
        pki: our directory.
        der: certificate that the server presents; bytes behind it (its chain) are not looked at.
        application_uri: who the server says it is.
        place: the endpoint, for the error.
        judge: the verdict (`edge/trust/pin.py`).
        now_us: wall time.

    Raises:
        DeviceRefused: `device.certificate_refused`, with the thumbprint and what to do.
    """
    try:
        certificate = x509.load_der_x509_certificate(first_certificate(der))
        presented = _present(pki, certificate, application_uri)
    except ValueError:
        message = "the server presents no X.509 certificate"
        raise DeviceRefused("device.certificate_refused", message, place=place) from None
    verdict = judge(presented, now_us)
    if verdict.is_refused:
        thumbprint = _keep(pki, certificate)
        message = f"{thumbprint} is not trusted; approve on site ({verdict.reason})"
        raise DeviceRefused("device.certificate_refused", message, place=place)
    return presented, verdict


def first_certificate(der: bytes) -> bytes:
    """Return the first certificate of a chain: OPC UA sends them concatenated (Part 6, 6.2.6)."""
    if len(der) >= 4 and der[0] == 0x30 and der[1] == 0x82:
        return der[: 4 + int.from_bytes(der[2:4], "big")]
    return der


def _present(pki: Path, certificate: x509.Certificate, application_uri: str) -> Presented:
    begins_us, ends_us = dates_of(certificate)
    return Presented(
        key=key_hash(certificate),
        thumbprint=thumbprint_of(certificate),
        application_uri=application_uri,
        uris=tuple(uris_of(certificate)),
        not_before_us=begins_us,
        not_after_us=ends_us,
        fault=_weakness(certificate) or _server_usage(certificate),
        is_revoked=_is_revoked(pki, certificate),
        approvals=tuple(
            Approval(key_hash(one), tuple(uris_of(one)), thumbprint_of(one))
            for one in certificates_in(pki / "trusted")
        ),
    )


def _is_revoked(pki: Path, certificate: x509.Certificate) -> bool:
    """True for a key in `revoked/`, and for issuer and serial in a list of `crl/`.

    The number alone would do injustice: every issuer counts from one.
    """
    key = key_hash(certificate)
    if any(key_hash(one) == key for one in certificates_in(pki / "revoked")):
        return True
    return any(
        crl.issuer == certificate.issuer
        and crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        for crl in _revocation_lists(pki / "crl")
    )


def _revocation_lists(folder: Path) -> Iterator[x509.CertificateRevocationList]:
    """Yield the lists; a file that holds none revokes nobody and is passed over."""
    for file in _files(folder):
        content = _content(file)
        if content is None:
            continue
        try:
            if content.startswith(b"-----BEGIN"):
                yield x509.load_pem_x509_crl(content)
            else:
                yield x509.load_der_x509_crl(content)
        except ValueError:
            continue


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
    """Return why key usage or extended key usage forbid a server; None where they allow it."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        pass
    else:
        if not usage.digital_signature or not usage.key_encipherment:
            return "its key usage does not allow signing and key encipherment"
    try:
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    is_server = ExtendedKeyUsageOID.SERVER_AUTH in extended
    return None if is_server else "the certificate is not for a server"


def uris_of(certificate: x509.Certificate) -> list[str]:
    """Return the application URIs that a certificate names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def key_hash(certificate: x509.Certificate) -> bytes:
    """Return the SHA-256 of the public key (SubjectPublicKeyInfo): who the server is."""
    key = certificate.public_key()
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def thumbprint_of(certificate: x509.Certificate) -> str:
    """Return the name of a certificate for people: the first 40 hex digits of its SHA-256."""
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()[:40]


def dates_of(certificate: x509.Certificate) -> tuple[int, int]:
    """Return begin and end in µs since 1970 UTC."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return int(begins.timestamp()) * 1_000_000, int(ends.timestamp()) * 1_000_000


def certificates_in(folder: Path) -> list[x509.Certificate]:
    """Return what stands in a folder; files that hold no certificate are passed over."""
    found = [load_certificate(file) for file in _files(folder)]
    return [certificate for certificate in found if certificate is not None]


def _files(folder: Path) -> list[Path]:
    files = sorted(folder.iterdir())[:TRUSTED_MAX] if folder.is_dir() else []
    return [file for file in files if file.is_file()]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= CERTIFICATE_BYTES_MAX else None
    except OSError:
        return None


def load_certificate(path: Path) -> x509.Certificate | None:
    """Return the certificate of a file, PEM or DER; None where it holds none."""
    content = _content(path)
    if content is None:
        return None
    try:
        if content.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError:
        return None


def _keep(pki: Path, certificate: x509.Certificate) -> str:
    """Keep a refused certificate for a person to look at; return its thumbprint."""
    der = certificate.public_bytes(Encoding.DER)
    thumbprint = thumbprint_of(certificate)
    folder = pki / "rejected"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sum(1 for _ in folder.iterdir()) < REJECTED_MAX:
            (folder / f"{thumbprint}.der").write_bytes(der)
    except OSError as error:
        return f"{thumbprint} (could not be kept: {error.strerror})"
    return thumbprint
