"""How long to wait, and whom to suspect."""

import pytest

from edge.uplink.refusal import Suspicion, meaning, pause_ns, suspect
from proto.batch import Lane
from tests.uplink_builders import EPOCH, SECOND

ONE, TWO = (EPOCH, Lane.BULK, 1), (EPOCH, Lane.BULK, 2)


def _pause(status: str, attempt: int, *, away_s: int = 0, alarm: bool = False) -> float:
    most = pause_ns(status, attempt, away_ns=away_s * SECOND, alarm_waits=alarm, fraction=0.999_999)
    return round(most / SECOND, 1)


def test_a_dead_line_is_tried_again_with_growing_pauses() -> None:
    assert [_pause("UNAVAILABLE", n) for n in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize(("away_s", "cap"), [(59, 5.0), (60, 15.0), (299, 15.0), (300, 60.0)])
def test_the_pause_is_capped_by_how_long_the_centre_has_been_away(away_s: int, cap: float) -> None:
    assert _pause("UNAVAILABLE", 20, away_s=away_s) == cap


def test_an_alarm_that_waits_shortens_the_pause() -> None:
    assert _pause("UNAVAILABLE", 20, away_s=3_600, alarm=True) == 10.0


@pytest.mark.parametrize("status", ["UNAUTHENTICATED", "PERMISSION_DENIED"])
def test_a_refused_identity_waits_for_minutes_and_needs_a_person(status: str) -> None:
    least = pause_ns(status, 0, away_ns=0, alarm_waits=True, fraction=0.0)

    assert least == 300 * SECOND
    assert meaning(status).person


def test_no_room_at_the_centre_waits_at_least_a_second() -> None:
    assert pause_ns("RESOURCE_EXHAUSTED", 0, away_ns=0, alarm_waits=True, fraction=0.0) == SECOND


def test_a_malformed_message_is_tried_again_soon() -> None:
    assert _pause("INVALID_ARGUMENT", 9) == 1.0


def test_a_status_of_a_later_version_is_a_dead_line() -> None:
    assert meaning("DATA_LOSS") == meaning("UNAVAILABLE")


def test_the_same_batch_refused_twice_is_set_aside() -> None:
    first, none = suspect(None, ONE)
    second, guilty = suspect(first, ONE)

    assert (first, none) == (Suspicion(ONE), None)
    assert (second, guilty) == (None, ONE)


def test_another_batch_refused_starts_anew() -> None:
    first, _ = suspect(None, ONE)
    second, guilty = suspect(first, TWO)

    assert (second, guilty) == (Suspicion(TWO), None)


def test_a_refusal_without_a_batch_in_flight_accuses_nobody() -> None:
    assert suspect(Suspicion(ONE), None) == (Suspicion(ONE), None)
