"""What a line says to the rest of the gateway: image, rows, records.  Shell: image, sink, clock.

Nothing here waits.  Rows and image say the same of a block; a block that is BAD already for the
same reason is not written again.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from devices.driver import BlockColumns, bad_columns
from edge.image import Link, ProcessImage
from edge.plant import AxisPlan
from proto.batch import Lane
from proto.clock import Clock
from proto.quality import Reason

SKIPPED_ROWS_MAX = 16
"""More slots than this in one go are no rows but a gap: the process itself stood still."""


class RowSink(Protocol):
    """Where rows and records go; no call waits."""

    def offer(self, axis: int, slot: int | None, skipped: int, columns: BlockColumns) -> None:
        """Take one row of an axis.

        Args:
            axis: number of the axis in the plant.
            slot: grid slot; None for a reported change.
            skipped: slots directly before this one that are told by `overrun`.
            columns: the row, assessed; nobody writes to it afterwards.
        """

    def record(self, lane: Lane, body: dict[str, object]) -> None:
        """Take one record; it has k, id, t and m."""

    def overrun(self, axis: int, first_slot: int, count: int) -> None:
        """Note slots that were due and have no row: the gap DRIVER_OVERRUN."""


class Reports:
    """The pen of one line.

    Attributes:
        told: by code of a record, how many there were and when (monotonic µs) the last one was.
    """

    def __init__(self, line: str, image: ProcessImage, sink: RowSink, clock: Clock) -> None:
        self._line, self._image, self._sink, self._clock = line, image, sink, clock
        self._bad: dict[int, tuple[int, int]] = {}
        self._gap: dict[int, int] = {}
        self.told: dict[str, tuple[int, int]] = {}

    def show(self, axis: AxisPlan, columns: BlockColumns, *, is_good: bool) -> None:
        """Bring assessed columns into the image; `is_good`: not one of them is anything else."""
        self._bad.pop(axis.index, None)
        source = columns.source_us
        if is_good:
            times = source if np.count_nonzero(source) else None
            received = columns.receive_mono_ns
            self._image.switch_good(axis.first_point, columns.value, received, times)
            return
        self._image.switch(
            axis.first_point,
            value=columns.value,
            quality=columns.quality,
            reason=columns.reason,
            detail=columns.detail,
            no_value=columns.no_value.tolist(),
            source_us=source,
            receive_mono_ns=columns.receive_mono_ns,
        )

    def lose(self, axis: AxisPlan, reason: Reason, detail: int) -> None:
        """Make a block BAD in the image; its values stay."""
        if self._bad.get(axis.index) != (reason, detail):
            self._bad[axis.index] = (reason, detail)
            self._image.lose(axis.points, reason, detail)

    def lose_points(self, axis: AxisPlan, points: Iterable[int], reason: Reason, code: int) -> None:
        """Make some points of a block BAD in the image; their values stay."""
        self._bad.pop(axis.index, None)
        self._image.lose(points, reason, code)

    def doubt_points(self, points: Iterable[int], reason: Reason, detail: int) -> None:
        """Make points that are GOOD in the image UNCERTAIN."""
        self._image.doubt(points, reason, detail)

    def row(self, axis: AxisPlan, slot: int | None, columns: BlockColumns) -> None:
        """Hand on one row."""
        gap = self._gap.pop(axis.index, 0) if self._gap else 0
        self._sink.offer(axis.index, slot, gap, columns)

    def bad_row(
        self, axis: AxisPlan, slot: int | None, reason: Reason, detail: int, at_ns: int
    ) -> None:
        """Hand on a row without any value, as of a moment."""
        self.row(axis, slot, bad_columns(len(axis.block.points), reason, detail, at_ns))

    def missed(
        self, axis: AxisPlan, last_slot: int, count: int, due_ns: int, why: tuple[Reason, int]
    ) -> None:
        """Hand on a row for each missed slot, the last due at `due_ns`; a gap for too many."""
        if count > SKIPPED_ROWS_MAX:
            self._sink.overrun(axis.index, last_slot - count + 1, count)
            self._gap[axis.index] = self._gap.get(axis.index, 0) + count
            return
        for back in range(count - 1, -1, -1):
            at_ns = due_ns - back * axis.period_ns
            self.bad_row(axis, last_slot - back, why[0], why[1], at_ns)

    def set_link(self, device: int, link: Link) -> None:
        """Say in the image whether a controller can be heard."""
        self._image.set_link(device, link)

    def link(self, device: int) -> Link:
        """Return what the image says of a controller."""
        return self._image.link(device)

    def record(self, code: str, device: str, body: Mapping[str, object] | None = None) -> None:
        """Hand on one EVENT record of this line."""
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        about = device or self._line
        self.told[code] = (self.told.get(code, (0, 0))[0] + 1, mono_us)
        head: dict[str, object] = {
            "k": code,
            "id": f"{code}/{about}/{wall_us}-{mono_us}",
            "t": wall_us,
            "m": mono_us,
            "line": self._line,
        }
        if device:
            head["device"] = device
        self._sink.record(Lane.EVENT, {**(body or {}), **head})
