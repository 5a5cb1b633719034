"""The desk of a pair: a slot is taken once, what nobody took is told, nothing is stored twice."""

from dataclasses import replace

import numpy as np

from devices.driver import BlockColumns, bad_columns
from edge.acquisition.pair import Member
from edge.acquisition.pair_desk import PairDesk
from proto.quality import Reason


class Still:
    """A clock that stands."""

    def mono_ns(self) -> int:
        """One second."""
        return 10**9

    def wall_us(self) -> int:
        """One second."""
        return 10**6


def desk() -> tuple[PairDesk, list[str]]:
    """A pair and the codes of its records."""
    told: list[str] = []
    return PairDesk("bof", ("a", "b"), Still(), lambda code, _, __: told.append(code)), told


def columns(source_us: int) -> BlockColumns:
    """A report of two points with one source time."""
    made = bad_columns(2, Reason.NONE, 0, 1)
    made.no_value[:] = False
    made.source_us[:] = source_us
    return made


def test_a_slot_is_taken_once_and_what_nobody_took_is_counted() -> None:
    made, _ = desk()
    assert made.claim(0, 0) == 0
    assert made.claim(0, 0) is None
    assert made.claim(0, 3) == 2
    assert made.claim(0, 2) is None
    assert made.claim(1, 3) == 3


def test_the_same_source_time_from_the_other_member_is_stored_once() -> None:
    made, _ = desk()
    assert not made.is_repeated(0, columns(100))
    assert made.is_repeated(0, columns(100))
    assert made.is_repeated(0, columns(99))
    newer = columns(100)
    newer.source_us[1] = 101
    assert not made.is_repeated(0, newer)
    assert not made.is_repeated(0, replace(columns(0), source_us=np.zeros(2, np.int64)))


def test_a_member_that_falls_gives_its_place_and_says_so() -> None:
    made, told = desk()
    well = Member(up=True, life=None)
    made.seat("a").update(well)
    made.seat("b").update(well)
    assert made.seat("a").is_in_use
    made.seat("a").update(replace(well, up=False))
    assert made.seat("b").is_in_use
    assert told == ["device.pair_switched"]
