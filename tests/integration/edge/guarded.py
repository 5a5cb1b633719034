"""A device of our own making, served by libmodbus: ring, text, life, flag.  Shell: sockets."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from devices.driver import BlockColumns
from devices.model_faults import read_toml, validate
from devices.profile import ModbusProfile
from edge import points
from edge.acquisition.drivers import make_driver
from edge.acquisition.lines import Lines
from edge.config import load_text
from edge.image import ProcessImage
from edge.plant import Plant
from proto.batch import Lane
from tests.integration.devices.clock import RealClock
from tests.integration.devices.peers import Peer
from tests.integration.edge.test_line_units import HEAD, POLL

INDEX, START, WORDS, COUNT = 400, 500, 8, 40
LIFE, FLAG, LEVEL, SERIAL = 0, 1, 2, 40
PROFILE = f"""
profile = "half_plc"
version = 1
kind = "custom"
protocol = "modbus"
grade = "bronze"
source = "synthetic"
[modbus]
max_registers = 120
[[points]]
name = "life"
title = "life"
parameter = "none"
unit = "1"
poll = "fast"
moves = "counter"
at = {{ table = "holding", address = {LIFE}, type = "uint16" }}
vector = {{ registers = [7], value = 7.0 }}
[[points]]
name = "leads"
title = "leads"
parameter = "none"
unit = "1"
poll = "fast"
active = true
at = {{ table = "holding", address = {FLAG}, type = "bool", bit = 0 }}
vector = {{ registers = [1], value = true }}
[[points]]
name = "level"
title = "level"
parameter = "none"
unit = "1"
range = [0.0, 65535.0]
poll = "fast"
at = {{ table = "holding", address = {LEVEL}, type = "uint16" }}
vector = {{ registers = [7], value = 7.0 }}
"""
TEXT = f"""
[[texts]]
name = "version"
title = "version"
digest = "program"
at = {{ table = "holding", address = {SERIAL}, bytes = 8 }}
vector = {{ registers = [0x5631, 0, 0, 0], text = "V1" }}
"""
RING = f"""
[event_ring]
index = {{ at = {{ table = "holding", address = {INDEX} }}, means = "next" }}
records = {{ table = "holding", start = {START}, words = {WORDS}, count = {COUNT} }}
fields = {{ seq = "uint32@0", code = "uint16@2", time = "unix_ms@3", value = "uint16@7" }}
stamp = {{ by = "scan", resolution = "10ms" }}
[event_ring.vector]
registers = [0, 7, 2, 0, 0, 0, 0, 5]
seq = 7
code = 2
time = "1970-01-01 00:00:00"
value = 5
"""


def profile_of(text: str) -> ModbusProfile:
    """Return a profile that is checked for its form."""
    data, faults = read_toml(text, "half_plc.toml")
    found, more = validate(ModbusProfile, data, "half_plc.toml")
    assert found is not None, (faults, more)
    return found


def plant_of(devices: str, profile: ModbusProfile) -> Plant:
    """Return a site of these devices."""
    config = load_text((HEAD + devices + POLL).encode(), "edge.toml")
    made, faults = points.build(config, {"half_plc": profile})
    assert made is not None, faults
    return made


class Sink:
    """A sink of rows and records, and of what is committed with them."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, object]] = []
        self.keeps: dict[str, str] = {}
        self.rows: list[tuple[int, int | None, BlockColumns]] = []
        self.gaps: list[tuple[int, int, int]] = []

    def offer(self, axis: int, slot: int | None, skipped: int, columns: BlockColumns) -> None:
        """Take a row."""
        self.rows.append((axis, slot, columns))

    def overrun(self, axis: int, first_slot: int, count: int) -> None:
        """Take a gap."""
        self.gaps.append((axis, first_slot, count))

    def record(self, lane: Lane, body: dict[str, object]) -> None:
        """Take a record."""
        self.records.append(body)

    def record_kept(
        self, lane: Lane, bodies: Sequence[Mapping[str, object]], key: str, value: str
    ) -> None:
        """Take records with what belongs to them."""
        self.records += bodies
        self.keeps[key] = value

    def kept(self, key: str) -> str | None:
        """What a run before kept."""
        return self.keeps.get(key)

    def durable_records(self) -> tuple[int, int]:
        """Nothing waits."""
        return len(self.records), len(self.records)

    def of(self, kind: str) -> list[Mapping[str, object]]:
        """Records of one kind."""
        return [one for one in self.records if one["k"] == kind]


def lines_of(plant: Plant, sink: Sink, folder: Path) -> tuple[Lines, ProcessImage]:
    """Return the lines of a site and what they write to."""
    clock, image = RealClock(), ProcessImage(plant.layout)
    made = Lines(
        plant,
        lambda line: make_driver(line, folder, clock),
        clock=clock,
        image=image,
        sink=sink,
        start_ns=clock.mono_ns(),
        keeper=sink,
    )
    return made, image


class OneAtATime:
    """A peer that several tasks tell things."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self._lock = peer, asyncio.Lock()

    async def tell(self, line: str) -> None:
        """Tell one thing after the other."""
        async with self._lock:
            await self.peer.tell(line)


async def write_event(peer: Peer | OneAtATime, seq: int) -> None:
    """Write one record into the ring of a peer, then its index."""
    data = struct.pack(">IHQH", seq, 1 + seq % 4, 1_795_000_000_000 + seq, seq % 65_536)
    start = START + WORDS * ((seq - 1) % COUNT)
    for at, word in enumerate(struct.unpack(">8H", data)):
        await peer.tell(f"holding {start + at} {word}")
    await peer.tell(f"holding {INDEX} {seq % COUNT}")


async def write_text(peer: Peer | OneAtATime, text: str) -> None:
    """Write the version of the program."""
    for at, word in enumerate(struct.unpack(">4H", text.encode().ljust(8, b"\0"))):
        await peer.tell(f"holding {SERIAL + at} {word}")
