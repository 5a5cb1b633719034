"""A redundant pair over two real sockets, against two libmodbus processes: one row a slot."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge.acquisition.lines import Lines
from edge.image import ProcessImage
from edge.plant import AxisPlan, Plant
from proto.quality import Quality, Reason
from tests.integration.devices.peers import Peer, libmodbus
from tests.integration.edge.guarded import (
    FLAG,
    LEVEL,
    LIFE,
    PROFILE,
    OneAtATime,
    Sink,
    lines_of,
    plant_of,
    profile_of,
)
from tests.integration.edge.test_line_units import until

PERIOD_NS = 100_000_000
SITE = """
[[device]]
name = "plc"
pair = ["half_a", "half_b"]
profile = "half_plc"
path = "plc"
life = "life"
"""
HALF = """
[[line]]
name = "line_{name}"
kind = "modbus-tcp"
address = "127.0.0.1:{port}"
timeout = "200ms"
[[device]]
name = "half_{name}"
line = "line_{name}"
unit_id = 1
path = "plc"
"""


@dataclass
class Half:
    """One half: its server, whether its program runs, whether it says that it leads."""

    peer: Peer
    level: int
    runs: bool = True
    count: int = 0

    def __post_init__(self) -> None:
        self._told = OneAtATime(self.peer)

    async def lead(self, *, leads: bool) -> None:
        """Set the flag."""
        await self._told.tell(f"holding {FLAG} {int(leads)}")

    async def live(self) -> None:
        """Run the controller's program until it ends."""
        await self._told.tell(f"holding {LEVEL} {self.level}")
        while self.peer.process.returncode is None:
            if self.runs:
                self.count = (self.count + 1) % 65_536
                try:
                    await self._told.tell(f"holding {LIFE} {self.count}")
                except (AssertionError, OSError, TimeoutError):
                    return
            await asyncio.sleep(0.04)


@dataclass
class Pair:
    """The pair under test and what it wrote."""

    plant: Plant
    lines: Lines
    image: ProcessImage
    sink: Sink
    a: Half
    b: Half
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def level(self) -> tuple[float, Quality, Reason]:
        """Newest value of the level."""
        at, now = self.plant.index_of["plc/level"], self.image.freeze()
        return float(now.value[at]), Quality(int(now.quality[at])), Reason(int(now.reason[at]))

    def reads(self, half: Half) -> Callable[[], bool]:
        """Whether the newest value is GOOD and of this half."""
        return lambda: self.level[:2] == (half.level, Quality.GOOD)

    @property
    def axis(self) -> AxisPlan:
        """The block of the level."""
        at = self.plant.axis_of[self.plant.index_of["plc/level"]]
        return self.plant.axes[at]

    def slots(self) -> list[int]:
        """Slots of the level's block that have a row, in order of writing."""
        return [s for axis, s, _ in self.sink.rows if axis == self.axis.index and s is not None]

    def accounted(self) -> bool:
        """Whether every slot up to the newest is one row, or one slot of a gap."""
        seen = Counter(self.slots())
        for axis, first, count in self.sink.gaps:
            if axis == self.axis.index:
                seen.update(range(first, first + count))
        return set(seen) == set(range(max(seen) + 1)) and set(seen.values()) == {1}

    def longest_without_good_ns(self) -> int:
        """Longest time between two rows whose level is GOOD."""
        at = self.plant.index_of["plc/level"] - self.axis.first_point
        times = [
            columns.receive_mono_ns
            for axis, _, columns in self.sink.rows
            if axis == self.axis.index and columns.quality[at] == Quality.GOOD
        ]
        return int(np.diff(times).max())


@asynccontextmanager
async def pair_of(tmp_path: Path) -> AsyncIterator[Pair]:
    """Run a pair of two libmodbus servers; A leads."""
    async with libmodbus() as first, libmodbus() as second:
        text = (
            SITE + HALF.format(name="a", port=first.port) + HALF.format(name="b", port=second.port)
        )
        plant, sink = plant_of(text, profile_of(PROFILE)), Sink()
        lines, image = lines_of(plant, sink, tmp_path)
        made = Pair(plant, lines, image, sink, Half(first, 111), Half(second, 222))
        await made.a.lead(leads=True)
        made.tasks = [asyncio.create_task(run()) for run in lines.tasks().values()]
        halves = [asyncio.create_task(half.live()) for half in (made.a, made.b)]
        try:
            await until(made.reads(made.a), 15.0)
            await asyncio.sleep(0.5)
            yield made
        finally:
            for task in (*made.tasks, *halves):
                task.cancel()
            await asyncio.gather(*made.tasks, *halves, return_exceptions=True)


async def test_kill_9_of_the_active_half_costs_one_period_and_200_ms_and_no_slot_twice(
    tmp_path: Path,
) -> None:
    async with pair_of(tmp_path) as pair:
        await pair.b.lead(leads=True)
        await pair.a.lead(leads=False)
        await until(pair.reads(pair.b))
        await pair.a.lead(leads=True)
        await pair.b.lead(leads=False)
        await until(pair.reads(pair.a))
        await asyncio.sleep(1.0)
        pair.sink.rows.clear()
        begun = len(pair.slots())
        await asyncio.sleep(0.5)
        await pair.a.peer.kill()
        await until(pair.reads(pair.b), 5.0)
        await asyncio.sleep(1.0)
        assert len(pair.slots()) > begun
        slots = pair.slots()
        assert len(slots) == len(set(slots))
        assert slots == list(range(slots[0], slots[0] + len(slots)))
        assert pair.longest_without_good_ns() <= PERIOD_NS + 200_000_000
        switched = pair.sink.of("device.pair_switched")[-1]
        assert (switched["from"], switched["to"]) == ("half_a", "half_b")


async def test_a_half_that_stands_behind_a_live_socket_is_left(tmp_path: Path) -> None:
    async with pair_of(tmp_path) as pair:
        pair.a.runs = False
        await until(pair.reads(pair.b), 8.0)
        assert pair.sink.of("device.pair_switched")[-1]["reason"] == "life"
        assert pair.accounted()


async def test_both_active_is_said_and_the_one_in_use_stays(tmp_path: Path) -> None:
    async with pair_of(tmp_path) as pair:
        await pair.b.lead(leads=True)
        await until(lambda: pair.level[1:] == (Quality.UNCERTAIN, Reason.DEVIATION), 5.0)
        assert pair.level[0] == pair.a.level
        assert len(pair.sink.of("device.two_masters")) == 1
        await pair.b.lead(leads=False)
        await until(pair.reads(pair.a), 5.0)
        assert pair.accounted()


async def test_with_none_alive_every_slot_is_a_bad_row(tmp_path: Path) -> None:
    async with pair_of(tmp_path) as pair:
        await pair.a.peer.kill()
        await pair.b.peer.kill()
        await until(lambda: pair.level[1] == Quality.BAD, 5.0)
        await asyncio.sleep(1.0)
        assert pair.accounted()


async def test_from_a_to_b_and_back_again_and_again_no_slot_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    async with pair_of(tmp_path) as pair:
        before = len(pair.sink.of("device.pair_switched"))
        for _ in range(2):  # the seventh change within a minute would be held
            await pair.b.lead(leads=True)
            await pair.a.lead(leads=False)
            await until(pair.reads(pair.b), 5.0)
            await pair.a.lead(leads=True)
            await pair.b.lead(leads=False)
            await until(pair.reads(pair.a), 5.0)
        assert len(pair.sink.of("device.pair_switched")) - before == 4
        assert pair.accounted()
