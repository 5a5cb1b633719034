"""A device that refuses: the search in its table, what is read meanwhile, what is remembered."""

import math
from collections.abc import Callable, Iterable

import pytest

from devices.modbus import holes, search
from devices.modbus.ask import Ask, assemble
from devices.modbus.holes import Holes, Phase
from devices.modbus.holes_model import (
    Answered,
    Fact,
    FactKind,
    Permission,
    Policy,
    Probed,
    ProbeLost,
    Refused,
    Report,
    Target,
)

Device = Callable[[Ask], int]
HOUR = 3600 * 10**9


def target(spans: Iterable[tuple[int, int]], *, padding: int = 0, fenced: bool = False) -> Target:
    """A block of these (start, length), read with `padding` registers more every second cycle."""
    points = tuple(spans)
    first = min(start for start, _ in points)
    hull = Ask(3, first, max(start + length for start, length in points) - first)
    asks = (hull, Ask(3, first, hull.quantity + padding)) if padding else (hull,)
    return Target(hull, asks, points, len(points), fenced)


def singles(count: int, first: int = 0) -> Target:
    return target([(first + at, 1) for at in range(count)])


def refusing(*bad: int, exception: int = 2, limit: int = 125) -> Device:
    """A device with holes at these addresses, which answers at most `limit` registers."""

    def answer(ask: Ask) -> int:
        if ask.quantity > limit:
            return 3
        return exception if any(ask.start <= at < ask.end for at in bad) else 0

    return answer


class Run:
    """A driver in a nutshell: reads every block a cycle, and probes between the cycles."""

    def __init__(
        self, targets: Iterable[Target], device: Device, policy: Policy = "auto", **more: object
    ) -> None:
        self.state: Holes = holes.start(tuple(targets), policy, **more)  # type: ignore[arg-type]
        self.device = device
        self.now_ns = 0
        self.told: list[Report] = []
        self.planned: list[Ask] = []
        self.probes: list[Ask] = []

    def hear(self, event: object) -> None:
        self.state, told = holes.step(self.state, event, self.now_ns)  # type: ignore[arg-type]
        self.told += told

    def cycle(self, number: int = 0) -> list[set[int]]:
        """Read every block once; return the columns that got a value, per block."""
        got = []
        for block, each in enumerate(self.state.targets):
            reading = holes.reading(self.state, block, number)
            bad = {column for column, _ in reading.missing}
            for ask in reading.asks:
                self.planned.append(ask)
                exception = self.device(ask)
                if exception:
                    bad |= {
                        column
                        for column, (start, _) in enumerate(each.spans)
                        if ask.start <= start < ask.end
                    }
                    self.hear(Refused(block, ask, exception))
                elif not holes.is_calm(self.state, block):
                    self.hear(Answered(block, ask))
            got.append(set(range(each.columns)) - bad)
        return got

    def search(self, most: int = 1000) -> int:
        """Ask all that is wanted now; return the number of requests."""
        before = len(self.probes)
        while (ask := holes.errand(self.state, self.now_ns)) is not None:
            self.probes.append(ask)
            self.hear(Probed(ask, self.device(ask)))
            assert len(self.probes) - before <= most
        return len(self.probes) - before

    def codes(self) -> list[str]:
        return [report.code for report in self.told]


@pytest.mark.parametrize("bad", [0, 1, 62, 63, 124])
def test_fifteen_requests_find_one_bad_register_of_125(bad: int) -> None:
    run = Run([singles(125)], refusing(bad))
    assert run.cycle() == [set()]
    assert run.cycle() == [set()]
    assert run.search() <= 15
    assert [(f.first, f.last) for f in run.state.facts] == [(bad, bad)]
    assert run.cycle() == [set(range(125)) - {bad}]
    assert run.codes() == ["device.hole_found", "device.plan_changed"]


def test_a_hole_between_points_is_a_barrier_and_costs_no_point() -> None:
    run = Run([target([(0, 2), (10, 2), (20, 2)])], refusing(14))
    run.cycle()
    run.cycle()
    run.search()
    assert [(f.first, f.last) for f in run.state.facts] == [(12, 19)]
    assert run.cycle() == [{0, 1, 2}]
    assert run.planned[-2:] == [Ask(3, 0, 12), Ask(3, 20, 2)]


