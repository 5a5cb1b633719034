"""The time grid: beats on time for ever, missed ones counted, the fast class first."""

from edge.acquisition.schedule import TRIAL_AFTER, Beat, Schedule, Skip, Wait
from edge.grid import Grid, beat_after
from edge.points import phase_ns, van_der_corput

MS = 10**6


def test_phases_spread_evenly_and_a_new_device_moves_no_other() -> None:
    assert [van_der_corput(i) for i in range(6)] == [0.0, 0.5, 0.25, 0.75, 0.125, 0.625]
    assert phase_ns(2, 100 * MS) == 25 * MS


def test_a_beat_that_is_on_time_skips_nothing() -> None:
    grid = Grid(1000, 100)
    assert beat_after(grid, -1, 0) == (0, 0)
    assert beat_after(grid, 0, 1001) == (1, 0)
    assert beat_after(grid, 4, 1500) == (5, 0)


def test_a_late_beat_skips_whole_periods_and_counts_them() -> None:
    assert beat_after(Grid(1000, 100), 0, 1450) == (5, 4)


def test_the_grid_does_not_drift() -> None:
    assert Grid(7, 100 * MS).due_ns(10**9) == 7 + 10**9 * 100 * MS


def run(
    state: Schedule, until_ns: int, cost_ns: list[int], p99_ns: list[int] | None = None
) -> tuple[list[Beat], list[Skip]]:
    """Run beats that take `cost_ns` each by block."""
    now_ns, beats, skips = 0, [], []
    while now_ns < until_ns:
        found = state.step(now_ns, p99_ns or [0] * len(cost_ns))
        match found:
            case Beat():
                beats.append(found)
                now_ns += cost_ns[found.block]
            case Skip():
                skips.append(found)
            case Wait():
                assert found.until_ns > now_ns
                now_ns = found.until_ns
            case None:
                raise AssertionError
    return beats, skips


def slots_of(block: int, beats: list[Beat], skips: list[Skip]) -> list[int]:
    """Every slot of a block that was run, missed before a beat, or skipped."""
    found = [s for b in beats if b.block == block for s in range(b.slot - b.skipped, b.slot + 1)]
    for skip in (s for s in skips if s.block == block):
        found += range(skip.slot - skip.skipped + 1, skip.slot + 1)
    return sorted(found)


def test_every_slot_is_run_once_while_there_is_time() -> None:
    state = Schedule([Grid(0, 100 * MS), Grid(50 * MS, 1000 * MS)], [0, 1])
    beats, skips = run(state, 3000 * MS, [5 * MS, 5 * MS])
    assert [b.slot for b in beats if b.block == 0] == list(range(30))
    assert [b.slot for b in beats if b.block == 1] == [0, 1, 2]
    assert not skips
    assert all(b.skipped == 0 for b in beats)


def test_a_slow_device_skips_slots_and_never_catches_up() -> None:
    beats, _ = run(Schedule([Grid(0, 100 * MS)], [0]), 2000 * MS, [350 * MS])
    assert [b.slot for b in beats] == [0, 3, 7, 10, 14, 17]
    assert [b.skipped for b in beats] == [0, 2, 3, 2, 3, 2]
    assert sum(b.skipped for b in beats) + len(beats) == beats[-1].slot + 1


def test_the_fast_class_goes_first_then_the_earliest_deadline() -> None:
    state = Schedule([Grid(0, 1000 * MS), Grid(0, 500 * MS), Grid(0, 100 * MS)], [1, 1, 0])
    order = [state.step(0, [0, 0, 0]) for _ in range(3)]
    assert [found.block for found in order if isinstance(found, Beat)] == [2, 1, 0]


def test_what_failed_last_comes_after_its_equals_so_that_it_blames_no_other() -> None:
    state = Schedule([Grid(0, 1000 * MS)] * 3, [1, 1, 1])
    for _ in range(3):
        state.step(0, [0, 0, 0])
    state.demote(0, failed=True)
    again = [state.step(1000 * MS, [0, 0, 0]) for _ in range(3)]
    assert [found.block for found in again if isinstance(found, Beat)] == [1, 2, 0]


def test_without_blocks_there_is_nothing_to_wait_for() -> None:
    assert Schedule([], []).step(0, []) is None


