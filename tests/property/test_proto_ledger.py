"""Range sets behave as sets of numbers, and every sample number is somewhere exactly once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from proto.ledger import Account, LaneLedger, RangeSet, slots_between

TOP = 40
SPANS = st.tuples(st.integers(1, TOP), st.integers(0, 9)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
SETS = st.lists(SPANS, max_size=6)


def numbers(spans: object) -> set[int]:
    return {n for low, high in spans for n in range(low, high + 1)}  # type: ignore[attr-defined]


def tidy(ranges: RangeSet) -> RangeSet:
    """Assert the form: ascending, not touching."""
    for low, high in ranges:
        assert low <= high
    for (_, before), (after, _) in zip(ranges.spans, ranges.spans[1:], strict=False):
        assert before + 1 < after
    return ranges


@settings(max_examples=300)
@given(SETS, SETS, SPANS)
def test_a_range_set_is_a_set_of_numbers(left: list, right: list, span: tuple[int, int]) -> None:
    a, b = tidy(RangeSet.of(left)), tidy(RangeSet.of(right))
    plain, other, one = numbers(left), numbers(right), numbers([span])
    assert numbers(a) == plain
    assert a.total == len(plain)
    assert numbers(tidy(a.add(*span))) == plain | one
    assert numbers(tidy(a.remove(*span))) == plain - one
    assert numbers(tidy(a | b)) == plain | other
    assert numbers(tidy(a & b)) == plain & other
    assert numbers(tidy(a - b)) == plain - other
    assert numbers(tidy(a.holes(*span))) == one - plain
    assert a.covers(*span) == (one <= plain)
    assert a.overlaps(*span) == bool(one & plain)
    assert all((n in a) == (n in plain) for n in range(TOP + 12))
    assert RangeSet.of(left[::-1]) == a
    assert bool(a) == bool(plain)
    if a:
        assert (a.low, a.high) == (min(plain), max(plain))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["store", "gap", "withhold"]), SPANS),
        st.tuples(st.just("pend"), SETS),
        st.tuples(st.just("announce"), st.integers(0, TOP)),
    ),
    max_size=12,
)


@settings(max_examples=300)
@given(STEPS)
def test_every_sample_is_stored_gapped_withheld_pending_or_unexplained(steps: list) -> None:
    ledger = LaneLedger()
    stored: set[int] = set()
    twice = 0
    for verb, what in steps:
        if verb == "pend":
            ledger = ledger.pend(RangeSet.of(what))
        elif verb == "announce":
            ledger = ledger.announce(what)
        else:
            ledger = getattr(ledger, verb)(*what)
        if verb == "store":
            twice += len(stored & numbers([what]))
            stored |= numbers([what])
    account = ledger.account()
    parts = account.stored + account.gapped + account.withheld + account.pending
    assert account.expected == parts + account.unexplained == ledger.announced
    assert account.stored == len(stored)
    assert account.duplicates == twice
    assert ledger.unexplained().total == account.unexplained
    gaps = numbers(ledger.gaps)
    assert account.gapped == len(gaps - stored)  # data win over a gap, before it or after it
    assert account.pending <= len(numbers(ledger.waiting) - stored - gaps)


@given(STEPS, STEPS)
def test_accounts_add_up(left: list, right: list) -> None:
    def ledger(steps: list) -> Account:
        made = LaneLedger()
        for verb, what in steps:
            if verb in ("store", "gap"):
                made = getattr(made, verb)(*what)
        return made.account()

    both = ledger(left) + ledger(right)
    assert both.expected == both.stored + both.gapped + both.unexplained


@given(st.integers(-50, 50), st.integers(0, 200), st.integers(-50, 50), st.integers(1, 30))
def test_the_slots_due_in_a_span_are_counted_exactly(
    t0: int, length: int, grid: int, period: int
) -> None:
    due = [grid + k * period for k in range(400)]
    expected = sum(t0 <= t < t0 + length for t in due)
    assert slots_between(t0, t0 + length, grid_us=grid, period_us=period) == expected


def test_a_silent_loss_is_unexplained() -> None:
    ledger = LaneLedger().store(1, 10).store(21, 30).gap(21, 25).announce(35)
    assert ledger.account() == Account(expected=35, stored=20, unexplained=15)
    assert ledger.unexplained().spans == ((11, 20), (31, 35))
    explained = ledger.gap(11, 20).pend(RangeSet(((31, 35),)))
    assert explained.account() == Account(expected=35, stored=20, gapped=10, pending=5)


def test_on_change_points_have_no_slots() -> None:
    assert slots_between(0, 100, grid_us=0, period_us=0) == 0
