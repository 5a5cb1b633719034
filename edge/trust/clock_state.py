"""Is this host's clock believable: offset to the centre, and the state that batches carry.  Pure.

Theory of operation: each heartbeat gives four timestamps, t1 sent and t4 received here, t2
received and t3 sent at the centre.  Offset = ((t2 - t1) + (t3 - t4)) / 2, error = half the round
trip.  Of the last eight exchanges the one with the least round trip counts.

Clause: security.md 3.11, batches.md 3.8.
"""

from collections import deque
from dataclasses import dataclass

from proto.batch import ClockState

UNKNOWN_ERR_US = 0xFFFF_FFFF
EXCHANGES_KEPT = 8
SYNCED_US = 100_000
DRIFT_US = 1_000_000
FRESH_NS = 15 * 60 * 1_000_000_000
CHECK_NS = 24 * 3_600 * 1_000_000_000
YEAR_2024_US = 1_704_067_200_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """The clock as judged now; `offset_us` = centre - gateway, `err_us` its half-width."""

    offset_us: int
    err_us: int
    state: ClockState


@dataclass(frozen=True, slots=True)
class _Exchange:
    offset_us: int
    err_us: int
    mono_ns: int


class ClockJudge:
    """Keeps the last exchanges and says how far the wall clock may be trusted."""

    def __init__(self) -> None:
        self._exchanges: deque[_Exchange] = deque(maxlen=EXCHANGES_KEPT)
        self._stepped_ns: int | None = None

    def exchanged(self, *, t1_us: int, t2_us: int, t3_us: int, t4_us: int, mono_ns: int) -> None:
        """Take one exchange; one with a negative round trip (a step in between) is not counted."""
        round_trip_us = (t4_us - t1_us) - (t3_us - t2_us)
        if round_trip_us < 0 or t4_us < t1_us:
            return
        offset_us = ((t2_us - t1_us) + (t3_us - t4_us)) // 2
        self._exchanges.append(
            _Exchange(offset_us, min((round_trip_us + 1) // 2, UNKNOWN_ERR_US - 1), mono_ns)
        )
        self._stepped_ns = None

    def stepped(self, mono_ns: int) -> None:
        """The wall clock stepped: what was measured before says nothing any more."""
        self._exchanges.clear()
        self._stepped_ns = mono_ns

    def estimate(self, *, wall_us: int, mono_ns: int) -> Estimate:
        """Return offset, error and state now.

        Never checked is DRIFT, not SUSPECT: nothing speaks against the clock yet.
        """
        if wall_us < YEAR_2024_US:
            return Estimate(0, UNKNOWN_ERR_US, ClockState.UNSET)
        if not self._exchanges:
            state = ClockState.DRIFT if self._stepped_ns is None else ClockState.SUSPECT
            return Estimate(0, UNKNOWN_ERR_US, state)
        best = min(self._exchanges, key=lambda one: one.err_us)
        age_ns = mono_ns - self._exchanges[-1].mono_ns
        return Estimate(best.offset_us, best.err_us, _state(best, age_ns))


def _state(best: _Exchange, age_ns: int) -> ClockState:
    distance_us = abs(best.offset_us) + best.err_us
    if distance_us > DRIFT_US or age_ns > CHECK_NS:
        return ClockState.SUSPECT
    if distance_us > SYNCED_US or age_ns > FRESH_NS:
        return ClockState.DRIFT
    return ClockState.SYNCED
