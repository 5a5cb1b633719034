"""Hour summaries, series and buckets from decoded batches."""

import numpy as np
import pytest

from central.archive.decode import Decoded, decode
from central.archive.history import Hour, bucketed, bucketed_hours, cut, find, joined, series
from central.archive.summary import HOUR_US, grid_rows, summarise
from proto.batch import Frame
from proto.errors import BatchDamaged
from proto.quality import Quality
from tests.builders import WALL_US
from tests.central_builders import PERIOD_US, Plant

ROWS = 30


def decoded(plant: Plant, frame: Frame) -> Decoded:
    parts = {plant.part.hash: plant.part}
    return decode("hancheng-steel", plant.gateway, frame, parts, late=False, received_us=0)


def test_a_summary_says_what_a_plain_loop_says() -> None:
    plant = Plant()
    rows = summarise(decoded(plant, plant.samples(ROWS, bad=[1])))
    values = [number * 0.1 for number in range(ROWS)]
    good, bad, _other = rows
    assert (good.point, good.n, good.n_good, good.n_value) == ("plc1/p0", ROWS, ROWS, ROWS)
    assert (good.v_min, good.v_max, good.v_first, good.v_last) == (0.0, values[-1], 0.0, values[-1])
    assert good.v_sum == pytest.approx(sum(values))
    assert (good.t_first_us, good.t_last_us) == (WALL_US, WALL_US + (ROWS - 1) * PERIOD_US)
    assert (bad.n, bad.n_good, bad.n_value, bad.v_min, bad.v_last) == (ROWS, 0, 0, None, None)
    assert bad.quality == Quality.BAD


def test_a_batch_over_the_full_hour_gives_a_row_for_each_hour() -> None:
    plant = Plant(slot=(HOUR_US - WALL_US % HOUR_US) // PERIOD_US - 10)
    rows = summarise(decoded(plant, plant.samples(ROWS)))
    hour = WALL_US - WALL_US % HOUR_US
    assert [(row.hour_us, row.n) for row in rows[::3]] == [(hour, 10), (hour + HOUR_US, 20)]


def test_a_grid_row_covers_the_slots_of_the_batch() -> None:
    plant = Plant(slot=100)
    [row] = grid_rows(decoded(plant, plant.samples(7)))
    assert (row.slot_lo, row.slot_hi, row.stored, row.skipped) == (100, 106, 7, 0)


def columns(plant: Plant, *frames: Frame) -> object:
    place = find(plant.part, "plc1/p1")
    assert place is not None
    pieces = [series(decoded(plant, frame).axes, place, late=False) for frame in frames]
    return joined([piece for piece in pieces if piece is not None])


def test_a_bad_sample_counts_and_has_no_value() -> None:
    plant = Plant()
    found = columns(plant, plant.samples(5), plant.samples(5, bad=[1]))
    assert np.isnan(found.value[5:]).all()
    [first, second] = bucketed(found, WALL_US, WALL_US + 10 * PERIOD_US, 2)
    assert (first.n, first.n_good, first.v_max) == (5, 5, pytest.approx(0.4))
    assert (second.n, second.n_good, second.v_avg, second.quality) == (5, 0, None, Quality.BAD)


def test_batches_out_of_order_make_a_series_in_time_order() -> None:
    plant = Plant()
    first, second = plant.samples(5), plant.samples(5)
    found = columns(plant, second, first)
    assert list(np.diff(found.time_us)) == [PERIOD_US] * 9
    assert len(cut(found, WALL_US + 1, WALL_US + 9 * PERIOD_US).value) == 8


def test_wide_buckets_come_from_hours_and_gaps_stay_gaps() -> None:
    hours = [
        Hour(WALL_US, 10, 9, 1.0, 5.0, 2.0, 27.0, 9, 2, 0),
        Hour(WALL_US + HOUR_US, 10, 10, 0.0, 3.0, 3.0, 20.0, 10, 0, 1),
        Hour(WALL_US + 5 * HOUR_US, 4, 0, None, None, None, 0.0, 0, 2, 0),
    ]
    found = bucketed_hours(hours, WALL_US, WALL_US + 6 * HOUR_US, 3)
    assert [bucket.n for bucket in found] == [20, 0, 4]
    assert (found[0].v_min, found[0].v_max, found[0].v_last) == (0.0, 5.0, 3.0)
    assert found[0].v_avg == pytest.approx(47 / 19)
    assert (found[0].late, found[1].v_avg, found[2].v_avg) == (True, None, None)


def test_a_payload_that_is_not_what_its_header_says_is_damaged() -> None:
    plant = Plant()
    frame = plant.records({"k": "a.b"}, {"k": "c.d"})
    lying = Frame(frame.header, frame.block, plant.records({"k": "a.b"}).payload)
    with pytest.raises(BatchDamaged):
        decoded(plant, lying)
