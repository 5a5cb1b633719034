"""Rows become batches: by time, size, clock step; the frame's columns say what was read."""

import numpy as np
import pytest

from edge.spool.batcher import Batcher
from edge.spool.model import AxisShape, Moment
from proto import limits
from proto.axis import Axis
from proto.columns import decode_samples
from proto.quality import Quality, Reason, pack_quality
from tests.spool_builders import SetClock, axis, batcher, columns, part

SECOND = 10**9


def _decoded(made: Batcher, number: int = 0) -> list[Axis]:
    closed = made.waiting[number]
    return decode_samples(closed.raw, closed.n, closed.t_first_us, part().types)


def _slots(made: Batcher, number: int, points: int) -> list[int]:
    closed = made.waiting[number]
    types = part(points).types
    [rows] = decode_samples(closed.raw, closed.n, closed.t_first_us, types)
    assert rows.slot_first is not None
    skipped = 0 if rows.skipped is None else rows.skipped
    return (rows.slot_first + np.arange(len(rows.time_us)) + skipped).tolist()


def _offer(made: Batcher, clock: SetClock, slot: int, value: float = 1.0) -> None:
    assert made.offer(0, slot, columns([value] * 3, clock.mono_ns()), clock.now())


def test_a_batch_closes_when_its_window_is_over() -> None:
    clock, made = SetClock(), batcher(window_ns=5 * SECOND)
    _offer(made, clock, 0)
    clock.advance(5 * SECOND - 1)
    made.tick(clock.now())
    before = len(made.waiting)
    clock.advance(1)
    made.tick(clock.now())

    assert (before, len(made.waiting)) == (0, 1)


def test_an_alert_closes_every_second() -> None:
    clock, made = SetClock(), batcher(window_ns=5 * SECOND)
    made.alert = True
    _offer(made, clock, 0)
    clock.advance(SECOND)
    made.tick(clock.now())

    assert len(made.waiting) == 1


def test_a_clock_step_of_more_than_half_a_second_closes_the_batch() -> None:
    clock, made = SetClock(), batcher()
    _offer(made, clock, 0)
    clock.step(500_001)
    made.tick(clock.now())

    assert len(made.waiting) == 1


