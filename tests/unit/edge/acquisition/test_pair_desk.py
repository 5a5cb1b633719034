"""The desk of a pair: a slot is taken once, what nobody took is told, nothing is stored twice."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np

from devices.driver import BlockColumns, bad_columns
from edge.acquisition.life import Life
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


class Moving:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.ns = 10**9

    def mono_ns(self) -> int:
        """As the test says."""
        return self.ns

    def wall_us(self) -> int:
        """As the test says."""
        return self.ns // 1000


def test_a_thousand_switches_claim_every_slot_once_and_name_those_that_nobody_took() -> None:
    luck, clock = random.Random(7), Moving()
    told: Counter[str] = Counter()
    made = PairDesk("bof", ("a", "b"), clock, lambda code, _, __: told.update([code]))
    rows: Counter[int] = Counter()
    missed = 0
    leads, slot = 0, 0
    while told["device.pair_switched"] < 1_000:
        clock.ns += 100_000_000
        if luck.random() < 0.01:  # below six a minute: none is held
            leads = 1 - leads
        for number in luck.sample((0, 1), 2):  # the two lines beat in any order
            made.update(number, Member(up=True, life=Life.ALIVE, active=leads == number))
            seat = made.seat("ab"[number])
            if seat.is_in_use and luck.random() < 0.98:  # now and then a line is late
                found = made.claim(0, slot)
                if found is not None:
                    missed += found
                    rows[slot] += 1
        slot += 1
    assert set(rows.values()) == {1}
    assert len(rows) + missed == max(rows) + 1
