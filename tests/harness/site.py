"""A line of a configuration under its real owner: text in, rows out.  Shell: sockets and ports."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from devices.driver import BlockColumns
from devices.kinds import Kind
from devices.modbus.facts import Learnt
from devices.profile import Profile
from devices.profile_check import parse_profile
from edge import points
from edge.acquisition.drivers import make_driver
from edge.acquisition.line import LineOwner
from edge.config import load_text
from edge.image import ProcessImage
from edge.plant import AxisPlan, Plant
from proto.batch import Lane
from proto.quality import Quality
from tests.harness.coded import code
from tests.harness.oracle import Tally
from tests.integration.devices.clock import RealClock

HEAD = """
gateway = { id = "610581-bof1a", site = "hancheng-steel", data_dir = "data" }
central = { address = "127.0.0.1:7443", ca = "root.pem", cert = "gw.pem", key = "gw.key" }
config  = { version = 1 }
"""
PROFILE = """
profile = "{name}"
version = 1
kind = "coded"
protocol = "modbus"
grade = "bronze"
source = "address-coded equipment of the harness"
[modbus]
{options}
"""
POINT = """
[[points]]
name = "r{at}"
title = "r{at}"
parameter = "a.code"
unit = "1"
poll = "{poll}"
at = {{ table = "holding", address = {at}, type = "uint32" }}
vector = {{ registers = [0, 1], value = 1.0 }}
{more}
"""


def profile_of(
    name: str,
    addresses: Mapping[int, str] | range,
    *,
    options: str = "",
    poll: str = "normal",
    together: str = "",
) -> Profile:
    """Return a profile of address-coded points; a mapping gives each its poll class."""
    more = f'together = "{together}"' if together else ""
    text = PROFILE.format(name=name, options=options) + "".join(
        POINT.format(
            at=at, poll=addresses[at] if isinstance(addresses, Mapping) else poll, more=more
        )
        for at in addresses
    )
    kind = Kind(kind="coded", title="t", clauses=("O10-4.4",), requires=("a.code",))
    return parse_profile(text, f"{name}.toml", {"a.code": "1"}, {"coded": kind})


@dataclass
class Row:
    """One row as the owner offered it, and when."""

    axis: int
    slot: int | None
    columns: BlockColumns
    at_ns: int

    @property
    def is_good(self) -> bool:
        """True when any value of it is GOOD or UNCERTAIN."""
        return bool((self.columns.quality != Quality.BAD).any())


@dataclass
class Rows:
    """A sink that keeps what it is given."""

    clock: RealClock = field(default_factory=RealClock)
    rows: list[Row] = field(default_factory=list)
    records: list[dict[str, object]] = field(default_factory=list)
    overruns: int = 0

    def offer(
        self, axis: int, slot: int | None, _skipped: int, columns: BlockColumns, *_: object
    ) -> None:
        """Keep a row."""
        self.rows.append(Row(axis, slot, columns, self.clock.mono_ns()))

    def record(self, _lane: Lane, body: dict[str, object]) -> None:
        """Keep a record."""
        self.records.append(body)

    def overrun(self, _axis: int, _first_slot: int, count: int) -> None:
        """Count."""
        self.overruns += count

    def kinds(self) -> list[str]:
        """Return the kinds of the records."""
        return [str(body["k"]) for body in self.records]


@dataclass
class Site:
    """A plant whose lines run.

    Attributes:
        plant: as planned.
        image: of the process.
        sink: what was offered.
        owners: one a line.
    """

    plant: Plant
    image: ProcessImage
    sink: Rows
    owners: list[LineOwner]

    def rows_of(self, device: str) -> list[Row]:
        """Return the rows of one device, those of its link left out."""
        axes = {
            axis.index
            for line in self.plant.lines
            for axis in line.axes
            if axis.block.device == device
        }
        return [row for row in self.sink.rows if row.axis in axes]

    def judge(self) -> Tally:
        """Judge every value that is not BAD by place and time."""
        tally = Tally()
        axes = {axis.index: axis for line in self.plant.lines for axis in line.axes}
        for row in self.sink.rows:
            axis = axes.get(row.axis)
            if axis is None:
                continue
            tally.reads += 1
            usable = np.flatnonzero(row.columns.quality != Quality.BAD)
            raws = [(int(at), int(row.columns.raw[at])) for at in usable]
            columns = row.columns
            tally.judge(self._places(axis), raws, columns.sent_mono_ns, columns.receive_mono_ns)
        return tally

    def _places(self, axis: AxisPlan) -> list[int]:
        unit = next(
            device.unit_id
            for line in self.plant.lines
            for device in line.devices
            if device.name == axis.block.device
        )
        return [code(3, unit, int(p.name.rpartition("/r")[2])) for p in axis.block.points]


@asynccontextmanager
async def running(
    text: str, profiles: Mapping[str, Profile], *, learnt: Mapping[str, Learnt] | None = None
) -> AsyncIterator[Site]:
    """Plan the configuration and run its lines until the block ends."""
    config = load_text((HEAD + text).encode(), "edge.toml")
    plant, faults = points.build(config, profiles, learnt=learnt)
    assert plant is not None, faults
    clock, sink = RealClock(), Rows()
    image = ProcessImage(plant.layout)
    start = clock.mono_ns()
    owners = [
        LineOwner(
            make_driver(line, Path(), clock),
            line,
            clock=clock,
            image=image,
            sink=sink,
            start_ns=start,
        )
        for line in plant.lines
    ]
    tasks = [asyncio.create_task(owner.run()) for owner in owners]
    try:
        yield Site(plant, image, sink, owners)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=3)
        for task in tasks:
            assert task.done()
            if not task.cancelled():
                task.result()
