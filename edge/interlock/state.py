"""The protection region of an interlock: one table, and who asks for which transition.  Pure.

Rules of this file.  `TRANSITIONS` is the whole machine: a pair that does not stand in it leaves the
state unchanged.  One signal a scan.  Outside ARMED no new trip starts, and none is released.
Causes are levels: an interlock that becomes ARMED with a confirmed cause trips at once.

Theory of operation.  The causes with an X or S cell decide.  RUNNING: one is TRUE and its on-delay
runs.  CONFIRMED: one is past it, in a state that may trip.  ADDED: a further one while TRIPPED.
CLEARED: all are FALSE past their off-delays and `min_trip` is over; a latching interlock then waits
for RESET.  In advisory mode the latch follows the plant's own: RESET is its `observe.tripped` seen
FALSE; without that signal nothing latches.  A suspended cause is neither TRUE nor FALSE, so that a
lost line moves no protection state; nor does one that makes an interlock ARMED because it hides
`armed_when`, by causes that it hides as well.  Source: `interlocks.md` 3.10 and 3.13.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.interlock.causes import CauseState
from edge.interlock.vote import Result

NORMAL, PENDING, TRIPPED, LATCHED = "NORMAL", "PENDING", "TRIPPED", "LATCHED"
INIT, NOT_REQUIRED, ARMED = "INIT", "NOT_REQUIRED", "ARMED"


class Signal(StrEnum):
    """What the causes ask of the protection region."""

    RUNNING = "running"
    NONE_TRUE = "none true"
    CONFIRMED = "confirmed"
    ADDED = "added"
    CLEARED_LATCHED = "cleared, latched"
    CLEARED = "cleared"
    RESET = "reset"


TRANSITIONS: dict[tuple[str, Signal], tuple[str, str]] = {
    (NORMAL, Signal.RUNNING): (PENDING, "interlock.pending"),
    (PENDING, Signal.NONE_TRUE): (NORMAL, "interlock.pending_cleared"),
    (NORMAL, Signal.CONFIRMED): (TRIPPED, "interlock.tripped"),
    (PENDING, Signal.CONFIRMED): (TRIPPED, "interlock.tripped"),
    (TRIPPED, Signal.ADDED): (TRIPPED, "interlock.cause_added"),
    (TRIPPED, Signal.CLEARED_LATCHED): (LATCHED, "interlock.latched"),
    (TRIPPED, Signal.CLEARED): (NORMAL, "interlock.returned"),
    (LATCHED, Signal.CONFIRMED): (TRIPPED, "interlock.tripped"),
    (LATCHED, Signal.RESET): (NORMAL, "interlock.reset"),
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What the protection region looks at.

    Attributes:
        causes: states of the causes with an X or S cell, in file order.
        armed: service is ARMED.
        held: positions (in `causes`) that the standing trip rests on.
        min_trip_over: the shortest time of a trip has passed.
        latch: waits for a reset after the causes have cleared.
        plant_reset: the plant's own interlock is seen not tripped.
        unseen: positions of causes that a lost line hides: they start nothing.
    """

    causes: Sequence[CauseState]
    armed: bool
    held: frozenset[int]
    min_trip_over: bool
    latch: bool
    plant_reset: bool
    unseen: frozenset[int] = frozenset()


def signal(protection: str, ask: Ask) -> Signal | None:
    """Return what is asked of the region in this scan; None for nothing."""
    confirmed = {i for i, cause in enumerate(ask.causes) if cause.confirmed}
    starting = confirmed - ask.unseen
    quiet = not confirmed and all(c.ballot.result is Result.FALSE for c in ask.causes)
    match protection:
        case "NORMAL" | "PENDING":
            if starting and ask.armed:
                return Signal.CONFIRMED
            if quiet:
                return Signal.NONE_TRUE
            running = any(
                cause.delay.running for i, cause in enumerate(ask.causes) if i not in ask.unseen
            )
            return Signal.RUNNING if running and ask.armed else None
        case "TRIPPED":
            if starting - ask.held and ask.armed:
                return Signal.ADDED
            if quiet and ask.min_trip_over:
                return Signal.CLEARED_LATCHED if ask.latch else Signal.CLEARED
            return None
        case _:
            if starting and ask.armed:
                return Signal.CONFIRMED
            return Signal.RESET if ask.plant_reset else None


def first_out(causes: Sequence[tuple[int, CauseState, int]]) -> tuple[tuple[int, ...], int]:
    """Return the causes that may have been first, in order, and how many of them are certain ties.

    Args:
        causes: (index, state, uncertainty ns) of the causes confirmed in this scan.

    Ordered by the instant they became TRUE, then by the file.  Instants closer than their
    uncertainty are one ambiguity set: the causes behind the first one.
    """
    ordered = sorted(causes, key=lambda entry: (entry[1].delay.true_ns or 0, entry[0]))
    first_ns = ordered[0][1].delay.true_ns or 0
    tied = [
        index
        for index, state, blur in ordered
        if (state.delay.true_ns or 0) - first_ns <= max(blur, ordered[0][2])
    ]
    return tuple(tied), len(tied) - 1
