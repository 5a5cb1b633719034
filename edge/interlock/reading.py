"""One value as the engine sees it, and the small integers of quality, reason and link.  Pure.

The integers are those of `proto.quality` and `edge.image`, pinned to them by a test: the engine
imports the standard library only.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

GOOD, UNCERTAIN, BAD = 0, 1, 2
NONE, INIT, COMM_LOSS, CONFIG, STALE, NOT_A_NUMBER = 0, 1, 2, 5, 6, 9
OUT_OF_RANGE, STUCK, DEVIATION = 10, 12, 14
LINK_INIT, LINK_UP, LINK_LOST, LINK_STOPPED = 0, 1, 2, 3


class Reading(NamedTuple):
    """A value at one instant.  A condition is 1.0 or 0.0; BAD means: neither is known.

    Attributes:
        value: in the unit of its input; NaN when there is none.
        quality: GOOD, UNCERTAIN or BAD.
        reason: why it is not GOOD.
        stamp: rises with each new sample behind it.
        mono_ns: when the newest sample behind it was received.
    """

    value: float
    quality: int = GOOD
    reason: int = NONE
    stamp: int = 0
    mono_ns: int = 0


class Image(Protocol):
    """The process image at one instant: columns by point number, and the links by device."""

    @property
    def value(self) -> Sequence[float]:
        """Engineering values."""

    @property
    def quality(self) -> Sequence[int]:
        """GOOD, UNCERTAIN or BAD."""

    @property
    def reason(self) -> Sequence[int]:
        """Why a value is not GOOD."""

    @property
    def receive_mono_ns(self) -> Sequence[int]:
        """When a value was received."""

    @property
    def sequence(self) -> Sequence[int]:
        """Rises with each new sample of a point's block."""

    @property
    def link(self) -> Sequence[int]:
        """Whether a controller can be heard."""


def is_true(reading: Reading) -> bool:
    """True when a condition is TRUE and not BAD."""
    return reading.quality != BAD and reading.value != 0.0


def is_false(reading: Reading) -> bool:
    """True when a condition is FALSE and not BAD."""
    return reading.quality != BAD and reading.value == 0.0


def known(reading: Reading) -> bool | None:
    """Return TRUE or FALSE; None when it is BAD."""
    return None if reading.quality == BAD else reading.value != 0.0
