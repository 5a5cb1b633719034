"""What a lane holds and what became of it."""

from edge.spool.lanelog import Disposed, LaneLog, read_marks
from proto.batch import Lane
from proto.chain import LaneTip


def _log() -> LaneLog:
    log = LaneLog(b"e" * 16, 1, Lane.BULK, 3, LaneTip(11, 101, b"h" * 32))
    log.pending_samples = 80
    return log


def test_everything_that_is_held_and_not_disposed_of_is_pending() -> None:
    log = _log()
    log.dispose(Disposed.STORED, 3, 5, 30)
    log.dispose(Disposed.QUARANTINED, 7, 7, 10)
    log.dispose(Disposed.GAPPED, 9, 9, 10)

    assert log.pending.spans == ((6, 6), (8, 8), (10, 10))
    assert (log.pending_samples, log.gapped_samples) == (30, 10)


def test_only_stored_ranges_come_back() -> None:
    log = _log()
    log.dispose(Disposed.STORED, 3, 5, 30)
    log.dispose(Disposed.QUARANTINED, 7, 7, 10)
    log.restore(4, 5, 20)

    assert log.pending.spans == ((4, 6), (8, 10))
    assert log.pending_samples == 60


def test_an_empty_lane_has_nothing_pending() -> None:
    assert LaneLog(b"e" * 16, 1, Lane.BULK, 1, LaneTip()).pending.spans == ()


def test_marks_survive_the_disk() -> None:
    log = _log()
    log.dispose(Disposed.STORED, 3, 5, 30)
    log.dispose(Disposed.STORED, 8, 8, 10)
    log.dispose(Disposed.FORKED, 6, 6, 10)

    assert read_marks(log.rows()) == log.marks


def test_a_status_of_a_later_version_frees_nothing() -> None:
    assert read_marks([(1, 5, 77)]) == {}
