"""Range, NaN and life over raw columns: the worst severity wins, values are kept."""

import numpy as np

from devices.address import ModbusAddress, Order, RegisterType, Table
from devices.driver import BlockColumns, PointBinding
from edge.acquisition.assess import assess, limits, memory
from edge.acquisition.life import STOPPED, UNPROVEN
from proto.point import Point, PointType
from proto.quality import Detail, Quality, Reason

POINTS = [
    Point("d/a", "", "a", PointType.F64, "1", "none", "fast", range_low=0.0, range_high=10.0),
    Point("d/b", "", "b", PointType.F64, "1", "none", "fast"),
    Point("d/c", "", "c", PointType.F64, "1", "none", "fast", range_low=0.0, range_high=10.0),
]


def columns(*values: float, bad: int | None = None) -> BlockColumns:
    """Three values, one of them perhaps bad already."""
    n = len(values)
    quality = np.zeros(n, np.uint8)
    reason = np.zeros(n, np.uint8)
    if bad is not None:
        quality[bad], reason[bad] = Quality.BAD, Reason.SENSOR_FAULT
    return BlockColumns(
        raw=np.zeros(n, np.int64),
        value=np.array(values),
        quality=quality,
        reason=reason,
        no_value=np.zeros(n, np.bool_),
        detail=np.zeros(n, np.uint32),
        source_us=np.zeros(n, np.int64),
        sent_mono_ns=1,
        receive_mono_ns=2,
    )


def judged(found: BlockColumns) -> list[tuple[int, int]]:
    """Quality and reason per point."""
    return list(zip(found.quality.tolist(), found.reason.tolist(), strict=True))


def test_values_in_range_of_a_living_controller_pass_untouched() -> None:
    given = columns(0.0, 1e9, 10.0)
    assert assess(limits(POINTS), given, None) is given


def test_out_of_range_is_bad_and_keeps_its_value() -> None:
    given = columns(-0.1, 5.0, 10.1)
    found = assess(limits(POINTS), given, None)
    assert judged(found) == [(2, Reason.OUT_OF_RANGE), (0, 0), (2, Reason.OUT_OF_RANGE)]
    assert found.value.tolist() == [-0.1, 5.0, 10.1]
    assert not found.no_value.any()
    assert judged(given) == [(0, 0)] * 3


def test_what_is_no_number_is_bad_without_a_value() -> None:
    found = assess(limits(POINTS), columns(np.nan, np.inf, 1.0), None)
    assert judged(found) == [(2, Reason.NOT_A_NUMBER), (2, Reason.NOT_A_NUMBER), (0, 0)]
    assert found.no_value.tolist() == [True, True, False]


def test_among_bad_reasons_what_was_not_heard_comes_first_then_the_stopped_life() -> None:
    given = columns(99.0, 1.0, 1.0, bad=0)
    assert judged(assess(limits(POINTS), given, STOPPED))[0] == (2, Reason.STALE)
    given.reason[0] = Reason.COMM_LOSS
    assert judged(assess(limits(POINTS), given, STOPPED))[0] == (2, Reason.COMM_LOSS)


def test_unproven_life_is_uncertain_and_stopped_life_is_bad() -> None:
    unproven = assess(limits(POINTS), columns(1.0, 1.0, 99.0), UNPROVEN)
    assert judged(unproven) == [(1, Reason.STALE), (1, Reason.STALE), (2, Reason.OUT_OF_RANGE)]
    assert unproven.detail.tolist() == [Detail.ALIVENESS_UNPROVEN, Detail.ALIVENESS_UNPROVEN, 0]
    stopped = assess(limits(POINTS), columns(1.0, 1.0, 99.0), STOPPED)
    assert judged(stopped) == [(2, Reason.STALE)] * 3
    assert stopped.detail.tolist() == [Detail.LIFE_STOPPED] * 3
    assert stopped.value.tolist() == [1.0, 1.0, 99.0]
    assert not stopped.no_value.any()


def test_each_source_speaks_for_its_own_points_only() -> None:
    mask = np.array([True, False, False])
    found = assess(limits(POINTS), columns(1.0, 1.0, 1.0), [(mask, STOPPED), (~mask, UNPROVEN)])
    assert judged(found) == [(2, Reason.STALE), (1, Reason.STALE), (1, Reason.STALE)]


def test_the_first_of_two_uncertain_reasons_stays() -> None:
    given = columns(1.0, 1.0, 1.0)
    given.quality[:] = Quality.UNCERTAIN
    given.reason[:] = [Reason.CONFIG, Reason.INIT, Reason.CLAMPED]
    found = assess(limits(POINTS), given, UNPROVEN)
    assert [reason for _, reason in judged(found)] == [Reason.STALE, Reason.INIT, Reason.STALE]


def bound(
    rate_max: float | None = None,
    stuck_after_ns: int | None = None,
    clamped: tuple[float, float] | None = None,
) -> list[PointBinding]:
    """The bindings of the points; the first one with something to judge."""
    at = ModbusAddress(Table.HOLDING, 0, RegisterType.FLOAT64, Order.ABCD, None)
    first = PointBinding(
        POINTS[0], at, rate_max=rate_max, stuck_after_ns=stuck_after_ns, clamped=clamped
    )
    return [first, PointBinding(POINTS[1], at), PointBinding(POINTS[2], at)]


def walk(bindings: list[PointBinding], steps: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Feed (seconds, value) to the first point; returns its quality and reason after each."""
    known, kept, found = limits(POINTS, bindings), memory(3), []
    for at_s, value in steps:
        given = columns(value, 1.0, 1.0)
        given.sent_mono_ns = given.receive_mono_ns = int(at_s * 1e9) + 1
        found.append(judged(assess(known, given, None, kept))[0])
    return found


def test_a_change_that_nothing_in_the_plant_can_make_is_uncertain() -> None:
    steps = [(1.0, 1.0), (2.0, 2.0), (3.0, 4.5), (4.0, 5.0), (9.0, 9.9)]
    found = walk(bound(rate_max=2.0), steps)
    assert found == [(0, 0), (0, 0), (1, Reason.RATE_OF_CHANGE), (0, 0), (0, 0)]


def test_a_value_that_stands_too_long_is_uncertain_until_it_moves() -> None:
    steps = [(1.0, 5.0), (2.0, 5.0), (4.0, 5.0), (5.0, 5.1), (6.0, 5.1)]
    found = walk(bound(stuck_after_ns=3 * 10**9), steps)
    assert found == [(0, 0), (0, 0), (1, Reason.STUCK), (0, 0), (0, 0)]


def test_a_bad_value_is_no_memory_for_rate_and_stuck() -> None:
    found = walk(bound(rate_max=2.0), [(1.0, 1.0), (2.0, np.nan), (3.0, 4.9), (4.0, 9.5)])
    assert found == [(0, 0), (2, Reason.NOT_A_NUMBER), (0, 0), (1, Reason.RATE_OF_CHANGE)]


def test_a_saturated_instrument_is_uncertain_at_both_ends() -> None:
    found = walk(bound(clamped=(0.5, 9.5)), [(1.0, 0.5), (2.0, 0.6), (3.0, 9.5), (4.0, 10.5)])
    clamped = (1, Reason.CLAMPED)
    assert found == [clamped, (0, 0), clamped, (2, Reason.OUT_OF_RANGE)]


def test_an_infinite_value_never_passes_where_there_is_no_range() -> None:
    found = assess(limits(POINTS), columns(1.0, np.inf, 1.0), None)
    assert judged(found)[1] == (2, Reason.NOT_A_NUMBER)
