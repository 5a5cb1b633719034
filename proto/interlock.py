"""States of an interlock in three regions, and the verdict on one demand.  Pure.

Source: `interlocks.md` 3.10 and 3.13.  The engine's own integers are pinned to these by a test.
"""

from enum import StrEnum


class Protection(StrEnum):
    """The protection region: what the causes have done."""

    NORMAL = "NORMAL"
    PENDING = "PENDING"
    TRIPPED = "TRIPPED"
    LATCHED = "LATCHED"


class Health(StrEnum):
    """The health region, best first."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    PROTECTION_UNVERIFIED = "PROTECTION_UNVERIFIED"
    PROTECTION_FAILED = "PROTECTION_FAILED"


class Service(StrEnum):
    """The service region; the first that applies, in this order."""

    INIT = "INIT"
    TEST = "TEST"
    OUT_OF_DUTY = "OUT_OF_DUTY"
    BYPASSED = "BYPASSED"
    STARTUP_INHIBIT = "STARTUP_INHIBIT"
    NOT_REQUIRED = "NOT_REQUIRED"
    ARMED = "ARMED"


class Verdict(StrEnum):
    """What the plant's own protection did on one demand, per effect."""

    PROVEN = "PROVEN"
    LATE = "LATE"
    NOT_ACTED = "NOT_ACTED"
    UNPROVABLE = "UNPROVABLE"
    NOT_DUE = "NOT_DUE"
    BYPASSED = "BYPASSED"


class Running(StrEnum):
    """Whether the process runs, as its witness shows."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"


def shown_state(protection: Protection, health: Health, service: Service) -> str:
    """Return the one word that a screen shows: the worst over the three regions."""
    if health is Health.PROTECTION_FAILED:
        return health
    if protection is not Protection.NORMAL:
        return protection
    if service in (Service.OUT_OF_DUTY, Service.BYPASSED):
        return service
    if health is not Health.HEALTHY:
        return health
    return service if service in (Service.INIT, Service.NOT_REQUIRED) else protection
