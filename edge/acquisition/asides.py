"""What a line reads beside its samples and its probes: event rings and texts.  Shell: driver, time.

One request a turn, in a gap between two slots that is long enough, but not for ever.  All rings of
a line together take 30 % of its time at most.  When a controller has begun anew its texts and the
blocks with its digests are read at once, before the next slot.  While the map of a device is in
doubt, a driver that knows a register of known content is told to look at it.
Source: `acquisition.md` 3.18, 3.20.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, runtime_checkable

from devices.driver import Driver
from devices.modbus.side_reads import SideReads
from edge.acquisition.beside import GAP_WAIT_NS, LOOK_NS
from edge.acquisition.keeper import Keeper
from edge.acquisition.registers import Asker, RegisterReader
from edge.acquisition.ring_desk import Ring, slower_ns
from edge.acquisition.text_desk import Texts
from edge.acquisition.unit import Unit, UnitState
from edge.acquisition.urgent import Urgent
from edge.plant import AxisPlan, LinePlan
from edge.shaping import probing_of
from edge.side_plan import side_plan
from proto.clock import Clock

Watch = Callable[[Unit, AxisPlan], Awaitable[None]]
"""Reads a block outside its grid; what it says of the controller is taken, no row is made."""


@runtime_checkable
class MapWitness(Protocol):
    """A driver that can show that a map is where it was."""

    def proves_map(self, device: str) -> bool:
        """Return True where a register of known content can end a doubt of the map."""

    def seek_canary(self, device: str) -> None:
        """Look at that register soon; its fitting is a note `device.canary_fitted`."""


class Asides:
    """Rings and texts of one line.

    Attributes:
        spent_ns: time that rings took since the start.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        rings: Sequence[tuple[Unit, Ring]],
        texts: Sequence[tuple[Unit, Texts]],
        driver: RegisterReader | None,
        clock: Clock,
        watch: Watch,
        witness: MapWitness | None = None,
    ) -> None:
        self._rings, self._texts = tuple(rings), tuple(texts)
        self._driver, self._clock, self._watch = driver, clock, watch
        self._restarts = [(unit, unit.restarts) for unit in units if unit.digest_axes]
        self._witness = witness
        self._provable = [u for u in units if witness is not None and witness.proves_map(u.name)]
        self._sought: set[str] = set()
        self._free_ns = 0
        self._took_ns = 0
        self.spent_ns = 0
        self.is_empty = not self._rings and not self._texts

    def next_ns(self, now_ns: int, until_ns: int) -> tuple[int, bool]:
        """Return until when to sleep, and True when a request is to be made now."""
        if self.is_empty:
            return until_ns, False
        due = [max(ring.next_ns, self._free_ns) for ring in self._readable()]
        due += [texts.next_ns for unit, texts in self._texts if _answers(unit)]
        if not due:
            return until_ns, False
        at_ns = min(due)
        if at_ns > now_ns:
            return min(until_ns, at_ns), False
        if until_ns - now_ns >= self._took_ns or now_ns - at_ns >= GAP_WAIT_NS:
            return now_ns, True
        return min(until_ns, now_ns + LOOK_NS), False

    async def run(self) -> None:
        """Make the request that waits longest; the time of rings is counted.

        Raises:
            DeviceUnreachable: the connection is gone.
        """
        driver = self._driver
        if driver is None:
            return
        now_ns = self._clock.mono_ns()
        rings = self._readable() if now_ns >= self._free_ns else []
        texts = [each for unit, each in self._texts if _answers(unit)]
        waiting: list[Ring | Texts] = [*rings, *texts]
        first = min(waiting, key=lambda one: one.next_ns, default=None)
        if first is None:
            return
        begun_ns = self._clock.mono_ns()
        try:
            await first.turn(driver)
        finally:
            now_ns = self._clock.mono_ns()
            took_ns = now_ns - begun_ns
            self._took_ns = took_ns
            if isinstance(first, Ring):
                self.spent_ns += took_ns
                self._free_ns = now_ns + slower_ns(took_ns)

    def tick(self, urgent: Urgent) -> None:
        """Look for controllers that began anew: what identifies them is read at once."""
        for at, (unit, seen) in enumerate(self._restarts):
            if unit.restarts != seen and urgent.put(self._identify(unit)):
                self._restarts[at] = (unit, unit.restarts)
        now_ns = self._clock.mono_ns()
        for _, texts in self._texts:
            texts.tick(now_ns)
        for unit in self._provable:
            self._seek(unit)

    def _seek(self, unit: Unit) -> None:
        """Ask for the canary, once for each doubt."""
        if not unit.is_map_doubted:
            self._sought.discard(unit.name)
        elif unit.name not in self._sought and self._witness is not None:
            self._sought.add(unit.name)
            self._witness.seek_canary(unit.name)

    def _identify(self, unit: Unit) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            for axis in unit.digest_axes:
                await self._watch(unit, axis)

        return once

    def _readable(self) -> list[Ring]:
        """Return the rings whose device answers; of a pair only those of the member in use."""
        return [
            ring
            for unit, ring in self._rings
            if _answers(unit) and (unit.seat is None or unit.seat.is_in_use)
        ]


def _answers(unit: Unit) -> bool:
    return unit.state is UnitState.UP


def asides_of(
    line: LinePlan,
    driver: Driver,
    units: Sequence[Unit],
    keeper: Keeper | None,
    clock: Clock,
    watch: Watch,
) -> Asides:
    """Return what a line reads beside its samples; nothing where nothing can be kept."""
    rings: list[tuple[Unit, Ring]] = []
    texts: list[tuple[Unit, Texts]] = []
    witness = driver if isinstance(driver, MapWitness) else None
    if keeper is None or not isinstance(driver, RegisterReader):
        return Asides(units, (), (), None, clock, watch, witness)
    name = line.config.name
    plan = side_plan(line)
    for at, (unit, device) in enumerate(zip(units, line.devices, strict=True)):
        reads: SideReads = plan[at]
        own = line.own_configs[at]
        asker = Asker(device.name, may_unpad=probing_of(line.config, own) != "never")
        if reads.records is not None:
            rings.append((unit, Ring(device, name, reads, asker, keeper, clock)))
        if reads.texts:
            texts.append((unit, Texts(device, unit, name, reads, asker, keeper, clock)))
    return Asides(units, rings, texts, driver, clock, watch, witness)
