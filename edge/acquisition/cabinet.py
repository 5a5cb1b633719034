"""The owner of the gateway's own I/O module: inputs each slot, outputs each second.  Shell: timers.

The module's watchdog drops its outputs when nobody writes: a gateway that is dead, or whose scan
stands, is seen without any word of ours.  Inputs are points `sys.gw.*` on the grid of class `fast`.
A module that cannot be reached costs its own points and one record; never a process value.
Source: `acquisition.md` 3.12, `console.md` 3.13.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from devices.driver import BlockColumns, bad_columns
from devices.failure import failure_of
from edge.acquisition.reports import Reports
from edge.grid import Grid, beat_after
from edge.image import Link
from edge.plant import AxisPlan
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Detail, Reason

REFRESH_NS = 10**9
PAUSE_NS = 10**9
"""Between two tries to reach a module that is lost: no faster than its outputs are refreshed."""


class Module(Protocol):
    """What the owner asks of a module."""

    async def write(self, levels: Mapping[str, bool]) -> None:
        """Bring all outputs to their levels."""

    async def read(self) -> dict[str, bool]:
        """Return all inputs."""

    def close(self) -> None:
        """Close the connection."""


class CabinetOwner:
    """Owns the module for ever; `run` ends only by cancellation.

    Attributes:
        is_lost: True while it cannot be reached.
    """

    def __init__(
        self,
        module: Module,
        axis: AxisPlan | None,
        reports: Reports,
        clock: Clock,
        *,
        start_ns: int,
        device: int,
        levels: Callable[[], Mapping[str, bool]],
        pressed: Callable[[], None],
    ) -> None:
        """Take the module.

        Args:
            module: not opened yet.
            axis: of its inputs; None where none is wired.
            reports: where values and records go.
            clock: of the process.
            start_ns: when all grids begin (monotonic).
            device: number under which its link stands in the image.
            levels: what the outputs are to be, asked before each write.
            pressed: called when the acknowledge button goes down.
        """
        self.is_lost = False
        self._module, self._axis, self._reports, self._clock = module, axis, reports, clock
        self._start_ns, self._device = start_ns, device
        self._levels, self._pressed = levels, pressed
        self._written: Mapping[str, bool] = {}
        self._written_ns = self._retry_ns = 0
        self._was_pressed = True  # held at the start: no press that anybody saw
        self._was_heard = False
        self._why: tuple[Reason, int] = (Reason.INIT, int(Detail.NONE))

    async def run(self) -> None:
        """Read and write on the grid until cancelled; then close."""
        period_ns = REFRESH_NS // 10 if self._axis is None else self._axis.period_ns
        grid, beat = Grid(self._start_ns, period_ns), -1
        try:
            while True:
                beat, skipped = beat_after(grid, beat, self._clock.mono_ns())
                if skipped and self._axis is not None and beat > skipped:
                    due_ns = grid.due_ns(beat - 1)
                    why = self._why if self.is_lost else (Reason.OVERRUN, int(Detail.NONE))
                    self._reports.missed(self._axis, beat - 1, skipped, due_ns, why)
                await asyncio.sleep(max(0, grid.due_ns(beat) - self._clock.mono_ns()) / 1e9)
                await self._turn(beat)
        finally:
            self._module.close()

    async def _turn(self, slot: int) -> None:
        sent_ns = self._clock.mono_ns()
        if self.is_lost and sent_ns < self._retry_ns:
            self._tell(slot, None, sent_ns)
            return
        try:
            await self._refresh(sent_ns)
            inputs = await self._module.read() if self._axis is not None else {}
        except DeviceError as error:
            self._lose(error)
            self._tell(slot, None, sent_ns)
            return
        self._hear()
        self._tell(slot, inputs, sent_ns)
        pressed = inputs.get("acknowledge", False)
        if pressed and not self._was_pressed:
            self._pressed()
        self._was_pressed = pressed

    async def _refresh(self, now_ns: int) -> None:
        """Write when a level has changed, and once a second whatever they are."""
        levels = self._levels()
        if levels == self._written and now_ns - self._written_ns < REFRESH_NS:
            return
        await self._module.write(levels)
        self._written, self._written_ns = dict(levels), now_ns

    def _tell(self, slot: int, inputs: Mapping[str, bool] | None, sent_ns: int) -> None:
        axis = self._axis
        if axis is None:
            return
        now_ns = self._clock.mono_ns()
        if inputs is None:
            reason, detail = self._why
            n = len(axis.block.points)
            columns = bad_columns(n, reason, detail, now_ns, sent_mono_ns=sent_ns)
            self._reports.lose(axis, reason, detail)
        else:
            columns = _columns(axis, inputs, sent_ns, now_ns)
            self._reports.show(axis, columns, is_good=True)
        self._reports.row(axis, slot, columns)

    def _lose(self, error: DeviceError) -> None:
        self._module.close()
        reason, detail = failure_of(error)
        self._why = (reason, int(detail))
        self._retry_ns = self._clock.mono_ns() + PAUSE_NS
        self._written_ns = 0
        self._written = {}
        self._was_pressed = True
        if self.is_lost:
            return
        self.is_lost = True
        self._reports.set_link(self._device, Link.LOST)
        body = {"reason": reason.name, "detail": int(detail), "error": str(error)[:200]}
        self._reports.record("cabinet.module_lost", "sys.gw", body)

    def _hear(self) -> None:
        if self._was_heard and not self.is_lost:
            return
        if self.is_lost:
            self._reports.record("cabinet.module_restored", "sys.gw")
        self.is_lost, self._was_heard = False, True
        self._reports.set_link(self._device, Link.UP)


def _columns(
    axis: AxisPlan, inputs: Mapping[str, bool], sent_ns: int, received_ns: int
) -> BlockColumns:
    bits = [inputs[point.name.removeprefix("sys.gw.")] for point in axis.block.points]
    n = len(bits)
    return BlockColumns(
        raw=np.array(bits, np.int64),
        value=np.array(bits, np.float64),
        quality=np.zeros(n, np.uint8),
        reason=np.zeros(n, np.uint8),
        no_value=np.zeros(n, np.bool_),
        detail=np.zeros(n, np.uint32),
        source_us=np.zeros(n, np.int64),
        sent_mono_ns=sent_ns,
        receive_mono_ns=received_ns,
    )
