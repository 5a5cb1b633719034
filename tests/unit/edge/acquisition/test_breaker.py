"""The breaker of a unit: its table row by row, and what it never does."""

from edge.acquisition import breaker
from edge.acquisition.breaker import Breaker, Pace, Trip

S = 10**9


PACE = Pace()


def opened(pace: Pace = PACE) -> Breaker:
    """A breaker after its third failure at second 3."""
    state = Breaker()
    for at in (1, 2, 3):
        state = breaker.failed(state, at * S, 0.5, pace)
    return state


def test_three_failures_in_a_row_open_it_and_two_do_not() -> None:
    state = breaker.failed(Breaker(), 1 * S, 0.5, Pace())
    state = breaker.failed(state, 2 * S, 0.5, Pace())
    assert (state.trip, state.strikes, state.quiet_ns) == (Trip.CLOSED, 2, 2 * S)
    state = breaker.failed(state, 3 * S, 0.5, Pace())
    assert state == Breaker(Trip.OPEN, 3, 0, 4 * S, 3 * S)


def test_a_success_between_failures_keeps_it_closed() -> None:
    state = Breaker()
    for at in range(100):
        state = breaker.failed(state, at * S, 0.5, Pace())
        state = breaker.failed(state, at * S, 0.5, Pace())
        state = breaker.answered(state, at * S)
    assert state == Breaker()


def test_after_one_failure_the_slots_that_were_due_then_are_not_asked() -> None:
    state = breaker.failed(Breaker(), 5 * S, 0.5, Pace())
    assert not breaker.is_asked(state, 5 * S)
    assert breaker.is_asked(state, 5 * S + 1)
    assert breaker.is_asked(breaker.answered(state, 6 * S), 5 * S)


def test_an_open_one_is_probed_when_its_back_off_is_over_and_not_before() -> None:
    state = opened()
    assert not breaker.is_probe_due(state, 4 * S - 1)
    assert breaker.is_probe_due(state, 4 * S)
    assert not breaker.is_asked(state, 99 * S)
    half = breaker.probing(state)
    assert half.trip is Trip.HALF_OPEN
    assert half.is_suspended
    assert not breaker.is_probe_due(half, 99 * S)


def test_an_answered_probe_closes_it_and_an_unanswered_one_opens_it_again() -> None:
    half = breaker.probing(opened())
    assert breaker.answered(half, 9 * S) == Breaker(since_ns=9 * S)
    again = breaker.failed(half, 9 * S, 0.5, Pace())
    assert (again.trip, again.attempt, again.retry_ns) == (Trip.OPEN, 1, 11 * S)


def pauses(pace: Pace, fraction: float) -> list[float]:
    """The pauses between ten probes, in seconds."""
    state, found, now = opened(pace), [], 0
    for _ in range(10):
        state = breaker.failed(breaker.probing(state), now, fraction, pace)
        found.append((state.retry_ns - now) / S)
    return found


def test_the_back_off_doubles_to_thirty_seconds() -> None:
    assert pauses(Pace(), 0.5) == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0, 30.0]


def test_the_back_off_varies_by_a_fifth_and_never_beyond_its_longest() -> None:
    assert pauses(Pace(), 0.0)[:2] == [1.6, 3.2]
    assert pauses(Pace(), 0.999)[0] > 2.39
    assert max(pauses(Pace(), 0.999)) == 30.0


def test_a_unit_with_fast_points_is_tried_every_five_seconds_at_the_latest() -> None:
    assert max(pauses(Pace().with_fast_points(), 0.999)) == 5.0


def test_a_back_off_that_people_stated_is_kept_as_it_is() -> None:
    assert pauses(Pace(5 * S, 5 * S), 0.5) == [5.0] * 10
