"""When the disk is full: what the centre has goes first, then the oldest, never what is open."""

from edge.spool.shed import Segment, SegmentState, plan
from proto.ledger import RangeSet


def _segment(no: int, state: SegmentState = SegmentState.SEALED) -> Segment:
    low = (no - 1) * 10 + 1
    return Segment(
        e=1,
        no=no,
        state=state,
        seq_lo=low,
        seq_hi=low + 9,
        sample_lo=low,
        sample_hi=low + 9,
        t_lo=0,
        t_hi=0,
        tip_hash=b"",
        size=100,
    )


RING = [_segment(1), _segment(2), _segment(3), _segment(4, SegmentState.OPEN)]
NOTHING = RangeSet()


def test_nothing_goes_while_the_quota_holds() -> None:
    assert plan(RING, [NOTHING] * 4, used=400, quota=400) == []


def test_acknowledged_segments_go_first_and_lose_nothing() -> None:
    gone = RangeSet(((11, 20),))
    chosen = plan(RING, [gone] * 4, used=401, quota=400)

    assert [(drop.segment.no, drop.lost.spans) for drop in chosen] == [(2, ())]


def test_then_the_oldest_goes_and_what_is_lost_is_named() -> None:
    gone = RangeSet(((1, 4), (7, 7)))
    chosen = plan(RING, [gone] * 4, used=401, quota=400)

    assert [(drop.segment.no, drop.lost.spans) for drop in chosen] == [(1, ((5, 6), (8, 10)))]


def test_the_open_segment_never_goes() -> None:
    chosen = plan(RING, [NOTHING] * 4, used=400, quota=0)

    assert [drop.segment.no for drop in chosen] == [1, 2, 3]


def test_as_many_go_as_are_needed() -> None:
    chosen = plan(RING, [NOTHING] * 4, used=560, quota=400)

    assert [drop.segment.no for drop in chosen] == [1, 2]
