"""The protection machine, row by row: every pair of state and signal has its one answer."""

from itertools import product

import pytest

from edge.interlock import state
from edge.interlock.causes import CauseState
from edge.interlock.state import TRANSITIONS, Ask, Signal
from edge.interlock.timers import Delay
from edge.interlock.vote import Ballot, Result

QUIET = CauseState(Ballot(Result.FALSE, 0, 0, 0), Delay())
RUNNING = CauseState(Ballot(Result.TRUE, 1, 0, 0), Delay(true_ns=1))
CONFIRMED = CauseState(Ballot(Result.TRUE, 1, 0, 0), Delay(true_ns=1, confirmed=True))
LINGERING = CauseState(Ballot(Result.FALSE, 0, 0, 0), Delay(1, 2, confirmed=True))
SUSPENDED = CauseState(Ballot(Result.SUSPENDED, 0, 0, 1), Delay())
STATES = (state.NORMAL, state.PENDING, state.TRIPPED, state.LATCHED)


def ask(*causes: CauseState, **words: object) -> Ask:
    """What the region looks at, armed and ready to clear unless told otherwise."""
    defaults: dict[str, object] = {
        "armed": True,
        "held": frozenset(),
        "min_trip_over": True,
        "latch": True,
        "plant_reset": False,
    }
    return Ask(causes=causes, **(defaults | words))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "asked", "signal"),
    [
        ("NORMAL", ask(QUIET), Signal.NONE_TRUE),
        ("NORMAL", ask(RUNNING), Signal.RUNNING),
        ("NORMAL", ask(RUNNING, armed=False), None),
        ("NORMAL", ask(CONFIRMED), Signal.CONFIRMED),
        ("NORMAL", ask(CONFIRMED, armed=False), None),
        ("NORMAL", ask(SUSPENDED), None),
        ("PENDING", ask(QUIET), Signal.NONE_TRUE),
        ("PENDING", ask(SUSPENDED), None),
        ("PENDING", ask(RUNNING, CONFIRMED), Signal.CONFIRMED),
        ("TRIPPED", ask(CONFIRMED, held=frozenset({0})), None),
        ("TRIPPED", ask(CONFIRMED, CONFIRMED, held=frozenset({0})), Signal.ADDED),
        ("TRIPPED", ask(QUIET), Signal.CLEARED_LATCHED),
        ("TRIPPED", ask(QUIET, latch=False), Signal.CLEARED),
        ("TRIPPED", ask(QUIET, min_trip_over=False), None),
        ("TRIPPED", ask(LINGERING, held=frozenset({0})), None),
        ("TRIPPED", ask(SUSPENDED), None),
        ("TRIPPED", ask(RUNNING), None),
        ("LATCHED", ask(QUIET), None),
        ("LATCHED", ask(QUIET, plant_reset=True), Signal.RESET),
        ("LATCHED", ask(CONFIRMED, plant_reset=True), Signal.CONFIRMED),
    ],
)
def test_the_causes_ask_for_what_the_page_says(
    before: str, asked: Ask, signal: Signal | None
) -> None:
    assert state.signal(before, asked) is signal


ROWS = {
    ("NORMAL", Signal.RUNNING): ("PENDING", "interlock.pending"),
    ("PENDING", Signal.NONE_TRUE): ("NORMAL", "interlock.pending_cleared"),
    ("NORMAL", Signal.CONFIRMED): ("TRIPPED", "interlock.tripped"),
    ("PENDING", Signal.CONFIRMED): ("TRIPPED", "interlock.tripped"),
    ("TRIPPED", Signal.ADDED): ("TRIPPED", "interlock.cause_added"),
    ("TRIPPED", Signal.CLEARED_LATCHED): ("LATCHED", "interlock.latched"),
    ("TRIPPED", Signal.CLEARED): ("NORMAL", "interlock.returned"),
    ("LATCHED", Signal.CONFIRMED): ("TRIPPED", "interlock.tripped"),
    ("LATCHED", Signal.RESET): ("NORMAL", "interlock.reset"),
}


@pytest.mark.parametrize(("before", "asked"), list(product(STATES, Signal)))
def test_every_pair_moves_as_its_row_says_or_not_at_all(before: str, asked: Signal) -> None:
    assert TRANSITIONS.get((before, asked)) == ROWS.get((before, asked))
