from dataclasses import replace

import pytest

from central.console.present import (
    NO_VALUE,
    age_text,
    bar_of,
    decimals,
    duration_text,
    number_text,
    show,
    time_text,
    unit_text,
)
from central.console.words import Language
from central.status.model import PointValue
from proto.quality import Quality, Reason
from proto.sample import Situation

ZH, EN = Language.ZH, Language.EN
NOW = 1_800_000_000_000_000
S = 1_000_000


def point(**changes: object) -> PointValue:
    made = PointValue(
        point="bof1_plc/lance_out_t_a",
        tag="TE-103A",
        title="出水温度 A",
        unit="Cel",
        parameter="bof.lance.cw_outlet_temp",
        value=38.2,
        quality=Quality.GOOD,
        reason=Reason.NONE,
        detail=0,
        time_us=NOW - 800_000,
        last_good=(38.2, NOW - 250 * S),
        max_age_us=3 * S,
        range_low=0.0,
        range_high=100.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


BAD = {"value": None, "quality": Quality.BAD, "reason": Reason.COMM_LOSS}

TABLE: list[tuple[dict[str, object], Situation, str, str, str]] = [
    ({}, Situation.GOOD, "38.2 ℃", "good", "none"),
    (
        {"quality": Quality.UNCERTAIN, "reason": Reason.STUCK},
        Situation.UNCERTAIN,
        "38.2 ℃ ? 数值卡滞",
        "uncertain",
        "dotted",
    ),
    (BAD, Situation.BAD, "— ℃ 通信中断 最后好值 38.2 ℃, 4 min 10 s 前", "bad", "hatched"),
    ({"time_us": NOW - 12 * S}, Situation.STALE, "38.2 ℃ ⌀ 12 s", "stale", "hatched"),
    ({"reason": Reason.MAINTENANCE}, Situation.MARKED, "38.2 ℃ 检修", "marked", "boxed"),
    ({"reason": Reason.FORCED}, Situation.SUBSTITUTED, "38.2 ℃ 强制值", "substituted", "boxed"),
    (
        BAD | {"reason": Reason.INIT, "time_us": None, "last_good": None},
        Situation.NEVER,
        "— ℃ 未接入",
        "never",
        "outline",
    ),
]


@pytest.mark.parametrize(
    ("changes", "how", "text", "css", "shape"), TABLE, ids=[row[1].value for row in TABLE]
)
def test_each_situation_has_its_text_class_and_shape(
    changes: dict[str, object], how: Situation, text: str, css: str, shape: str
) -> None:
    shown = show(point(**changes), NOW, ZH)
    assert (shown.situation, shown.text, shown.css, shown.shape) == (how, text, css, shape)


def test_a_value_of_a_simulator_says_so() -> None:
    assert show(point(), NOW, ZH, simulated=True).css == "good simulated"


@pytest.mark.parametrize("changes", [row[0] for row in TABLE])
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("unit", ["Cel", "bool", "1", "", "m3/h", "unknown-unit"])
def test_no_value_is_shown_without_unit_quality_and_age(
    changes: dict[str, object], language: Language, unit: str
) -> None:
    shown = show(point(**changes, unit=unit), NOW, language)
    assert shown.quality
    assert shown.age
    assert shown.css
    assert shown.unit or (unit == "bool" and shown.number in ("是", "yes", NO_VALUE))
    assert shown.number != "38.2" or shown.situation not in (Situation.BAD, Situation.NEVER)


def test_a_bad_number_never_stands_in_the_place_of_the_value() -> None:
    shown = show(point(value=38.2, quality=Quality.BAD, reason=Reason.OUT_OF_RANGE), NOW, EN)
    assert (shown.number, shown.bar) == (NO_VALUE, None)
    assert "38.2 ℃, 4 min 10 s ago" in shown.beside


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_not_shown_as_one(value: float) -> None:
    assert show(point(value=value), NOW, ZH).number == NO_VALUE


def test_a_sample_from_the_future_has_age_zero_and_no_negative_one() -> None:
    assert show(point(time_us=NOW + 5 * S), NOW, EN).age == "0.0 s"


@pytest.mark.parametrize(
    ("age_us", "text"),
    [
        (0, "0.0 s"),
        (9_949_999, "9.9 s"),
        (9_950_000, "10 s"),
        (59_499_999, "59 s"),
        (59_500_000, "1 min 00 s"),
        (250 * S, "4 min 10 s"),
        (3_600 * S, "1 h 00 min"),
        (7_500 * S, "2 h 05 min"),
        (273_600 * S, "3 d 4 h"),
    ],
)
def test_ages_are_words(age_us: int, text: str) -> None:
    assert age_text(age_us) == text


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [
        (0, 100, 1),
        (0, 500, 1),
        (0, 5000, 0),
        (0, 1, 3),
        (0, 20000, 0),
        (None, 5, None),
        (5, 5, None),
    ],
)
def test_decimals_follow_the_range(
    low: float | None, high: float | None, digits: int | None
) -> None:
    assert decimals(low, high) == digits


def test_a_minus_on_a_page_is_a_minus_and_zero_has_none() -> None:
    assert number_text(-3.25, point(), EN) == "\u22123.2"
    assert number_text(-0.001, point(), EN) == "0.0"


def test_a_switch_is_a_word_and_no_unit_is_said() -> None:
    assert number_text(1.0, point(unit="bool"), ZH) == "是"
    assert (unit_text("1", ZH), unit_text("1", EN)) == ("无量纲", "no unit")


@pytest.mark.parametrize(
    ("value", "at"), [(0.0, 0.0), (50.0, 50.0), (100.0, 100.0), (140.0, 100.0)]
)
def test_the_bar_never_leaves_its_range(value: float, at: float) -> None:
    bar = bar_of(point(value=value))
    assert bar is not None
    assert bar.at == at
    assert 0.0 <= bar.pin <= 98.6


def test_there_is_no_bar_without_a_range() -> None:
    assert bar_of(point(range_low=None)) is None
    assert bar_of(point(unit="bool")) is None
    assert bar_of(point(range_low=5.0, range_high=5.0)) is None


def test_times_are_of_beijing_and_lengths_in_words() -> None:
    assert time_text(1_800_000_000_000_000) == "2027-01-15 16:00:00"
    assert time_text(1_800_000_000_000_000, with_date=False) == "16:00:00"
    assert time_text(None) == NO_VALUE
    assert [duration_text(each * S) for each in (10, 600, 3600, 86_400, 90)] == [
        "10 s",
        "10 min",
        "1 h",
        "1 d",
        "90 s",
    ]
