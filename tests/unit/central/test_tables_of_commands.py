"""How a value is printed: one rule for every command."""

import pytest

from central.api.body import age_ms, iso, value_body
from central.commands.tables import duration, safe, value_text
from central.commands.words import Language
from central.status.model import PointValue
from proto.quality import Quality, Reason

NOW = 1_800_000_000_000_000


def value(**changes: object) -> PointValue:
    known: dict[str, object] = {
        "point": "p",
        "tag": "FT-101",
        "title": "流量",
        "unit": "m3/h",
        "parameter": "none",
        "value": 38.25,
        "quality": Quality.GOOD,
        "reason": Reason.NONE,
        "detail": 0,
        "time_us": NOW - 800_000,
        "last_good": (38.2, NOW - 250_000_000),
        "max_age_us": 10_000_000,
    }
    return PointValue(**(known | changes))  # type: ignore[arg-type]


BAD = {"quality": Quality.BAD, "reason": Reason.COMM_LOSS}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "38.25 m3/h"),
        ({"quality": Quality.UNCERTAIN, "reason": Reason.STUCK}, "38.25 m3/h ? 卡死"),
        (BAD, "— 通信中断 (上次好值 38.2 m3/h, 4 min 10 s 前)"),
        (BAD | {"last_good": None}, "— 通信中断"),
        ({"time_us": NOW - 12_000_000}, "38.25 m3/h ⌀ 12 s"),
        ({"time_us": None, "quality": Quality.BAD, "reason": Reason.INIT}, "未接入"),
        ({"unit": "bool", "value": 1.0}, "1"),
        ({"unit": "1", "value": None}, "—"),
    ],
)
def test_a_value_is_shown_by_the_one_rule(changes: dict[str, object], text: str) -> None:
    assert value_text(value(**changes), NOW, Language.ZH, simulated=False) == text


def test_a_bad_value_is_null_in_json_even_when_the_device_gave_one() -> None:
    shown = value_body(value(**BAD), NOW, simulated=False)
    assert shown["value"] is None
    assert (shown["quality"], shown["reason"], shown["age_ms"]) == ("BAD", "COMM_LOSS", 800)
    assert shown["last_good"]["age_ms"] == 250_000


def test_numbers_that_json_lacks_are_null() -> None:
    assert value_body(value(value=float("nan")), NOW, simulated=False)["value"] is None


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "—"),
        (840, "0.8 s"),
        (12_000, "12 s"),
        (250_000, "4 min 10 s"),
        (7_200_000, "2 h 0 min"),
        (200_000_000, "2 d 7 h"),
    ],
)
def test_ages_are_for_people(ms: int | None, text: str) -> None:
    assert duration(ms) == text


def test_foreign_text_cannot_move_the_cursor_or_turn_the_line() -> None:
    assert safe("a\x1b[2Jb\u202ec\n") == "a\\u001b[2Jb\\u202ec\\u000a"


def test_times_have_the_offset_of_the_country() -> None:
    assert iso(NOW) == "2027-01-15T16:00:00.000+08:00"
    assert iso(None) is None
    assert iso(2**62) is None
    assert age_ms(NOW + 5, NOW) == 0
