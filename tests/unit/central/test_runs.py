"""Runs of batches whose links verify."""

from central.archive.lanes import Announced, LaneState
from central.archive.runs import LaneRuns, Link


def link(seq: int, *, n: int = 10, after: str = "", own: str = "") -> Link:
    """Return batch `seq` of a lane where every batch has n samples."""
    prev = (after or f"h{seq - 1}").encode()
    return Link(seq, (seq - 1) * n + 1, n, prev, (own or f"h{seq}").encode())


def spans(runs: LaneRuns) -> list[tuple[int, int]]:
    return [(run.lo, run.hi) for run in runs.runs]


def test_batches_in_any_order_make_one_run() -> None:
    runs = LaneRuns()
    for seq in (3, 1, 5, 2, 4):
        runs.add(link(seq))
    assert spans(runs) == [(1, 5)]
    assert (runs.runs[0].sample_lo, runs.runs[0].sample_hi) == (1, 50)
    assert (runs.runs[0].hash_hi, runs.tip, runs.batches, runs.breaks) == (b"h5", 5, 5, 0)


def test_a_missing_batch_cuts_and_is_not_held() -> None:
    runs = LaneRuns()
    for seq in (1, 2, 4):
        runs.add(link(seq))
    assert spans(runs) == [(1, 2), (4, 4)]
    assert [runs.holds(seq) for seq in (2, 3, 4)] == [True, False, True]


def test_a_link_that_does_not_verify_cuts_for_good() -> None:
    runs = LaneRuns()
    runs.add(link(1))
    runs.add(link(2, after="other"))
    runs.add(link(3))
    assert spans(runs) == [(1, 1), (2, 3)]
    assert runs.breaks == 1


def test_sample_numbers_that_do_not_follow_cut_too() -> None:
    runs = LaneRuns()
    runs.add(link(1))
    runs.add(Link(2, 99, 10, b"h1", b"h2"))
    assert spans(runs) == [(1, 1), (2, 2)]


def test_ranges_told_after_a_commit_never_cross_a_cut() -> None:
    found = LaneRuns().grouped([link(2), link(1), link(4), link(5, after="other"), link(2)])
    assert [(first.seq, last.seq) for first, last in found] == [(1, 2), (4, 4), (5, 5)]


def state(*seqs: int, told: Announced | None = None) -> LaneState:
    made = LaneState(announced=told or Announced())
    for seq in seqs:
        made.runs.add(link(seq))
        made.samples += 10
    return made


def test_what_the_gateway_still_holds_is_pending() -> None:
    account = state(1, 2, 5, told=Announced(1, 7, 70)).account()
    assert (account.expected, account.stored, account.pending) == (70, 30, 40)
    assert account.unexplained == 0


def test_a_hole_that_nobody_vouches_for_is_unexplained() -> None:
    account = state(1, 2, 5, told=Announced(5, 5, 50)).account()
    assert (account.stored, account.pending, account.unexplained) == (30, 0, 20)


def test_a_gap_record_explains_a_hole() -> None:
    made = state(1, 2, 5, told=Announced(5, 5, 50))
    made.gaps = made.gaps.add(21, 40)
    account = made.account()
    assert (account.gapped, account.unexplained) == (20, 0)


def test_samples_in_two_batches_are_duplicates() -> None:
    made = state(1)
    made.runs.add(Link(2, 6, 10, b"h1", b"h2"))
    made.samples += 10
    account = made.account()
    assert (account.stored, account.duplicates) == (15, 5)
