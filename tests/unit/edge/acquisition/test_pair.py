"""The pair: who is read, row by row of the table."""

from dataclasses import replace

from edge.acquisition import pair
from edge.acquisition.life import Life
from edge.acquisition.pair import SWITCHES_MAX, Member, PairState

S = 10**9
GOOD = Member(up=True, life=Life.ALIVE)
USED = PairState(is_chosen=True)


def after(
    a: Member, b: Member, state: PairState = USED, now_ns: int = S
) -> tuple[int, list[tuple[str, str]]]:
    """Which member is in use after one step, and the events."""
    found, events = pair.step(state, (a, b), now_ns)
    return found.in_use, [(event.code, event.reason) for event in events]


def test_while_both_are_well_the_one_in_use_stays() -> None:
    assert after(GOOD, GOOD) == (0, [])
    assert after(GOOD, GOOD, replace(USED, in_use=1)) == (1, [])


def test_a_lost_link_a_stopped_life_a_low_level_each_switch_and_say_why() -> None:
    switched = "device.pair_switched"
    assert after(replace(GOOD, up=False), GOOD) == (1, [(switched, "link")])
    assert after(replace(GOOD, life=Life.STOPPED), GOOD) == (1, [(switched, "life")])
    assert after(replace(GOOD, level=199), GOOD) == (1, [(switched, "service_level")])


def test_a_stopped_half_with_a_live_socket_is_not_read() -> None:
    a, b = replace(GOOD, life=Life.STOPPED, active=True), replace(GOOD, active=False)
    assert after(a, b)[0] == 1


def test_the_flag_of_the_controller_decides_among_candidates() -> None:
    a, b = replace(GOOD, active=False), replace(GOOD, active=True)
    assert after(a, b) == (1, [("device.pair_switched", "active")])
    assert after(b, replace(a, level=255)) == (0, [])


def test_the_higher_service_level_decides_where_there_is_no_flag() -> None:
    assert after(replace(GOOD, level=210), GOOD) == (1, [("device.pair_switched", "service_level")])


def test_two_masters_leave_the_one_in_use_and_say_so_once() -> None:
    both = (replace(GOOD, active=True), replace(GOOD, active=True))
    state, events = pair.step(USED, both, S)
    assert (state.in_use, state.two_masters) == (0, True)
    assert [event.code for event in events] == ["device.two_masters"]
    assert pair.step(state, both, 2 * S)[1] == []
    state, _ = pair.step(state, (both[0], replace(GOOD, active=False)), 3 * S)
    assert not state.two_masters


def test_without_candidates_the_best_that_answers_is_read_with_its_own_quality() -> None:
    a, b = replace(GOOD, up=False), replace(GOOD, level=100)
    assert after(a, b)[0] == 1
    assert after(replace(a, life=Life.STOPPED), replace(a, level=0))[0] == 0


def test_the_first_choice_is_no_switch() -> None:
    assert after(Member(), GOOD, PairState()) == (1, [])


def test_more_than_six_switches_a_minute_are_held_and_told_once() -> None:
    state, kinds, bad = USED, [], replace(GOOD, up=False)
    for second in range(1, 40):
        seen = (bad, GOOD) if state.in_use == 0 else (GOOD, bad)
        state, events = pair.step(state, seen, second * S)
        kinds += [event.code for event in events]
    assert kinds.count("device.pair_switched") == SWITCHES_MAX
    assert kinds.count("device.pair_flapping") == 1
    seen = (bad, GOOD) if state.in_use == 0 else (GOOD, bad)
    state, events = pair.step(state, seen, 62 * S)
    assert [event.code for event in events] == ["device.pair_switched"]
