"""Identities: what a certificate's URI SAN names, and the form of gateway and site ids.  Pure.

Always `fullmatch`: with `match` and `$` a trailing newline passes.

Source: `security.md` 3.2.
"""

import re
from collections.abc import Sequence

from proto.errors import SiteUnknown

_GATEWAY = re.compile(r"[0-9]{6}-[0-9a-z]{4,26}")
_SITE = re.compile(r"[a-z0-9-]{3,40}")
_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_SAN = re.compile(rf"spiffe://({_DOMAIN.pattern})/edge/({_GATEWAY.pattern})")


def is_gateway_id(text: str) -> bool:
    """True for `[0-9]{6}-[0-9a-z]{4,26}`; the six digits are a label and never decide scope."""
    return _GATEWAY.fullmatch(text) is not None


def is_site_id(text: str) -> bool:
    """True for `[a-z0-9-]{3,40}`."""
    return _SITE.fullmatch(text) is not None


def gateway_uri(trust_domain: str, gateway_id: str) -> str:
    """Return the URI SAN of a gateway's certificate.

    Raises:
        ValueError: an id or a trust domain of another form.
    """
    uri = f"spiffe://{trust_domain}/edge/{gateway_id}"
    if _SAN.fullmatch(uri) is None:
        raise ValueError(f"{uri!r} is no identity of a gateway")
    return uri


def gateway_of(uris: Sequence[str], trust_domain: str | None = None) -> str:
    """Return the gateway id that a certificate's URI SANs name.

    Args:
        uris: all URI SANs of the certificate; TLS itself accepts none and two.
        trust_domain: the one that is ours; None accepts any.

    Raises:
        SiteUnknown: `identity.san`: not exactly one, of another form, or of another trust domain.
    """
    if len(uris) != 1:
        raise SiteUnknown("identity.san", f"{len(uris)} URI SANs in the certificate, one is due")
    found = _SAN.fullmatch(uris[0])
    if found is None or trust_domain not in (None, found[1]):
        raise SiteUnknown("identity.san", "the certificate's URI SAN names no gateway of ours")
    return found[2]
