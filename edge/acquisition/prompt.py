"""The common way of a slot: asked by a timer, stored by a call back.  Shell: driver, timers.

A line that is well is read without waking its task: the timer of the grid sends what is due, the
answer's call back judges it, stores it and asks for the next.  To wake a task twice a request cost
as much as all the rest.  Whatever is not so simple (a lost line, a unit in trouble, a drain, a
pair, work beside the samples) is handed to the task, which waits in `wait` meanwhile; so the rules
of what may be asked stand in one place, and one call at a time runs either here or there.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from devices.driver import Block, BlockColumns, Driver
from devices.failure import failure_of
from devices.prompt import PromptReader
from edge.acquisition.schedule import Beat, Skip
from edge.acquisition.slot_rows import SlotRows
from edge.acquisition.slots import Slots
from edge.acquisition.unit import Unit
from edge.acquisition.urgent import Urgent
from edge.plant import AxisPlan
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Reason

RESOLUTION_S = 1e-6  # a shorter sleep would spin
_Reading = tuple[Beat, AxisPlan, Unit, int]


class Prompt:
    """The reads of one line that need no task."""

    def __init__(
        self,
        driver: Driver,
        slots: Slots,
        rows: SlotRows,
        unit_of: Mapping[int, Unit],
        urgent: Urgent,
        clock: Clock,
        *,
        is_up: Callable[[], bool],
        sleeps_until: Callable[[int, int], int | None],
        cut: Callable[[tuple[Reason, int]], None],
    ) -> None:
        """Take what a slot touches.

        Args:
            driver: of the line; without `PromptReader` everything is for the task.
            slots: where the blocks stand in time.
            rows: take what came.
            unit_of: by axis.
            urgent: comes before every read, and needs the task.
            clock: of the process.
            is_up: True while the line can be asked.
            sleeps_until: (now, next slot) -> until when nothing is to be done beside the samples;
                None = something is, now.
            cut: is told of the loss of the connection.
        """
        self._driver, self._slots, self._rows, self._unit_of = driver, slots, rows, unit_of
        self._reader = driver if isinstance(driver, PromptReader) else None
        self._blocks: Sequence[Block] = driver.blocks
        self._urgent, self._clock = urgent, clock
        self._is_up, self._sleeps_until, self._cut = is_up, sleeps_until, cut
        self._sleeper: asyncio.Future[Beat | None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading: _Reading | None = None
        urgent.wakes(self._interrupt)

    async def wait(self, until_ns: int) -> Beat | None:
        """Sleep until `until_ns`, and on while slots run by themselves.

        Returns:
            a slot that needs the task; None = look again what is to be done.
        """
        if self._urgent:
            return None
        self._sleeper = asyncio.get_running_loop().create_future()
        self._sleep(until_ns)
        try:
            return await self._sleeper
        finally:
            self._sleeper = None
            if self._timer is not None:
                self._timer.cancel()
            if self._reading is not None and self._reader is not None:  # cancelled
                self._reading = None
                self._reader.abandon()

    def _interrupt(self) -> None:
        """Wake the task for urgent work; not while a request is in flight."""
        if self._reading is None:
            self._wake(None)

    def _wake(self, beat: Beat | None) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(beat)

    def _fail(self, error: BaseException) -> None:
        """Let the task end with what went wrong here, as if it had happened there."""
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_exception(error)

    def _sleep(self, until_ns: int) -> None:
        if self._reader is not None:
            self._reader.rest()
        delay_s = (until_ns - self._clock.mono_ns()) / 1e9
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(delay_s, RESOLUTION_S), self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._sleeper is None or self._sleeper.done():
            return
        try:
            self._go_on()
        except BaseException as error:
            self._fail(error)
            raise

    def _go_on(self) -> None:
        """Run what is due until a request is in flight; then sleep, or wake the task."""
        while True:
            if self._urgent or self._reader is None or not self._is_up():
                self._wake(None)
                return
            now_ns = self._clock.mono_ns()
            found = self._slots.next(now_ns, self._driver.ready_ns)
            if isinstance(found, Beat):
                if not self._begin(found, self._reader, now_ns):
                    self._wake(found)
                return
            if isinstance(found, Skip):
                self._rows.skip(found.block, found.slot, found.skipped)
                continue
            until_ns = self._sleeps_until(now_ns, found.until_ns) if found is not None else None
            if until_ns is None:
                self._wake(None)
            else:
                self._sleep(until_ns)
            return

    def _begin(self, beat: Beat, reader: PromptReader, now_ns: int) -> bool:
        """Send the request of a slot; False where that needs the task."""
        axis = self._slots.axes[beat.block]
        unit = self._unit_of[axis.index]
        if unit.seat is not None or unit.trouble(beat.due_ns, now_ns) is not None:
            return False
        if not reader.start(self._blocks[axis.block_index], self._done):
            return False
        self._reading = (beat, axis, unit, now_ns)
        if beat.skipped:
            self._rows.skip(beat.block, beat.slot - 1, beat.skipped)
        return True

    def _done(self, found: BlockColumns | DeviceError) -> None:
        """Take what came of the request in flight, and go on."""
        if self._reading is None or self._sleeper is None:
            return
        (beat, axis, unit, asked_ns), self._reading = self._reading, None
        try:
            self._take(beat, axis, unit, asked_ns, found)
            self._go_on()
        except BaseException as error:
            self._fail(error)
            raise

    def _take(
        self,
        beat: Beat,
        axis: AxisPlan,
        unit: Unit,
        asked_ns: int,
        found: BlockColumns | DeviceError,
    ) -> None:
        rows, was_asked = self._rows, not isinstance(found, DeviceError)
        if isinstance(found, DeviceError):
            self._cut(failure_of(found))
            columns = rows.no_answer(axis, rows.why, sent_ns=asked_ns)
        else:
            columns = found
            rows.took(unit, axis, columns, asked_ns)
        rows.store(unit, axis, beat.slot, columns, was_asked=was_asked)
        for rider, slot in self._slots.riders(beat.block, beat.slot):
            is_read = was_asked and self._reader is not None and self._is_up()
            if is_read and self._reader is not None:
                columns = self._reader.ride(self._blocks[rider.block_index])
            else:
                columns = rows.unread_rider(unit, rider)
            rows.store(unit, rider, slot, columns, was_asked=is_read)
