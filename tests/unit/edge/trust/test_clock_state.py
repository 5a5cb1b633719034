"""Whether the clock of this host can be believed, by the exchanges with the centre."""

import pytest

from edge.trust.clock_state import UNKNOWN_ERR_US, ClockJudge, Estimate
from proto.batch import ClockState

NOW_US = 1_790_000_000_000_000
SECOND, MINUTE, HOUR = 10**9, 60 * 10**9, 3_600 * 10**9


def _judge(offset_us: int = 0, round_trip_us: int = 2_000, *, mono_ns: int = 0) -> ClockJudge:
    judge = ClockJudge()
    _exchange(judge, offset_us, round_trip_us, mono_ns=mono_ns)
    return judge


def _exchange(judge: ClockJudge, offset_us: int, round_trip_us: int, *, mono_ns: int = 0) -> None:
    half = round_trip_us // 2
    there = NOW_US + half + offset_us
    judge.exchanged(
        t1_us=NOW_US, t2_us=there, t3_us=there, t4_us=NOW_US + round_trip_us, mono_ns=mono_ns
    )


def _state(judge: ClockJudge, mono_ns: int = 0) -> ClockState:
    return judge.estimate(wall_us=NOW_US, mono_ns=mono_ns).state


def test_offset_is_centre_minus_gateway_and_its_error_half_the_round_trip() -> None:
    found = _judge(5_000, 4_000).estimate(wall_us=NOW_US, mono_ns=0)

    assert found == Estimate(5_000, 2_000, ClockState.SYNCED)


def test_the_exchange_with_the_least_round_trip_counts() -> None:
    judge = _judge(80_000, 900_000)
    _exchange(judge, 3_000, 2_000)
    _exchange(judge, 70_000, 800_000)

    assert judge.estimate(wall_us=NOW_US, mono_ns=0).offset_us == 3_000


def test_only_the_last_eight_exchanges_count() -> None:
    judge = _judge(1_000, 10)
    for _ in range(8):
        _exchange(judge, 9_000, 1_000)

    assert judge.estimate(wall_us=NOW_US, mono_ns=0).offset_us == 9_000


@pytest.mark.parametrize(
    ("offset_us", "expected"),
    [
        (0, ClockState.SYNCED),
        (99_000, ClockState.SYNCED),
        (-99_000, ClockState.SYNCED),
        (100_000, ClockState.DRIFT),
        (999_000, ClockState.DRIFT),
        (1_000_000, ClockState.SUSPECT),
    ],
)
def test_the_state_follows_offset_and_error(offset_us: int, expected: ClockState) -> None:
    assert _state(_judge(offset_us)) is expected


@pytest.mark.parametrize(
    ("age_ns", "expected"),
    [
        (15 * MINUTE, ClockState.SYNCED),
        (15 * MINUTE + 1, ClockState.DRIFT),
        (24 * HOUR, ClockState.DRIFT),
        (24 * HOUR + 1, ClockState.SUSPECT),
    ],
)
def test_a_check_grows_old(age_ns: int, expected: ClockState) -> None:
    assert _state(_judge(), age_ns) is expected


def test_a_clock_before_2024_was_never_set() -> None:
    found = _judge().estimate(wall_us=1_000_000, mono_ns=0)

    assert found == Estimate(0, UNKNOWN_ERR_US, ClockState.UNSET)


def test_a_clock_that_was_never_checked_is_drift() -> None:
    assert ClockJudge().estimate(wall_us=NOW_US, mono_ns=0).state is ClockState.DRIFT


def test_a_step_makes_the_clock_suspect_until_the_next_exchange() -> None:
    judge = _judge()
    judge.stepped(SECOND)
    stepped = _state(judge)
    _exchange(judge, 0, 2_000)

    assert (stepped, _state(judge)) == (ClockState.SUSPECT, ClockState.SYNCED)


def test_an_exchange_with_a_step_inside_does_not_count() -> None:
    judge = ClockJudge()
    judge.exchanged(t1_us=NOW_US, t2_us=NOW_US, t3_us=NOW_US, t4_us=NOW_US - 1, mono_ns=0)
    judge.exchanged(t1_us=0, t2_us=0, t3_us=50, t4_us=40, mono_ns=0)

    assert judge.estimate(wall_us=NOW_US, mono_ns=0).err_us == UNKNOWN_ERR_US
