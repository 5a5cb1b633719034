"""Range, NaN and life over raw columns: the worst severity wins, values are kept."""

import numpy as np

from devices.driver import BlockColumns
from edge.acquisition.assess import assess, ranges
from edge.acquisition.life import Life
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
    assert assess(ranges(POINTS), given, Life.ALIVE) is given


def test_out_of_range_is_bad_and_keeps_its_value() -> None:
    given = columns(-0.1, 5.0, 10.1)
    found = assess(ranges(POINTS), given, Life.ALIVE)
    assert judged(found) == [(2, Reason.OUT_OF_RANGE), (0, 0), (2, Reason.OUT_OF_RANGE)]
    assert found.value.tolist() == [-0.1, 5.0, 10.1]
    assert not found.no_value.any()
    assert judged(given) == [(0, 0)] * 3


def test_what_is_no_number_is_bad_without_a_value() -> None:
    found = assess(ranges(POINTS), columns(np.nan, np.inf, 1.0), Life.ALIVE)
    assert judged(found) == [(2, Reason.NOT_A_NUMBER), (2, Reason.NOT_A_NUMBER), (0, 0)]
    assert found.no_value.tolist() == [True, True, False]


def test_bad_stays_bad_with_its_own_reason() -> None:
    found = assess(ranges(POINTS), columns(99.0, 1.0, 1.0, bad=0), Life.STOPPED)
    assert judged(found)[0] == (2, Reason.SENSOR_FAULT)


def test_unproven_life_is_uncertain_and_stopped_life_is_bad() -> None:
    unproven = assess(ranges(POINTS), columns(1.0, 1.0, 99.0), Life.UNPROVEN)
    assert judged(unproven) == [(1, Reason.STALE), (1, Reason.STALE), (2, Reason.OUT_OF_RANGE)]
    assert unproven.detail.tolist() == [Detail.ALIVENESS_UNPROVEN, Detail.ALIVENESS_UNPROVEN, 0]
    stopped = assess(ranges(POINTS), columns(1.0, 1.0, 99.0), Life.STOPPED)
    assert judged(stopped) == [(2, Reason.STALE), (2, Reason.STALE), (2, Reason.OUT_OF_RANGE)]
    assert stopped.value.tolist() == [1.0, 1.0, 99.0]
