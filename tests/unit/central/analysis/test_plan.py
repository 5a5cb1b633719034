from dataclasses import replace

from central.analysis.plan import (
    THIN_MAX,
    THIN_PER_TICK,
    WINDOWS_PER_TICK,
    Cursor,
    advance,
    first_cursor,
    without,
    work_of,
)
from tests.unit.central.analysis.plant import DEMO, T0, S

W = DEMO.window_us


def test_a_site_begins_on_the_grid_after_its_oldest_data() -> None:
    assert first_cursor(DEMO, T0 + 1, T0 + 60 * S).next_us == T0 + W
    assert first_cursor(DEMO, T0, T0 + 60 * S).next_us == T0
    assert first_cursor(DEMO, 0, T0).next_us == T0 - DEMO.lookback_us


def test_a_window_is_closed_after_its_end_and_the_grace() -> None:
    end_us = T0 + W + DEMO.grace_us
    assert work_of(Cursor(T0), DEMO, end_us - 1, 0).fresh == ()
    assert work_of(Cursor(T0), DEMO, end_us, 0).fresh == (T0,)
    assert work_of(Cursor(T0), DEMO, end_us + W, 0).fresh == (T0, T0 + W)
    assert work_of(Cursor(T0), DEMO, T0 - W, 0).fresh == ()


def test_the_work_of_a_tick_is_bounded() -> None:
    thin = tuple(T0 - each * W for each in range(40, 0, -1))
    work = work_of(Cursor(T0, thin), DEMO, T0 + 1000 * W, 0)
    assert (len(work.fresh), len(work.again)) == (WINDOWS_PER_TICK, 0)  # too old: all are dropped
    work = work_of(Cursor(T0, thin), DEMO, T0, 0)
    assert (len(work.again), len(work.dropped)) == (THIN_PER_TICK, 0)


def test_every_thin_window_has_its_turn() -> None:
    thin = tuple(T0 - each * W for each in range(40, 0, -1))
    seen = {t0 for turn in range(4) for t0 in work_of(Cursor(T0, thin), DEMO, T0, turn).again}
    assert seen == set(thin)


def test_a_thin_window_waits_until_it_is_whole_or_too_old() -> None:
    cursor = advance(Cursor(T0), DEMO, T0, thin=True)
    assert cursor == Cursor(T0 + W, (T0,))
    assert advance(cursor, DEMO, T0, thin=False) == Cursor(T0 + W)
    assert advance(cursor, DEMO, T0, thin=True) == cursor
    late = work_of(cursor, DEMO, T0 + DEMO.late_us + 1, 0)
    assert late.dropped == (T0,)
    assert without(cursor, late.dropped).thin == ()


def test_thin_windows_are_bounded() -> None:
    cursor = Cursor(T0)
    for number in range(THIN_MAX + 5):
        cursor = advance(cursor, DEMO, T0 + number * W, thin=True)
    assert len(cursor.thin) == THIN_MAX
    assert cursor.thin[0] == T0 + 5 * W


def test_a_pack_of_another_length_has_another_grid() -> None:
    longer = replace(DEMO, window_us=60 * S)
    assert first_cursor(longer, T0 + 1, T0 + 120 * S).next_us % (60 * S) == 0
