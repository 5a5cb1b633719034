"""What is known of a certificate before anybody talks to its owner, and what it is worth.  Pure.

The verdict is a function that the driver is given: the gateway's own is `edge/trust/pin.py`, where
the approved key counts and its dates do not blind.  The one here knows no exception.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

WARNED_DAYS = (90, 30, 7, 1)
"""Days before the end at which a person is told."""
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Approval:
    """One certificate that a person approved: hash of its public key, its application URIs."""

    key: bytes
    uris: tuple[str, ...]
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Presented:
    """What a server shows.

    Attributes:
        key: SHA-256 of its public key (SubjectPublicKeyInfo).
        thumbprint: of the certificate, hex.
        application_uri: who it says it is.
        uris: who its certificate says it is.
        not_before_us, not_after_us: the dates of the certificate.
        fault: why it may not be used whoever it is: weak key, broken hash, wrong usage; or None.
        is_revoked: key or certificate was revoked.
        approvals: what was approved on site.
    """

    key: bytes
    thumbprint: str
    application_uri: str
    uris: tuple[str, ...]
    not_before_us: int
    not_after_us: int
    fault: str | None
    is_revoked: bool
    approvals: tuple[Approval, ...]


class Standing(Enum):
    """What a server may do."""

    IN_FORCE = "in force"
    LAPSED = "lapsed"
    NOT_BEGUN = "not begun"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the presented certificate is worth.

    Attributes:
        standing: refused, or how its dates stand.
        reason: why it is refused; empty otherwise.
        is_renewed: the approved key in another certificate than the approved one.
        is_deferred: dates over, and two persons put it off to a named stop.
    """

    standing: Standing
    reason: str = ""
    is_renewed: bool = False
    is_deferred: bool = False

    @property
    def is_refused(self) -> bool:
        """True where nothing may be said to this server."""
        return self.standing is Standing.REFUSED

    @property
    def is_lapsed(self) -> bool:
        """True where the key is the approved one and the dates are not in force."""
        return self.standing in (Standing.LAPSED, Standing.NOT_BEGUN)


Judge = Callable[[Presented, int], Verdict]
"""(what is presented, wall time in µs) -> verdict."""


def strict(presented: Presented, now_us: int) -> Verdict:
    """Return the verdict that knows no exception: an approved key within its dates."""
    verdict = pinned(presented, now_us)
    if verdict.is_lapsed:
        return Verdict(Standing.REFUSED, "the certificate is out of its dates")
    return verdict


def pinned(presented: Presented, now_us: int) -> Verdict:
    """Return the verdict by key: an approved key is never refused for dates, another one always."""
    reason = refusal(presented)
    if reason is not None:
        return Verdict(Standing.REFUSED, reason)
    mine = [one for one in presented.approvals if one.key == presented.key]
    is_renewed = all(one.thumbprint != presented.thumbprint for one in mine)
    if now_us >= presented.not_after_us:
        return Verdict(Standing.LAPSED, is_renewed=is_renewed)
    if now_us < presented.not_before_us:
        return Verdict(Standing.NOT_BEGUN, is_renewed=is_renewed)
    return Verdict(Standing.IN_FORCE, is_renewed=is_renewed)


def refusal(presented: Presented) -> str | None:
    """Return why this key may not be talked to, whatever its dates; or None."""
    if presented.fault is not None:
        return presented.fault
    if presented.is_revoked:
        return "revoked"
    uri = presented.application_uri
    if uri not in presented.uris:
        return f"the server calls itself {uri}, its certificate {', '.join(presented.uris)}"
    if any(one.key == presented.key and uri in one.uris for one in presented.approvals):
        return None
    return "unknown certificate"


def days_left(not_after_us: int, now_us: int) -> int:
    """Return the whole days until the end; negative afterwards."""
    return (not_after_us - now_us) // DAY_US


def warning_of(not_after_us: int, now_us: int, told: int | None) -> int | None:
    """Return the threshold in days that is newly passed, or None.

    Args:
        not_after_us: end of the certificate.
        now_us: wall time.
        told: the threshold that was told last; None = none yet.
    """
    left = days_left(not_after_us, now_us)
    passed = [days for days in WARNED_DAYS if left < days]
    if not passed or (told is not None and min(passed) >= told):
        return None
    return min(passed)
