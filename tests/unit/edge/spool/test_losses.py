"""What could not be kept is named: once a minute, with exact counts, at its time."""

from edge.spool.losses import Losses, Restart
from proto.gap import GapCause
from tests.spool_builders import MONO_NS, WALL_US, SetClock, axis, part

SECOND = 10**9
EPOCH = b"e" * 16


def _losses(restart: Restart | None = None) -> Losses:
    return Losses([part()], [axis()], boot_id=7, start_ns=MONO_NS, restart=restart)


def test_skipped_slots_are_written_once_a_minute_as_one_entry_an_axis() -> None:
    clock, losses = SetClock(), _losses()
    losses.overrun(0, 10, 2, clock.now())
    losses.overrun(0, 40, 1, clock.now())
    clock.advance(59 * SECOND)
    early = losses.take(EPOCH, clock.now())
    clock.advance(SECOND)
    [gap] = losses.take(EPOCH, clock.now())
    again = losses.take(EPOCH, clock.now())

    assert early == again == []
    assert (gap.cause, gap.n, gap.n_exact) == (GapCause.DRIVER_OVERRUN, 9, True)
    assert gap.t == (WALL_US + 1_000_000, WALL_US + 4_000_000)
    assert gap.points == ((0, 2),)
    assert gap.schema == part().hash
    assert losses.overruns == 3


def test_a_clean_stop_writes_skipped_slots_at_once() -> None:
    clock, losses = SetClock(), _losses()
    losses.overrun(0, 1, 1, clock.now())

    assert [gap.n for gap in losses.take(EPOCH, clock.now(), everything=True)] == [3]


def test_rows_that_ram_could_not_hold_are_one_gap_when_rows_are_taken_again() -> None:
    clock, losses = SetClock(), _losses()
    losses.refused(3, clock.now())
    clock.advance(SECOND)
    losses.refused(3, clock.now())
    before = losses.take(EPOCH, clock.now())
    losses.accepted(EPOCH, clock.now())
    [gap] = losses.take(EPOCH, clock.now())

    assert before == []
    assert (gap.cause, gap.n, gap.samples) == (GapCause.SPOOL_STALL, 6, None)
    assert gap.t == (WALL_US, WALL_US + 1_000_000)
    assert losses.stalled == 6


def test_the_time_between_two_runs_is_named_with_the_first_row() -> None:
    clock = SetClock()
    losses = _losses(Restart(clean=False, last_us=WALL_US - 5))
    nothing = losses.take(EPOCH, clock.now())
    losses.accepted(EPOCH, clock.now())
    losses.accepted(EPOCH, clock.now())
    gaps = losses.take(EPOCH, clock.now())

    assert nothing == []
    assert [(gap.cause, gap.t) for gap in gaps] == [
        (GapCause.RESTART_UNCLEAN, (WALL_US - 5, WALL_US))
    ]


def test_a_clock_that_went_back_over_a_restart_still_gives_a_lawful_gap() -> None:
    losses = _losses(Restart(clean=True, last_us=WALL_US + 9))
    losses.accepted(EPOCH, SetClock().now())
    [gap] = losses.take(EPOCH, SetClock().now())

    assert gap.cause is GapCause.RESTART_CLEAN
    assert gap.t == (WALL_US, WALL_US + 9)


def test_every_gap_has_its_own_name() -> None:
    clock, losses = SetClock(), _losses()
    for slot in range(3):
        losses.overrun(0, slot, 1, clock.now())
        clock.advance(60 * SECOND)
    first = losses.take(EPOCH, clock.now())
    losses.overrun(0, 9, 1, clock.now())
    second = losses.take(EPOCH, clock.now(), everything=True)

    assert len({gap.id for gap in first + second}) == 2
