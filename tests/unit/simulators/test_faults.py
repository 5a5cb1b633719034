"""The book of faults: what it takes, what it refuses, when faults end."""

import pytest

from simulators.faults.book import (
    FAULTS_MAX,
    Fault,
    FaultBook,
    FaultRefused,
    expired,
    make_fault,
    with_fault,
    without,
)

KNOBS = {"leak": "…"}
POINTS = ("lance_in_flow", "lance_out_flow")


def make(kind: str, point: str | None = None, for_ms: int | None = None) -> Fault:
    return make_fault(kind, point, for_ms, now_ms=500, knobs=KNOBS, points=POINTS)


def test_a_fault_ends_at_its_own_time() -> None:
    fault = make("leak", for_ms=1000)
    assert fault == Fault("leak", None, 1500)
    book = with_fault(FaultBook(), fault)
    assert expired(book, 1499) == book
    assert expired(book, 1500) == FaultBook()


def test_a_fault_without_a_length_stays_until_it_is_cleared() -> None:
    book = with_fault(FaultBook(), make("bypass"))
    assert expired(book, 10**12) == book
    assert without(book, "bypass") == FaultBook()


@pytest.mark.parametrize(
    ("kind", "point", "for_ms", "says"),
    [
        ("lek", None, None, "valid here: bypass, cut_line, freeze_sensor, leak"),
        ("clogged_bag", None, None, "unknown fault"),
        ("freeze_sensor", None, None, "needs --on POINT; valid here: lance_in_flow"),
        ("freeze_sensor", "o2", None, "unknown point 'o2'; valid here: lance_in_flow"),
        ("leak", "lance_in_flow", None, "takes no --on"),
        ("leak", None, 0, "longer than nothing"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_valid_ones(
    kind: str, point: str | None, for_ms: int | None, says: str
) -> None:
    with pytest.raises(FaultRefused, match=says):
        make(kind, point, for_ms)


def test_the_same_fault_again_replaces_the_first_and_another_point_does_not() -> None:
    book = FaultBook()
    for fault in (
        make("freeze_sensor", "lance_in_flow", 1000),
        make("freeze_sensor", "lance_out_flow"),
        make("freeze_sensor", "lance_in_flow", 9000),
    ):
        book = with_fault(book, fault)
    assert book.active == (
        Fault("freeze_sensor", "lance_out_flow", None),
        Fault("freeze_sensor", "lance_in_flow", 9500),
    )
    assert book.frozen_points == {"lance_in_flow", "lance_out_flow"}
    assert without(book, "freeze_sensor", "lance_in_flow").frozen_points == {"lance_out_flow"}
    assert without(book, "freeze_sensor") == FaultBook()
    assert without(book, None) == FaultBook()
    assert without(book, "leak") == book


def test_the_number_of_faults_is_bounded() -> None:
    book = FaultBook(tuple(Fault("freeze_sensor", str(n)) for n in range(FAULTS_MAX)))
    with pytest.raises(FaultRefused, match="32 faults are active"):
        with_fault(book, make("leak"))