def test_a_smaller_clock_step_moves_no_time_inside_the_batch() -> None:
    clock, made = SetClock(), batcher()
    begin = clock.now()
    _offer(made, clock, 0)
    clock.step(400_000)
    clock.advance(SECOND // 10)
    _offer(made, clock, 1)
    made.tick(clock.now())
    made.close(clock.now())

    [rows] = _decoded(made)
    assert len(made.waiting) == 1
    assert list(np.diff(rows.time_us)) == [100_000]
    assert rows.time_us[0] == begin.wall_us - 1_000


def test_times_are_the_middle_of_question_and_answer_seen_from_the_anchor() -> None:
    clock, made = SetClock(), batcher()
    for slot in range(3):
        _offer(made, clock, slot)
        clock.advance(SECOND // 10)
    made.close(clock.now())

    [rows] = _decoded(made)
    anchor = made.waiting[0].anchor
    assert anchor == Moment(SetClock().wall_us(), SetClock().mono_ns())
    assert list(rows.time_us - anchor.wall_us) == [-1_000, 99_000, 199_000]
    assert rows.uncertainty_us == 1_000


def test_each_batch_has_the_anchor_of_its_own_opening() -> None:
    clock, made = SetClock(), batcher()
    _offer(made, clock, 0)
    made.close(clock.now())
    clock.advance(SECOND)
    clock.step(300_000)
    opening = clock.now()
    _offer(made, clock, 1)
    made.close(clock.now())

    assert made.waiting[1].anchor == opening


def test_a_skipped_slot_is_a_hole_and_no_row() -> None:
    clock, made = SetClock(), batcher()
    for slot in (7, 8, 11):
        _offer(made, clock, slot)
        clock.advance(SECOND // 10)
    made.close(clock.now())

    [rows] = _decoded(made)
    assert rows.slot_first == 7
    assert rows.skipped is not None
    assert list(rows.slot_first + np.arange(3) + rows.skipped) == [7, 8, 11]


def test_a_slot_that_goes_back_begins_another_batch() -> None:
    clock, made = SetClock(), batcher()
    _offer(made, clock, 9)
    _offer(made, clock, 3)
    made.close(clock.now())

    assert [closed.n for closed in made.waiting] == [3, 3]


def test_a_batch_never_holds_more_than_32768_samples() -> None:
    clock, made = SetClock(), Batcher([part(4096)], [axis(4096)], window_ns=60 * SECOND)
    for slot in range(9):
        assert made.offer(0, slot, columns([0.5] * 4096, clock.mono_ns()), clock.now())
    made.close(clock.now())

    assert [closed.n for closed in made.waiting] == [32_768, 4_096]


def test_a_batch_that_would_be_too_long_is_cut_by_rows() -> None:
    rng = np.random.default_rng(1)
    clock, made = SetClock(), Batcher([part(2000)], [axis(2000)], window_ns=60 * SECOND)
    for slot in range(16):
        clock.advance(SECOND // 10)
        row = columns(rng.random(2000), clock.mono_ns(), quality=Quality.BAD)
        row.detail[:] = rng.integers(1, 2**32, 2000)
        assert made.offer(0, slot, row, clock.now())
    made.close(clock.now())

    assert len(made.waiting) == 2
    assert sum(closed.n for closed in made.waiting) == 32_000
    assert all(len(closed.raw) <= 512 * 1024 for closed in made.waiting)
    assert [_slots(made, i, 2000) for i in (0, 1)] == [list(range(8)), list(range(8, 16))]


def test_points_of_two_parts_go_into_two_batches() -> None:
    clock = SetClock()
    made = Batcher(
        [part(2, device="a"), part(3, device="b")],
        [axis(2, part=0), axis(3, part=1)],
        window_ns=SECOND,
    )
    assert made.offer(0, 0, columns([1, 2], clock.mono_ns()), clock.now())
    assert made.offer(1, 0, columns([3, 4, 5], clock.mono_ns()), clock.now())
    made.close(clock.now())

    assert [(c.n, c.schema_hash) for c in made.waiting] == [
        (2, part(2, device="a").hash),
        (3, part(3, device="b").hash),
    ]


def test_quality_reason_and_missing_value_are_packed_as_on_the_wire() -> None:
    clock, made = SetClock(), batcher()
    row = columns([1, 2, 3], clock.mono_ns(), quality=Quality.BAD, reason=Reason.COMM_LOSS)
    row.no_value[1] = True
    assert made.offer(0, 0, row, clock.now())
    made.close(clock.now())

    [rows] = _decoded(made)
    bad = pack_quality(Quality.BAD, Reason.COMM_LOSS)
    without = pack_quality(Quality.BAD, Reason.COMM_LOSS, no_value=True)
    assert rows.quality[:, 0].tolist() == [bad, without, bad]


@pytest.mark.parametrize(
    ("times", "expected"),
    [((5, 6), [5, 100_006]), ((5, 0), None)],
    ids=["all rows", "one has none"],
)
def test_source_times_are_kept_only_where_every_row_has_one(
    times: tuple[int, int], expected: list[int] | None
) -> None:
    clock = SetClock()
    shape = AxisShape(part=0, point_first=0, points=3, period_us=100_000, source_kind=2)
    made = Batcher([part()], [shape], window_ns=SECOND)
    for slot, source in enumerate(times):
        at = clock.wall_us() + source if source else 0
        row = columns([1, 2, 3], clock.mono_ns(), source_us=at)
        assert made.offer(0, slot, row, clock.now())
        clock.advance(SECOND // 10)
    made.close(clock.now())

    [rows] = _decoded(made)
    got = None if rows.source_us is None else (rows.source_us - SetClock().wall_us()).tolist()
    assert got == expected
    assert rows.source_kind == (2 if expected else 0)


def test_a_source_time_of_one_point_is_not_lent_to_its_neighbours() -> None:
    clock = SetClock()
    shape = AxisShape(part=0, point_first=0, points=3, period_us=100_000, source_kind=2)
    made = Batcher([part()], [shape], window_ns=SECOND)
    row = columns([1, 2, 3], clock.mono_ns(), source_us=clock.wall_us())
    row.source_us[2] += 1
    assert made.offer(0, 0, row, clock.now())
    made.close(clock.now())

    assert _decoded(made)[0].source_us is None


def test_ram_holds_60_seconds_of_rows_and_not_more() -> None:
    clock, made = SetClock(), batcher(window_ns=SECOND)
    taken = []
    for slot in range(70):
        taken.append(made.offer(0, slot, columns([1, 2, 3], clock.mono_ns()), clock.now()))
        clock.advance(SECOND)
        made.tick(clock.now())

    assert taken[:61] == [True] * 61
    assert taken[62:] == [False] * 8
    assert made.samples_in_ram == 3 * sum(taken)


def test_what_is_on_disk_makes_room_again() -> None:
    clock, made = SetClock(), batcher(window_ns=SECOND)
    _offer(made, clock, 0)
    made.close(clock.now())
    clock.advance(61 * SECOND)
    refused = made.offer(0, 1, columns([1, 2, 3], clock.mono_ns()), clock.now())
    made.committed(1)
    taken = made.offer(0, 2, columns([1, 2, 3], clock.mono_ns()), clock.now())

    assert (refused, taken) == (False, True)
    assert made.samples_in_ram == 3


def test_ram_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RAM_BYTES_MAX", 2**20)
    clock = SetClock()
    made = Batcher([part(4096)], [axis(4096)], window_ns=60 * SECOND)
    rng = np.random.default_rng(2)
    slot = 0
    while made.offer(0, slot, columns(rng.random(4096), clock.mono_ns()), clock.now()):
        slot += 1

    assert 2**20 <= made.ram_bytes < 2**20 + 4096 * 24 + 512 * 1024


def test_a_sample_is_settled_when_it_and_all_before_it_are_on_disk() -> None:
    clock, made = SetClock(), batcher()
    _offer(made, clock, 0)
    made.close(clock.now())
    _offer(made, clock, 1)

    before = made.offered, made.settled
    made.committed(1)

    assert before == (6, 0)
    assert (made.offered, made.settled) == (6, 3)
    made.close(clock.now())
    made.committed(1)
    assert made.settled == 6


def test_a_part_that_is_full_closes_alone() -> None:
    clock = SetClock()
    made = Batcher([part(4096), part(3)], [axis(4096), axis(3, part=1)], window_ns=60 * SECOND)
    assert made.offer(1, 0, columns([1.0] * 3, clock.mono_ns()), clock.now())
    for slot in range(9):
        assert made.offer(0, slot, columns([0.5] * 4096, clock.mono_ns()), clock.now())

    assert [closed.n for closed in made.waiting] == [32_768]
    assert made.samples_in_ram == 9 * 4096 + 3


def test_the_window_closes_every_part_one_a_tick() -> None:
    clock = SetClock()
    made = Batcher([part(3), part(3)], [axis(3), axis(3, part=1)], window_ns=5 * SECOND)
    assert made.offer(0, 0, columns([1.0] * 3, clock.mono_ns()), clock.now())
    clock.advance(SECOND)
    assert made.offer(1, 0, columns([1.0] * 3, clock.mono_ns()), clock.now())
    clock.advance(4 * SECOND)

    assert made.tick(clock.now())
    assert len(made.waiting) == 1
    assert not made.tick(clock.now())
    assert len(made.waiting) == 2


def test_a_sample_is_settled_only_when_all_before_it_are() -> None:
    clock = SetClock()
    made = Batcher([part(4096), part(3)], [axis(4096), axis(3, part=1)], window_ns=60 * SECOND)
    assert made.offer(1, 0, columns([1.0] * 3, clock.mono_ns()), clock.now())
    for slot in range(9):
        assert made.offer(0, slot, columns([0.5] * 4096, clock.mono_ns()), clock.now())
    made.committed(1)  # the large part closed first, but the small one was offered before it
    before = made.settled
    made.close(clock.now())
    made.committed(2)

    assert before == 0
    assert made.settled == made.offered == 9 * 4096 + 3
