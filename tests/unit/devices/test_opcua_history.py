"""Gaps from history: oldest first, nothing twice, every outcome named."""

import numpy as np

from devices.opcua.history import (
    CELLS_MAX,
    OVERLAP_US,
    SLICE_US,
    Answer,
    AskAccess,
    AskValues,
    Fill,
    Instants,
    Outcome,
    gap_of,
)
from devices.opcua.value import NodeValue
from proto.quality import Quality, Reason

S = 1_000_000
T0 = 1_700_000_000 * S
READ, BOTH = 0x01, 0x05


def good(value: float) -> NodeValue:
    return NodeValue(int(value), value, Quality.GOOD, Reason.NONE, no_value=False, detail=0)


def opened(fill: Fill) -> AskValues:
    """Grant access to everything; return the first request for values."""
    while isinstance(ask := fill.next(), AskAccess):
        fill.accessed([BOTH] * len(ask.slots))
    assert ask is not None
    return ask


def test_a_gap_is_asked_in_slices_of_an_hour_oldest_first() -> None:
    fill = Fill(0, 1, {0: (T0, T0 + 2 * SLICE_US)}, {0: frozenset()})
    asks = []
    ask = opened(fill)
    while ask is not None:
        assert isinstance(ask, AskValues)
        asks.append((ask.from_us, ask.to_us))
        fill.answered(ask, [Answer(0)])
        ask = fill.next()
    assert asks[0][0] == T0 - OVERLAP_US
    assert asks == sorted(asks)
    assert all(high - low <= SLICE_US for low, high in asks)
    assert asks[-1][1] == T0 + 2 * SLICE_US
    assert fill.finish() == {Outcome.FILLED: 1}


def test_what_was_received_is_not_taken_again() -> None:
    seen = frozenset({T0, T0 - S})
    fill = Fill(0, 2, {1: (T0, T0 + 60 * S)}, {1: seen})
    ask = opened(fill)
    times = [T0 - 2 * S, T0 - S, T0, T0 + S, T0 + 60 * S]
    rows = fill.answered(ask, [Answer(0, [(t, good(1.0)) for t in times])])
    assert [int(row.source_us[0]) for row in rows] == [T0 - 2 * S, T0 + S]
    assert fill.values == 2


def test_rows_are_replayed_and_other_points_have_no_value_in_them() -> None:
    fill = Fill(0, 2, {0: (T0, T0 + 60 * S), 1: (T0, T0 + 60 * S)}, {})
    ask = opened(fill)
    answers = [
        Answer(0, [(T0 + S, good(5.0)), (T0 + 2 * S, good(6.0))]),
        Answer(0, [(T0 + 2 * S, good(7.0))]),
    ]
    first, second = fill.answered(ask, answers)
    assert first.value[0] == 5.0
    assert first.no_value.tolist() == [False, True]
    assert second.value.tolist() == [6.0, 7.0]
    assert set(second.reason.tolist()) == {Reason.REPLAYED}
    assert set(second.quality.tolist()) == {Quality.UNCERTAIN}
    assert second.source_us.tolist() == [T0 + 2 * S] * 2


def test_a_continuation_point_is_followed_before_the_next_slice() -> None:
    fill = Fill(0, 1, {0: (T0, T0 + 2 * SLICE_US)}, {})
    ask = opened(fill)
    fill.answered(ask, [Answer(0, [(T0 + S, good(1.0))], b"more")])
    again = fill.next()
    assert isinstance(again, AskValues)
    assert (again.from_us, again.continuations) == (ask.from_us, (b"more",))
    fill.answered(again, [Answer(0, [(T0 + 2 * S, good(2.0))])])
    later = fill.next()
    assert isinstance(later, AskValues)
    assert later.from_us > ask.from_us


def test_every_point_ends_filled_partly_or_without_history() -> None:
    window = (T0, T0 + 60 * S)
    fill = Fill(0, 4, dict.fromkeys(range(4), window), {})
    ask = fill.next()
    assert isinstance(ask, AskAccess)
    fill.accessed([READ, BOTH, BOTH, None])
    ask = fill.next()
    assert isinstance(ask, AskValues)
    assert ask.slots == (1, 2, 3)
    fill.answered(ask, [Answer(0), Answer(0x80310000), Answer(0x80720000)])
    assert fill.next() is None
    assert fill.finish() == {Outcome.FILLED: 1, Outcome.PARTLY: 1, Outcome.NO_HISTORY: 2}


def test_a_failed_request_loses_its_slice_only() -> None:
    fill = Fill(0, 1, {0: (T0, T0 + 60 * S)}, {})
    opened(fill)
    fill.failed()
    assert fill.next() is None
    assert fill.finish() == {Outcome.PARTLY: 1}


def test_one_answer_fits_into_memory_however_wide_the_block() -> None:
    fill = Fill(0, 1000, dict.fromkeys(range(1000), (T0, T0 + 60 * S)), {})
    ask = opened(fill)
    assert ask.values_max * len(ask.slots) * 1000 <= CELLS_MAX
    assert len(ask.slots) <= 10


def test_a_gap_is_between_the_last_row_before_and_the_first_after() -> None:
    instants = Instants()
    instants.note(np.array([T0 - 20 * S, T0 - 20 * S, 0], np.int64))
    instants.note(np.array([T0, T0, 0], np.int64))
    covered = np.array([T0, T0, 0], np.int64)
    windows, seen = gap_of(covered, np.array([T0 + 5 * S, T0, T0], np.int64), instants)
    assert windows == {0: (T0, T0 + 5 * S)}  # 1 did not move, 2 was never received
    assert T0 in seen[0]
    assert T0 - S not in seen[0]


def test_where_the_memory_is_short_older_instants_count_as_received() -> None:
    instants = Instants()
    instants.note(np.array([T0], np.int64))
    _, seen = gap_of(np.array([T0]), np.array([T0 + S]), instants)
    assert T0 - 5 * S in seen[0]
    assert T0 + 1 not in seen[0]


def test_two_gaps_within_the_overlap_replay_each_instant_once() -> None:
    instants = Instants()
    first = Fill(0, 1, {0: (T0, T0 + 3 * S)}, {}, instants)
    rows = first.answered(
        opened(first), [Answer(0, [(T0 + S, good(1.0)), (T0 + 2 * S, good(2.0))])]
    )
    second = Fill(0, 1, {0: (T0 + 4 * S, T0 + 6 * S)}, {0: frozenset({T0 + 3 * S})}, instants)
    answer = Answer(0, [(T0 + at * S, good(float(at))) for at in range(1, 6)])
    again = second.answered(opened(second), [answer])
    assert [len(rows), [float(row.value[0]) for row in again]] == [2, [4.0, 5.0]]
