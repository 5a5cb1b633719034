"""The certificates of a pki folder for people: list, approve, revoke.  Shell: pki files."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from devices.opcua.trust import (
    certificates_in,
    dates_of,
    key_hash,
    load_certificate,
    thumbprint_of,
    uris_of,
)
from proto.errors import NotFound

FOLDERS = ("own", "trusted", "rejected", "revoked")
SHORT = 8
"""Digits of a thumbprint that are enough, if they name one certificate only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate of a folder.

    Attributes:
        folder: own, trusted, rejected or revoked.
        thumbprint: first 40 digits of its SHA-256.
        key: SHA-256 of its public key, hex.
        subject: its name.
        uris: applications that it names.
        not_before_us, not_after_us: its dates.
    """

    folder: str
    thumbprint: str
    key: str
    subject: str
    uris: tuple[str, ...]
    not_before_us: int
    not_after_us: int


def entries(pki: Path) -> list[Entry]:
    """Return every certificate of `pki`, folder by folder."""
    return [
        _entry(folder, certificate)
        for folder in FOLDERS
        for certificate in certificates_in(pki / folder)
    ]


def find(pki: Path, thumbprint: str, folders: tuple[str, ...]) -> Entry:
    """Return the one certificate whose thumbprint begins so; colons and case do not matter.

    Raises:
        NotFound: none, or more than one.
    """
    wanted = thumbprint.replace(":", "").lower()
    found = {
        one.thumbprint: one
        for one in entries(pki)
        if one.folder in folders and one.thumbprint.startswith(wanted)
    }
    if len(wanted) < SHORT or len(found) != 1:
        where = " or ".join(f"{folder}/" for folder in folders)
        message = (
            f"{thumbprint}: {len(found)} certificates in {where}; give at least {SHORT} digits"
        )
        raise NotFound("trust.thumbprint", message, place=str(pki))
    return next(iter(found.values()))


def approve(pki: Path, thumbprint: str) -> Entry:
    """Move a certificate from `rejected/` to `trusted/`: its key is the server from now on.

    Raises:
        NotFound: no such certificate, or its key was revoked.
    """
    entry = find(pki, thumbprint, ("rejected",))
    if any(one.key == entry.key for one in entries(pki) if one.folder == "revoked"):
        message = f"{entry.thumbprint}: this key was revoked; the server needs another one"
        raise NotFound("trust.revoked", message, place=str(pki))
    _move(pki, entry, "trusted")
    return entry


def revoke(pki: Path, thumbprint: str) -> Entry:
    """Move a certificate to `revoked/`: its key is refused whatever certificate it comes in.

    Raises:
        NotFound: no such certificate.
    """
    entry = find(pki, thumbprint, ("trusted", "rejected"))
    _move(pki, entry, "revoked")
    return entry


def _move(pki: Path, entry: Entry, folder: str) -> None:
    """Write the certificate into its new folder, then remove it from the old one."""
    source = pki / entry.folder
    for path in sorted(source.iterdir()):
        certificate = load_certificate(path) if path.is_file() else None
        if certificate is None or thumbprint_of(certificate) != entry.thumbprint:
            continue
        target = pki / folder
        target.mkdir(parents=True, exist_ok=True)
        part = target / f"{entry.thumbprint}.part"
        part.write_bytes(certificate.public_bytes(Encoding.DER))
        os.replace(part, target / f"{entry.thumbprint}.der")
        path.unlink()


def _entry(folder: str, certificate: x509.Certificate) -> Entry:
    begins_us, ends_us = dates_of(certificate)
    return Entry(
        folder,
        thumbprint_of(certificate),
        key_hash(certificate).hex(),
        certificate.subject.rfc4514_string(),
        tuple(uris_of(certificate)),
        begins_us,
        ends_us,
    )
