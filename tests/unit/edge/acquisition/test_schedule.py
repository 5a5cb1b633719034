"""The time grid: beats on time for ever, missed ones counted, the fast class first."""

from edge.acquisition import schedule
from edge.acquisition.schedule import Beat
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


def run(state: schedule.Schedule, until_ns: int, cost_ns: int) -> list[Beat]:
    """Run beats that take `cost_ns` each."""
    now_ns, beats = 0, []
    while now_ns < until_ns:
        state, found = schedule.step(state, now_ns)
        if isinstance(found, Beat):
            beats.append(found)
            now_ns += cost_ns
        else:
            assert found is not None
            now_ns = found
    return beats


def test_every_slot_is_run_once_while_there_is_time() -> None:
    state = schedule.schedule([Grid(0, 100 * MS), Grid(50 * MS, 1000 * MS)], [0, 1])
    beats = run(state, 3000 * MS, 5 * MS)
    assert [b.slot for b in beats if b.block == 0] == list(range(30))
    assert [b.slot for b in beats if b.block == 1] == [0, 1, 2]
    assert all(b.skipped == 0 for b in beats)


def test_a_slow_device_skips_slots_and_never_catches_up() -> None:
    state = schedule.schedule([Grid(0, 100 * MS)], [0])
    beats = run(state, 2000 * MS, 350 * MS)
    assert [b.slot for b in beats] == [0, 3, 7, 10, 14, 17]
    assert [b.skipped for b in beats] == [0, 2, 3, 2, 3, 2]
    assert sum(b.skipped for b in beats) + len(beats) == beats[-1].slot + 1


def test_the_fast_class_goes_first_then_the_earliest_deadline() -> None:
    state = schedule.schedule([Grid(0, 1000 * MS), Grid(0, 500 * MS), Grid(0, 100 * MS)], [1, 1, 0])
    order = []
    for _ in range(3):
        state, beat = schedule.step(state, 0)
        assert isinstance(beat, Beat)
        order.append(beat.block)
    assert order == [2, 1, 0]


def test_without_blocks_there_is_nothing_to_wait_for() -> None:
    assert schedule.step(schedule.schedule([], []), 0)[1] is None
