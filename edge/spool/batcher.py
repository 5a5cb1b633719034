"""Rows become closed BULK batches: by time, by size, at a clock step, at a clean stop.  Pure.

Rules of this file:
- One anchor (wall and monotonic) is taken when a batch opens; every time inside comes from it, so
  that time cannot run backwards in a batch.
- A batch holds points of one part.  A part that is full closes alone; the window closes all, one a
  `tick`, so that encoding a large plant never holds up a scan.
- Nobody waits here.  What RAM may not hold is counted as lost, and `losses.py` names it.

Clause: batches.md 3.4, 3.5 (RAM before the spool), 3.7.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns
from edge.spool.model import AxisShape, ClockNote, Closed, Moment
from proto import limits
from proto.batch import Kind, Lane
from proto.columns import Axis, encode_samples, halve
from proto.quality import NO_VALUE_BIT
from proto.schema import TablePart

SAMPLES_CLOSE = 32_768
RAW_CLOSE_BYTES = 512 * limits.KIB
STEP_NS = 500_000_000
ALERT_WINDOW_NS = 1_000_000_000
_OPEN_SAMPLE_BYTES = 24  # raw, value, quality, reason, detail of one sample in its row


@dataclass(slots=True)
class Row:
    """One answer of one block."""

    slot: int | None
    columns: BlockColumns


@dataclass(slots=True)
class _Open:
    """The open rows of one part, by the number of their axis.

    Attributes:
        anchor: when the first of them came.
        first: how many samples of all parts had been offered before it.
    """

    rows: dict[int, list[Row]]
    anchor: Moment
    first: int
    samples: int = 0


class Batcher:
    """Open rows and closed batches of BULK; `waiting` leaves only when it is on disk.

    Attributes:
        waiting: closed batches, oldest first; whoever commits them calls `committed`.
        clock: what the next batch says about the clock.
        alert: True closes every second instead of every window.
        offered: samples handed over since the start, lost ones included.
    """

    def __init__(
        self, parts: Sequence[TablePart], axes: Sequence[AxisShape], *, window_ns: int
    ) -> None:
        self._parts = tuple(parts)
        self._axes = tuple(axes)
        self._window_ns = window_ns
        self._open: dict[int, _Open] = {}  # by part, the oldest first
        self._open_samples = 0
        self._waiting_bytes = 0
        self._waiting_samples = 0
        self.waiting: deque[Closed] = deque()
        self._firsts: deque[int] = deque()  # beside `waiting`: `first` of each
        self.clock = ClockNote()
        self.alert = False
        self.offered = 0
        self._closing = 0
        self._told: dict[int, int] = {}

    @property
    def samples_in_ram(self) -> int:
        """Samples that are not on disk yet."""
        return self._open_samples + self._waiting_samples

    @property
    def ram_bytes(self) -> int:
        """Bytes that wait here, open rows included."""
        return self._waiting_bytes + self._open_samples * _OPEN_SAMPLE_BYTES

    @property
    def settled(self) -> int:
        """Samples of `offered`, in the same order, that are on disk or named as lost."""
        return min(
            (*self._firsts, *(part.first for part in self._open.values())), default=self.offered
        )

    def offer(self, axis: int, slot: int | None, columns: BlockColumns, now: Moment) -> bool:
        """Take one row; False when RAM may not hold it: then it is lost and must be named."""
        size = len(columns)
        if slot is None:
            self._told[axis] = self._told.get(axis, 0) + 1
        if self._is_full(now):
            self.offered += size
            return False
        number = self._axes[axis].part
        part = self._open.get(number)
        if part is not None and _ends(part, axis, slot, size):
            self._close_part(number)
            part = None
        if part is None:
            part = self._open[number] = _Open({}, now, self.offered)
        rows = part.rows.get(axis)
        if rows is None:
            rows = part.rows[axis] = []
        rows.append(Row(slot, columns))
        part.samples += size
        self._open_samples += size
        self.offered += size
        return True

    def told(self, axis: int) -> int:
        """Return how many rows without a slot were handed over of an axis, lost ones included."""
        return self._told.get(axis, 0)

    def step(self, now: Moment) -> int:
        """Return how far the wall clock moved against the monotonic one since the anchor, in ns."""
        for part in self._open.values():
            anchor = part.anchor
            return (now.wall_us - anchor.wall_us) * 1_000 - (now.mono_ns - anchor.mono_ns)
        return 0

    def tick(self, now: Moment) -> bool:
        """Close one part that is due by age, or by a step of the clock above half a second.

        Returns:
            True when more is due: the caller lets others run and calls again.
        """
        if abs(self.step(now)) > STEP_NS:
            self.close(now)
        if not self._open or not self.is_due(now):
            return False
        if not self._closing:
            self._closing = len(self._open)  # the window is the plant's: all close with the oldest
        oldest = next(iter(self._open))
        self._close_part(oldest)
        self._closing = min(self._closing - 1, len(self._open))
        return self._closing > 0

    def is_due(self, now: Moment) -> bool:
        """Return True when `tick` would close something."""
        oldest = next(iter(self._open.values()), None)
        if oldest is None:
            return False
        window_ns = min(self._window_ns, ALERT_WINDOW_NS) if self.alert else self._window_ns
        age_ns = now.mono_ns - oldest.anchor.mono_ns
        return bool(self._closing) or age_ns >= window_ns or abs(self.step(now)) > STEP_NS

    def close(self, now: Moment) -> None:
        """Close the open rows into one batch a part."""
        for number in list(self._open):
            self._close_part(number)
        self._closing = 0

    def committed(self, count: int) -> None:
        """The oldest `count` batches of `waiting` are on disk."""
        for _ in range(count):
            done = self.waiting.popleft()
            self._firsts.popleft()
            self._waiting_bytes -= len(done.raw)
            self._waiting_samples -= done.n

    def _close_part(self, number: int) -> None:
        part = self._open.pop(number)
        self._open_samples -= part.samples
        axes = [_axis(self._axes[at], rows, part.anchor) for at, rows in sorted(part.rows.items())]
        self._encode(axes, self._parts[number], part)
        if told := tuple((at, self._told[at]) for at in part.rows if at in self._told):
            self.waiting[-1] = replace(self.waiting[-1], told=told)  # with the last of its halves

    def _is_full(self, now: Moment) -> bool:
        if self.ram_bytes >= limits.RAM_BYTES_MAX:
            return True
        if not self.waiting:
            return False
        age_ns = now.mono_ns - self.waiting[0].anchor.mono_ns
        return age_ns > limits.RAM_SECONDS_MAX * 1_000_000_000

    def _encode(self, axes: Sequence[Axis], part: TablePart, opened: _Open) -> None:
        samples = encode_samples(axes, part.types)
        if len(samples.raw) > RAW_CLOSE_BYTES and (halves := _halves(axes)) is not None:
            for half in halves:
                self._encode(half, part, opened)
            return
        closed = Closed(
            Lane.BULK,
            Kind.SAMPLES,
            samples.n,
            samples.raw,
            samples.t_first_us,
            samples.t_last_us,
            opened.anchor,
            self.clock,
            part.hash,
        )
        self.waiting.append(closed)
        self._firsts.append(opened.first)
        self._waiting_bytes += len(closed.raw)
        self._waiting_samples += closed.n


def _ends(part: _Open, axis: int, slot: int | None, size: int) -> bool:
    """Return True when a row does not fit behind what is open."""
    if part.samples + size > SAMPLES_CLOSE:
        return True
    rows = part.rows.get(axis)
    if not rows:
        return False
    last = rows[-1].slot
    behind = slot is not None and last is not None and slot <= last
    return behind or len(rows) >= limits.ROWS_PER_AXIS_MAX - 1


def _axis(shape: AxisShape, rows: Sequence[Row], anchor: Moment) -> Axis:
    columns = [row.columns for row in rows]
    mids = np.array([one.mid_mono_ns for one in columns], np.int64)
    time_us = anchor.wall_us + (mids // 1_000 - anchor.mono_us)
    source = _source(shape, columns)
    slot_first, skipped = _slots(shape, rows)
    return Axis(
        point_first=shape.point_first,
        period_us=shape.period_us,
        slot_first=slot_first,
        skipped=skipped,
        time_us=np.maximum.accumulate(time_us),
        source_us=source,
        source_kind=shape.source_kind if source is not None else 0,
        uncertainty_us=max(one.uncertainty_us for one in columns),
        raw=np.array([one.raw for one in columns]).T,
        quality=_quality(columns),
        detail=np.array([one.detail for one in columns]).T,
    )


def _quality(columns: Sequence[BlockColumns]) -> NDArray[np.uint16]:
    """Return the 16-bit codes of `proto.quality`, uint16[S, T], packed for all rows at once."""
    packed = np.array([one.quality for one in columns]).astype(np.uint16) << np.uint16(14)
    packed |= np.array([one.reason for one in columns])
    blank = np.array([one.no_value for one in columns])
    if blank.any():
        packed |= blank.astype(np.uint16) * np.uint16(NO_VALUE_BIT)
    return packed.T


def _source(shape: AxisShape, columns: Sequence[BlockColumns]) -> NDArray[np.int64] | None:
    """Return the source times where every row has one that all its points share, else None.

    The frame has one source stream an axis: a time that belongs to one point only is not lent to
    its neighbours.
    """
    if shape.source_kind == 0:
        return None
    lowest = np.array([one.source_us.min() for one in columns], np.int64)
    highest = np.array([one.source_us.max() for one in columns], np.int64)
    return highest if bool(np.all(lowest == highest) and np.all(lowest > 0)) else None


def _slots(shape: AxisShape, rows: Sequence[Row]) -> tuple[int | None, NDArray[np.int64] | None]:
    """Return the slot of the first row, and the holes so far where a slot was skipped."""
    first = rows[0].slot
    if shape.period_us == 0 or first is None:
        return None, None
    slots = np.array([row.slot for row in rows], np.int64)
    skipped = slots - first - np.arange(len(rows), dtype=np.int64)
    return first, (skipped if bool(skipped.any()) else None)


def _halves(axes: Sequence[Axis]) -> tuple[list[Axis], list[Axis]] | None:
    """Cut by rows, or between axes of one row each; None when there is nothing to cut."""
    upper, lower = halve(axes)
    if lower:
        return upper, lower
    middle = len(upper) // 2
    return (upper[:middle], upper[middle:]) if middle else None
