"""M10: the product's ring reader against a controller that writes in bursts, in virtual time.

Shell: none.  The shell of the product (`Asides`, `Ring`, its keeper) runs as it is; the driver is a
memory that answers after the time a request takes, the clock is ours.  Every event that was written
is at the end delivered once, or counted lost; a crash puts the gateway back to its last commit.
"""

import asyncio
import itertools
import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devices.driver import DeviceSettings
from devices.modbus.ask import Ask
from devices.modbus.exchange import RegistersRead
from devices.modbus.fences import Fence
from devices.modbus.side_reads import side_reads
from devices.model_faults import read_toml, validate
from devices.profile import ModbusProfile
from edge.acquisition.asides import Asides
from edge.acquisition.registers import Asker
from edge.acquisition.ring_desk import Ring
from edge.acquisition.unit import Unit, UnitState
from proto.batch import Lane

WORDS = 8
INDEX, START = 4000, 5000
PROFILE = """
profile = "ring_plc"
version = 1
kind = "custom"
protocol = "modbus"
grade = "bronze"
source = "synthetic"
[modbus]
max_registers = 120
[[points]]
name = "level"
title = "level"
parameter = "none"
unit = "1"
range = [0.0, 65535.0]
poll = "normal"
at = {{ table = "holding", address = 0, type = "uint16" }}
vector = {{ registers = [7], value = 7.0 }}
[event_ring]
{total}
index = {{ at = {{ table = "holding", address = {index} }}, means = "next" }}
records = {{ table = "holding", start = {start}, words = {words}, count = {count} }}
fields = {{ seq = "uint32@0", code = "uint16@2", time = "unix_ms@3", value = "uint16@7" }}
stamp = {{ by = "scan", resolution = "10ms" }}
[event_ring.vector]
registers = [0, 7, 2, 0, 0, 0, 0, 5]
seq = 7
code = 2
time = "1970-01-01 00:00:00"
value = 5
"""
TOTAL = 'total = { table = "holding", address = 4002, type = "uint32" }'


def profile_of(count: int, *, has_total: bool = True) -> ModbusProfile:
    """Return a device with a ring of so many records."""
    total = TOTAL if has_total else ""
    text = PROFILE.format(index=INDEX, start=START, words=WORDS, count=count, total=total)
    data, faults = read_toml(text, "ring_plc.toml")
    found, more = validate(ModbusProfile, data, "ring_plc.toml")
    assert found is not None, (faults, more)
    return found


class Now:
    """Virtual time."""

    def __init__(self) -> None:
        self.ns = 10**9

    def mono_ns(self) -> int:
        """Monotonic."""
        return self.ns

    def wall_us(self) -> int:
        """Since 1970."""
        return 1_795_000_000_000_000 + self.ns // 1000


@dataclass
class Controller:
    """A ring in registers; it writes the record, then running number and index.

    Attributes:
        count: slots.
        written: events so far.
        bursts: (from, until) in ns; within one it writes `rate` events a second.
    """

    count: int
    bursts: list[tuple[int, int]] = field(default_factory=list)
    rate: int = 1000
    written: int = 0
    memory: bytearray = field(default_factory=lambda: bytearray(2 * 65_536))
    next_ns: int = 0

    def advance(self, now_ns: int) -> None:
        """Write what happens until `now_ns`."""
        step_ns = 10**9 // self.rate
        while self.bursts:
            begin, end = self.bursts[0]
            self.next_ns = max(self.next_ns, begin)
            while self.next_ns < min(end, now_ns + 1):
                self.write(self.next_ns)
                self.next_ns += step_ns
            if self.next_ns < end:
                return
            self.bursts.pop(0)

    def write(self, at_ns: int) -> None:
        """Write one event."""
        seq = self.written + 1
        at = 2 * (START + WORDS * (self.written % self.count))
        millis = 1_795_000_000_000 + at_ns // 10**6
        struct.pack_into(">IHQH", self.memory, at, seq, 1 + seq % 4, millis, seq % 65_536)
        self.written = seq
        struct.pack_into(">I", self.memory, 2 * 4002, seq)
        struct.pack_into(">H", self.memory, 2 * INDEX, seq % self.count)