def test_two_neighbours_that_cannot_be_read_together_are_read_apart() -> None:
    def device(ask: Ask) -> int:
        return 2 if ask.start < 4 < ask.end else 0

    run = Run([target([(0, 4), (4, 4)])], device)
    run.cycle()
    run.cycle()
    run.search()
    assert [(f.first, f.last) for f in run.state.facts] == [(4, 3)]
    assert run.cycle() == [{0, 1}]


def test_one_refusal_is_no_hole() -> None:
    answers = iter([2, 0, 0])
    run = Run([singles(10)], lambda _: next(answers))
    assert run.cycle() == [set()]
    assert run.cycle() == [set(range(10))]
    assert run.state.views[0].phase is Phase.CALM
    assert run.told == []


def test_the_end_of_a_map_is_read_without_padding_before_anything_is_searched() -> None:
    run = Run([target([(0, 10)], padding=1)], refusing(10), "commissioning")
    run.cycle(1)
    assert run.planned == [Ask(3, 0, 11)]
    run.cycle(2)
    assert run.planned[-1] == Ask(3, 0, 11), "the very same request once more"
    for number in range(3, 9):
        assert run.cycle(number) == [{0}]
        assert run.planned[-1] == Ask(3, 0, 10)
    assert run.told == []
    assert run.probes == []


def test_a_limit_is_found_by_halving_and_proved_at_the_other_end() -> None:
    run = Run([singles(125)], refusing(limit=64))
    run.cycle()
    run.cycle()
    assert run.search() <= 9
    [fact] = run.state.facts
    assert (fact.kind, fact.last) == (FactKind.LIMIT, 64)
    assert run.cycle() == [set(range(125))]
    assert run.planned[-2:] == [Ask(3, 0, 64), Ask(3, 64, 61)]


def test_a_hole_that_answers_with_exception_3_is_not_taken_for_a_limit() -> None:
    run = Run([singles(100)], refusing(70, exception=3))
    run.cycle()
    run.cycle()
    run.search()
    [fact] = run.state.facts
    assert (fact.kind, fact.first, fact.last) == (FactKind.HOLE, 70, 70)


def test_a_limit_of_one_block_splits_the_others_of_its_table() -> None:
    run = Run([singles(100), singles(90, 200)], refusing(limit=50))
    run.cycle()
    run.cycle()
    run.search()
    run.told.clear()
    assert run.cycle() == [set(range(100)), set(range(90))]
    assert run.told == []


def test_without_a_mark_nothing_is_searched_and_it_is_said_once() -> None:
    run = Run([singles(20), singles(20, 100)], refusing(5, 105), "commissioning")
    for number in range(6):
        assert run.cycle(number) == [set(), set()]
        assert run.search() == 0
    assert run.codes() == ["device.probing_requested"]
    run.hear(Permission(is_open=True))
    run.search()
    assert run.cycle() == [set(range(20)) - {5}] * 2


def test_what_is_learnt_stays_frozen_when_the_mark_is_over() -> None:
    run = Run([singles(20)], refusing(5), "commissioning")
    run.hear(Permission(is_open=True))
    run.cycle()
    run.cycle()
    run.search()
    run.hear(Permission(is_open=False))
    run.device = refusing(5, 9)
    for number in range(5):
        run.cycle(number)
    run.now_ns = 100 * HOUR
    assert run.search() == 0
    assert [(f.first, f.last) for f in run.state.facts] == [(5, 5)]


def test_under_never_the_requests_do_not_depend_on_the_answers() -> None:
    seen = []
    for device in (refusing(), refusing(3, 10), lambda _: 1):
        run = Run([target([(0, 10)], padding=1), singles(8, 40)], device, "never")
        run.hear(Permission(is_open=True))
        for number in range(8):
            run.cycle(number)
            assert run.search() == 0
        seen.append(set(run.planned))
    assert seen[0] == seen[1] == seen[2]


def test_a_refused_table_is_asked_no_more_until_a_day_has_passed() -> None:
    run = Run([singles(4)], lambda _: 1)
    run.cycle()
    assert run.cycle() == [set()]
    assert len(run.planned) == 1
    assert holes.reading(run.state, 0, 0).missing == tuple((at, 1) for at in range(4))
    assert run.search() == 0
    run.device = refusing()
    run.now_ns = 25 * HOUR
    assert run.search() == 1
    assert run.cycle() == [set(range(4))]
    assert run.codes()[-2:] == ["device.hole_gone", "device.plan_changed"]


