"""What the cabinet is told: sounder, lamp, relay."""

import pytest

from edge.alarm.annunciator import annunciate
from edge.alarm.book import Entry
from edge.alarm.life import Life
from edge.alarm.limits import AlarmSpec, LevelSpec
from proto.alarm import AlarmLevel, AlarmPriority, AlarmState


def entry(priority: AlarmPriority, state: AlarmState, occurrence: int = 1) -> Entry:
    """An alarm with one level."""
    levels = (LevelSpec(AlarmLevel.H, 1.0, priority),)
    spec = AlarmSpec("A", "title", "plc/x", "", "1", 0, 0, levels, 0.0, 0, 0, ())
    return Entry(spec, life=Life(state, AlarmLevel.H, occurrence))


@pytest.mark.parametrize("priority", [AlarmPriority.URGENT, AlarmPriority.HIGH])
def test_a_loud_alarm_sounds_until_a_person_has_it(priority: AlarmPriority) -> None:
    new = annunciate([entry(priority, AlarmState.UNACKED)], is_healthy=True)
    known = annunciate([entry(priority, AlarmState.ACKED)], is_healthy=True)
    assert (new.sounder, new.lamp, known.sounder, known.lamp) == (True, True, False, True)


def test_an_alarm_that_went_by_itself_still_sounds() -> None:
    gone = annunciate([entry(AlarmPriority.URGENT, AlarmState.RETURNED)], is_healthy=True)
    assert gone.sounder


def test_alarms_of_less_priority_are_silent() -> None:
    low = annunciate([entry(AlarmPriority.MEDIUM, AlarmState.UNACKED)], is_healthy=True)
    assert low.levels() == {"sounder": False, "lamp": False, "gateway_healthy": True}


def test_the_relay_falls_with_the_health_and_nothing_else() -> None:
    sick = annunciate([entry(AlarmPriority.URGENT, AlarmState.UNACKED)], is_healthy=False)
    assert sick.levels() == {"sounder": True, "lamp": True, "gateway_healthy": False}


def test_it_names_the_occurrence_that_it_sounds_for() -> None:
    told = annunciate([entry(AlarmPriority.HIGH, AlarmState.UNACKED, 4)], is_healthy=True)
    assert told.sounding == (("A", 4),)
