"""Current loops: raw counts or milliamperes to engineering values, and broken loops.  Pure.

Between the currents of its range a loop is linear.  Below and above the fault currents it is
broken, whatever the number would mean.  The figures (NAMUR NE43: 3.6 and 21 mA) come with the data
of a point, unverified.  Source: `acquisition.md` 3.10.
"""

from typing import NamedTuple, Protocol

DIGITS = 9  # a limit such as 3.6 mA at 0.001 mA a count is 3600 counts, not 3600.0000000000005


class Loop(Protocol):
    """Currents in mA: ends of the range, and beyond which the loop is broken."""

    @property
    def low(self) -> float:
        """Current at the lower end of the range."""

    @property
    def high(self) -> float:
        """Current at the upper end of the range."""

    @property
    def fault_low(self) -> float:
        """Below this the loop is broken."""

    @property
    def fault_high(self) -> float:
        """Above this the loop is broken."""


class Conversion(NamedTuple):
    """value = raw * scale + offset; the loop is broken where raw is outside `current`."""

    scale: float
    offset: float
    current: tuple[float, float]


def convert(
    loop: Loop, scale: float, offset: float, low: float | None, high: float | None
) -> Conversion:
    """Return how raw counts become engineering values.

    Args:
        loop: its currents.
        scale: milliamperes a count.
        offset: milliamperes at a count of 0.
        low: engineering value at `loop.low`; None = the value stays in mA.
        high: engineering value at `loop.high`; None = see there.
    """
    ends = [round((mark - offset) / scale, DIGITS) for mark in (loop.fault_low, loop.fault_high)]
    current = (min(ends), max(ends))
    if low is None or high is None:
        return Conversion(scale, offset, current)
    slope = (high - low) / (loop.high - loop.low)
    return Conversion(scale * slope, low + (offset - loop.low) * slope, current)
