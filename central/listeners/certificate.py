"""Reads the certificate that a peer has shown.  Shell: parses X.509 with `cryptography`."""

from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from central.listeners.pipeline import Certificate


@lru_cache(maxsize=20_000)
def read_certificate(pem: bytes) -> Certificate | None:
    """Return what the certificate says; None when it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        uris = _uris(certificate)
    except ValueError:
        return None
    return Certificate(
        uris=uris,
        not_before_us=int(certificate.not_valid_before_utc.timestamp() * 1_000_000),
        not_after_us=int(certificate.not_valid_after_utc.timestamp() * 1_000_000),
    )


def _uris(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        )
    except x509.ExtensionNotFound:
        return ()
    names = extension.value
    if not isinstance(names, x509.SubjectAlternativeName):
        return ()
    return tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
