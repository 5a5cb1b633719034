"""All lines of one gateway: owners, pairs, own points, clocks, one timer for all.  Shell: timers.

A thousand lines share one tick, so that looking for silent losses costs next to nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

from devices.driver import Driver, Served, Subscriber
from devices.modbus.plan import plan_hash
from edge.acquisition.clock_watch import ClockWatch
from edge.acquisition.connection import CONNECTS_MAX
from edge.acquisition.keeper import Keeper
from edge.acquisition.line import TICK_S, LineOwner
from edge.acquisition.line_parts import LineParts
from edge.acquisition.own_points import OwnPoints, Value
from edge.acquisition.pair_desk import PairDesk
from edge.acquisition.reports import Reports, RowSink
from edge.acquisition.resume import Books
from edge.acquisition.unit import Unit, UnitState
from edge.image import ProcessImage
from edge.plant import AxisPlan, LinePlan, Plant
from edge.pulse import PULSE_NS, Pulse
from proto.clock import Clock

SPREAD_NS = 5 * 10**9
TICK_BEATS = int(TICK_S * 1e9) // PULSE_NS
"""First connections of many lines are spread over this time (`acquisition.md` 3.3)."""
Run = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Where:
    """One connection of the plant and the line that owns it."""

    owner: LineOwner
    unit: Unit


class Lines:
    """Everything that reads.

    Attributes:
        owners: one a line, in the order of the file.
        clocks: the devices' own clocks.
    """

    def __init__(
        self,
        plant: Plant,
        driver_of: Callable[[LinePlan], Driver],
        *,
        clock: Clock,
        image: ProcessImage,
        sink: RowSink,
        start_ns: int,
        durable: Callable[[], tuple[int, int]] | None = None,
        keeper: Keeper | None = None,
        books: Books | None = None,
        told: Callable[[int], int] | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        """Build the owners; nothing is opened yet.

        Args:
            plant: what is read.
            driver_of: makes the driver of a line.
            clock: of the process.
            image: written here and nowhere else.
            sink: takes rows and records.
            start_ns: when all grids begin (monotonic).
            durable: samples handed over so far, and how many of these are settled.
            keeper: takes records with what belongs to them, for event rings and texts.
            books: how far reports are on disk, for the next start.
            told: rows without a slot that were handed over of an axis.
            pulse: what they tick on.
        """
        self._plant, self._clock = plant, clock
        self._pulse, self._turn = pulse or Pulse(clock, start_ns=start_ns), 0
        reports = Reports("", image, sink, clock)
        self.clocks = ClockWatch(plant.device_configs, plant.axes, reports, clock)
        self._desks = {
            device.name: PairDesk(
                device.name, (device.pair[0], device.pair[1]), clock, reports.record
            )
            for device in plant.device_configs
            if device.is_pair
        }
        crowd = asyncio.Semaphore(CONNECTS_MAX)
        many = len(plant.lines) > CONNECTS_MAX
        self.owners = tuple(
            LineOwner(
                driver_of(line),
                line,
                clock=clock,
                image=image,
                sink=sink,
                start_ns=start_ns,
                parts=LineParts(
                    desks=self._desks,
                    crowd=crowd,
                    first_pause_ns=SPREAD_NS * i // len(plant.lines) if many else 0,
                    has_ticker=True,
                    durable=durable,
                    keeper=keeper,
                    books=books,
                    told=told,
                    look=self.clocks.look,
                ),
            )
            for i, line in enumerate(plant.lines)
        )
        self._where = {unit.name: Where(o, unit) for o in self.owners for unit in o.units}
        points = [(axis, self._value(axis)) for axis in plant.own]
        self._own = OwnPoints(points, reports, clock, start_ns)

    def _value(self, axis: AxisPlan) -> Value:
        """Return the function that gives the value of an own point."""
        device = self._plant.devices[axis.device]
        desk = self._desks.get(device)
        if desk is not None:
            return lambda: desk.in_use
        unit = self._where[device].unit
        return lambda: unit.link_value

    def tasks(self) -> Mapping[str, Run]:
        """Return what must be kept running, by name."""
        owners = {f"line {one.line.config.name}": one.run for one in self.owners}
        return {**owners, "lines": self.run_tick, "link points": self._own.run}

    async def run_tick(self) -> None:
        """Let every line look for silent losses until cancelled."""
        await self._pulse.keep(self._tick_some)

    def _tick_some(self, _skipped: int, _late_ns: int) -> None:
        """Tick a quarter of the lines at each beat, so that many never hold up a scan."""
        self._turn = (self._turn + 1) % TICK_BEATS
        for owner in self.owners[self._turn :: TICK_BEATS]:
            owner.tick()
            self._take_server_clock(owner)
        if self._turn == 0:
            self._own.tick()

    def _take_server_clock(self, owner: LineOwner) -> None:
        if owner.line.config.is_modbus:
            return
        driver = owner.driver
        if isinstance(driver, Subscriber):
            reading = driver.take_clock()
            if reading is not None:
                for config in owner.line.owners:
                    self.clocks.server(config.name, reading)

    def where(self, axis: AxisPlan) -> Where | None:
        """Return who reads an axis: of a pair the member in use; None for points of our own."""
        device = self._plant.device_configs[axis.device]
        if axis.is_own:
            return self._where.get(device.name)
        name = device.pair[self._desks[device.name].in_use] if device.is_pair else device.name
        return self._where.get(name)

    def describe_point(self, number: int) -> dict[str, object]:
        """Return what acquisition knows of a point's way, as JSON values, for `explain`."""
        axis = self._plant.axes[self._plant.axis_of[number]]
        found = self.where(axis)
        if found is None:
            return {}
        now_ns = self._clock.mono_ns()
        owner, unit = found.owner, found.unit
        others = [one for one in owner.units if one is not unit]
        p999_ns = owner.p999_ns().get(axis.index)
        binding = self._plant.bindings[number] if not axis.is_own else None
        return {
            "line_state": owner.state,
            "unit_state": unit.describe(now_ns),
            "source": (binding.source if binding else "") or unit.sources[0].name,
            "neighbours_up": [one.name for one in others if one.state is UnitState.UP],
            "neighbours_down": [one.name for one in others if one.state is not UnitState.UP],
            "slot": None if axis.is_own else owner.slot_of(axis),
            "answer_p999_ms": None if p999_ns is None else p999_ns / 1e6,
            "clock": self.clocks.describe(self._plant.devices[axis.device]),
            "plan": plan_hash(owner.line.blocks),
            "served": _served(owner.driver, axis),
        }

    def confirm_map(self, device: str) -> bool:
        """Take a person's word that the map of a device holds after a program change.

        Returns:
            True when it was in doubt.
        """
        found = self._where.get(device)
        return found is not None and found.unit.prove_map()


def _served(driver: Driver, axis: AxisPlan) -> dict[str, float] | None:
    """Return what a server made of what it was asked for; None where it is read or not known."""
    if axis.is_own or not axis.subscribed or not isinstance(driver, Served):
        return None
    return dict(driver.served(axis.block_index)) or None
