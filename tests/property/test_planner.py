"""The planner on random maps: covers everything, breaks no limit, and is as cheap as can be."""

from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.address import Table
from devices.modbus.plan import Cost, Forbidden, Limits, Plan, Span, plan_reads

COSTS = st.builds(Cost, st.integers(0, 10_000_000), st.integers(0, 3_000_000))
TABLES = st.sampled_from([Table.HOLDING, Table.DISCRETE])


def spans(address_max: int, most: int, *, one_group: bool = False) -> st.SearchStrategy[list[Span]]:
    span = st.builds(
        Span,
        table=st.just(Table.HOLDING) if one_group else TABLES,
        start=st.integers(0, address_max),
        length=st.sampled_from([1, 1, 2, 4, 8]),  # 8: several values that belong together
        poll=st.just("") if one_group else st.sampled_from(["fast", "slow"]),
    )
    return st.lists(span, min_size=1, max_size=most)


FORBIDDEN = st.lists(
    st.builds(
        lambda table, first, length: Forbidden(table, first, first + length),
        TABLES,
        st.integers(0, 300),
        st.integers(0, 3),
    ),
    max_size=4,
)


@given(spans(300, 40), FORBIDDEN, COSTS, st.integers(8, 125))
def test_a_plan_covers_every_span_and_breaks_no_limit(
    wanted: list[Span], forbidden: list[Forbidden], cost: Cost, registers_max: int
) -> None:
    limits = Limits(registers_max, 64)
    plan = plan_reads(wanted, limits, forbidden, cost)
    covered = [at for read in plan.reads for at in read.members]
    assert sorted([*covered, *plan.refused]) == list(range(len(wanted)))
    for read in plan.reads:
        assert read.quantity <= limits.of(read.table)
        for at in read.members:
            span = wanted[at]
            assert (span.table, span.poll) == (read.table, read.poll)
            assert read.start <= span.start
            assert span.end <= read.start + read.quantity
        for hole in forbidden:
            if hole.table is read.table:
                assert hole.last < read.start or read.start + read.quantity <= hole.first
    for at in plan.refused:
        span = wanted[at]
        assert any(
            hole.table is span.table and hole.first < span.end and span.start <= hole.last
            for hole in forbidden
        )


@given(spans(300, 40), COSTS)
def test_a_plan_does_not_depend_on_the_order_of_the_points(wanted: list[Span], cost: Cost) -> None:
    def shape(plan: Plan) -> list[tuple[str, str, int, int]]:
        return sorted((r.poll, str(r.table), r.start, r.quantity) for r in plan.reads)

    there = plan_reads(wanted, Limits(), [], cost)
    back = plan_reads(wanted[::-1], Limits(), [], cost)
    assert shape(there) == shape(back)


@given(spans(400, 60, one_group=True), COSTS)
def test_a_plan_is_never_dearer_than_one_request_a_point_or_a_fixed_gap(
    wanted: list[Span], cost: Cost
) -> None:
    best = plan_reads(wanted, Limits(), [], cost).cost(cost)
    distinct = {(span.start, span.length) for span in wanted}
    assert best <= sum(cost.of(Table.HOLDING, length) for _, length in distinct)
    for gap in (0, 10, 50):
        assert best <= fixed_gap(wanted, gap, cost)


def fixed_gap(wanted: Sequence[Span], gap: int, cost: Cost) -> int:
    """Cost of the plan of those who bridge every hole up to `gap`."""
    total, start, end = 0, -1, -1
    for span in sorted(wanted, key=lambda each: (each.start, -each.length)):
        if start >= 0 and span.start - end <= gap and span.end - start <= 120:
            end = max(end, span.end)
            continue
        if start >= 0:
            if span.end <= end:
                continue
            total += cost.of(Table.HOLDING, end - start)
        start, end = span.start, span.end
    return total + cost.of(Table.HOLDING, end - start)


def partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """Every way to put the items into groups."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for groups in partitions(rest):
        for at in range(len(groups)):
            yield [*groups[:at], [first, *groups[at]], *groups[at + 1 :]]
        yield [[first], *groups]


def exhaustive(wanted: Sequence[Span], limit: int, holes: Sequence[Forbidden], cost: Cost) -> int:
    """The cheapest cost over all partitions into sets."""
    best: int | None = None
    for groups in partitions(range(len(wanted))):
        total = 0
        for group in groups:
            start = min(wanted[at].start for at in group)
            end = max(wanted[at].end for at in group)
            if end - start > limit or any(h.first < end and start <= h.last for h in holes):
                break
            total += cost.of(Table.HOLDING, end - start)
        else:
            best = total if best is None else min(best, total)
    assert best is not None
    return best


@settings(max_examples=60, deadline=None)
@given(spans(60, 7, one_group=True), COSTS, st.integers(8, 40), st.integers(0, 63))
def test_a_plan_is_as_cheap_as_the_best_of_all_partitions(
    wanted: list[Span], cost: Cost, limit: int, hole: int
) -> None:
    holes = [Forbidden(Table.HOLDING, hole, hole)]
    plan = plan_reads(wanted, Limits(max_registers=limit), holes, cost)
    readable = [span for at, span in enumerate(wanted) if at not in plan.refused]
    if readable:
        assert plan.cost(cost) == exhaustive(readable, limit, holes, cost)
