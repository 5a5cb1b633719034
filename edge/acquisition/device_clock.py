"""How far a device's own clock is off, as a bracket that holds the truth.  Pure.

Theory of operation.  A reading d of resolution r, taken between `sent` and `received`, says that
the offset lies within [d - received, d + r - sent].  Each bracket is widened by 100 ppm of its age
(placeholder) and all of the last ten minutes are intersected.  A clock of one second that is read
at ever other moments of its second is known to some 10 ms after a few minutes; one that is read
in step with its second never narrows, which is why the owner spreads such reads.  An empty
intersection is a step of that clock: a new segment begins.  No source time is ever rewritten.

All times in µs; offsets are against the gateway's monotonic clock, so that a step of our own wall
clock moves none of them; `against_wall` turns them into offsets against UTC.
Source: `acquisition.md` 3.11.
"""

from dataclasses import dataclass, replace

DRIFT_PPM = 100  # placeholder: plain quartz
KEEP_BINS = 10
BIN_US = 60 * 10**6
REPORT_US = 600 * 10**6
UNSET_BEFORE_US = 1_704_067_200 * 10**6  # 2024-01-01: an older year is a clock that nobody set
GOOD_UNCERTAINTY_US = 100_000  # placeholder


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device said of its time.

    Attributes:
        device_us: its time, taken as UTC of its zone, µs since 1970.
        resolution_us: smallest step of that time.
        sent_us, received_us: monotonic, between these it was read.
    """

    device_us: int
    resolution_us: int
    sent_us: int
    received_us: int


@dataclass(frozen=True, slots=True)
class Bracket:
    """The offset lies within `low_us` … `high_us`, as of `at_us` (monotonic)."""

    low_us: int
    high_us: int
    at_us: int

    def aged(self, now_us: int) -> "Bracket":
        """Return the bracket as wide as the clocks may have run apart since."""
        wider = max(0, now_us - self.at_us) * DRIFT_PPM // 1_000_000 + 1
        if now_us <= self.at_us:
            return self
        return Bracket(self.low_us - wider, self.high_us + wider, now_us)


@dataclass(frozen=True, slots=True)
class ClockReport:
    """One EVENT record `device.clock`; offset and drift against the gateway's monotonic clock."""

    segment: int
    offset_us: int
    uncertainty_us: int
    drift_ppm: float | None
    stepped: bool
    is_unset: bool


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """What is known of one device's clock.

    Attributes:
        bins: brackets of the last ten minutes, one a minute, oldest first.
        segment: counts up with each step.
        is_unset: its year is before 2024.
        reported: offset, uncertainty and time of the last report; None before the first.
        segment_first: offset and time of the first report of the segment, for the drift.
    """

    bins: tuple[Bracket, ...] = ()
    segment: int = 0
    is_unset: bool = False
    reported: tuple[int, int, int] | None = None
    segment_first: tuple[int, int] | None = None

    def bracket(self, now_us: int) -> Bracket | None:
        """Return the bracket as of now; None before the first reading."""
        if not self.bins:
            return None
        aged = [one.aged(now_us) for one in self.bins]
        return Bracket(max(b.low_us for b in aged), min(b.high_us for b in aged), now_us)

    def source_ok(self, now_us: int) -> bool:
        """Return True when source times of this device may be compared with others."""
        found = self.bracket(now_us)
        if found is None or self.is_unset:
            return False
        return (found.high_us - found.low_us) // 2 <= GOOD_UNCERTAINTY_US


def step(state: DeviceClock, reading: Reading) -> tuple[DeviceClock, ClockReport | None]:
    """Return the next state, and a report when there is something to say.

    A report is due at a step, when the offset moved by more than its uncertainty, and every ten
    minutes.
    """
    now_us = reading.received_us
    new = Bracket(
        reading.device_us - reading.received_us,
        reading.device_us + reading.resolution_us - reading.sent_us,
        now_us,
    )
    is_unset = reading.device_us < UNSET_BEFORE_US
    before = state.bracket(now_us)
    stepped = before is not None and (new.low_us > before.high_us or new.high_us < before.low_us)
    if stepped:
        state = DeviceClock(segment=state.segment + 1)
    state = replace(state, bins=_binned(state.bins, new), is_unset=is_unset)
    found = state.bracket(now_us)
    assert found is not None
    offset, uncertainty = (found.low_us + found.high_us) // 2, (found.high_us - found.low_us) // 2
    last = state.reported
    moved = last is not None and abs(offset - last[0]) > max(uncertainty, last[1])
    if not (last is None or stepped or moved or now_us - last[2] >= REPORT_US):
        return state, None
    first = state.segment_first or (offset, now_us)
    elapsed = now_us - first[1]
    drift = round((offset - first[0]) * 1e6 / elapsed, 1) if elapsed >= REPORT_US else None
    report = ClockReport(state.segment, offset, uncertainty, drift, stepped, is_unset)
    return replace(state, reported=(offset, uncertainty, now_us), segment_first=first), report


def against_wall(offset_us: int, wall_us: int, mono_us: int) -> int:
    """Return the offset against UTC, of one against the monotonic clock."""
    return offset_us - (wall_us - mono_us)


def whole_hours(offset_us: int) -> int:
    """Return the whole hours of an offset: a zone rather than an error."""
    return round(offset_us / 3_600_000_000)


def _binned(bins: tuple[Bracket, ...], new: Bracket) -> tuple[Bracket, ...]:
    """Put a bracket into the bin of its minute; bins older than ten minutes are forgotten."""
    minute = new.at_us // BIN_US
    kept = tuple(one for one in bins if minute - one.at_us // BIN_US < KEEP_BINS)
    if kept and kept[-1].at_us // BIN_US == minute:
        old = kept[-1].aged(new.at_us)
        merged = Bracket(max(old.low_us, new.low_us), min(old.high_us, new.high_us), new.at_us)
        return (*kept[:-1], merged)
    return (*kept, new)
