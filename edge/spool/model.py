"""What the rooms of the spool hand to one another: moments, batches before their number.  Pure."""

from dataclasses import dataclass
from typing import NamedTuple

from proto.batch import ClockState, Kind, Lane
from proto.limits import CLOCK_ERR_UNKNOWN

NO_SCHEMA = bytes(32)


class Moment(NamedTuple):
    """One instant on both clocks; the anchor of a batch."""

    wall_us: int
    mono_ns: int

    @property
    def mono_us(self) -> int:
        """Monotonic microseconds, rounded down."""
        return self.mono_ns // 1_000

    def at(self, mono_ns: int) -> int:
        """Return gateway time in µs for a monotonic instant, seen from this anchor."""
        return self.wall_us + (mono_ns // 1_000 - self.mono_us)


@dataclass(frozen=True, slots=True)
class ClockNote:
    """What a batch says about the clock when it is opened."""

    offset_us: int = 0
    err_us: int = CLOCK_ERR_UNKNOWN
    state: ClockState = ClockState.DRIFT
    step_no: int = 0


@dataclass(frozen=True, slots=True)
class AxisShape:
    """One block of points that share times.

    Attributes:
        part: index of its part of the point table.
        point_first: number of its first point inside the part.
        points: how many.
        period_us: grid period; 0 = on change.
        source_kind: 0 none, 1 DEVICE, 2 SERVER (`batches.md` 3.4).
        first_us: due time of slot 0 after t0 of the grid (the axis's phase).
    """

    part: int
    point_first: int
    points: int
    period_us: int
    source_kind: int = 0
    first_us: int = 0


@dataclass(frozen=True, slots=True)
class Closed:
    """A batch that is closed but has no number yet; the store numbers, seals and commits it.

    Attributes:
        raw: payload before compression.
        n: samples or records in it.
        anchor, clock: both clocks when the batch was opened, and what was known about them.
        told: (axis, number of its last row) of the axes without a grid that have rows in it.
    """

    lane: Lane
    kind: Kind
    n: int
    raw: bytes
    t_first_us: int
    t_last_us: int
    anchor: Moment
    clock: ClockNote
    schema_hash: bytes = NO_SCHEMA
    told: tuple[tuple[int, int], ...] = ()
