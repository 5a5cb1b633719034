"""Samples are committed every second while something is going on, and ten minutes after."""

import pytest

from edge.spool.alert import Alert

MINUTE = 60 * 10**9


def _interlock(protection: str) -> dict[str, object]:
    return {"k": "interlock.tripped", "interlock": "I1", "state": {"protection": protection}}


def _alarm(state: str, priority: str = "high") -> dict[str, object]:
    return {"k": "alarm.raised", "alarm": "A1", "state": state, "priority": priority}


@pytest.mark.parametrize("body", [_interlock("TRIPPED"), _interlock("PENDING"), _alarm("UNACKED")])
def test_it_is_on_while_it_stands(body: dict[str, object]) -> None:
    alert = Alert()
    alert.see(body, 0)

    assert alert.is_on(60 * MINUTE)


@pytest.mark.parametrize(
    ("begin", "end"),
    [(_interlock("TRIPPED"), _interlock("NORMAL")), (_alarm("UNACKED"), _alarm("NORMAL"))],
)
def test_it_stays_on_for_ten_minutes_after_the_last_one(
    begin: dict[str, object], end: dict[str, object]
) -> None:
    alert = Alert()
    alert.see(begin, 0)
    alert.see(end, MINUTE)

    assert alert.is_on(11 * MINUTE - 1)
    assert not alert.is_on(11 * MINUTE)


def test_an_alarm_of_low_priority_changes_nothing() -> None:
    alert = Alert()
    alert.see(_alarm("UNACKED", "low"), 0)

    assert not alert.is_on(0)


def test_a_second_trip_outlives_the_end_of_the_first() -> None:
    alert = Alert()
    alert.see(_interlock("TRIPPED"), 0)
    alert.see(_alarm("UNACKED"), 0)
    alert.see(_interlock("NORMAL"), MINUTE)

    assert alert.is_on(60 * MINUTE)
