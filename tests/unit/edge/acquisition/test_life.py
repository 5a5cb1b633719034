"""The life signal: the table of the page, row by row."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edge.acquisition import life
from edge.acquisition.life import Life, LifeEvent, LifeSpec, LifeState

S = 10**9
U16 = LifeSpec("counter", 2 * S, S, 1 << 16, 10 * S)
SECOND = LifeSpec("second", 3 * S, S, 0, 10 * S)
TOGGLE = LifeSpec("toggle", 2 * S, S // 4, 0, 10 * S)


def walk(
    marks: Sequence[tuple[float, int | None]], spec: LifeSpec = U16
) -> tuple[LifeState, list[tuple[Life, LifeEvent | None]]]:
    """Feed (seconds, raw); returns the last state, and life and event after each."""
    state, found = LifeState(), []
    for at_s, raw in marks:
        state, event = life.step(state, raw, int(at_s * S), spec)
        found.append((state.life, event))
    return state, found


def test_two_movements_prove_life() -> None:
    _, found = walk([(0, 1), (1, 2), (2, 3), (3, 3)])
    assert [state for state, _ in found] == ["UNPROVEN", "UNPROVEN", "ALIVE", "ALIVE"]
    assert [event for _, event in found] == [None] * 4


def test_one_refresh_of_a_dead_copy_proves_nothing() -> None:
    _, found = walk([(0, 1), (1, 1), (2, 9), *[(i, 9) for i in range(3, 60)]])
    assert {state for state, _ in found} == {Life.UNPROVEN}


def test_a_signal_that_never_moves_stays_unproven_and_makes_no_event() -> None:
    assert set(walk([(i, 7) for i in range(100)])[1]) == {(Life.UNPROVEN, None)}


def test_a_signal_that_stands_is_stopped_once_and_returns_after_two_movements() -> None:
    marks = [(0, 1), (1, 2), (2, 3), (4, 3), (4.1, 3), (9, 3), (10, 4), (11, 5), (12, 6)]
    _, found = walk(marks)
    assert [event for _, event in found] == [
        *[None] * 4,
        LifeEvent.STOPPED,
        None,
        None,
        LifeEvent.RETURNED,
        None,
    ]
    assert [str(state) for state, _ in found][4:] == ["STOPPED"] * 3 + ["ALIVE"] * 2


def test_a_life_point_that_is_bad_leaves_it_unproven_when_it_is_back() -> None:
    _, found = walk([(0, 1), (1, 2), (2, 3), (3, None), (4, 4), (5, 5), (6, 6)])
    assert [str(state) for state, _ in found][2:] == [
        "ALIVE",
        "UNPROVEN",
        "UNPROVEN",
        "UNPROVEN",
        "ALIVE",
    ]
    assert all(event is None for _, event in found)


def test_stopped_stays_stopped_over_a_bad_reading() -> None:
    _, found = walk([(0, 1), (1, 2), (2, 3), (5, 3), (6, None), (7, 3), (8, 4), (9, 5)])
    assert [str(state) for state, _ in found][3:] == ["STOPPED"] * 4 + ["ALIVE"]
    assert found[-1][1] is LifeEvent.RETURNED


def test_a_counter_that_wraps_moves_and_is_no_restart() -> None:
    marks = [(0, 65_400), (1, 65_500), (2, 64), (3, 164)]
    assert [event for _, event in walk(marks)[1]] == [None] * 4


def test_a_counter_that_goes_back_is_a_restart_and_values_settle() -> None:
    state, found = walk([(0, 5000), (1, 5001), (2, 5002), (3, 1), (4, 2)])
    assert found[3] == (Life.ALIVE, LifeEvent.RESTARTED)
    assert life.overlay(state, 4 * S) == life.RESTARTING
    assert life.overlay(state, 12 * S) == life.RESTARTING
    assert life.overlay(state, 13 * S) is None


def test_without_a_settling_time_a_restart_is_an_event_only() -> None:
    state, found = walk([(0, 50), (1, 51), (2, 52), (3, 1)], replace(U16, settle_ns=0))
    assert found[3][1] is LifeEvent.RESTARTED
    assert life.overlay(state, 3 * S) is None


def test_a_second_that_advances_with_time_moves_over_the_minute() -> None:
    _, found = walk([(0, 57), (1, 58), (2, 59), (3, 0), (4, 1)], SECOND)
    assert [str(state) for state, _ in found][2:] == ["ALIVE"] * 3
    assert all(event is None for _, event in found)


def test_a_second_that_jumps_elsewhere_proves_nothing() -> None:
    _, found = walk([(i, (i * 17) % 60) for i in range(20)], SECOND)
    assert {state for state, _ in found} == {Life.UNPROVEN}


def test_a_clock_that_was_set_stops_proof_only_until_it_moves_on() -> None:
    state, found = walk([(0, 1), (1, 2), (2, 3), (3, 40), (4, 41), (5, 42)], SECOND)
    assert state.life is Life.ALIVE
    assert all(event is None for _, event in found)


def test_a_toggle_moves_at_each_change() -> None:
    state, _ = walk([(0, 0), (0.5, 1), (1.0, 0), (1.5, 1)], TOGGLE)
    assert state.life is Life.ALIVE


def test_proof_does_not_outlive_its_time_when_nothing_is_heard() -> None:
    state, _ = walk([(0, 1), (1, 2), (2, 3)])
    assert life.expire(state, 5 * S, U16) is state
    after = life.expire(state, 5 * S + 1, U16)
    assert after.life is Life.UNPROVEN
    assert not after.was_stopped, "silence is no stop"
    assert life.overlay(after, 5 * S + 1) == life.UNPROVEN


def test_a_changed_program_leaves_the_map_unproven_until_somebody_proves_it() -> None:
    state, _ = walk([(0, 1), (1, 2), (2, 3)])
    doubted = life.program_changed(state)
    assert life.overlay(doubted, 3 * S) == life.MAP_UNPROVEN
    assert life.overlay(life.map_proved(doubted), 3 * S) is None


def test_what_says_less_gives_way_to_what_says_more() -> None:
    everything = LifeState(Life.STOPPED, settle_until_ns=9 * S, map_unproven=True)
    assert life.overlay(everything, 1 * S) == life.STOPPED
    assert life.overlay(replace(everything, life=Life.UNPROVEN), 1 * S) == life.RESTARTING
    assert life.overlay(replace(everything, life=Life.UNPROVEN), 9 * S) == life.UNPROVEN


@pytest.mark.parametrize(
    ("poll_ns", "update_ns", "limit_ns"),
    [(S // 10, 0, 2 * S), (S, 0, 3 * S), (S, 5 * S, 8 * S)],
)
def test_a_signal_may_stand_for_three_polls_two_seconds_at_least_and_the_update(
    poll_ns: int, update_ns: int, limit_ns: int
) -> None:
    assert life.within_ns(poll_ns, update_ns) == limit_ns


def test_lost_polls_that_hide_a_flip_are_no_stop_of_a_toggle() -> None:
    spec = LifeSpec("toggle", 2 * S, S // 2)
    _, found = walk([(0, 0), (0.5, 0), (1, 1), (1.5, 1), (2, 0), (4, 0), (4.5, 0), (5, 1)], spec)
    assert [state for state, _ in found][4:] == ["ALIVE", "ALIVE", "UNPROVEN", "UNPROVEN"]


def test_a_toggle_that_stands_is_stopped_once_its_polls_are_unbroken() -> None:
    spec = LifeSpec("toggle", 2 * S, S // 2)
    runs = [(0, 0), (0.5, 0), (1, 1), (1.5, 1), (2, 0)]
    stands = [(4 + at / 2, 0) for at in range(6)]
    state, found = walk([*runs, *stands], spec)
    assert [state for state, _ in found[5:]] == ["ALIVE", *["UNPROVEN"] * 4, "STOPPED"]
    assert found[-1][1] is LifeEvent.STOPPED
    assert state.was_stopped
