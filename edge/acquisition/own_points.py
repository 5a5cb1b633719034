"""Points that the gateway makes: `<device>.link`, `<device>.active`.  Shell: timers, image.

They account for points without a grid: every 10 s one row says whether the device could be heard.
The image follows within a tick.  Source: `acquisition.md` 3.10, 3.20; `batches.md` 3.13.
"""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from devices.driver import BlockColumns
from edge.acquisition.reports import Reports
from edge.grid import Grid, beat_after
from edge.plant import AxisPlan
from proto.clock import Clock
from proto.quality import Detail, Reason

Value = Callable[[], int]
ROWS_AT_ONCE = 50


class OwnPoints:
    """All points that are made here, with what they say."""

    def __init__(
        self,
        points: Sequence[tuple[AxisPlan, Value]],
        reports: Reports,
        clock: Clock,
        start_ns: int,
    ) -> None:
        """Take each axis with the function that gives its value."""
        self._points, self._reports, self._clock = tuple(points), reports, clock
        self._shown: dict[int, int] = {}
        self._start_ns = start_ns

    async def run(self) -> None:
        """Hand on a row of each at every slot until cancelled."""
        if not self._points:
            return
        grid, beat = Grid(self._start_ns, self._points[0][0].period_ns), -1
        while True:
            beat, skipped = beat_after(grid, beat, self._clock.mono_ns())
            await asyncio.sleep(max(0, grid.due_ns(beat) - self._clock.mono_ns()) / 1e9)
            why = (Reason.OVERRUN, int(Detail.NONE))
            for number, (axis, value) in enumerate(self._points):
                if number % ROWS_AT_ONCE == ROWS_AT_ONCE - 1:
                    await asyncio.sleep(0)  # scan and lines run between the rows of many devices
                if skipped:
                    self._reports.missed(axis, beat - 1, skipped, grid.due_ns(beat - 1), why)
                columns = self._columns(value())
                self._reports.show(axis, columns, is_good=True)
                self._reports.row(axis, beat, columns)

    def tick(self) -> None:
        """Bring what has changed into the image."""
        for axis, value in self._points:
            now = value()
            if self._shown.get(axis.index) != now:
                self._shown[axis.index] = now
                self._reports.show(axis, self._columns(now), is_good=True)

    def _columns(self, value: int) -> BlockColumns:
        now_ns = self._clock.mono_ns()
        return BlockColumns(
            raw=np.array([value], np.int64),
            value=np.array([value], np.float64),
            quality=np.zeros(1, np.uint8),
            reason=np.zeros(1, np.uint8),
            no_value=np.zeros(1, np.bool_),
            detail=np.zeros(1, np.uint32),
            source_us=np.zeros(1, np.int64),
            sent_mono_ns=now_ns,
            receive_mono_ns=now_ns,
        )
