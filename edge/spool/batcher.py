"""Rows become closed BULK batches: by time, by size, at a clock step, at a clean stop.  Pure.

Rules of this file:
- One anchor (wall and monotonic) is taken when a batch opens; every time inside comes from it, so
  that time cannot run backwards in a batch.
- A batch holds points of one part; all parts close together.
- Nobody waits here.  What RAM may not hold is counted as lost, and `losses.py` names it.

Clause: batches.md 3.4, 3.5 (RAM before the spool), 3.7.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.driver import BlockColumns
from edge.spool.model import AxisShape, ClockNote, Closed, Moment
from proto import limits
from proto.batch import Kind, Lane
from proto.columns import Axis, encode_samples, halve
from proto.quality import NO_VALUE_BIT
from proto.schema import SchemaPart

SAMPLES_CLOSE = 32_768
RAW_CLOSE_BYTES = 512 * limits.KIB
STEP_NS = 500_000_000
ALERT_WINDOW_NS = 1_000_000_000
_OPEN_SAMPLE_BYTES = 24  # raw, value, quality, reason, detail of one sample in its row


@dataclass(frozen=True, slots=True)
class Row:
    """One answer of one block."""

    slot: int | None
    columns: BlockColumns


class Batcher:
    """Open rows and closed batches of BULK; `waiting` leaves only when it is on disk.

    Attributes:
        waiting: closed batches, oldest first; whoever commits them calls `committed`.
        clock: what the next batch says about the clock.
        alert: True closes every second instead of every window.
        offered: samples handed over since the start, lost ones included.
        settled: of these, in the same order, on disk or named as lost.
    """

    def __init__(
        self, parts: Sequence[SchemaPart], axes: Sequence[AxisShape], *, window_ns: int
    ) -> None:
        self._parts = tuple(parts)
        self._axes = tuple(axes)
        self._window_ns = window_ns
        self._rows: list[list[Row]] = [[] for _ in axes]
        self._anchor: Moment | None = None
        self._open_samples = 0
        self._waiting_bytes = 0
        self._waiting_samples = 0
        self.waiting: deque[Closed] = deque()
        self.clock = ClockNote()
        self.alert = False
        self.offered = 0
        self.settled = 0
        self._closed = 0
        self._committed = 0
        self._marks: deque[tuple[int, int]] = deque()  # batches closed so far, samples in them

    @property
    def samples_in_ram(self) -> int:
        """Samples that are not on disk yet."""
        return self._open_samples + self._waiting_samples

    @property
    def ram_bytes(self) -> int:
        """Bytes that wait here, open rows included."""
        return self._waiting_bytes + self._open_samples * _OPEN_SAMPLE_BYTES

    def offer(self, axis: int, slot: int | None, columns: BlockColumns, now: Moment) -> bool:
        """Take one row; False when RAM may not hold it: then it is lost and must be named."""
        size = len(columns)
        if self._is_full(now):
            self.offered += size
            return False
        rows = self._rows[axis]
        behind = rows and slot is not None and rows[-1].slot is not None and slot <= rows[-1].slot
        if behind or self._open_samples + size > SAMPLES_CLOSE:
            self.close(now)
        if len(rows) >= limits.ROWS_PER_AXIS_MAX - 1:
            self.close(now)
        if self._anchor is None:
            self._anchor = now
        self._rows[axis].append(Row(slot, columns))
        self._open_samples += size
        self.offered += size
        return True

    def step(self, now: Moment) -> int:
        """Return how far the wall clock moved against the monotonic one since the anchor, in ns."""
        if self._anchor is None:
            return 0
        return (now.wall_us - self._anchor.wall_us) * 1_000 - (now.mono_ns - self._anchor.mono_ns)

    def tick(self, now: Moment) -> None:
        """Close what is due by age, and before a step of the clock above half a second."""
        if self._anchor is None:
            return
        window_ns = min(self._window_ns, ALERT_WINDOW_NS) if self.alert else self._window_ns
        if now.mono_ns - self._anchor.mono_ns >= window_ns or abs(self.step(now)) > STEP_NS:
            self.close(now)

    def close(self, now: Moment) -> None:
        """Close the open rows into one batch a part."""
        anchor = self._anchor
        if anchor is None:
            return
        rows, self._rows = self._rows, [[] for _ in self._axes]
        self._anchor = None
        self._open_samples = 0
        for number, part in enumerate(self._parts):
            axes = [
                _axis(shape, rows[index], anchor)
                for index, shape in enumerate(self._axes)
                if shape.part == number and rows[index]
            ]
            if axes:
                self._encode(axes, part, anchor)
        self._marks.append((self._closed, self.offered))

    def committed(self, count: int) -> None:
        """The oldest `count` batches of `waiting` are on disk."""
        for _ in range(count):
            done = self.waiting.popleft()
            self._waiting_bytes -= len(done.raw)
            self._waiting_samples -= done.n
        self._committed += count
        while self._marks and self._marks[0][0] <= self._committed:
            self.settled = self._marks.popleft()[1]

    def _is_full(self, now: Moment) -> bool:
        if self.ram_bytes >= limits.RAM_BYTES_MAX:
            return True
        if not self.waiting:
            return False
        age_ns = now.mono_ns - self.waiting[0].anchor.mono_ns
        return age_ns > limits.RAM_SECONDS_MAX * 1_000_000_000

    def _encode(self, axes: Sequence[Axis], part: SchemaPart, anchor: Moment) -> None:
        samples = encode_samples(axes, part.types)
        if len(samples.raw) > RAW_CLOSE_BYTES and (halves := _halves(axes)) is not None:
            for half in halves:
                self._encode(half, part, anchor)
            return
        closed = Closed(
            Lane.BULK,
            Kind.SAMPLES,
            samples.n,
            samples.raw,
            samples.t_first_us,
            samples.t_last_us,
            anchor,
            self.clock,
            part.hash,
        )
        self.waiting.append(closed)
        self._closed += 1
        self._waiting_bytes += len(closed.raw)
        self._waiting_samples += closed.n


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
        raw=np.stack([one.raw for one in columns], axis=1),
        quality=np.stack([_quality(one) for one in columns], axis=1),
        detail=np.stack([one.detail for one in columns], axis=1),
    )


def _quality(columns: BlockColumns) -> NDArray[np.uint16]:
    """Return the 16-bit codes of `proto.quality`, packed for a whole block at once."""
    packed = (columns.quality.astype(np.uint16) << np.uint16(14)) | columns.reason
    packed |= columns.no_value.astype(np.uint16) * np.uint16(NO_VALUE_BIT)
    return packed.astype(np.uint16)


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
