"""The life signal: the table of the page, row by row."""

import pytest

from edge.acquisition import breaker, life
from edge.acquisition.breaker import Breaker
from edge.acquisition.life import Life, LifeEvent, LifeState

S = 10**9


def walk(marks: list[tuple[float, int | None]]) -> list[tuple[Life, LifeEvent | None]]:
    """Feed (seconds, raw) and return life and event after each."""
    state, found = LifeState(), []
    for at_s, raw in marks:
        state, event = life.step(state, raw, int(at_s * S), 2 * S)
        found.append((state.life, event))
    return found


def test_two_movements_prove_life() -> None:
    found = walk([(0, 1), (1, 1), (2, 2), (3, 3)])
    assert [state for state, _ in found] == ["UNPROVEN", "UNPROVEN", "UNPROVEN", "ALIVE"]
    assert [event for _, event in found] == [None] * 4


def test_a_signal_that_never_moves_stays_unproven_and_makes_no_event() -> None:
    assert set(walk([(i, 7) for i in range(100)])) == {(Life.UNPROVEN, None)}


def test_a_signal_that_stands_is_stopped_once_and_returns_after_two_movements() -> None:
    found = walk([(0, 1), (1, 2), (2, 3), (4, 3), (4.1, 3), (9, 3), (10, 4), (11, 5), (12, 6)])
    assert [event for _, event in found] == [
        None,
        None,
        None,
        None,
        LifeEvent.STOPPED,
        None,
        None,
        LifeEvent.RETURNED,
        None,
    ]
    assert found[6][0] is Life.STOPPED
    assert found[7][0] is Life.ALIVE


def test_a_life_point_that_is_bad_leaves_it_unproven_when_it_is_back() -> None:
    found = walk([(0, 1), (1, 2), (2, 3), (3, None), (4, 9), (5, 10), (6, 11)])
    assert [state for state, _ in found][3:] == ["UNPROVEN", "UNPROVEN", "UNPROVEN", "ALIVE"]


def test_stopped_stays_stopped_over_a_bad_reading() -> None:
    found = walk([(0, 1), (1, 2), (2, 3), (5, 3), (6, None), (7, 3), (8, 4), (9, 5)])
    assert [state for state, _ in found][3:7] == ["STOPPED"] * 4
    assert found[7] == (Life.ALIVE, LifeEvent.RETURNED)


def test_a_counter_that_wraps_moves() -> None:
    assert walk([(0, 65534), (1, 65535), (2, 0)])[-1][0] is Life.ALIVE


@pytest.mark.parametrize(("poll_ns", "within"), [(10**8, 2 * S), (S, 3 * S)])
def test_it_must_move_within_three_polls_at_least_two_seconds(poll_ns: int, within: int) -> None:
    assert life.within_ns(poll_ns) == within


def test_one_failed_read_is_no_loss_and_the_second_is() -> None:
    once = breaker.failed(Breaker(), 0, 0.5)
    assert not once.lost
    twice = breaker.failed(once, 0, 0.5)
    assert twice.lost
    assert twice.retry_ns == 50 * 10**6


def test_the_pause_of_a_lost_device_grows_to_five_seconds() -> None:
    state = Breaker()
    pauses = []
    for _ in range(12):
        state = breaker.failed(state, 0, 0.999)
        pauses.append(state.retry_ns)
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 5 * S
    assert pauses[-1] > 4.9 * S
