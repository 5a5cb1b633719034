"""Invariants 7, 8, 9 and 14 of acquisition: any history of slots, failures, lives and switches."""

from hypothesis import given
from hypothesis import strategies as st

from edge.acquisition import breaker, life, pair
from edge.acquisition.breaker import Breaker, Pace, Trip
from edge.acquisition.life import Life, LifeSpec, LifeState
from edge.acquisition.pair import Member, PairState
from edge.acquisition.probe_budget import WINDOW_NS, ProbeBudget
from edge.acquisition.schedule import Beat, Schedule, Skip, Wait
from edge.grid import Grid

MS, S = 10**6, 10**9

periods = st.sampled_from([20 * MS, 100 * MS, S, 10 * S])
blocks = st.lists(
    st.tuples(periods, st.integers(0, 1), st.integers(0, 400)), min_size=1, max_size=8
)


@given(blocks, st.integers(0, 10**18), st.lists(st.integers(0, 900), max_size=200))
def test_every_slot_is_run_or_skipped_once_in_order_and_due_times_are_exact(
    made: list[tuple[int, int, int]], start_ns: int, costs_ms: list[int]
) -> None:
    grids = [Grid(start_ns, period) for period, _, _ in made]
    state = Schedule(grids, [rank for _, rank, _ in made])
    p99 = [ms * MS for _, _, ms in made]
    seen = [0] * len(made)
    now_ns, costs = start_ns, iter(costs_ms)
    for _ in range(300):
        match state.step(now_ns, p99):
            case Beat(block, slot, skipped, due_ns):
                assert due_ns == start_ns + slot * made[block][0] <= now_ns
                assert now_ns < due_ns + made[block][0], "never started after the next is due"
                assert slot - skipped == seen[block]
                seen[block] = slot + 1
                now_ns += next(costs, 1) * MS
            case Skip(block, slot, skipped):
                assert slot + 1 - skipped == seen[block]
                seen[block] = slot + 1
            case Wait(until_ns):
                assert until_ns > now_ns
                now_ns = until_ns
            case None:
                raise AssertionError


@given(st.integers(10**9, 10**12), periods, st.integers(0, 10**18))
def test_due_times_are_exact_after_a_billion_slots(slot: int, period: int, start: int) -> None:
    grid = Grid(start, period)
    assert grid.due_ns(slot) - start == slot * period
    assert grid.last_due(grid.due_ns(slot)) == slot
    assert grid.last_due(grid.due_ns(slot) - 1) == slot - 1


@given(st.lists(st.integers(1, 40), min_size=4, max_size=4))
def test_no_class_starves_while_the_fast_one_leaves_a_third(costs_ms: list[int]) -> None:
    fast_ms = min(costs_ms[0], 65)
    grids = [Grid(0, 100 * MS), *[Grid(0, period) for period in (S, 10 * S, 10 * S)]]
    state = Schedule(grids, [0, 1, 1, 1])
    run, now_ns = [0] * 4, 0
    while now_ns < 60 * S:
        found = state.step(now_ns, [0] * 4)
        if isinstance(found, Beat):
            run[found.block] += 1
            now_ns += [fast_ms, *costs_ms[1:]][found.block] * MS
        elif isinstance(found, Wait):
            now_ns = found.until_ns
    assert run[1] >= 55
    assert run[2] >= 5
    assert run[3] >= 5


histories = st.lists(
    st.tuples(st.booleans(), st.floats(0, 0.999), st.integers(1, 5000)), max_size=80
)


def follow(history: list[tuple[bool, float, int]]) -> Breaker:
    """The breaker after a history of answers and failures."""
    state, now_ns = Breaker(), 0
    for answered, fraction, pause_ms in history:
        now_ns += pause_ms * MS
        if breaker.is_probe_due(state, now_ns):
            state = breaker.probing(state)
        elif state.is_suspended:
            continue
        if answered:
            state = breaker.answered(state, now_ns)
        else:
            state = breaker.failed(state, now_ns, fraction, Pace())
        assert state.trip is not Trip.OPEN or S * 8 // 10 <= state.retry_ns - now_ns <= 30 * S
    return state


@given(histories, histories)
def test_a_breaker_is_a_function_of_its_own_history(
    mine: list[tuple[bool, float, int]], other: list[tuple[bool, float, int]]
) -> None:
    alone = follow(mine)
    follow(other)
    assert follow(mine) == alone
    last = [answered for answered, _, _ in mine][-3:]
    assert alone.trip is not Trip.CLOSED or last != [False] * 3 or alone.strikes < 3


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 9000)), min_size=1, max_size=200))
def test_probing_never_takes_more_than_a_twentieth_of_any_minute(
    probes: list[tuple[int, int]],
) -> None:
    budget, now_ns, ended = ProbeBudget(1000 * MS), 0, []
    for took_ms, pause_ms in probes:
        now_ns = budget.free_ns(now_ns + pause_ms * MS) + took_ms * MS
        budget.spend(took_ms * MS, now_ns)
        ended.append((now_ns, took_ms * MS))
    for end_ns, _ in ended:
        inside = sum(took for at, took in ended if end_ns - WINDOW_NS < at <= end_ns)
        assert inside <= WINDOW_NS * 5 // 100


readings = st.lists(
    st.tuples(st.integers(100, 1500), st.one_of(st.none(), st.integers(0, 65_535), st.just(-1))),
    max_size=120,
)


@given(readings, st.booleans())
def test_no_value_is_trusted_without_two_movements_nor_longer_than_they_prove(
    steps: list[tuple[int, int | None]], counts: bool
) -> None:
    counter = LifeSpec("counter", 2 * S, S, 1 << 16, 0)
    spec = counter if counts else LifeSpec("toggle", 2 * S, S, 0, 0)
    state, now_ns = LifeState(), 0
    last: int | None = None
    moved_ns, movements = 0, 0
    for pause_ms, read in steps:
        now_ns += pause_ms * MS
        state = life.expire(state, now_ns, spec)
        raw = last if read == -1 else read
        if raw is None:
            movements, last = 0, None
        elif last is None:
            last = raw
        elif raw != last:
            movements, moved_ns, last = movements + 1, now_ns, raw
        state, _ = life.step(state, raw, now_ns, spec)
        if life.overlay(state, now_ns) is None:
            assert movements >= life.MOVEMENTS_PROOF
            assert now_ns - moved_ns <= spec.within_ns + spec.poll_ns
        if state.life is Life.STOPPED:
            overlay = life.overlay(state, now_ns)
            assert overlay is not None
            assert overlay.quality == 2


members = st.builds(
    Member,
    up=st.booleans(),
    life=st.sampled_from([None, *Life]),
    active=st.sampled_from([None, True, False]),
    level=st.sampled_from([0, 100, 199, 200, 255]),
)


@given(st.lists(st.tuples(members, members, st.integers(1, 20)), max_size=60))
def test_a_pair_never_leaves_health_and_never_switches_more_than_six_times_a_minute(
    steps: list[tuple[Member, Member, int]],
) -> None:
    state, now_ns, switched = PairState(), 0, []
    for a, b, pause_s in steps:
        now_ns += pause_s * S
        before = state
        state, events = pair.step(state, (a, b), now_ns)
        switched += [now_ns for event in events if event.code == "device.pair_switched"]
        here, there = (a, b)[before.in_use], (a, b)[1 - before.in_use]
        if here.is_candidate and not there.is_candidate:
            assert state.in_use == before.in_use
        recent = [at for at in switched if now_ns - at < pair.MINUTE_NS]
        assert len(recent) <= pair.SWITCHES_MAX
