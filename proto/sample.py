"""A sample (VQT) for the borders, and the one rule of how a value may be shown.  Pure.

Hot paths are columns; a `Sample` exists where people, pages and tests look at single values.

Source: `console.md` 3.3.
"""

from dataclasses import dataclass
from enum import StrEnum

from proto.quality import Quality, Reason


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one point with its quality and times.

    Attributes:
        point: name of the point.
        value: in engineering units; None where there is none.
        detail: the device's own code, else 0.
        time_us: gateway time of acquisition.
        source_us: time that device or server gave; None where they give none.
    """

    point: str
    value: float | None
    quality: Quality
    reason: Reason
    time_us: int
    detail: int = 0
    source_us: int | None = None


class Situation(StrEnum):
    """How a value stands before a reader; words, class and shape are the console's."""

    NEVER = "never"
    BAD = "bad"
    STALE = "stale"
    MARKED = "marked"
    SUBSTITUTED = "substituted"
    UNCERTAIN = "uncertain"
    SIMULATED = "simulated"
    GOOD = "good"


_MARKS = frozenset({Reason.MAINTENANCE, Reason.CALIBRATION})
_SUBSTITUTES = frozenset({Reason.SUBSTITUTED, Reason.FORCED, Reason.SIMULATED})


def situation(
    quality: Quality,
    reason: Reason,
    age_us: int | None,
    max_age_us: int,
    simulated: bool = False,
) -> Situation:
    """Return how a value stands; the first that applies, what hides the most first.

    Args:
        quality: of the newest sample.
        reason: of the newest sample.
        age_us: age of the newest sample at the reader's side; None when none was ever received.
        max_age_us: older than this is stale.
        simulated: True when the whole site or device is a simulator.
    """
    if age_us is None or (quality is Quality.BAD and reason is Reason.INIT):
        return Situation.NEVER
    if quality is Quality.BAD:
        return Situation.BAD
    if age_us > max_age_us:
        return Situation.STALE
    if reason in _MARKS:
        return Situation.MARKED
    if reason in _SUBSTITUTES:
        return Situation.SUBSTITUTED
    if quality is Quality.UNCERTAIN:
        return Situation.UNCERTAIN
    return Situation.SIMULATED if simulated else Situation.GOOD
