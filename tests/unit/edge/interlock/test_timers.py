"""On-delay and off-delay, exact in virtual time."""

from edge.interlock.timers import Delay, restarted, step

MS = 10**6


def run(delay: Delay, marks: list[tuple[int, bool]], on: int = 0, off: int = 0) -> list[bool]:
    """Step through (time in ms, active) and return what was confirmed."""
    found = []
    for at_ms, active in marks:
        delay = step(delay, active, at_ms * MS, on * MS, off * MS)
        found.append(delay.confirmed)
    return found


def test_the_on_delay_ends_exactly_when_it_is_over() -> None:
    marks = [(0, True), (999, True), (1000, True)]
    assert run(Delay(), marks, on=1000) == [False, False, True]


def test_a_break_restarts_the_on_delay() -> None:
    marks = [(0, True), (900, False), (950, True), (1900, True), (1950, True)]
    assert run(Delay(), marks, on=1000) == [False, False, False, False, True]


def test_the_off_delay_delays_the_return_only() -> None:
    marks = [(0, True), (100, False), (2099, False), (2100, False)]
    assert run(Delay(), marks, off=2000) == [True, True, True, False]


def test_true_again_within_the_off_delay_starts_it_anew() -> None:
    marks = [(0, True), (100, False), (2000, True), (2100, False), (4000, False), (4100, False)]
    assert run(Delay(), marks, off=2000) == [True, True, True, True, True, False]


def test_without_delays_the_output_follows() -> None:
    assert run(Delay(), [(0, True), (1, False), (2, True)]) == [True, False, True]


def test_a_suspension_keeps_what_is_confirmed_and_forgets_what_ran() -> None:
    assert restarted(Delay(5, None, confirmed=True)).confirmed
    assert restarted(Delay(5)) == Delay()
