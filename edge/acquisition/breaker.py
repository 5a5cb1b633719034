"""When a unit is suspended, and when it may be asked again, per (line, unit).  Pure.

Rules of this file.  A failure is a time-out, an answer that was rejected, a unit that could not be
synchronised, exception 10 or 11; any other well-formed answer is a success.  After one failure the
slots of the unit that were due until then are not asked: a dead unit costs one time-out a cycle,
not one a block.

| state | event | next | effect |
|---|---|---|---|
| CLOSED | 3 failures in a row | OPEN | all points BAD (COMM_LOSS / suspended), one record |
| OPEN | back-off over, budget free | HALF_OPEN | one probe |
| HALF_OPEN | answered | CLOSED | the next slot polls, one record |
| HALF_OPEN | not answered | OPEN | back-off 1, 2, 4 … 30 s +-20 % (5 s with `fast` points) |
| any | connection lost | CLOSED | the pace is the connection's |

The state is a function of the history of its (line, unit) and of the random words; nothing is
shared.  Source: `acquisition.md` 3.9.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

STRIKES_MAX = 3
FAST_CAP_NS = 5 * 10**9
JITTER = 0.2


class Trip(StrEnum):
    """Where a breaker stands."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True)
class Pace:
    """The back-off of a unit: the first pause and the longest one, within 0.1-300 s."""

    first_ns: int = 10**9
    longest_ns: int = 30 * 10**9

    def with_fast_points(self) -> "Pace":
        """Return the pace of a unit that has points of class `fast`."""
        return Pace(min(self.first_ns, FAST_CAP_NS), min(self.longest_ns, FAST_CAP_NS))


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where one unit stands.

    Attributes:
        trip: see the table above.
        strikes: failures in a row.
        attempt: probes without an answer since it opened.
        retry_ns: not probed before (monotonic).
        since_ns: of the last change of `trip` between CLOSED and OPEN.
        quiet_ns: slots that were due until then are not asked; 0 = all are.
    """

    trip: Trip = Trip.CLOSED
    strikes: int = 0
    attempt: int = 0
    retry_ns: int = 0
    since_ns: int = 0
    quiet_ns: int = 0

    @property
    def is_suspended(self) -> bool:
        """True while only probes are sent."""
        return self.trip is not Trip.CLOSED


def answered(state: Breaker, now_ns: int) -> Breaker:
    """Return the state after a success, of a read or a probe."""
    if state.trip is Trip.CLOSED:
        return state if not state.strikes else Breaker(since_ns=state.since_ns)
    return Breaker(since_ns=now_ns)


def failed(state: Breaker, now_ns: int, fraction: float, pace: Pace) -> Breaker:
    """Return the state after a failure, of a read or a probe; `fraction` is uniform in [0, 1)."""
    if state.trip is Trip.CLOSED:
        strikes = state.strikes + 1
        if strikes < STRIKES_MAX:
            return replace(state, strikes=strikes, quiet_ns=now_ns)
        retry_ns = now_ns + _pause_ns(0, fraction, pace)
        return Breaker(Trip.OPEN, strikes, 0, retry_ns, now_ns)
    attempt = state.attempt + 1
    return replace(
        state,
        trip=Trip.OPEN,
        strikes=state.strikes + 1,
        attempt=attempt,
        retry_ns=now_ns + _pause_ns(attempt, fraction, pace),
    )


def probing(state: Breaker) -> Breaker:
    """Return the state while a probe is under way."""
    assert state.trip is Trip.OPEN
    return replace(state, trip=Trip.HALF_OPEN)


def is_probe_due(state: Breaker, now_ns: int) -> bool:
    """Return True when the back-off is over."""
    return state.trip is Trip.OPEN and now_ns >= state.retry_ns


def is_asked(state: Breaker, due_ns: int) -> bool:
    """Return True when a slot that was due at `due_ns` may be asked now."""
    return state.trip is Trip.CLOSED and (due_ns > state.quiet_ns or not state.strikes)


def _pause_ns(attempt: int, fraction: float, pace: Pace) -> int:
    """Return the pause: doubled each time, capped, +-20 %, never beyond the longest."""
    pause = min(pace.longest_ns, pace.first_ns << min(attempt, 40))
    return min(pace.longest_ns, int(pause * (1 - JITTER + 2 * JITTER * fraction)))
