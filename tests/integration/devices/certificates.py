"""Self-signed application certificates of OPC UA, made for one test."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OURS = "urn:yujing:test:edge"
THEIRS = "urn:peer:dust:server"


@cache
def _key(number: int, bits: int) -> rsa.RSAPrivateKey:
    """RSA keys are slow to make: one for each number and size."""
    return rsa.generate_private_key(65537, bits)


def make(
    folder: Path,
    uri: str,
    *,
    number: int = 0,
    bits: int = 2048,
    usage: tuple[x509.ObjectIdentifier, ...] = (
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ),
    serial: int = 1,
) -> Path:
    """Write `cert.pem` and `key.pem` into `folder`; return the certificate's path."""
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(number, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.rpartition(":")[2])])
    now = datetime.now(UTC)  # noqa: TID251 - certificates need the day
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=True,
                data_encipherment=True,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return path


def der(path: Path) -> bytes:
    """The certificate in `path` as DER."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.public_bytes(serialization.Encoding.DER)


def our_pki(folder: Path, *trusted: Path) -> Path:
    """A directory with our own certificate, trusting the certificates in `trusted`."""
    make(folder / "own", OURS, number=1)
    (folder / "trusted").mkdir()
    for at, path in enumerate(trusted):
        (folder / "trusted" / f"{at}.pem").write_bytes(path.read_bytes())
    return folder