def test_a_request_that_would_not_be_back_in_time_is_not_started() -> None:
    state = Schedule([Grid(0, 100 * MS), Grid(0, 100 * MS)], [0, 1])
    assert isinstance(state.step(0, [60 * MS, 60 * MS]), Beat)
    late = state.step(60 * MS, [60 * MS, 60 * MS])
    assert late == Skip(1, 0, 1)


def test_a_block_longer_than_its_period_is_read_all_the_same() -> None:
    beats, skips = run(Schedule([Grid(0, 100 * MS)], [1]), 2000 * MS, [250 * MS], [250 * MS])
    assert len(beats) == 8
    assert not skips
    assert slots_of(0, beats, skips) == list(range(beats[-1].slot + 1))


def test_a_forecast_from_a_bad_hour_mends_itself() -> None:
    state = Schedule([Grid(0, 100 * MS), Grid(0, 100 * MS)], [0, 1])
    beats, skips = run(state, 1000 * MS, [60 * MS, 10 * MS], [60 * MS, 50 * MS])
    second = [b.slot for b in beats if b.block == 1]
    assert second == [TRIAL_AFTER, 2 * TRIAL_AFTER + 1]
    assert slots_of(1, beats, skips) == list(range(10))


def test_while_the_line_drains_nothing_is_started_and_slots_still_have_their_row() -> None:
    state = Schedule([Grid(0, 100 * MS)], [0])
    assert state.step(0, [0], free_ns=350 * MS) == Skip(0, 0, 1)
    assert state.step(0, [0], free_ns=350 * MS) == Wait(100 * MS)
    assert state.step(100 * MS, [0], free_ns=350 * MS) == Skip(0, 1, 1)
    assert state.step(210 * MS, [0], free_ns=350 * MS) == Skip(0, 2, 1)
    assert state.step(310 * MS, [0], free_ns=350 * MS) == Wait(350 * MS)
    assert state.step(350 * MS, [0], free_ns=350 * MS) == Beat(0, 3, 0, 300 * MS)


def test_late_slots_in_a_row_are_counted_until_one_is_on_time() -> None:
    state = Schedule([Grid(0, 100 * MS)], [0])
    assert isinstance(state.step(0, [0]), Beat)
    assert state.step(550 * MS, [0]) == Beat(0, 5, 4, 500 * MS)
    assert state.late(0) == 4
    assert state.step(850 * MS, [0]) == Beat(0, 8, 2, 800 * MS)
    assert state.late(0) == 6
    assert state.step(900 * MS, [0]) == Beat(0, 9, 0, 900 * MS)
    assert state.late(0) == 0


def test_a_slow_class_is_not_starved_by_a_fast_one_that_leaves_room() -> None:
    state = Schedule([Grid(0, 100 * MS), Grid(0, 10_000 * MS)], [0, 1])
    beats, _ = run(state, 60_000 * MS, [70 * MS, 25 * MS])
    assert [b.slot for b in beats if b.block == 1] == list(range(6))


def test_four_thousand_blocks_cost_a_beat_each_and_no_scan() -> None:
    state = Schedule([Grid(0, 1000 * MS)] * 4096, [1] * 4096)
    beats, _ = run(state, 2000 * MS, [0] * 4096)
    assert len(beats) == 8192


def test_a_block_with_a_clock_is_spread_over_a_second_and_keeps_its_slots() -> None:
    state = Schedule([Grid(0, 10_000 * MS)], [1], [1000 * MS])
    now_ns, begun = 0, []
    for _ in range(20):
        found = state.step(now_ns, [0])
        if isinstance(found, Beat):
            begun.append((found.slot, now_ns - found.due_ns))
        elif isinstance(found, Wait):
            now_ns = found.until_ns
    assert [slot for slot, _ in begun] == list(range(len(begun)))
    within = [late for _, late in begun]
    assert all(0 <= late < 1000 * MS for late in within)
    assert len({late // (100 * MS) for late in within}) >= 7


def test_not_even_a_trial_or_a_long_block_starts_while_the_line_drains() -> None:
    state = Schedule([Grid(0, 100 * MS)], [0])
    for slot in range(10):
        now_ns = slot * 100 * MS
        assert state.step(now_ns, [250 * MS], free_ns=5000 * MS) == Skip(0, slot, 1)
