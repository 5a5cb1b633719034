import json

import pytest

from central.archive.model import Bucket
from central.console.chart import RANGES_US, bucket_count, chart_of, curve_body, curve_of
from proto.quality import Quality

S = 1_000_000
T0, T1 = 0, 10 * S


def bucket(second: int, value: float | None, quality: Quality = Quality.GOOD) -> Bucket:
    n = 0 if value is None else 2
    return Bucket(second * S, n, n, value, value, value, value, quality)


def test_a_gap_is_never_a_line() -> None:
    made = curve_of(
        [bucket(n, v) for n, v in enumerate([1, 2, None, None, 3, 4, 5, None, None, None])],
        T0,
        T1,
        on_change=False,
    )
    assert made.codes == "GGNNGGGNNN"
    chart = chart_of(made)
    assert chart.line.count("M") == 2
    assert [(mark.x, mark.width) for mark in chart.marks] == [(0.0, 200.0), (400.0, 300.0)]


def test_the_end_of_the_data_is_an_edge() -> None:
    made = curve_of([bucket(n, 1.0 if n < 6 else None) for n in range(10)], T0, T1, on_change=False)
    assert made.end_us == 6 * S
    assert chart_of(made).edge == 600.0
    assert curve_body(made, 18 * S)["end_text"] == "08:00:06 (12 s)"


def test_an_on_change_value_holds_until_its_next_word_but_not_before_its_first() -> None:
    buckets = [bucket(n, v) for n, v in enumerate([None, 7.0, None, None, 9.0])]
    made = curve_of(buckets, 0, 5 * S, on_change=True)
    assert made.average == (None, 7.0, 7.0, 7.0, 9.0)
    assert made.codes == "NGGGG"


def test_a_bad_word_of_an_on_change_point_holds_too() -> None:
    buckets = [bucket(0, 7.0), Bucket(S, 1, 0, None, None, None, None, Quality.BAD)]
    made = curve_of([*buckets, bucket(2, None)], 0, 3 * S, on_change=True)
    assert (made.average, made.codes) == ((7.0, None, None), "GBB")


def test_nothing_stored_is_said_and_not_drawn() -> None:
    chart = chart_of(curve_of([bucket(n, None) for n in range(4)], T0, T1, on_change=False))
    assert (chart.empty, chart.line, chart.marks) == (True, "", ())


def test_bad_samples_have_a_band_but_no_curve() -> None:
    bad = [Bucket(n * S, 2, 0, None, None, None, None, Quality.BAD) for n in range(10)]
    chart = chart_of(curve_of(bad, T0, T1, on_change=False))
    assert (chart.empty, chart.line) == (False, "")
    assert [mark.css for mark in chart.marks] == ["bad"]


def test_a_constant_and_a_single_sample_can_be_drawn() -> None:
    assert "nan" not in chart_of(curve_of([bucket(0, 5.0)], 0, S, on_change=False)).line
    one = [bucket(n, 5.0 if n == 3 else None) for n in range(10)]
    assert chart_of(curve_of(one, T0, T1, on_change=False)).line.startswith("M")


@pytest.mark.parametrize("name", RANGES_US)
@pytest.mark.parametrize("period_us", [0, 100_000, S, 10 * S])
def test_a_bucket_is_never_shorter_than_two_periods(name: str, period_us: int) -> None:
    count = bucket_count(RANGES_US[name], period_us)
    assert 1 <= count <= 2_000
    assert RANGES_US[name] // count >= 2 * period_us


def test_the_json_holds_no_number_that_json_lacks() -> None:
    made = curve_of([bucket(0, 1.0), bucket(1, None)], 0, 2 * S, on_change=False)
    assert json.loads(json.dumps(curve_body(made, 2 * S), allow_nan=False))["average"] == [
        1.0,
        None,
    ]
