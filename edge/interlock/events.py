"""What a scan reports: events with the inputs they rest on, and the view of an interlock.  Pure.

Source: `interlocks.md` 3.15.
"""

from dataclasses import dataclass

SNAPSHOT = "interlock.snapshot"


@dataclass(frozen=True, slots=True)
class InputShot:
    """One input, or derived point, at the instant of an event; age in ms, None when never read."""

    name: str
    point: str
    value: float | None
    unit: str
    quality: int
    reason: int
    age_ms: int | None


@dataclass(frozen=True, slots=True)
class InterlockView:
    """All that can be said of one interlock at one instant; what telemetry carries.

    Attributes:
        sounding: alarm effects (A cells) of confirmed causes.
        suspended: a cause that was TRUE or pending can no longer be seen.
        plant: tripped, bypassed, in_service of the plant's own interlock; None = not known.
        verdicts: (effect, verdict, response_ms) of the last demand.
    """

    interlock: str
    title: str
    clauses: tuple[str, ...]
    mode: str
    priority: str
    protection: str
    health: str
    reasons: tuple[str, ...]
    service: str
    running: str
    occurrence: int
    first_out: tuple[str, ...]
    plant: tuple[bool | None, bool | None, bool | None]
    verdicts: tuple[tuple[str, str, int | None], ...]
    sounding: tuple[str, ...]
    suspended: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the sequence of events.

    Attributes:
        kind: `interlock.tripped` and so on.
        before, after: of the region that changed; equal when none did.
        cause: id of the cause that brought it; None for none.
        ordinal: position among the causes of this trip.
        ambiguity: causes that may just as well have been first.
        effect, verdict, response_ms, response_uncertainty_ms: of `interlock.judged`.
        occurrence: that the verdict is about; a trip may have followed it.
        mono_ns: of the scan.
        blur_us: uncertainty of the time, from polls and scan.
    """

    kind: str
    view: InterlockView
    before: str
    after: str
    mono_ns: int
    blur_us: int
    scan_no: int
    matrix_hash: str
    inputs: tuple[InputShot, ...]
    cause: str | None = None
    ordinal: int = 0
    ambiguity: tuple[str, ...] = ()
    effect: str | None = None
    verdict: str | None = None
    occurrence: int | None = None
    response_ms: int | None = None
    response_uncertainty_ms: int | None = None
