"""The slots of one line: its grids, riders, forecasts and what was missed.  Shell: image, sink.

A rider is a slower block inside the answer of a faster one: its slot runs with the host's slot that
is due at the same time, and is missed with it.  Source: `acquisition.md` 3.5, 3.7.
"""

from collections.abc import Collection, Mapping, Sequence

from devices.driver import BlockColumns
from edge.acquisition import schedule
from edge.acquisition.answer_time import AnswerTimes
from edge.acquisition.reports import Reports
from edge.grid import Grid
from edge.plant import AxisPlan
from proto.quality import Detail, Reason

OVERLOADED_AFTER = 10
LATE_IN_IMAGE = 3
"""Missed slots in a row after which the image says OVERRUN, too: as `max_age`, 3 polls."""


CLOCK_SPREAD_NS = 10**9
CLOCK_PERIOD_NS_MIN = 5 * 10**9


class Slots:
    """Where the blocks of one line stand in time.

    Attributes:
        axes: the blocks that are read, in the order of the schedule.
        skipped: slots missed since the start.
    """

    def __init__(
        self,
        axes: Sequence[AxisPlan],
        start_ns: int,
        reports: Reports,
        clock_points: Collection[str] = (),
    ) -> None:
        """Begin the grids at `start_ns` (monotonic); blocks with a device's clock are spread."""
        self.axes = [a for a in axes if not a.subscribed and a.block.rides_on is None]
        self.skipped = 0
        self._reports = reports
        self._at = {axis.block_index: i for i, axis in enumerate(self.axes)}
        self._grids = [Grid(start_ns + a.phase_ns, a.period_ns) for a in self.axes]
        ranks = [int(a.block.poll != "fast") for a in self.axes]
        spread = [_spread_ns(axis, clock_points) for axis in self.axes]
        self._schedule = schedule.Schedule(self._grids, ranks, spread)
        self._times = [AnswerTimes() for _ in self.axes]
        self._p99 = [0] * len(self.axes)
        self._overloaded: int | None = None
        self._riders: dict[int, list[tuple[AxisPlan, int]]] = {}
        for axis in axes:
            if axis.block.rides_on is not None and not axis.subscribed:
                host = self._at[axis.block.rides_on]
                every = axis.period_ns // self.axes[host].period_ns
                self._riders.setdefault(host, []).append((axis, every))

    def next(
        self, now_ns: int, free_ns: int
    ) -> schedule.Beat | schedule.Skip | schedule.Wait | None:
        """Return what to do now, see `schedule`."""
        return self._schedule.step(now_ns, self._p99, free_ns)

    def at(self, axis: AxisPlan) -> int:
        """Return the position of a block in the schedule."""
        return self._at[axis.block_index]

    def answered(self, axis: AxisPlan, columns: BlockColumns, asked_ns: int) -> None:
        """Learn from an answer how long the next one will take."""
        at = self._at[axis.block_index]
        times = self._times[at]
        times.add(columns.receive_mono_ns - asked_ns)
        self._p99[at] = times.p99_ns

    def demote(self, axis: AxisPlan, *, failed: bool) -> None:
        """Let a block whose last request failed come after its equals."""
        self._schedule.demote(self._at[axis.block_index], failed)

    def due_ns(self, axis: AxisPlan, slot: int) -> int:
        """Return when a slot is due."""
        return self._grids[self._at[axis.block_index]].due_ns(slot)

    def fits(self, axis: AxisPlan, slot: int, now_ns: int) -> bool:
        """Return True when a read that starts now is expected within its slot."""
        at = self._at[axis.block_index]
        return now_ns + self._p99[at] <= self._grids[at].due_ns(slot + 1)

    def riders(self, at: int, slot: int) -> list[tuple[AxisPlan, int]]:
        """Return the slower blocks whose slot falls on this one, with their slot."""
        mine = self._riders.get(at)
        if mine is None:
            return []
        return [(axis, slot // every) for axis, every in mine if slot % every == 0]

    def missed(self, at: int, last_slot: int, count: int, why: tuple[Reason, int]) -> None:
        """Answer slots that were not run, and those of their riders: a row each."""
        axis, grid = self.axes[at], self._grids[at]
        self._reports.missed(axis, last_slot, count, grid.due_ns(last_slot), why)
        for rider, every in self._riders.get(at, ()):
            last = last_slot // every
            gone = last - -(-(last_slot - count + 1) // every) + 1
            if gone > 0:
                self._reports.missed(rider, last, gone, grid.due_ns(last * every), why)
        if why[0] is Reason.OVERRUN:
            self.skipped += count
            self._count_late(at, axis)

    def slot_of(self, axis: AxisPlan, now_ns: int) -> int | None:
        """Return the slot of an axis that was due last; None for a subscribed one."""
        if axis.subscribed:
            return None
        if axis.block.rides_on is None:
            return self._grids[self._at[axis.block_index]].last_due(now_ns)
        host = self._at[axis.block.rides_on]
        every = axis.period_ns // self.axes[host].period_ns
        return self._grids[host].last_due(now_ns) // every

    def p999_ns(self) -> Mapping[int, int]:
        """Return the p99.9 of the answer time by axis, where there were answers."""
        both = zip(self.axes, self._times, strict=True)
        return {axis.index: times.p999_ns for axis, times in both if times.p99_ns}

    def _count_late(self, at: int, axis: AxisPlan) -> None:
        late = self._schedule.late(at)
        if late >= LATE_IN_IMAGE:
            self._reports.lose(axis, Reason.OVERRUN, int(Detail.NONE))
        if self._overloaded is not None and not self._schedule.late(self._overloaded):
            self._overloaded = None
        if late >= OVERLOADED_AFTER and self._overloaded is None:
            self._overloaded = at
            body: dict[str, object] = {
                "block": axis.block.describe(),
                "late": late,
                "p99_ms": self._p99[at] / 1e6,
                "period_ms": axis.period_ns / 1e6,
            }
            self._reports.record("device.line_overloaded", axis.block.device, body)


def _spread_ns(axis: AxisPlan, clock_points: Collection[str]) -> int:
    """Return how far a block's reads are spread: a second where it holds a clock and is slow."""
    holds_clock = any(point.name in clock_points for point in axis.block.points)
    return CLOCK_SPREAD_NS if holds_clock and axis.period_ns >= CLOCK_PERIOD_NS_MIN else 0