class Wire:
    """Answers out of the controller's memory after the time a request takes.

    Attributes:
        busy_ns: time that requests took.
        lost_share: of requests without an answer.
        torn_share: of answers in which the slot that is written next is seen half written.
        asked: every request.
    """

    def __init__(self, plc: Controller, now: Now, request_ns: int, luck: random.Random) -> None:
        self._plc, self._now, self._request_ns, self._luck = plc, now, request_ns, luck
        self.lost_share = self.torn_share = 0.0
        self.busy_ns = 0
        self.asked: list[Ask] = []
        self.keeps_log = False
        self.is_cut = False

    async def read_registers(self, device: str, ask: Ask) -> RegistersRead | None:
        """Answer one request."""
        sent_ns = self._now.ns
        self._now.ns += self._request_ns
        self.busy_ns += self._request_ns
        self._plc.advance(self._now.ns - self._request_ns // 2)
        if self.keeps_log:
            self.asked.append(ask)
        if self.is_cut or self._luck.random() < self.lost_share:
            return None
        data = bytearray(self._plc.memory[2 * ask.start : 2 * ask.end])
        at = START + WORDS * (self._plc.written % self._plc.count)
        if ask.start <= at and at + WORDS <= ask.end and self._luck.random() < self.torn_share:
            begin = 2 * (at - ask.start)  # the slot that is being written
            data[begin : begin + 4] = struct.pack(">I", self._plc.written + 1)
        return RegistersRead(bytes(data), sent_ns, self._now.ns)


class Disk:
    """Takes records in memory; `commit` brings them to disk, as a whole number of groups."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, object]] = []
        self.on_disk: dict[str, str] = {}
        self._waiting: list[tuple[list[Mapping[str, object]], str, str]] = []

    def kept(self, key: str) -> str | None:
        """What a commit left."""
        return self.on_disk.get(key)

    def record_kept(
        self, lane: Lane, bodies: Sequence[Mapping[str, object]], key: str, value: str
    ) -> None:
        """Take a group."""
        assert lane is Lane.EVENT
        self._waiting.append((list(bodies), key, value))

    def durable_records(self) -> tuple[int, int]:
        """Taken, on disk."""
        waiting = sum(len(bodies) for bodies, _, _ in self._waiting)
        return len(self.records) + waiting, len(self.records)

    def commit(self, groups: int | None = None) -> None:
        """Bring the oldest groups to disk."""
        for bodies, key, value in self._waiting[:groups]:
            self.records += bodies
            self.on_disk[key] = value
        del self._waiting[: len(self._waiting) if groups is None else groups]

    def crash(self) -> None:
        """Forget what is not on disk."""
        self._waiting.clear()

    def lost(self) -> int:
        """Events that were counted lost."""
        return sum(int(str(r["lost"])) for r in self.records if r["k"] == "device.ring_overran")

    def seqs(self) -> list[int]:
        """Numbers of the events that were delivered, in order."""
        return [int(str(r["seq"])) for r in self.records if r["k"] == "device.event"]


class UpUnit(Unit):
    """A unit that answers; nothing else of it is asked."""

    def __init__(self) -> None:
        self.state, self.seat, self.restarts = UnitState.UP, None, 0


@dataclass
class World:
    """One gateway, one controller, one disk."""

    count: int
    fence: Fence = "alternate"
    has_total: bool = True
    request_ns: int = 5_000_000
    seed: int = 1
    commit_every: int = 1

    def __post_init__(self) -> None:
        self.now, self.disk = Now(), Disk()
        self.luck = random.Random(self.seed)
        self.plc = Controller(self.count)
        self.wire = Wire(self.plc, self.now, self.request_ns, self.luck)
        self.profile = profile_of(self.count, has_total=self.has_total)
        self.restart()

    def restart(self) -> None:
        """Begin anew from what is on disk, as after kill -9."""
        self.disk.crash()
        settings = DeviceSettings("plc", 1, self.profile, (), {"normal": 10**9})
        reads = side_reads(self.profile, 1, (), self.fence)
        asker = Asker("plc", may_unpad=self.fence != "fixed")
        self.ring = Ring(settings, "line", reads, asker, self.disk, self.now)
        unit = UpUnit()
        self.asides = Asides((), [(unit, self.ring)], (), self.wire, self.now, _nobody)
        self._turns = 0

    async def run_until(self, end_ns: int) -> None:
        """Let the line do nothing but its ring until a time."""
        while self.now.ns < end_ns:
            until_ns, is_due = self.asides.next_ns(self.now.ns, end_ns)
            if is_due:
                await self.asides.run()
                self._turns += 1
                if self._turns % self.commit_every == 0:
                    self.disk.commit()
            else:
                self.now.ns = max(until_ns, self.now.ns + 1)
                self.plc.advance(self.now.ns)
        self.plc.advance(self.now.ns)


async def _nobody(unit: object, axis: object) -> None:
    """No digests here."""


@dataclass(frozen=True, slots=True)
class RingScore:
    """What came of a campaign."""

    written: int
    delivered: int
    lost: int
    doubled: int
    out_of_order: int
    share: float
    crashes: int

    @property
    def uncounted(self) -> int:
        """Events that are neither delivered nor counted lost."""
        return self.written - self.delivered - self.lost


def campaign(
    events: int,
    *,
    count: int,
    burst: int,
    pause_s: float,
    crash_every_s: float = 0.0,
    **how: object,
) -> RingScore:
    """Write so many events in bursts of 1,000/s and return what came of them."""

    async def run() -> RingScore:
        world = World(count, **how)  # type: ignore[arg-type]
        world.wire.torn_share = 0.5
        world.wire.lost_share = 0.002
        await world.run_until(world.now.ns + 5 * 10**9)
        begin_ns, at_ns = world.now.ns, world.now.ns
        for _ in range(events // burst):
            world.plc.bursts.append((at_ns, at_ns + burst * 10**6))
            at_ns += burst * 10**6 + int(pause_s * 1e9)
        crashes = 0
        while world.now.ns < at_ns:
            step_s = crash_every_s * (0.5 + world.luck.random()) if crash_every_s else 3600.0
            await world.run_until(min(at_ns, world.now.ns + int(step_s * 1e9)))
            if crash_every_s:
                world.restart()
                crashes += 1
        world.wire.lost_share = world.wire.torn_share = 0.0
        busy_ns, took_ns = world.wire.busy_ns, world.now.ns - begin_ns
        await world.run_until(world.now.ns + 60 * 10**9)
        world.disk.commit()
        seqs = world.disk.seqs()
        back = sum(b <= a for a, b in itertools.pairwise(seqs))
        return RingScore(
            world.plc.written,
            len(set(seqs)),
            world.disk.lost(),
            len(seqs) - len(set(seqs)),
            back,
            round(busy_ns / took_ns, 4),
            crashes,
        )

    return asyncio.run(run())
