"""The owner of one physical line or session: beats, reads, reconnects.  Shell: driver, timers.

Every due slot becomes one row: GOOD, or BAD with its reason.  A lost device is BAD in the image at
once, at its slots in the rows, and one record a change; the connection is tried again with growing
pauses and full jitter, 0.1 s to 5 s.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from devices.driver import BlockColumns, Driver, bad_columns
from devices.failure import LinkFailed, failure_of
from edge.acquisition import breaker, life, schedule
from edge.acquisition.assess import assess, ranges
from edge.acquisition.life import Life, LifeEvent, LifeState
from edge.grid import Grid
from edge.image import Link, ProcessImage
from edge.points import AxisPlan, LinePlan
from proto.backoff import backoff_ns
from proto.batch import Lane
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Detail, Quality, Reason

DRAIN_NS = 10**8
"""How often the reports of subscriptions are fetched."""


class RowSink(Protocol):
    """Where rows and records go; no call waits."""

    def offer(self, axis: int, slot: int | None, skipped: int, columns: BlockColumns) -> None:
        """Take one row of an axis.

        Args:
            axis: number of the axis in the plant.
            slot: grid slot; None for a reported change.
            skipped: slots directly before this one that were missed (told by `overrun` as well).
            columns: the row, assessed; nobody writes to it afterwards.
        """

    def record(self, lane: Lane, body: dict[str, object]) -> None:
        """Take one record; it has k, id, t and m."""

    def overrun(self, axis: int, first_slot: int, count: int) -> None:
        """Note slots that were due and are not read: the gap DRIVER_OVERRUN."""


class LineOwner:
    """Owns one line for ever; `run` ends only by cancellation.

    Attributes:
        line: what hangs on it.
        skipped: slots missed since the start.
        since_us: wall time of the last change of state.
    """

    def __init__(
        self,
        driver: Driver,
        line: LinePlan,
        *,
        clock: Clock,
        image: ProcessImage,
        sink: RowSink,
        start_ns: int,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        planned = [axis.block.points for axis in line.axes]
        assert [b.points for b in driver.blocks] == planned, "driver and plan have the same blocks"
        self.line = line
        self.skipped = 0
        self.since_us = clock.wall_us()
        self._driver, self._clock, self._image, self._sink = driver, clock, image, sink
        self._fraction = fraction
        self._ranges = [ranges(block) for block in planned]
        self._devices = {axis.device: axis.block.device for axis in line.axes}
        self._life = dict.fromkeys(self._devices, LifeState())
        self._breakers = dict.fromkeys(self._devices, breaker.Breaker())
        self._why: tuple[Reason, int] = (Reason.INIT, int(Detail.NONE))
        self._broken = asyncio.Event()
        self._broken.set()
        self._attempt = 0
        read = [axis for axis in line.axes if not axis.subscribed]
        grids = [Grid(start_ns + a.phase_ns, a.period_ns) for a in read]
        self._read = read
        self._schedule = schedule.schedule(grids, [int(a.block.poll != "fast") for a in read])

    @property
    def state(self) -> str:
        """One word for the status: init, up, partly (a device is lost) or lost (all are)."""
        lost = [state.lost for state in self._breakers.values()]
        if any(lost):
            return "lost" if all(lost) else "partly"
        return "up" if self._driver.connected else "init"

    @property
    def detail(self) -> str:
        """Why a device is lost: reason and detail; empty while none is."""
        lost = any(state.lost for state in self._breakers.values())
        return f"{self._why[0].name}/0x{self._why[1]:04X}" if lost else ""

    async def run(self) -> None:
        """Connect, read on the grid and take reports until cancelled; then close the driver."""
        name = self.line.config.name
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_connected(), name=f"{name}.connect")
                group.create_task(self._beat(), name=f"{name}.beat")
                if any(axis.subscribed for axis in self.line.axes):
                    group.create_task(self._drain(), name=f"{name}.drain")
        finally:
            await self._driver.close()

    async def _keep_connected(self) -> None:
        """Open the connection whenever it is closed; pauses grow until an answer was heard."""
        while True:
            try:
                await self._driver.connect()
            except DeviceError as error:
                self._cut(error)
            else:
                self._broken.clear()
                await self._broken.wait()
            await asyncio.sleep(self._pause_ns() / 1e9)

    def _pause_ns(self) -> int:
        """Return the pause before the next try: none after a connection that had answered."""
        attempt, self._attempt = self._attempt, self._attempt + 1
        if attempt == 0:
            return 0
        low, high = breaker.RETRY_NS_MIN, breaker.RETRY_NS_MAX
        return backoff_ns(attempt - 1, base_ns=low, cap_ns=high, fraction=self._fraction())

    async def _beat(self) -> None:
        """Run the grid: read what may be read, answer every other slot with its reason."""
        while True:
            self._schedule, beat = schedule.step(self._schedule, self._clock.mono_ns())
            if isinstance(beat, schedule.Beat):
                await self._run_slot(self._read[beat.block], beat)
            elif beat is None:
                await asyncio.Event().wait()  # nothing is read on this line
            else:
                await asyncio.sleep(max(0, beat - self._clock.mono_ns()) / 1e9)

    async def _run_slot(self, axis: AxisPlan, beat: schedule.Beat) -> None:
        if beat.skipped:
            self.skipped += beat.skipped
            self._sink.overrun(axis.index, beat.slot - beat.skipped, beat.skipped)
        self._offer(axis, beat, await self._answer(axis))

    async def _answer(self, axis: AxisPlan) -> BlockColumns:
        """Return the row of a slot that is due now; image and life are up to date with it."""
        state = self._breakers[axis.device]
        n, now_ns = len(axis.block.points), self._clock.mono_ns()
        if not self._driver.connected:
            if self._broken.is_set():
                return bad_columns(n, *self._while_closed(state), now_ns)
            lost = LinkFailed("link lost between two reads", place=self.line.config.name)
            return self._read_failed(axis, lost, now_ns)
        if state.lost and now_ns < state.retry_ns:
            return bad_columns(n, Reason.COMM_LOSS, Detail.UNIT_SUSPENDED, now_ns)
        try:
            columns = await self._driver.read(axis.block)
        except DeviceError as error:
            return self._read_failed(axis, error, now_ns)
        self._heard(axis.device)
        return self._take(axis, columns)

    def _while_closed(self, state: breaker.Breaker) -> tuple[Reason, int]:
        """Return what a slot says for which there is no connection."""
        if self._why[0] is Reason.INIT:
            return self._why
        return Reason.COMM_LOSS, self._why[1] if state.lost else int(Detail.SKIPPED_AFTER_FAILURE)

    def _take(self, axis: AxisPlan, columns: BlockColumns) -> BlockColumns:
        """Bring new columns through life signal and assessment into the image."""
        if axis.life_column is not None:
            self._watch_life(axis, columns)
        assessed = assess(self._ranges[axis.block_index], columns, self._life[axis.device].life)
        self._image.switch(
            axis.first_point,
            value=assessed.value.tolist(),
            quality=assessed.quality.tolist(),
            reason=assessed.reason.tolist(),
            detail=assessed.detail.tolist(),
            no_value=assessed.no_value.tolist(),
            source_us=assessed.source_us.tolist(),
            receive_mono_ns=assessed.receive_mono_ns,
        )
        return assessed

    def _watch_life(self, axis: AxisPlan, columns: BlockColumns) -> None:
        at = axis.life_column
        assert at is not None
        raw = None if columns.quality[at] == Quality.BAD else int(columns.raw[at])
        limit_ns = life.within_ns(axis.period_ns)
        before = self._life[axis.device]
        after, event = life.step(before, raw, columns.receive_mono_ns, limit_ns)
        self._life[axis.device] = after
        if event is LifeEvent.STOPPED:
            lost = (Reason.STALE, int(Detail.LIFE_STOPPED))
            self._image.lose(self._points_of(axis.device), *lost)
            self._image.set_link(axis.device, Link.STOPPED)
            self._record(event, axis.device, *lost)
        elif event is LifeEvent.RETURNED:
            self._image.set_link(axis.device, Link.UP)
            self._record(event, axis.device, Reason.NONE, 0)

    def _offer(self, axis: AxisPlan, beat: schedule.Beat, columns: BlockColumns) -> None:
        self._sink.offer(axis.index, beat.slot, beat.skipped, columns)

    def _read_failed(self, axis: AxisPlan, error: DeviceError, sent_ns: int) -> BlockColumns:
        """Count the failure, wake the connector; the block is BAD at once, the rest when lost."""
        now_ns = self._clock.mono_ns()
        reason, detail = failure_of(error)
        self._why = (reason, int(detail))
        self._broken.set()
        before = self._breakers[axis.device]
        after = breaker.failed(before, now_ns, self._fraction())
        if len(self._devices) == 1:
            after = replace(after, retry_ns=0)  # alone on the line: the connector sets the pace
        self._breakers[axis.device] = after
        self._image.lose(axis.points, *self._why)
        if after.lost and not before.lost:
            self._lose(axis.device)
        n = len(axis.block.points)
        return bad_columns(n, reason, detail, now_ns, sent_mono_ns=sent_ns)

    def _cut(self, error: DeviceError) -> None:
        """Take the loss of the whole line: every device that was not lost before is lost now."""
        reason, detail = failure_of(error)
        self._why = (reason, int(detail))
        for device, before in self._breakers.items():
            self._breakers[device] = breaker.cut(before)
            if not before.lost:
                self._lose(device)

    def _lose(self, device: int) -> None:
        """Make all of a device BAD in the image at detection, and say so once."""
        self.since_us = self._clock.wall_us()
        self._life[device], _ = life.step(self._life[device], None, self._clock.mono_ns(), 0)
        self._image.lose(self._points_of(device), Reason.COMM_LOSS, self._why[1])
        self._image.set_link(device, Link.LOST)
        for axis in self._axes_of(device):
            if axis.subscribed:
                row = bad_columns(
                    len(axis.block.points), Reason.COMM_LOSS, self._why[1], self._clock.mono_ns()
                )
                self._sink.offer(axis.index, None, 0, row)
        self._record("device.link_lost", device, *self._why)

    def _heard(self, device: int) -> None:
        """Take a usable answer: the device is up; one record if it was lost."""
        self._attempt = 0
        before = self._breakers[device]
        if before.strikes or before.lost:
            self._breakers[device] = breaker.Breaker()
        if self._image.link(device) in (Link.INIT, Link.LOST):
            stopped = self._life[device].life is Life.STOPPED
            self._image.set_link(device, Link.STOPPED if stopped else Link.UP)
        if before.lost:
            self.since_us = self._clock.wall_us()
            self._record("device.link_restored", device, Reason.NONE, 0)

    async def _drain(self) -> None:
        """Fetch what subscriptions reported; each report is a row without a slot."""
        while True:
            await asyncio.sleep(DRAIN_NS / 1e9)
            if not self._driver.connected and not self._broken.is_set():
                self._cut(LinkFailed("reports have ceased", place=self.line.config.name))
                self._broken.set()
            for change in self._driver.changes():
                axis = self.line.axes[change.block_index]
                self._heard(axis.device)
                columns = self._take(axis, change.columns)
                if not change.keep_alive:
                    self._sink.offer(axis.index, None, 0, columns)

    def _axes_of(self, device: int) -> Iterable[AxisPlan]:
        return (axis for axis in self.line.axes if axis.device == device)

    def _points_of(self, device: int) -> Iterable[int]:
        return (i for axis in self._axes_of(device) for i in axis.points)

    def _record(self, kind: str, device: int, reason: Reason, detail: int) -> None:
        wall_us, mono_us = self._clock.wall_us(), self._clock.mono_ns() // 1000
        name = self._devices[device]
        body: dict[str, object] = {
            "k": str(kind),
            "id": f"{kind}/{name}/{wall_us}-{mono_us}",
            "t": wall_us,
            "m": mono_us,
            "device": name,
            "line": self.line.config.name,
            "reason": reason.name,
            "detail": detail,
        }
        self._sink.record(Lane.EVENT, body)
