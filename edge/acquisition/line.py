"""The owner of one physical line or session: beats, reads, probes, reports.  Shell: driver, timers.

Every due slot becomes one row: what was read, or BAD with its reason.  One task calls the driver,
one call at a time, in this order: urgent work (writes), what is due (`schedule`), then what is
asked beside the samples (probes of suspended units, errands of the driver).  While it sleeps, slots
that need no task run by call backs (`prompt`).
A lost connection makes every point BAD in the image at once; a silent unit only its own.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from devices.driver import Block, BlockColumns, Driver
from devices.failure import failure_of
from edge.acquisition import schedule
from edge.acquisition.asides import asides_of
from edge.acquisition.beside import Beside
from edge.acquisition.breaker import Pace
from edge.acquisition.connection import Connection
from edge.acquisition.line_parts import LineParts
from edge.acquisition.probe_budget import WINDOW_NS
from edge.acquisition.prompt import Prompt
from edge.acquisition.reports import Reports, RowSink
from edge.acquisition.slot_rows import SlotRows
from edge.acquisition.slots import Slots
from edge.acquisition.subscription import Subscription
from edge.acquisition.unit import Unit, UnitState
from edge.acquisition.urgent import Urgent
from edge.image import ProcessImage
from edge.plant import AxisPlan, LinePlan
from proto.clock import Clock
from proto.errors import DeviceError
from proto.quality import Detail, Reason

TICK_S = 0.2
"""How often losses between two reads, and proofs of life that ran out, are looked for."""
IDLE_NS = 10**9


class LineOwner:
    """Owns one line for ever; `run` ends only by cancellation.

    Attributes:
        line, units: what hangs on it, as planned and as it stands.
        told: of its reports: by code, how many records and when the last one.
        urgent: work that goes before every read.
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
        parts: LineParts | None = None,
    ) -> None:
        planned = [axis.block.points for axis in line.axes]
        assert [b.points for b in driver.blocks] == planned, "driver and plan have the same blocks"
        self.line, self._parts = line, parts or LineParts()
        self.urgent = Urgent()
        self._driver, self._clock, self._fraction = driver, clock, fraction
        self._blocks: tuple[Block, ...] = driver.blocks
        self._reports = Reports(line.config.name, image, sink, clock)
        self.told, self.units = self._reports.told, self._make_units()
        by_name = {unit.name: unit for unit in self.units}
        self._unit_of = {axis.index: by_name[axis.block.device] for axis in line.axes}
        self._connection = Connection(
            driver,
            self._cut,
            fraction,
            crowd=self._parts.crowd,
            first_pause_ns=self._parts.first_pause_ns,
        )
        clocks = {f"{o.name}/{o.clock.point}" for o in line.owners if o.clock is not None}
        self._slots = Slots(line.axes, start_ns, self._reports, clocks)
        self._rows = SlotRows(
            self._slots,
            self._reports,
            self._unit_of,
            self._connection,
            clock,
            is_up=self._is_up,
            fraction=fraction,
            look=self._parts.look,
        )
        self._beside = Beside(driver, self.units, clock, fraction, line.config.timeout_ns)
        keeper = self._parts.keeper
        self._asides = asides_of(line, driver, self.units, keeper, clock, self._look_at)
        self._prompt = Prompt(
            driver,
            self._slots,
            self._rows,
            self._unit_of,
            self.urgent,
            clock,
            is_up=self._is_up,
            sleeps_until=self._sleeps_until,
            cut=self._cut,
        )
        self._handed: schedule.Beat | None = None
        self._subscription = (
            Subscription(driver, line.axes, self._unit_of, self._reports, self._parts)
            if any(axis.subscribed for axis in line.axes)
            else None
        )

    def _make_units(self) -> tuple[Unit, ...]:
        line, found = self.line, []
        pace = Pace(line.config.backoff.first_ns, line.config.backoff.longest_ns)
        for number, device, owner in zip(line.numbers, line.devices, line.owners, strict=True):
            axes = [axis for axis in line.axes if axis.block.device == device.name]
            desk = self._parts.desks.get(owner.name)
            seat = None if desk is None else desk.seat(device.name)
            numbers = (number, axes[0].device if axes else number)
            unit = Unit(device, owner, numbers, axes, self._reports, self._clock, pace, seat)
            found.append(unit)
            if seat is not None:
                seat.listen(self._take_over)
        return tuple(found)

    # What others ask.

    @property
    def state(self) -> str:
        """One word for the status: init, up, partly (a unit is lost) or lost (all are)."""
        down = [unit.state in (UnitState.LOST, UnitState.SUSPENDED) for unit in self.units]
        if any(down):
            return "lost" if all(down) else "partly"
        return "up" if self._driver.connected else "init"

    @property
    def since_us(self) -> int:
        """Wall time of the last change of a unit."""
        return max((unit.since_us for unit in self.units), default=0)

    @property
    def detail(self) -> str:
        """Why units are lost: reason and detail, the names where only some are."""
        down = [u for u in self.units if u.state in (UnitState.LOST, UnitState.SUSPENDED)]
        if not down:
            return ""
        reason, detail = down[0].why
        text = f"{reason.name}/0x{detail:04X}"
        names = ", ".join(unit.name for unit in down)
        return text if len(down) == len(self.units) else f"{names}: {text}"

    @property
    def driver(self) -> Driver:
        """The driver; nobody else calls it but through `urgent`."""
        return self._driver

    @property
    def skipped(self) -> int:
        """Slots missed since the start."""
        return self._slots.skipped

    @property
    def probing_share(self) -> float:
        """Share of the line's time that probes and errands took in the last minute."""
        return self._beside.spent_ns / WINDOW_NS

    def p999_ns(self) -> Mapping[int, int]:
        """Return the p99.9 of the answer time by axis, for the time budget of interlocks."""
        return self._slots.p999_ns()

    def slot_of(self, axis: AxisPlan) -> int | None:
        """Return the slot of an axis that was due last; None for a subscribed one."""
        return self._slots.slot_of(axis, self._clock.mono_ns())

    def unit_of(self, axis: AxisPlan) -> Unit:
        """Return the unit that a block is read from."""
        return self._unit_of[axis.index]

    # The tasks.

    async def run(self) -> None:
        """Connect, read on the grid and take reports until cancelled; then close the driver."""
        name = self.line.config.name
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._connection.keep(), name=f"{name}.connect")
                group.create_task(self._beat(), name=f"{name}.beat")
                if not self._parts.has_ticker:
                    group.create_task(self._tick_alone(), name=f"{name}.tick")
                if self._subscription is not None:
                    group.create_task(self._drain(), name=f"{name}.drain")
        finally:
            await self._driver.close()

    def tick(self) -> None:
        """Look for a link that fell between two reads, for proofs that ran out, for notes."""
        if self._connection.is_open and not self._driver.connected:
            self._cut((Reason.COMM_LOSS, int(Detail.LINK_DOWN)))
        now_ns = self._clock.mono_ns()
        for unit in self.units:
            unit.tick(now_ns)
        self._asides.tick(self.urgent)
        self._take_notes()

    async def _tick_alone(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()

    async def _beat(self) -> None:
        """Run urgent work, then the grid; answer every slot that is not read with its reason."""
        while True:
            if self.urgent:
                await self._guarded(self.urgent.run())
                continue
            now_ns = self._clock.mono_ns()
            beat, self._handed = self._handed, None
            free_ns = self._driver.ready_ns if self._driver.connected else 0
            found = beat or self._slots.next(now_ns, free_ns)
            match found:
                case schedule.Beat():
                    await self._run_slot(found)
                case schedule.Skip():
                    self._rows.skip(found.block, found.slot, found.skipped)
                case schedule.Wait():
                    await self._idle(found.until_ns)
                case None:
                    await self._idle(now_ns + IDLE_NS)

    async def _guarded(self, work: Awaitable[object]) -> None:
        """Run something that is no sample; a lost connection is taken as such."""
        try:
            await work
        except DeviceError as error:
            self._cut(failure_of(error))

    # Slots.

    async def _run_slot(self, beat: schedule.Beat) -> None:
        at, slot = beat.block, beat.slot
        axis = self._slots.axes[at]
        if beat.skipped:
            self._rows.skip(at, slot - 1, beat.skipped)
        unit = self._unit_of[axis.index]
        if unit.seat is not None:
            await self._run_pair_slot(unit, axis, beat)
            return
        columns, was_asked = await self._answer(unit, axis, beat.due_ns)
        self._rows.store(unit, axis, slot, columns, was_asked=was_asked)
        await self._ride(unit, at, slot, host_was_asked=was_asked)

    async def _ride(self, unit: Unit, at: int, slot: int, *, host_was_asked: bool) -> None:
        """Run the slots of slower blocks that fall on this one; nothing is sent for them."""
        for axis, rider_slot in self._slots.riders(at, slot):
            columns = await self._ask(axis) if host_was_asked and self._is_up() else None
            was_asked = columns is not None
            if columns is None:
                columns = self._rows.unread_rider(unit, axis)
            self._rows.store(unit, axis, rider_slot, columns, was_asked=was_asked)

    def _is_up(self) -> bool:
        return self._driver.connected and self._connection.is_open

    async def _answer(self, unit: Unit, axis: AxisPlan, due_ns: int) -> tuple[BlockColumns, bool]:
        """Return the columns of a slot that is due now, and whether the device was asked."""
        now_ns = self._clock.mono_ns()
        if not self._is_up():
            if self._connection.is_open:
                self._cut((Reason.COMM_LOSS, int(Detail.LINK_DOWN)))
            return self._rows.no_answer(axis, self._rows.why), False
        trouble = unit.trouble(due_ns, now_ns)
        if trouble is not None:
            return self._rows.no_answer(axis, trouble), False
        columns = await self._ask(axis)
        if columns is None:
            return self._rows.no_answer(axis, self._rows.why, sent_ns=now_ns), False
        self._rows.took(unit, axis, columns, now_ns)
        return columns, True

    async def _ask(self, axis: AxisPlan) -> BlockColumns | None:
        """Read a block; None when the connection went with it."""
        try:
            return await self._driver.read(self._blocks[axis.block_index])
        except DeviceError as error:
            self._cut(failure_of(error))
            return None

    # Redundant pairs.

    async def _run_pair_slot(self, unit: Unit, axis: AxisPlan, beat: schedule.Beat) -> None:
        """Read a slot of a pair: for the row when in use, for life and flag only when not."""
        seat = unit.seat
        assert seat is not None
        if not seat.is_in_use:
            if unit.watches(axis):
                columns, was_asked = await self._answer(unit, axis, beat.due_ns)
                if was_asked:
                    unit.watch(axis, columns)
            return
        if not self._claims(unit, axis, beat.slot):
            return
        columns, was_asked = await self._answer(unit, axis, beat.due_ns)
        is_lost = columns.outcome.is_failure or not was_asked
        if is_lost and seat.hand_over(axis, beat.slot, columns):
            return
        self._rows.store(unit, axis, beat.slot, columns, was_asked=was_asked)
        await self._ride(unit, beat.block, beat.slot, host_was_asked=was_asked)

    def _claims(self, unit: Unit, axis: AxisPlan, slot: int) -> bool:
        """Take a slot of the pair; tell what nobody took before it."""
        seat = unit.seat
        if seat is None or not seat.is_in_use:
            return False
        missing = seat.claim(axis, slot)
        if missing:
            why = (Reason.OVERRUN, int(Detail.NONE))
            self._slots.missed(self._slots.at(axis), slot - 1, missing, why)
        return missing is not None

    def _take_over(self, axis: AxisPlan, slot: int, columns: BlockColumns) -> bool:
        """Take a slot that the other member could not read, if this line can in time."""
        mine = next((a for a in self._slots.axes if a.index == axis.index), None)
        if mine is None or not self._is_up():
            return False
        unit, now_ns = self._unit_of[mine.index], self._clock.mono_ns()
        if unit.state is not UnitState.UP or not self._slots.fits(mine, slot, now_ns):
            return False

        async def once_more() -> None:
            found, was_asked = await self._answer(unit, mine, now_ns)
            lost = found.outcome.is_failure or not was_asked
            self._rows.store(unit, mine, slot, columns if lost else found, was_asked=not lost)

        return self.urgent.put(once_more)

    # Beside the samples.

    async def _idle(self, until_ns: int) -> None:
        """Sleep until the next slot, or do what is asked beside the samples if there is room."""
        now_ns = self._clock.mono_ns()
        sleeps_until_ns = self._sleeps_until(now_ns, until_ns)
        if sleeps_until_ns is not None:
            self._handed = await self._prompt.wait(sleeps_until_ns)
            return
        _, work = self._beside.next_ns(now_ns, until_ns)
        if work is None:
            await self._guarded(self._asides.run())
            return
        await self._guarded(self._beside.do(work))
        self._take_notes()

    def _sleeps_until(self, now_ns: int, until_ns: int) -> int | None:
        """Return until when nothing is to be done beside the samples; None = something is, now."""
        if not self._is_up():
            return until_ns
        until_ns, work = self._beside.next_ns(now_ns, until_ns)
        if work is not None:
            return None
        until_ns, is_due = self._asides.next_ns(now_ns, until_ns)
        return None if is_due else until_ns

    async def _look_at(self, unit: Unit, axis: AxisPlan) -> None:
        """Read a block outside its grid for what it says of the controller; no row is made."""
        columns, was_asked = await self._answer(unit, axis, self._clock.mono_ns())
        if was_asked:
            unit.watch(axis, columns)

    # Losses, notes, reports of subscriptions.

    def _cut(self, why: tuple[Reason, int]) -> None:
        """Take the loss of the whole line: everything on it is BAD at once."""
        self._rows.why = (Reason.COMM_LOSS, why[1])
        self._connection.broke()
        for unit in self.units:
            unit.cut(why)
            unit.why = self._rows.why

    def _take_notes(self) -> None:
        notes = self._driver.notes()
        if not notes:
            return
        names = {unit.name: unit for unit in self.units}
        for note in notes:
            self._reports.record(note.code, note.device, note.body)
            unit = names.get(note.device)
            if unit is not None and note.code == "plant.program_changed":
                unit.doubt_map()
            elif unit is not None and note.code == "device.canary_fitted":
                unit.prove_map()

    async def _drain(self) -> None:
        """Fetch what subscriptions reported; each report is a row without a slot."""
        subscription = self._subscription
        assert subscription is not None
        while True:
            await asyncio.sleep(subscription.PAUSE_S)
            if self._connection.is_open and not self._driver.connected:
                self._cut((Reason.COMM_LOSS, int(Detail.LINK_DOWN)))
            if subscription.take(self._fraction):
                self._connection.answered()