def test_a_hole_of_an_earlier_run_is_asked_again_at_start() -> None:
    fact = Fact(FactKind.HOLE, 3, 5, 5, exception=2, date="2026-11-01")
    run = Run([singles(10)], refusing(5), facts=(fact,))
    assert run.cycle() == [set(range(10)) - {5}]
    assert run.search() == 1
    run.now_ns = 23 * HOUR
    assert run.search() == 0
    run.now_ns = 25 * HOUR
    run.device = refusing()
    assert run.search() == 1
    assert run.state.facts == ()
    assert run.cycle() == [set(range(10))]


def test_a_block_stays_bad_until_its_search_is_done_and_the_others_go_on() -> None:
    run = Run([singles(20), singles(20, 100)], refusing(5))
    run.cycle()
    run.cycle()
    assert run.cycle() == [set(), set(range(20))]
    assert run.planned[-1] == Ask(3, 100, 20)
    reading = holes.reading(run.state, 0, 0)
    assert (reading.asks, set(dict(reading.missing).values())) == ((), {2})


def test_a_question_without_answer_is_asked_three_times_and_then_rests() -> None:
    run = Run([singles(20)], refusing(5))
    run.cycle()
    run.cycle()
    lost = 0
    while (ask := holes.errand(run.state, run.now_ns)) is not None:
        lost += 1
        run.hear(ProbeLost(ask))
        run.now_ns += 3 * 10**9
    assert lost == 3
    run.now_ns += holes.LONG_REST_NS
    run.cycle()
    run.search()
    assert [(f.first, f.last) for f in run.state.facts] == [(5, 5)]


def test_a_busy_device_ends_no_search() -> None:
    run = Run([singles(20)], refusing(5))
    run.cycle()
    run.cycle()
    ask = holes.errand(run.state, 0)
    assert ask is not None
    run.hear(Probed(ask, 6))
    assert holes.errand(run.state, 0) is None, "a pause"
    run.now_ns = 2 * 10**9
    assert holes.errand(run.state, run.now_ns) == ask


def test_a_map_of_holes_ends_in_bounded_time() -> None:
    run = Run([singles(1200)], lambda ask: 2)
    run.cycle()
    run.cycle()
    assert run.search() <= search.PROBES_MAX
    assert run.cycle() == [set()]


def test_the_parts_of_a_fenced_block_leave_the_short_counts_to_the_probes() -> None:
    fenced = target([(0, 2), (4, 1), (9, 1), (12, 1)], fenced=True)
    run = Run([fenced], refusing(4))
    run.cycle()
    run.cycle()
    run.search()
    assert run.cycle() == [{0, 2, 3}]
    assert [ask.quantity for ask in run.planned[-2:]] == [4, 4]


@pytest.mark.parametrize("count", [1, 2, 3, 17, 64, 125])
def test_the_number_of_requests_grows_with_the_logarithm(count: int) -> None:
    for bad in range(0, count, 7):
        run = Run([singles(count)], refusing(bad))
        run.cycle()
        run.cycle()
        assert run.search() <= 2 * math.ceil(math.log2(count or 1)) + 1


def test_parts_are_put_together_as_the_bytes_of_the_hull() -> None:
    data = bytes(range(40))
    hull = Ask(3, 10, 10)
    assert assemble([(Ask(3, 10, 11), data[:22])], hull) == data[:20]
    assert assemble([(Ask(3, 9, 11), data[:22])], hull) == data[2:22]
    parts = [(Ask(3, 10, 2), b"abcd"), (Ask(3, 18, 2), b"wxyz")]
    assert assemble(parts, hull) == b"abcd" + bytes(12) + b"wxyz"


def test_parts_of_bits_are_put_together_bit_by_bit() -> None:
    hull = Ask(2, 3, 10)
    whole = 0b10_0110_1011
    assert assemble([(hull, whole.to_bytes(2, "little"))], hull) == whole.to_bytes(2, "little")
    low, high = Ask(2, 1, 5), Ask(2, 8, 7)
    answers = [
        (low, bytes([(whole << 2) & 0b11111])),
        (high, bytes([(whole >> 5) & 0b1111111])),
    ]
    kept = (whole & 0b111) | (whole & 0b11_1110_0000)
    assert assemble(answers, hull) == kept.to_bytes(2, "little")
