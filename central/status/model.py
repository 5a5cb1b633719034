"""What the status board says of one site: the shapes that page, CLI, gRPC and stream share.  Pure.

Source: `central.md` 3.3.  Times are microseconds since 1970 UTC; ages are computed at the centre.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from proto.alarm import AlarmLevel, AlarmPriority, AlarmState, WarningLevel
from proto.interlock import Health, Protection, Running, Service
from proto.quality import Quality, Reason


class LinkState(StrEnum):
    """Link of a gateway or site: LATE after 20 s, LOST after 45 s without batch or heartbeat."""

    NEVER = "NEVER"
    LIVE = "LIVE"
    LATE = "LATE"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class PointValue:
    """The newest sample of one point, in source order (late data never overwrite newer ones).

    Attributes:
        value: engineering value in `unit`; None when BAD or never received.
        quality, reason, detail: as the gateway sent them; NEVER received is BAD(INIT).
        time_us: gateway time of acquisition; None when never received.
        last_good: (value, time_us) of the newest GOOD or UNCERTAIN sample, if any.
        max_age_us: older than this is shown as stale.
    """

    point: str
    tag: str
    title: str
    unit: str
    parameter: str
    value: float | None
    quality: Quality
    reason: Reason
    detail: int
    time_us: int | None
    last_good: tuple[float, int] | None
    max_age_us: int
    range_low: float | None = None
    range_high: float | None = None
    process_unit: str = ""


@dataclass(frozen=True, slots=True)
class InterlockStatus:
    """The newest state of one interlock as its gateway reported it."""

    interlock: str
    title: str
    clauses: tuple[str, ...]
    mode: str
    shown: str
    protection: Protection
    health: Health
    health_reasons: tuple[str, ...]
    service: Service
    running: Running
    occurrence: int
    first_out: tuple[str, ...]
    plant_tripped: bool | None
    plant_bypassed: bool | None
    last_verdicts: tuple[tuple[str, str, int | None], ...]  # (effect, verdict, response_ms)
    since_us: int
    time_us: int


@dataclass(frozen=True, slots=True)
class AlarmStatus:
    """One standing alarm."""

    alarm: str
    point: str
    tag: str
    title: str
    state: AlarmState
    level: AlarmLevel
    priority: AlarmPriority
    occurrence: int
    value: float | None
    unit: str
    limit: float | None
    quality: Quality
    raised_us: int
    time_us: int


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """Link and health of one gateway.

    What waits at the edge is the gateway's own statement, true at `pending_us` (the centre's time);
    None when it has not made one.
    """

    gateway: str
    link: LinkState
    since_us: int | None
    last_seen_us: int | None
    version: str = ""
    boot_id: int = 0
    config_version: int = 0
    clock_offset_us: int | None = None
    certificate_days: int | None = None
    pending_batches: int = 0
    pending_bytes: int = 0
    pending_samples: int = 0
    pending_us: int | None = None


@dataclass(frozen=True, slots=True)
class Accounting:
    """Principle 5: expected = stored + gapped + withheld + pending + unexplained, in samples."""

    expected: int = 0
    stored: int = 0
    gapped: int = 0
    withheld: int = 0
    pending: int = 0
    unexplained: int = 0
    duplicates: int = 0  # samples stored twice in the archive; lawful resends do not count


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """Everything the board knows of one site at one instant."""

    site: str
    name: str
    region: str
    simulated: bool
    link: LinkState
    link_since_us: int | None
    as_of_us: int
    newest_us: int | None
    worst_quality: Quality
    points_total: int
    points_good: int
    points_uncertain: int
    points_bad: int
    points_stale: int
    warning_level: WarningLevel
    gateways: tuple[GatewayStatus, ...] = ()
    values: tuple[PointValue, ...] = ()
    interlocks: tuple[InterlockStatus, ...] = ()
    alarms: tuple[AlarmStatus, ...] = ()
    accounting: Accounting = field(default_factory=Accounting)
    quarantined: int = 0
    version: int = 0  # board version of the last change, ascending
