"""What could not be kept, collected until it is written as GAP entries.  Pure.

Rules of this file:
- Skipped slots (DRIVER_OVERRUN) are collected and written at most once a minute and at a clean
  stop: one entry an axis, its time covers them, its `n` is exact.  Data win over a gap.
- What RAM could not hold (SPOOL_STALL) is written as soon as rows are taken again.
- The time between two runs (RESTART_CLEAN, RESTART_UNCLEAN) is written with the first row.

Clause: batches.md 3.12.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.spool.model import AxisShape, Moment
from proto.batch import Lane
from proto.gap import GapCause, GapEntry
from proto.schema import TablePart

OVERRUN_EVERY_NS = 60 * 1_000_000_000


@dataclass(slots=True)
class _Overrun:
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Restart:
    """The run before this one: how it ended, and the time of its last committed sample."""

    clean: bool
    last_us: int


class Losses:
    """Counts and names what was lost before it had a number.

    Attributes:
        overruns: slots skipped since the start.
        stalled: samples that RAM could not hold since the start.
    """

    def __init__(
        self,
        parts: Sequence[TablePart],
        axes: Sequence[AxisShape],
        *,
        boot_id: int,
        start_ns: int,
        restart: Restart | None = None,
    ) -> None:
        self._parts, self._axes = tuple(parts), tuple(axes)
        self._boot_id, self._start_ns = boot_id, start_ns
        self._restart = restart
        self._made = 0
        self._skipped: dict[int, _Overrun] = {}
        self._skipped_since_ns: int | None = None
        self._stall: tuple[int, int, int] | None = None
        self._ready: list[GapEntry] = []
        self.overruns = 0
        self.stalled = 0

    def overrun(self, axis: int, first_slot: int, count: int, now: Moment) -> None:
        """Slots `first_slot` … of an axis were due and not read."""
        self.overruns += count
        last = first_slot + count - 1
        known = self._skipped.get(axis)
        if known is None:
            self._skipped[axis] = _Overrun(first_slot, last, count)
        else:
            known.last, known.count = max(known.last, last), known.count + count
        if self._skipped_since_ns is None:
            self._skipped_since_ns = now.mono_ns

    def refused(self, n: int, now: Moment) -> None:
        """RAM could not hold a row of `n` samples."""
        self.stalled += n
        count, first_us, _ = self._stall or (0, now.wall_us, 0)
        self._stall = (count + n, first_us, now.wall_us)

    def accepted(self, epoch: bytes, now: Moment) -> None:
        """A row was taken: the gap before it, if any, has an end."""
        if self._restart is not None:
            before, self._restart = self._restart, None
            cause = GapCause.RESTART_CLEAN if before.clean else GapCause.RESTART_UNCLEAN
            span = (min(before.last_us, now.wall_us), max(before.last_us, now.wall_us))
            self._ready.append(self._entry(cause, epoch, 0, span))
        if self._stall is not None:
            (count, first_us, last_us), self._stall = self._stall, None
            span = (min(first_us, last_us), max(first_us, last_us))
            self._ready.append(self._entry(GapCause.SPOOL_STALL, epoch, count, span))

    def is_due(self, now: Moment) -> bool:
        """Return True when `take` has entries for writing."""
        return bool(self._ready) or self._is_minute_over(now)

    def _is_minute_over(self, now: Moment) -> bool:
        since = self._skipped_since_ns
        return since is not None and now.mono_ns - since >= OVERRUN_EVERY_NS

    def take(self, epoch: bytes, now: Moment, *, everything: bool = False) -> list[GapEntry]:
        """Return the entries that are due for writing, and forget them."""
        if everything and self._stall is not None:
            self.accepted(epoch, now)
        if self._skipped and (everything or self._is_minute_over(now)):
            self._ready += [self._skips(axis, one, epoch, now) for axis, one in self._take_skips()]
        ready, self._ready = self._ready, []
        return ready

    def _take_skips(self) -> list[tuple[int, _Overrun]]:
        taken, self._skipped, self._skipped_since_ns = self._skipped, {}, None
        return sorted(taken.items())

    def _skips(self, axis: int, one: _Overrun, epoch: bytes, now: Moment) -> GapEntry:
        shape = self._axes[axis]
        first_ns = self._start_ns + (shape.first_us + one.first * shape.period_us) * 1_000
        last_ns = first_ns + (one.last - one.first) * shape.period_us * 1_000
        return self._entry(
            GapCause.DRIVER_OVERRUN,
            epoch,
            one.count * shape.points,
            (now.at(first_ns), now.at(last_ns)),
            points=((shape.point_first, shape.point_first + shape.points - 1),),
            schema=self._parts[shape.part].hash,
        )

    def _entry(
        self,
        cause: GapCause,
        epoch: bytes,
        n: int,
        t: tuple[int, int],
        *,
        points: tuple[tuple[int, int], ...] | None = None,
        schema: bytes | None = None,
    ) -> GapEntry:
        self._made += 1
        return GapEntry(
            id=f"gap-{self._boot_id}-{self._made}",
            cause=cause,
            epoch=epoch,
            lane=Lane.BULK,
            n=n,
            t=t,
            points=points if points is not None else "all",
            schema=schema,
        )
