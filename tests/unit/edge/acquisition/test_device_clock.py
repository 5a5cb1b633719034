"""A device's clock: the bracket holds the truth, a step is a new segment."""

from edge.acquisition import device_clock
from edge.acquisition.device_clock import ClockReport, DeviceClock, Reading

S = 10**6
NOON = 1_795_000_000 * S
OFFSET = 3_200_000


def read(
    at_us: int, offset_us: int = OFFSET, *, resolution_us: int = S, round_trip_us: int = 20_000
) -> Reading:
    """What a clock says that is `offset_us` ahead, read in the middle of the round trip."""
    shown = (NOON + at_us + offset_us) // resolution_us * resolution_us
    return Reading(shown, resolution_us, at_us - round_trip_us // 2, at_us + round_trip_us // 2)


def run(times: list[int], **keys: int) -> tuple[DeviceClock, list[ClockReport]]:
    """Feed readings at these times."""
    state, reports = DeviceClock(), []
    for at_us in times:
        state, report = device_clock.step(state, read(at_us, **keys))
        reports += [report] if report is not None else []
    return state, reports


def test_a_clock_that_is_read_at_ever_other_moments_is_known_to_some_ten_milliseconds() -> None:
    times = [i * 10 * S + (i * 618_034) % S for i in range(1, 31)]
    state, _ = run(times)
    found = state.bracket(times[-1])
    assert found is not None
    assert found.high_us - found.low_us < 100_000
    assert found.low_us <= NOON + OFFSET <= found.high_us
    assert state.source_ok(times[-1])


def test_a_clock_that_is_read_in_step_with_its_second_never_narrows() -> None:
    state, _ = run([i * S for i in range(1, 300)])
    found = state.bracket(299 * S)
    assert found is not None
    assert found.high_us - found.low_us > 900_000
    assert not state.source_ok(299 * S)


def test_a_clock_that_is_set_is_a_step_and_a_new_segment() -> None:
    state, _ = run([i * 970_000 for i in range(1, 60)])
    state, report = device_clock.step(state, read(60 * S, OFFSET + 8 * 3600 * S))
    assert report is not None
    assert (report.stepped, report.segment, state.segment) == (True, 1, 1)
    assert device_clock.whole_hours(report.offset_us - NOON) == 8


def test_a_clock_of_1970_is_unset_and_no_time_of_its_is_trusted() -> None:
    reading = Reading(1_000_000 * S, 1000, 10 * S, 10 * S + 1000)
    state, report = device_clock.step(DeviceClock(), reading)
    assert report is not None
    assert report.is_unset
    assert not state.source_ok(10 * S)


def test_a_report_comes_at_first_and_then_every_ten_minutes() -> None:
    times = [i * 10 * S + (i * 618_034) % S for i in range(1, 200)]
    _, reports = run(times)
    assert 3 <= len(reports) <= 8
    assert all(not report.stepped for report in reports)
    assert reports[0].drift_ppm is None


def test_a_drift_within_the_allowance_never_empties_the_bracket() -> None:
    state = DeviceClock()
    for i in range(1, 400):
        at = i * 10 * S + (i * 618_034) % S
        drifted = OFFSET + at * 90 // 1_000_000
        state, report = device_clock.step(state, read(at, drifted))
        assert report is None or not report.stepped
        found = state.bracket(at)
        assert found is not None
        assert found.low_us <= NOON + drifted <= found.high_us


def test_a_step_of_our_own_wall_clock_is_no_step_of_the_device() -> None:
    assert device_clock.against_wall(5_000, 2_000, 1_000) == 4_000
